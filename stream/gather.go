package stream

import (
	"time"

	"sluice/scoring"
)

// gather fills the batch from requests and from the merge. It gives how long to
// wait at most where nothing is there; below 0: look again at once.
func (e *engine) gather() (wait time.Duration) {
	e.batch, e.origins, e.finished = e.batch[:0], e.origins[:0], e.finished[:0]
	if e.full() {
		return 0
	}
	e.remark()
	for len(e.batch) < maxBatch/4 && len(e.fetched) > 0 {
		h := e.fetched[0]
		e.fetched = e.fetched[1:]
		if e.there(&h.call.tx, h) {
			e.accept(h.call)
		}
	}
	for len(e.batch) < maxBatch/4 && len(e.requests) > 0 {
		e.request(<-e.requests)
	}
	if e.absent != nil && e.absent.missing > 0 {
		return 0
	}
	e.absent = nil
	if e.readback {
		return e.gatherBack()
	}
	labels := false
	now := e.now()
	e.patient(now)
	for len(e.batch) < maxBatch {
		q, pause := e.merge.peek(now)
		if q == nil {
			wait = pause
			break
		}
		if q.label {
			if len(e.batch) > 0 {
				break // what comes before a label is decided before it
			}
			c, i, last := e.merge.pop(now)
			e.label(c, i)
			e.took(c, last)
			labels = true
			continue
		}
		if !e.present(q) {
			break
		}
		c, i, last := e.merge.pop(now)
		e.take(c, i)
		e.took(c, last)
		if c.lane.tracker.open() > maxOpen {
			break
		}
	}
	e.recycleFinished()
	if labels && wait == 0 {
		return -1
	}
	return wait
}

// patient keeps the merge waiting for partitions whose records are here and
// wait for the journal alone.
func (e *engine) patient(now int64) {
	if e.pre == nil || len(e.pre.loading) == 0 {
		return
	}
	for _, l := range e.lanes {
		if len(l.held) > 0 {
			l.queue.since = now
		}
	}
}

// gatherBack takes what is to be remembered, in any order: histories are sets.
// Deciding begins when every lane has come to where it stopped.
func (e *engine) gatherBack() (wait time.Duration) {
	now := e.now()
	open, took := false, false
	for _, l := range e.lanes {
		for !l.queue.empty() && len(e.batch) < maxBatch && e.absent == nil {
			b := &l.queue.blocks[0]
			if b.ref.offsets[l.queue.at] >= l.decideFrom || !l.label && !e.present(&l.queue) {
				break
			}
			c, i, last := l.queue.take()
			if l.label {
				e.label(c, i)
			} else {
				e.take(c, i)
			}
			e.took(c, last)
			took = true
		}
		if l.queue.empty() && l.queue.next < l.decideFrom && (l.trouble() == nil || l.unread.Load() != nil) {
			open = true // also while the broker does not give it: that passes
		}
		if !l.queue.empty() && l.queue.blocks[0].ref.offsets[l.queue.at] < l.decideFrom {
			open = true
		}
	}
	e.recycleFinished()
	if !open {
		e.readback = false
		e.merge.order(now)
		if e.ready != nil {
			e.ready()
		}
		return -1
	}
	if took {
		return -1
	}
	return 0
}

// take puts a transaction into the batch.
func (e *engine) take(c *chunk, i int) {
	l, offset := c.lane, c.offsets[i]
	in := scoring.Input{Tx: &c.txs[i], Source: scoring.Source{Partition: l.partition, Offset: offset}}
	o := origin{lane: l}
	in.Flags = e.marks.flags(in.Tx.Time)
	if offset < l.decideFrom {
		in.Remember = true
	} else {
		o.seq = l.tracker.add(offset)
	}
	l.arrival.Store(in.Tx.Arrival)
	e.batch = append(e.batch, in)
	e.origins = append(e.origins, o)
}

// took moves the lane on behind an item.
func (e *engine) took(c *chunk, last bool) {
	if !last {
		c.lane.position.Store(c.offsets[c.lane.queue.at])
		return
	}
	if c.lane.queue.empty() {
		e.passed(c.lane, c.lane.queue.next)
	} else {
		c.lane.position.Store(c.lane.queue.blocks[0].ref.offsets[0])
	}
	e.finished = append(e.finished, c)
}

// recycleFinished gives chunks back if no transaction of theirs is in the batch.
func (e *engine) recycleFinished() {
	if len(e.batch) > 0 {
		return
	}
	for _, c := range e.finished {
		e.recycle(c)
	}
	e.finished = e.finished[:0]
}

func (e *engine) recycle(c *chunk) {
	select {
	case c.lane.free <- c:
	default:
	}
}

func (e *engine) label(c *chunk, i int) {
	l := &c.labels[i]
	e.counts.labels.Add(1)
	if !e.core.Label(l) {
		e.counts.earlyLabels.Add(1)
	}
	if e.cuts != nil {
		e.cuts.label(e.schema, l)
	}
	c.lane.arrival.Store(l.Time)
}

// request takes a request in; false: it waits for what it needs.
func (e *engine) request(c *call) bool {
	if e.pre != nil {
		h := &held{call: c}
		if e.pre.need(&c.tx, h); h.missing > 0 {
			return false
		}
	}
	e.accept(c)
	return true
}

// accept puts a request into the batch.
func (e *engine) accept(c *call) {
	e.remark()
	in := scoring.Input{Tx: &c.tx, Source: scoring.Source{HTTP: true}, Flags: e.marks.flags(c.tx.Time)}
	if c.warming {
		in.Flags |= scoring.Warming
	}
	c.warming = in.Flags&scoring.Warming != 0
	e.batch = append(e.batch, in)
	e.origins = append(e.origins, origin{call: c})
}
