package alerts

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// Retry bounds of a channel that fails.
	firstRetry = 500 * time.Millisecond
	lastRetry  = time.Minute
	// pause is how long what is new gathers while news keeps coming.
	pause = 100 * time.Millisecond
)

// Dispatcher tells channels what the book holds.
type Dispatcher struct {
	book   *Book
	update time.Duration
	log    *slog.Logger
	boxes  []*outbox
}

// NewDispatcher makes a dispatcher that tells channels of an incident at once,
// of its growth at most every update, and of its end.
func NewDispatcher(book *Book, update time.Duration, log *slog.Logger, channels ...Channel) *Dispatcher {
	d := &Dispatcher{book: book, update: update, log: log}
	for _, c := range channels {
		d.boxes = append(d.boxes, &outbox{channel: c, log: log, latest: map[string]Alert{}, wake: make(chan struct{}, 1), closing: make(chan struct{})})
	}
	return d
}

// Run works until ctx ends, and then tells once more what is new, for at most
// the given time.
func (d *Dispatcher) Run(ctx context.Context, drain time.Duration) {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	var boxes sync.WaitGroup
	for _, b := range d.boxes {
		boxes.Go(func() { b.run(sending) })
	}
	d.collect(ctx)
	d.hand(d.book.collect(time.Now(), 0))
	for _, b := range d.boxes {
		b.close()
	}
	time.AfterFunc(drain, stop)
	boxes.Wait()
	stop()
}

// collect hands news to the channels until ctx ends.
func (d *Dispatcher) collect(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.book.news:
		case <-tick.C:
		}
		d.hand(d.book.collect(time.Now(), d.update))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (d *Dispatcher) hand(news []Alert) {
	for _, b := range d.boxes {
		b.put(news)
	}
}

// Notify tells all channels of something that no rule says: the state of an
// alert that its caller keeps.
func (d *Dispatcher) Notify(a Alert) { d.hand([]Alert{a}) }

// Waiting is the number of alerts that a channel has not delivered yet.
func (d *Dispatcher) Waiting() map[string]int {
	out := map[string]int{}
	for _, b := range d.boxes {
		b.mu.Lock()
		out[b.channel.Name()] = len(b.latest)
		b.mu.Unlock()
	}
	return out
}

// outbox holds for one channel the latest state of each alert that it has not
// been told of: a channel that is down gets what matters then, not a backlog.
// The book bounds how many there are.
type outbox struct {
	channel Channel
	log     *slog.Logger
	wake    chan struct{}
	closing chan struct{} // closed where only what waits is still to be delivered

	mu     sync.Mutex
	order  []string // ids, oldest first
	latest map[string]Alert
}

func (b *outbox) put(news []Alert) {
	if len(news) == 0 {
		return
	}
	b.mu.Lock()
	for _, a := range news {
		if _, waits := b.latest[a.ID]; !waits {
			b.order = append(b.order, a.ID)
		}
		b.latest[a.ID] = a
	}
	b.mu.Unlock()
	b.signal()
}

func (b *outbox) close() {
	close(b.closing)
}

func (b *outbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take removes the alert that waits longest.
func (b *outbox) take() (a Alert, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.order) == 0 {
		return Alert{}, false
	}
	id := b.order[0]
	b.order = b.order[1:]
	a = b.latest[id]
	delete(b.latest, id)
	return a, true
}

// back returns an alert that could not be delivered, unless a newer state
// waits. It goes behind the others: they may be ones that the channel takes.
func (b *outbox) back(a Alert) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, newer := b.latest[a.ID]; newer {
		return
	}
	b.latest[a.ID] = a
	b.order = append(b.order, a.ID)
}

// run delivers until it is closed and empty, or ctx ends.
func (b *outbox) run(ctx context.Context) {
	retry, closing := firstRetry, b.closing
	for ctx.Err() == nil {
		a, ok := b.take()
		if !ok && closing == nil {
			return
		}
		if !ok {
			select {
			case <-b.wake:
			case <-closing:
				closing = nil // and look once more
			}
			continue
		}
		err := b.channel.Send(ctx, a)
		if err == nil {
			retry = firstRetry
			continue
		}
		b.log.Warn("an alert was not delivered and will be tried again", "channel", b.channel.Name(), "alert", a.ID, "retry_in", retry, "error", err)
		b.back(a)
		select {
		case <-time.After(retry):
			retry = min(2*retry, lastRetry)
		case <-closing: // little time is left: do not sleep it away
			retry, closing = firstRetry, nil
		case <-ctx.Done():
		}
	}
}
