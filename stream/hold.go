package stream

import "sluice/scoring/event"

// What arrives waits until what it needs of the journal is in memory (see
// prefetch), and goes on to the merge then. There it may wait for its turn so
// long that some of it has left again: so the next of the merge, the head, is
// looked at once more, and pinned until it is decided (see history.Store.Pin).

func (e *engine) arrive(a *arrival, now int64) {
	switch {
	case !a.lane.attached:
	case a.c == nil:
		e.merge.know(&a.lane.queue, a.end, now)
	case e.pre == nil:
		e.put(a, now)
	default:
		e.hold(a, now)
	}
}

// hold lets records wait for what they need, and for the ones before them.
func (e *engine) hold(a *arrival, now int64) {
	a.c.decided = false
	a.c.departures = e.core.Store().Departures() // what is in memory now may leave before the rest is there
	if !e.pre.needs() && len(a.lane.held) == 0 {
		e.put(a, now)
		return
	}
	h := &held{arrival: *a}
	if !a.lane.label {
		for i := range a.c.txs {
			e.pre.need(&a.c.txs[i], h)
		}
	}
	a.c.decided = h.decided
	if h.missing == 0 && len(a.lane.held) == 0 {
		e.put(a, now)
		return
	}
	a.lane.held = append(a.lane.held, h)
}

// present says whether the next record of a partition finds in memory what it
// needs: that may have left since it was brought, or its id may be known no more.
// Then it is brought once more, and the merge waits.
func (e *engine) present(q *queue) bool {
	b := &q.blocks[0]
	if e.pre == nil || !b.ref.decided && b.ref.departures == e.core.Store().Departures() {
		return true
	}
	h := &held{tx: &b.ref.txs[q.at]}
	if h.tx != e.head {
		e.unpin()
	}
	if e.there(h.tx, h) {
		return true
	}
	e.absent, e.head = h, h.tx
	return false
}

// unpin lets what was pinned leave memory, unless the head still waits for more.
func (e *engine) unpin() {
	if e.absent == nil {
		e.head = nil
		e.core.Store().Unpin(0)
	}
}

// there says whether the histories of a transaction are in memory; if not, h
// waits for them.
func (e *engine) there(tx *event.Transaction, h *held) bool {
	e.pre.histories(tx, h)
	return h.missing == 0
}

// unhold lets go what has all that it needs.
func (e *engine) unhold(h *held) {
	l := h.arrival.lane
	switch {
	case h.tx != nil && h != e.absent:
		return // nobody waits for it any more
	case e.pre.again(h):
		return
	case h.tx != nil:
		return // the merge goes on, see gather
	case h.call != nil:
		e.fetched = append(e.fetched, h)
		return
	}
	for len(l.held) > 0 && l.held[0].missing == 0 {
		if l.attached {
			e.put(&l.held[0].arrival, e.now())
		}
		l.held = l.held[1:]
	}
}
