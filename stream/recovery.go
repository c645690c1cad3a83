package stream

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"sluice/scoring/event"
	"sluice/stream/journal"
)

// The phases of a processor.
const (
	phaseConnecting = "connecting"
	phaseJoining    = "joining the group"
	phaseVerdicts   = "reading verdicts back"
	phaseReadback   = "reading back"
	phaseDeciding   = "deciding"
	phaseStopping   = "stopping"
)

// span is a stretch of a partition that this process has remembered without a hole.
type span struct{ from, to int64 }

// plan says where each assigned partition is read from, and where deciding
// goes on: what lies before, as far as the retention, is only remembered.
type plan struct {
	lanes    []*lane
	verdicts int64 // arrival (ns) from which on decided ids matter; MaxInt64: none do
	// whole is the event time (ns) from which on the histories will hold
	// everything, as far as these partitions go; 0: they do.
	whole int64
	lost  int64 // arrival (ns) of the newest of those that are gone without a successor; 0: none are
}

// planOf makes the plan for an assignment. Histories of one partition are seen
// by transactions of all others, so all are read back from before the same
// time: the one of the partition that is furthest behind.
func (p *Processor) planOf(ctx context.Context, assigned map[string][]kafka.PartitionAssignment) (*plan, error) {
	transactions, err := p.standing(ctx, p.o.Topics.Transactions, assigned)
	if err != nil {
		return nil, err
	}
	labels, err := p.standing(ctx, p.o.Topics.Labels, assigned)
	if err != nil {
		return nil, err
	}
	oldest, news := int64(math.MaxInt64), false
	for _, s := range transactions {
		if s.seen {
			oldest = min(oldest, s.time)
		}
		if held := p.held[s.partition]; s.seen && !s.journaled && (held.to == 0 || held.to < s.at) {
			news = true
		}
	}
	out := &plan{verdicts: math.MaxInt64}
	if oldest == math.MaxInt64 { // nothing there yet
		oldest = 0
	} else if news {
		out.verdicts = oldest - int64(p.keepIDs())
	}
	// An event lies at most MaxAhead before its arrival is what its history sees.
	cutoff := oldest - int64(p.retention()) - event.MaxAhead
	for _, s := range slices.Concat(transactions, labels) {
		l, err := p.laneOf(ctx, s, cutoff, s.topic == p.o.Topics.Labels)
		if err != nil {
			return nil, err
		}
		out.lanes = append(out.lanes, l)
		if s.jump && s.first == s.last {
			out.lost = p.engine.now() // nothing behind the gap says when it ended
			l.jump = false
			l.leaps.Store(false)
		}
		whole, err := p.wholeFrom(ctx, s, l, cutoff)
		if err != nil {
			return nil, err
		}
		out.whole = max(out.whole, whole)
	}
	return out, nil
}

// wholeFrom gives the event time (ns) from which on a partition that is read back
// holds everything; 0: it does as far as it matters. What was deleted arrived
// before the first record that is left.
func (p *Processor) wholeFrom(ctx context.Context, s standing, l *lane, cutoff int64) (int64, error) {
	known := p.held[s.partition].to
	if l.label {
		known = p.labels[s.partition]
	}
	lacking := s.first > known && l.from == s.first
	if s.journaled || !lacking || s.gap != nil || s.jump { // a gap has a flag of its own
		return 0, nil
	}
	rec, ok, err := p.cluster.firstAt(ctx, s.topic, s.partition, s.first, s.last)
	if err != nil {
		return 0, err
	}
	at := p.engine.arrivedBy(rec)
	if !ok {
		at = p.engine.now()
	}
	if at <= cutoff {
		return 0, nil
	}
	return at + event.MaxAhead, nil
}

// standing is where an assigned partition stands.
type standing struct {
	topic       string
	partition   int32
	first, last int64
	at          int64 // the committed offset, or the first one
	fresh       bool  // nothing was ever committed
	seen        bool  // there is a record at the place, or before it
	time        int64 // its timestamp, ns, unless that is still to come: now; 0: it has none
	gap         error
	jump        bool // over a gap that was accepted
	journaled   bool // the journal says so, and holds what lies before
}

// standing finds out where the assigned partitions of a topic stand.
func (p *Processor) standing(ctx context.Context, topic string, assigned map[string][]kafka.PartitionAssignment) ([]standing, error) {
	if topic == "" || len(assigned[topic]) == 0 {
		return nil, nil
	}
	slices.SortFunc(assigned[topic], func(a, b kafka.PartitionAssignment) int { return a.ID - b.ID })
	var ids []int32
	for _, a := range assigned[topic] {
		ids = append(ids, int32(a.ID))
	}
	bounds, err := p.cluster.allBounds(ctx, topic, ids)
	if err != nil {
		return nil, err
	}
	var out []standing
	for _, a := range assigned[topic] {
		b := bounds[int32(a.ID)]
		s := standing{topic: topic, partition: int32(a.ID), first: b.FirstOffset, last: b.LastOffset, at: a.Offset}
		if next, ok := p.journaled(topic, s.partition); ok {
			s.at, s.journaled = next, true
		}
		switch {
		case s.at < 0:
			s.at, s.fresh = s.first, true
		case s.at < s.first || s.at > s.last:
			gap := &GapError{Topic: topic, Partition: s.partition, From: s.at, First: s.first, Last: s.last}
			if !p.o.AcceptGap {
				s.gap = gap
			} else {
				p.o.Log.Warn("going on behind a gap", "gap", gap)
				s.at, s.jump = s.first, true
			}
		}
		rec, ok, err := p.cluster.firstAt(ctx, topic, s.partition, max(s.first, s.at-1), s.last)
		if err != nil {
			return nil, err
		}
		if s.seen = ok; rec.Time > 0 { // else it may have been at any time
			s.time = p.engine.arrivedBy(rec)
		}
		out = append(out, s)
	}
	return out, nil
}

// laneOf makes the lane of a partition.
func (p *Processor) laneOf(ctx context.Context, s standing, cutoff int64, label bool) (*lane, error) {
	from := s.at
	if !s.fresh && !s.journaled && s.at > s.first {
		at, err := p.cluster.since(ctx, s.topic, s.partition, cutoff/int64(time.Millisecond), s.first, s.last)
		if err != nil {
			return nil, err
		}
		if at >= 0 {
			from = max(s.first, min(from, at))
		}
	}
	if held, ok := p.held[s.partition]; ok && !label && !s.journaled && held.from <= from {
		from = max(from, min(held.to, s.at)) // this much is in memory
	}
	l := newLane(s.topic, s.partition, label, from, s.at)
	l.end.Store(s.last)
	l.jump, l.logged = s.jump, from
	l.leaps.Store(s.jump)
	if s.gap != nil {
		l.stop(s.gap)
		l.fetchAt = -1
		p.o.Log.Error("a partition stops", "error", s.gap)
	}
	return l, nil
}

// journaled gives from where the journal says that a partition goes on.
func (p *Processor) journaled(topic string, partition int32) (next int64, ok bool) {
	if p.journal == nil {
		return 0, false
	}
	next, ok = p.journal.Progress().Next[journal.Partition{Topic: topic, Number: partition}]
	return next, ok
}

func (p *Processor) retention() time.Duration {
	return p.retained.Load().(time.Duration)
}

// keepIDs is how long before the oldest undecided transaction verdicts are
// read back: as far as ids are kept, or, where rules look at verdicts, as far
// as the histories reach.
func (p *Processor) keepIDs() time.Duration {
	keep := p.o.Core.KeepIDs
	if keep == 0 {
		keep = 24 * time.Hour
	}
	if p.readsVerdicts.Load() {
		keep = max(keep, p.retention())
	}
	return keep
}

// restore reads the verdicts topic back, through to its end, so that nothing
// that stands there is decided again.
func (p *Processor) restore(ctx context.Context, since int64) error {
	if since == math.MaxInt64 {
		return nil
	}
	topic := p.o.Topics.Verdicts
	n := p.out.Load().verdicts.Partitions()
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(i)
	}
	bounds, err := p.cluster.allBounds(ctx, topic, ids)
	if err != nil {
		return err
	}
	from := map[int32]int64{}
	p.restored.Store(0)
	p.toRestore.Store(0)
	for _, id := range ids {
		at, err := p.cluster.since(ctx, topic, id, since/int64(time.Millisecond), bounds[id].FirstOffset, bounds[id].LastOffset)
		if err != nil {
			return err
		}
		if at < 0 {
			at = bounds[id].LastOffset
		}
		from[id] = max(at, p.verdictsRead[id])
		p.toRestore.Add(bounds[id].LastOffset - from[id])
	}
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		errs error
	)
	for _, id := range ids {
		all.Go(func() {
			if _, err := p.restorePartition(ctx, id, from[id], bounds[id].LastOffset, since); err != nil {
				mu.Lock()
				errs = err
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if errs == nil {
		for _, id := range ids {
			p.verdictsRead[id] = bounds[id].LastOffset
		}
	}
	return errs
}
