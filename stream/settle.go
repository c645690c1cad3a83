package stream

import (
	"fmt"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

// settle hands one decision out.
func (e *engine) settle(d *scoring.Decision, o *origin, now int64) {
	t := token{id: d.Tx.IDKey, arrival: d.Tx.Arrival, lane: o.lane, seq: o.seq, call: o.call}
	e.counts.decision(d)
	if e.cuts != nil {
		e.cuts.settled(d, &t)
		if t.call != nil && t.call.log != nil {
			e.posting[t.id]++
		}
	}
	switch d.Status {
	case scoring.Remembered:
	case scoring.Decided:
		e.out.verdict(d, t, now)
	case scoring.Repeat:
		e.repeat(d, t)
	case scoring.Conflict:
		e.conflict(d, t)
	}
	if e.out.onDecision != nil {
		e.out.onDecision(d)
	}
}

// repeat: the verdict stands in the topic, or is on its way there.
func (e *engine) repeat(d *scoring.Decision, t token) {
	if d.Earlier.Offset < 0 && e.inFlight(t.id) {
		e.waiting[t.id] = append(e.waiting[t.id], t)
		return
	}
	if t.call != nil {
		e.answer(t.call, d.Earlier.Partition, d.Earlier.Offset)
	}
	e.settled(&t)
}

// answer answers a request with the verdict that was given before, once its
// transaction is known to stand in its topic too.
func (e *engine) answer(c *call, partition int32, offset int64) {
	c.repeat(partition, offset)
	if c.log != nil || e.posting[c.tx.IDKey] > 0 {
		e.out.again(c)
	}
}

// posted notes that the transaction of a request stands in its topic.
func (e *engine) posted(c *call) {
	c.log.left--
	if e.posting[c.tx.IDKey]--; e.posting[c.tx.IDKey] <= 0 {
		delete(e.posting, c.tx.IDKey)
	}
}

// inFlight says whether the verdict of an id, decided in this run, is on its
// way to the topic.
func (e *engine) inFlight(id event.Key) bool {
	known, ok := e.core.Known(id)
	return ok && known.Offset < 0 && known.Verdict != rules.NoVerdict && e.out.verdicts.Queued() > 0
}

// release ends the waiting for verdicts whose place nobody can tell, once
// nothing is on its way any more.
func (e *engine) release() {
	if e.out.verdicts.Queued() > 0 {
		return
	}
	for id, tokens := range e.waiting {
		for i := range tokens {
			if c := tokens[i].call; c != nil {
				known, ok := e.core.Known(id)
				if !ok { // not any more: the journal may know
					known.Offset = -1
				}
				e.answer(c, known.Partition, known.Offset)
			}
			e.settled(&tokens[i])
		}
		delete(e.waiting, id)
	}
}

func (e *engine) conflict(d *scoring.Decision, t token) {
	if t.call != nil {
		t.call.finish(ErrConflict)
		return
	}
	e.log.Warn("the same id came again with another body; the first one stands",
		"topic", t.lane.topic, "partition", d.Source.Partition, "offset", d.Source.Offset)
	if e.cuts != nil {
		t.log = e.cuts.open
		t.log.left++ // a cut that is past it must not lose the letter
	}
	e.out.conflict(d, func(err error) {
		if err != nil {
			t.lane.stop(fmt.Errorf("%s/%d stops: the dead letters topic does not take a conflict: %w", t.lane.topic, t.lane.partition, err))
			return
		}
		e.later(func() {
			if t.log != nil {
				t.log.left--
			}
			e.settled(&t)
		})
	})
}

// place files where verdicts were appended.
func (e *engine) place(p *placed) {
	for i := range p.tokens {
		t := &p.tokens[i]
		offset := int64(-1)
		if p.base >= 0 {
			offset = p.base + int64(i)
		}
		e.core.Placed(t.id, p.partition, offset)
		t.placed(p.partition, offset)
		e.settled(t)
		if len(e.waiting) > 0 {
			for _, w := range e.waiting[t.id] {
				if w.call != nil {
					e.answer(w.call, p.partition, offset)
				}
				e.settled(&w)
			}
			delete(e.waiting, t.id)
		}
	}
}

// settled notes that a transaction has its verdict in the topic.
func (e *engine) settled(t *token) {
	if t.lane != nil {
		t.lane.tracker.done(t.seq)
		e.report(t.lane)
	}
	if t.call != nil {
		t.call.partDone()
	}
}
