package stream

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/wire"
)

const (
	maxBatch = 256
	// maxOpen bounds the transactions of a partition that are decided and whose
	// verdicts are not acknowledged.
	maxOpen = 1 << 17
)

// engine is the goroutine that owns the core. It takes what waits, without a
// timer: records in the merge's order, requests, and between two batches
// whatever else touches the core.
type engine struct {
	core   *scoring.Core
	out    *outputs
	counts *counts
	log    *slog.Logger
	now    func() int64

	// With a journal.
	schema  *event.Schema
	cuts    *cuts
	pre     *prefetch
	broken  func(error) // told that the journal is damaged
	trouble func(error) // told that it can't be read, and with nil that it can again
	memory  int64       // bytes of histories beyond which cold ones leave memory; 0: none do

	wake     chan struct{}
	requests chan *call

	mu       sync.Mutex
	arrived  []arrival
	controls []func()
	placed   []placed

	// Of the goroutine alone.
	merge    merge
	lanes    []*lane
	marks    marks
	readback bool   // records below every lane's decideFrom are being remembered
	ready    func() // told when that is over
	batch    []scoring.Input
	origins  []origin
	finished []*chunk
	waiting  map[event.Key][]token // repeats of what is not acknowledged yet
	fetched  []*held               // requests all of whose needs were brought
	absent   *held                 // what the next record has to wait for once more; nil: nothing
	head     *event.Transaction    // the last one that had to
	posting  map[event.Key]int     // with a journal: requests whose transactions are not acknowledged
	work     struct {
		arrived  []arrival
		controls []func()
		placed   []placed
	}
}

// arrival is decoded records, or news of what exists, on the way to the merge.
type arrival struct {
	lane *lane
	c    *chunk
	next int64
	end  int64 // -1: not news
}

// placed is verdicts acknowledged.
type placed struct {
	partition int32
	base      int64
	tokens    []token
}

// origin says where an input of the batch came from.
type origin struct {
	lane *lane
	call *call
	seq  uint64
}

// token comes back when a verdict is acknowledged.
type token struct {
	id      event.Key
	arrival int64
	lane    *lane
	seq     uint64
	call    *call

	log   *stretch // with a journal: where the decision is logged
	entry int
}

func newEngine(core *scoring.Core, patience time.Duration, queue int, log *slog.Logger) *engine {
	return &engine{
		core: core, log: log, counts: newCounts(core.Set()), now: func() int64 { return time.Now().UnixNano() },
		wake: make(chan struct{}, 1), requests: make(chan *call, queue),
		merge: merge{patience: int64(patience)}, waiting: map[event.Key][]token{}, posting: map[event.Key]int{},
	}
}

// arrivedBy gives a time (ns) by which a record was there, although its timestamp
// may lie ahead, of a clock that is wrong, or say nothing.
func (e *engine) arrivedBy(rec wire.Record) int64 {
	now := e.now() / int64(time.Millisecond) * int64(time.Millisecond)
	if at := arrivalOf(&rec); at != event.NoTime {
		return min(at, now)
	}
	return now
}

func (e *engine) notify() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// announce tells which records exist, before they are decoded.
func (e *engine) announce(fetched []wire.Fetched, wanted map[place]*lane) {
	e.mu.Lock()
	for i := range fetched {
		p := &fetched[i]
		if l := wanted[place{p.Topic, p.Partition}]; l != nil && p.Error == 0 {
			l.end.Store(p.End)
			e.arrived = append(e.arrived, arrival{lane: l, end: p.End})
		}
	}
	e.mu.Unlock()
}

// deliver hands over decoded records; everything of the lane below next is
// done once they are.
func (e *engine) deliver(c *chunk, next int64) {
	e.mu.Lock()
	e.arrived = append(e.arrived, arrival{lane: c.lane, c: c, next: next, end: -1})
	e.mu.Unlock()
	e.notify()
}

// do runs f between two batches, and waits until it has run, or ctx is done: then f
// has not run yet, or is about to, and runs all the same.
func (e *engine) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	e.later(func() { f(); close(done) })
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// later runs f between two batches.
func (e *engine) later(f func()) {
	e.mu.Lock()
	e.controls = append(e.controls, f)
	e.mu.Unlock()
	e.notify()
}

// acknowledged is called by the producer's goroutines.
func (e *engine) acknowledged(partition int32, base int64, tokens []token) {
	copied := append([]token(nil), tokens...)
	e.mu.Lock()
	e.placed = append(e.placed, placed{partition, base, copied})
	e.mu.Unlock()
	e.notify()
}

// run decides until ctx is done.
func (e *engine) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		e.intake()
		wait := e.gather()
		if len(e.batch) > 0 {
			e.decide(ctx)
			continue
		}
		if wait == 0 {
			wait = time.Hour
		}
		if wait < 0 {
			continue // labels were applied, more may be there
		}
		timer.Reset(wait)
		requests := e.requests
		if e.full() {
			requests = nil
		}
		select {
		case <-e.wake:
		case c := <-requests:
			if e.request(c) {
				e.decide(ctx)
			}
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

// full says that no more must be decided for now.
func (e *engine) full() bool { return e.out.full() || e.cuts.full() }

// intake takes over what other goroutines left.
func (e *engine) intake() {
	w := &e.work
	e.mu.Lock()
	w.arrived, e.arrived = e.arrived, w.arrived[:0]
	w.controls, e.controls = e.controls, w.controls[:0]
	w.placed, e.placed = e.placed, w.placed[:0]
	e.mu.Unlock()
	now := e.now()
	for i := range w.arrived {
		e.arrive(&w.arrived[i], now)
	}
	for i := range w.placed {
		e.place(&w.placed[i])
	}
	if len(e.waiting) > 0 {
		e.release()
	}
	for _, f := range w.controls {
		f()
	}
	if e.pre != nil && e.pre.settle() {
		e.notify()
	}
	clear(w.arrived)
	clear(w.placed)
	clear(w.controls)
}

// put hands decoded records to the merge.
func (e *engine) put(a *arrival, now int64) {
	if a.c.lost != 0 {
		e.leapt(a.lane, a.c.lost)
	}
	if len(a.c.keys) > 0 {
		e.merge.put(&a.lane.queue, block{keys: a.c.keys, next: a.next, ref: a.c}, now)
		return
	}
	e.recycle(a.c)
	e.merge.put(&a.lane.queue, block{next: a.next}, now)
	if a.lane.queue.empty() {
		e.passed(a.lane, a.next)
	}
}

// leapt notes that a lane goes on behind records that are lost, all of which
// arrived before a time (ns).
func (e *engine) leapt(l *lane, arrival int64) {
	e.marks.lose(arrival)
	l.leaps.Store(false)
}

// passed notes that a lane's records below next are all handed out.
func (e *engine) passed(l *lane, next int64) {
	l.position.Store(next)
	if !l.label && next > l.decideFrom {
		l.tracker.done(l.tracker.add(next - 1))
	}
	e.report(l)
}

// report publishes below which offset everything is done: with a journal the
// cuts do.
func (e *engine) report(l *lane) {
	if e.cuts != nil {
		return
	}
	if l.label {
		l.done.Store(l.position.Load())
		return
	}
	l.done.Store(l.tracker.floor)
}

// decide decides the batch and hands the results out, in order. Where something
// is lacking to one after all, it waits for the disk.
func (e *engine) decide(ctx context.Context) {
	now := e.now()
	pinned := e.core.Store().Pinned()
	for rest, origins := e.batch, e.origins; len(rest) > 0; {
		decisions := e.core.Decide(rest, now)
		for i := range decisions {
			e.settle(&decisions[i], &origins[i], now)
		}
		rest, origins = rest[len(decisions):], origins[len(decisions):]
		if len(rest) == 0 {
			break
		}
		if len(decisions) > 0 {
			e.core.Store().Unpin(pinned)
		}
		if err := e.pre.bringChunks(ctx, rest[0].Tx, e.trouble); err != nil {
			e.end(err)
			break
		}
	}
	e.core.Store().Unpin(pinned)
	e.unpin()
	e.out.flush()
	for _, c := range e.finished {
		e.recycle(c)
	}
	clear(e.batch)
	clear(e.origins)
	e.batch, e.origins, e.finished = e.batch[:0], e.origins[:0], e.finished[:0]
}

// end gives up: the journal does not give what is needed to decide the batch.
// What was taken in and not decided must not lie before a cut.
func (e *engine) end(err error) {
	e.cuts.ended = true
	e.broken(err)
}

// unwhole notes that the histories lack what lies before an event time (ns).
func (e *engine) unwhole(whole int64) {
	if whole <= e.marks.whole {
		return
	}
	e.marks.whole = whole
	e.core.SetWhole(whole)
	e.remark()
	e.log.Warn("the topics did not hold all that windows reach back to: verdicts bear the flag warming until they do again",
		"whole_from", time.Unix(0, whole).UTC(), "warming_until", time.Unix(0, e.marks.warming).UTC())
}

// remark brings the marks up to date, before anything is taken into a batch.
func (e *engine) remark() {
	e.marks.refresh(e.lanes, e.core.Set().Program.Plan())
}

// attach brings the lanes of a plan in; they are read back first.
func (e *engine) attach(p *plan, ready func()) {
	now := e.now()
	e.marks.lose(p.lost)
	e.unwhole(p.whole)
	e.ready = ready
	for _, l := range p.lanes {
		l.attached = true
		e.lanes = append(e.lanes, l)
		e.merge.add(&l.queue, l.position.Load(), l.end.Load(), now)
	}
	e.readback, e.merge.loose = true, true
}

// detach drops all lanes and what they hold undecided.
func (e *engine) detach() {
	for _, l := range e.lanes {
		l.attached = false
	}
	if e.cuts != nil {
		e.cuts.close(e.core, e.lanes)
	}
	e.lanes, e.absent = nil, nil
	e.unpin()
	e.merge = merge{patience: e.merge.patience}
	e.readback = false
}

// swap puts a rule set in force. Where it looks back further than the one before,
// the histories lack what that one dropped.
func (e *engine) swap(set *rules.Set) {
	if kept := e.core.Set().Program.Plan().Retention; set.Program.Plan().Retention > kept {
		e.core.Dropped(e.now() - int64(kept) + event.MaxAhead)
	}
	e.core.Swap(set)
	e.counts.use(set)
}
