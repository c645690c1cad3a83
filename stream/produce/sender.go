package produce

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"sluice/stream/wire"
)

const (
	firstBackoff = 20 * time.Millisecond
	lastBackoff  = time.Second
	drainPoll    = 2 * time.Millisecond
	maxRequest   = 16 << 20 // bytes of a request

	// slowAfter is how long the broker may take before that is told.
	slowAfter = 3 * time.Second
	// carefulFor is for how many requests less is sent at a time, after one was not
	// answered; carefulShare how much less a new batch may hold meanwhile, and
	// carefulTimes how much more time a request gets. What is larger than what gets
	// through in its time, or before a connection breaks, would be sent again and
	// again.
	carefulFor   = 32
	carefulShare = 8
	carefulTimes = 3
)

// errSlow says that a request is waited for.
var errSlow = fmt.Errorf("the broker has not answered for %v", slowAfter)

// errRegroup says that leaders have moved.
var errRegroup = errors.New("leaders have moved")

// errSession says that the broker does not know the producer id, or the
// sequence, any more.
var errSession = errors.New("the broker has lost the producer's state")

// Run sends until ctx is done, or until another run takes over (ErrFenced).
func (p *Producer[T]) Run(ctx context.Context) error {
	var back backoff
	for ctx.Err() == nil {
		err := p.round(ctx, &back)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrFenced):
			p.fail(err)
			return fmt.Errorf("topic %s: %w", p.o.Topic, err)
		case errors.Is(err, errSession):
			p.o.Log.Warn("renewing the producer id", "topic", p.o.Topic, "reason", err)
			p.session = wire.Producer{}
		}
		p.fail(err)
		_ = back.wait(ctx)
	}
	return nil
}

// round sends for as long as the leaders and the producer id are good.
func (p *Producer[T]) round(ctx context.Context, back *backoff) error {
	if !p.session.Valid {
		s, err := p.o.Session(ctx)
		if err != nil {
			return err
		}
		p.session = s
		p.fail(nil)
		for _, part := range p.parts {
			part.sequence = 0
			if part.sending != nil {
				part.sending.sealed = false
			}
		}
	}
	leaders, err := p.o.Leaders(ctx, p.o.Topic)
	if err != nil {
		return err
	}
	groups := map[int32][]*part[T]{}
	for _, part := range p.parts {
		leader, ok := leaders[part.id]
		if !ok || leader < 0 {
			return fmt.Errorf("partition %d of topic %s has no leader", part.id, p.o.Topic)
		}
		groups[leader] = append(groups[leader], part)
	}
	back.reset()
	if p.queued.Load() == 0 {
		p.fail(nil) // with nothing to send no success would tell that it is over
	}
	return p.serve(ctx, groups)
}

// serve runs one sender a leader until one of them has to stop.
func (p *Producer[T]) serve(ctx context.Context, groups map[int32][]*part[T]) error {
	stop := make(chan struct{})
	wakes := make([]chan struct{}, 0, len(groups))
	errs := make(chan error, len(groups))
	var all sync.WaitGroup
	for _, parts := range groups {
		wake := make(chan struct{}, 1)
		wake <- struct{}{}
		wakes = append(wakes, wake)
		all.Go(func() { errs <- p.send(ctx, parts, wake, stop) })
	}
	var err error
	for err == nil {
		select {
		case <-p.wake:
			for _, w := range wakes {
				signal(w)
			}
		case err = <-errs:
		}
	}
	close(stop)
	all.Wait()
	return err
}

// send is the loop of one leader.
func (p *Producer[T]) send(ctx context.Context, parts []*part[T], wake, stop chan struct{}) error {
	var frame []byte
	var back backoff
	for turn := 0; ; turn++ {
		select {
		case <-stop:
			return errRegroup
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		req := p.gather(parts, turn)
		if req == nil {
			select {
			case <-wake:
			case <-stop:
			case <-ctx.Done():
			}
			continue
		}
		var err error
		if frame, err = p.exchange(ctx, req, frame); err == nil {
			back.reset()
			p.fail(nil)
			continue
		}
		if errors.Is(err, errRegroup) || errors.Is(err, errSession) || errors.Is(err, ErrFenced) {
			return err
		}
		p.fail(err)
		if back.wait(ctx) == nil && back.long() {
			return err // the leaders may have moved
		}
	}
}

// gather seals what is to be sent, of another partition first each turn.
func (p *Producer[T]) gather(parts []*part[T], turn int) *wire.Produce {
	var req *wire.Produce
	size, careful := 0, p.careful.Load() > 0
	for i := range parts {
		if careful && req != nil {
			break
		}
		part := parts[(i+turn)%len(parts)]
		b := part.take()
		if b == nil || size > 0 && size+b.Size() > maxRequest {
			continue
		}
		if !b.sealed {
			b.sequence, b.sealed = part.sequence, true
		}
		if req == nil {
			req = &wire.Produce{Client: p.o.Client, Topic: p.o.Topic, Timeout: p.o.Timeout}
		}
		size += b.Size()
		req.Partitions = append(req.Partitions, wire.ProducePartition{Partition: part.id, Batch: b.Seal(p.session, b.sequence)})
	}
	return req
}

// exchange sends one request and settles what the broker says to it. The
// frame's memory is used again, unless an exchange given up may still read it.
func (p *Producer[T]) exchange(ctx context.Context, req *wire.Produce, frame []byte) ([]byte, error) {
	frame = req.Encode(frame)
	// The broker gets its time, and some for the way.
	patience := p.o.Timeout + p.o.Timeout/2
	if p.careful.Load() > 0 {
		patience *= carefulTimes
	}
	rctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answered := p.watch()
	m, err := p.o.Transport.RoundTrip(rctx, p.o.Addr, req)
	answered()
	if err != nil {
		p.careful.Store(carefulFor)
		if errors.Is(err, wire.ErrLeaders) {
			err = errRegroup
		}
		return nil, fmt.Errorf("producing to %s: %w", p.o.Topic, p.o.Explain(ctx, err))
	}
	res, ok := m.(*wire.ProduceResponse)
	if !ok {
		return nil, fmt.Errorf("producing to %s: a response of type %T", p.o.Topic, m)
	}
	p.careful.Store(max(0, p.careful.Load()-1))
	seen := 0
	for _, r := range res.Partitions {
		if int(r.Partition) >= len(p.parts) || r.Partition < 0 {
			continue
		}
		part := p.parts[r.Partition]
		if part.sending == nil {
			continue
		}
		seen++
		err = worse(err, p.settle(part, r))
	}
	if err == nil && seen < len(req.Partitions) {
		err = fmt.Errorf("producing to %s: the broker answered for %d of %d partitions", p.o.Topic, seen, len(req.Partitions))
	}
	return frame, err
}

// watch tells if a request takes long, until answered is called.
func (p *Producer[T]) watch() (answered func()) {
	var mu sync.Mutex
	over := false
	timer := time.AfterFunc(slowAfter, func() {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			p.fail(fmt.Errorf("producing to %s: %w", p.o.Topic, errSlow))
		}
	})
	return func() {
		timer.Stop()
		mu.Lock()
		defer mu.Unlock()
		over = true
	}
}

// settle acts on what the broker says to one batch.
func (p *Producer[T]) settle(part *part[T], r wire.Produced) error {
	code := kafka.Error(r.Error)
	switch {
	case r.Error == 0 || code == kafka.DuplicateSequenceNumber:
		p.done(part, r.Offset)
		return nil
	case code == kafka.InvalidProducerEpoch || r.Error == producerFenced:
		return ErrFenced
	case code == kafka.OutOfOrderSequenceNumber || code == kafka.UnknownProducerId || code == kafka.InvalidProducerIDMapping:
		return fmt.Errorf("%w: %s/%d: %w", errSession, p.o.Topic, part.id, code)
	case code == kafka.NotLeaderForPartition || code == kafka.LeaderNotAvailable || code == kafka.UnknownTopicOrPartition:
		return fmt.Errorf("%w: %s/%d: %w", errRegroup, p.o.Topic, part.id, code)
	case code == kafka.MessageSizeTooLarge && part.sending.Len() > 1:
		p.split(part)
		return nil
	case refused(code):
		p.refuse(part, &RefusedError{Topic: p.o.Topic, Partition: part.id, Code: code, Message: r.Message})
		return nil
	}
	return fmt.Errorf("producing to %s/%d: %w", p.o.Topic, part.id, code)
}

// producerFenced is a code that kafka-go does not name.
const producerFenced = 90

// refused lists the codes that no retry helps against.
func refused(code kafka.Error) bool {
	return slices.Contains([]kafka.Error{
		kafka.MessageSizeTooLarge, kafka.InvalidTimestamp, kafka.InvalidTopic,
		kafka.RecordListTooLarge, kafka.InvalidRecord, kafka.UnsupportedForMessageFormat,
	}, code)
}

// refuse gives the batch in flight up. Nothing of it was appended, so its
// sequence is free.
func (p *Producer[T]) refuse(part *part[T], err error) {
	b := part.sending
	part.sending = nil
	for _, token := range b.tokens {
		p.lost(token, err)
	}
	p.release(b)
}

// split cuts the batch in flight, which is too large for the topic, into
// single records, in front of what is waiting.
func (p *Producer[T]) split(part *part[T]) {
	b := part.sending
	part.sending = nil
	var records wire.Records
	records.Reset(b.Seal(wire.Producer{}, 0), 0, nil)
	var singles []*batch[T]
	var rec wire.Record
	for i := 0; records.Next(&rec); i++ {
		s := &batch[T]{tokens: []T{b.tokens[i]}}
		s.Append(rec.Time, rec.Key, rec.Value)
		p.queued.Add(int64(s.Size() - wire.EmptySize))
		singles = append(singles, s)
	}
	p.release(b)
	part.mu.Lock()
	part.waiting = append(singles, part.waiting...)
	part.mu.Unlock()
}

// fail notes why nothing gets through; nil: it does.
func (p *Producer[T]) fail(err error) {
	if err == nil {
		if p.trouble.Load() != nil {
			p.trouble.Store(nil)
			p.o.Log.Info("producing again", "topic", p.o.Topic)
		}
		return
	}
	if old := p.trouble.Load(); old == nil || (*old).Error() != err.Error() {
		p.o.Log.Warn("can't produce, trying on", "topic", p.o.Topic, "error", err)
	}
	p.trouble.Store(&err)
}

// worse picks the error that asks for more: to stop, to renew the producer id,
// to look for the leaders, to try again.
func worse(a, b error) error {
	for _, kind := range []error{ErrFenced, errSession, errRegroup} {
		if errors.Is(a, kind) {
			return a
		}
		if errors.Is(b, kind) {
			return b
		}
	}
	if a != nil {
		return a
	}
	return b
}

// backoff waits longer with every failure.
type backoff struct{ next time.Duration }

func (b *backoff) reset()     { b.next = 0 }
func (b *backoff) long() bool { return b.next >= lastBackoff/4 }

func (b *backoff) wait(ctx context.Context) error {
	b.next = min(max(2*b.next, firstBackoff), lastBackoff)
	return sleep(ctx, b.next/2+rand.N(b.next/2))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
