package stream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/journal"
)

// forgetEvery is how often what has expired is taken out of the journal.
const forgetEvery = time.Minute

// stretches is into how many stretches of the log an interval between two cuts
// is divided: the last ones may still wait for acknowledgements when it ends.
const stretches = 4

// cuts is the engine's side of the journal. What is decided goes, in that
// order, into stretches of a log; a leading run of stretches all of whose
// verdicts are acknowledged becomes one cut, so that the journal always holds
// exactly what was known after the first n decisions. All but the writer is of
// the engine's goroutine.
type cuts struct {
	journal  *journal.Journal
	interval time.Duration
	max      int64 // bytes not yet written at which the engine pauses

	open    *stretch
	closed  []*stretch // oldest first
	spare   []*stretch
	closedB int64 // bytes of closed ones
	// unwritten is closedB and what is open, as of the last tick, for all.
	unwritten atomic.Int64
	number    uint32
	ended     bool // inputs were passed over undecided: no cut must lie behind them

	scratch []byte
	ticks   int
	writing bool
	jobs    chan cut
	told    *told  // dead letters; nil: none
	stalled func() // told while the engine pauses because of it
}

// stretch is a part of the log.
type stretch struct {
	*journal.Segment
	number  uint32          // what the histories bear that changed meanwhile
	left    int             // acknowledgements missing
	next    []lanePlace     // from where reading goes on behind it
	letters map[int32]int64 // of the dead letters topic: below, all are of what lies before
	since   int64           // event time from which on everything had been seen at its end
	rules   []byte          // how they stood at its end
	size    int64           // once closed
	done    []func(error)   // told when it is durable
}

// lanePlace is how far a lane was.
type lanePlace struct {
	lane *lane
	next int64
}

// cut is what the writer gets.
type cut struct {
	stretches []*stretch
	progress  journal.Progress
	// What happened and what was decided before these times (ns) is of no use
	// any more, if they are above 0.
	events, ids int64
}

func newCuts(j *journal.Journal, interval time.Duration, bound int64) *cuts {
	c := &cuts{journal: j, interval: interval, max: bound, jobs: make(chan cut, 1)}
	c.begin()
	return c
}

// begin opens the next stretch.
func (c *cuts) begin() {
	if n := len(c.spare); n > 0 {
		c.open = c.spare[n-1]
		c.spare = c.spare[:n-1]
	} else {
		c.open = &stretch{Segment: c.journal.Segment()}
	}
	c.number++
	c.open.number = c.number
}

// full says that more is not written than may be.
func (c *cuts) full() bool { return c != nil && c.closedB+int64(c.open.Size()) > c.max }

// settled logs a decision and notes in its token where.
func (c *cuts) settled(d *scoring.Decision, t *token) {
	if !d.New && !d.Taken {
		return
	}
	if t.call != nil {
		c.open.left++ // the transaction has to stand in its topic, too
		t.call.log = c.open
	}
	if d.Status == scoring.Decided {
		t.log, t.entry = c.open, c.open.Decided(d.Tx, d.Outcome.Verdict, d.Outcome.Score, d.Taken)
		c.open.left++
		return
	}
	known := &d.Earlier // the core may have forgotten the id at the end of the batch
	n := c.open.Decided(d.Tx, known.Verdict, known.Score, d.Taken)
	c.open.Arrived(n, known.Arrival)
	if known.Offset >= 0 {
		c.open.Placed(n, known.Partition, known.Offset)
	}
}

// placed notes where the verdict of a logged decision stands.
func (t *token) placed(partition int32, offset int64) {
	if t.log == nil {
		return
	}
	if offset >= 0 {
		t.log.Placed(t.entry, partition, offset)
	}
	t.log.left--
}

// close ends the open stretch: all that the lanes have handed out lies before.
func (c *cuts) close(core *scoring.Core, lanes []*lane) {
	if c.ended {
		return
	}
	s := c.open
	s.next = s.next[:0]
	// One that has failed is opened again to be written.
	news := s.Size() > 0 || len(s.done) > 0 || c.journal.Failed()
	for _, l := range lanes {
		if at := l.position.Load(); at >= l.decideFrom && !l.leaps.Load() {
			s.next = append(s.next, lanePlace{l, at})
			news = news || at != l.logged
			l.logged = at
		}
	}
	if !news {
		return
	}
	if c.told != nil {
		s.letters = c.told.passed(s.next)
	}
	store := core.Store()
	s.size, s.since = int64(s.Size()), store.Since()
	s.rules = core.AppendStanding(s.rules[:0])
	c.closedB += s.size
	c.closed = append(c.closed, s)
	c.begin()
	store.SetCut(c.number)
}

// tick goes on with the log, a few times an interval.
func (c *cuts) tick(e *engine) {
	c.unwritten.Store(c.closedB + int64(c.open.Size()))
	if !c.writing || len(c.closed) < stretches { // more of them would help nobody while the disk is slow
		c.close(e.core, e.lanes)
	}
	if c.ticks++; c.ticks%stretches == 0 {
		c.hand(e)
	}
	if c.full() && c.stalled != nil {
		c.stalled()
	}
	e.slim()
}

// hand gives the writer what is acknowledged, if it is idle.
func (c *cuts) hand(e *engine) {
	if c.writing {
		return
	}
	n := 0
	for n < len(c.closed) && c.closed[n].left == 0 {
		n++
	}
	if n == 0 {
		return
	}
	job := cut{stretches: c.closed[:n:n]}
	job.progress = journal.Progress{Next: map[journal.Partition]int64{}, Since: job.stretches[n-1].since, Gap: e.marks.lost, Whole: e.marks.whole, Rules: job.stretches[n-1].rules}
	if job.progress.Since != 0 { // what was forgotten is not seen by longer windows of a later run
		job.progress.Since = max(job.progress.Since, c.journal.Oldest())
	}
	for _, s := range job.stretches {
		job.progress.Letters = s.letters
		for _, p := range s.next {
			job.progress.Next[journal.Partition{Topic: p.lane.topic, Number: p.lane.partition}] = p.next
		}
	}
	retention, passed := int64(e.core.Set().Program.Plan().Retention), e.core.Passed()
	job.events = passed - 2*retention
	// Labels find their transactions by the ids: they stay as long as the histories.
	job.ids = min(job.events, passed-int64(e.core.KeepIDs()))
	c.closed = append([]*stretch(nil), c.closed[n:]...)
	c.writing = true
	c.jobs <- job
}

// done takes note of a cut that is durable.
func (c *cuts) done(e *engine, job *cut) {
	c.writing = false
	for _, s := range job.stretches {
		c.closedB -= s.size
		for _, p := range s.next {
			p.lane.done.Store(max(p.lane.done.Load(), p.next))
		}
		for _, f := range s.done {
			f(nil)
		}
		e.pre.durable.Store(s.number)
		s.Reset()
		*s = stretch{Segment: s.Segment, next: s.next[:0], rules: s.rules[:0]}
		c.spare = append(c.spare, s)
	}
}

// force makes everything decided so far durable as soon as it is acknowledged;
// told hears when it is.
func (c *cuts) force(e *engine, told func(error)) {
	c.open.done = append(c.open.done, told)
	c.close(e.core, e.lanes)
	c.hand(e)
}

// beat ticks, also while the writer is held up by its disk: that is when the
// engine must notice that no more may wait.
func (c *cuts) beat(ctx context.Context, e *engine) {
	ticker := time.NewTicker(c.interval / stretches)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			e.later(func() { c.tick(e) })
		}
	}
}

// write is the writer: it makes the cuts durable, one after the other, and
// tries each until it is. It ends with ctx, or when the journal is damaged.
func (c *cuts) write(ctx context.Context, e *engine, trouble func(error)) error {
	forget := time.Now().Add(forgetEvery)
	for {
		select {
		case <-ctx.Done():
			return nil
		case job := <-c.jobs:
			if err := c.store(ctx, &job, trouble); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
			e.later(func() { c.done(e, &job) })
			if now := time.Now(); job.ids > 0 && now.After(forget) {
				forget = now.Add(forgetEvery)
				if err := c.journal.Forget(job.events, job.ids); err != nil {
					trouble(fmt.Errorf("what has expired can't be taken out of the journal: %w", err))
				}
			}
		}
	}
}

// store writes a cut until it stands.
func (c *cuts) store(ctx context.Context, job *cut, trouble func(error)) error {
	segments := make([]*journal.Segment, len(job.stretches))
	for i, s := range job.stretches {
		segments[i] = s.Segment
	}
	var back delay
	for {
		err := c.journal.Write(segments, job.progress)
		if err == nil {
			trouble(nil)
			return nil
		}
		if errors.Is(err, journal.ErrDamaged) {
			return fmt.Errorf("writing the journal: %w", err)
		}
		trouble(fmt.Errorf("the journal can't be written, trying on: %w", err))
		if err := back.wait(ctx); err != nil {
			return err
		}
	}
}

// label logs a label.
func (c *cuts) label(schema *event.Schema, l *event.Label) {
	id, ok := schema.AppendIDValue(c.scratch[:0], l.ID)
	if c.scratch = id; ok {
		c.open.Label(id, l.Time, l.Fraud)
	}
}

// recalled logs an id that an earlier run decided and the journal has not.
func (c *cuts) recalled(id []byte, v rules.Verdict, e *scoring.Earlier) {
	c.open.Recalled(id, v, e.Score, e.Arrival, e.Partition, e.Offset)
}
