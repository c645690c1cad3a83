package main

import (
	"math"
	"slices"
	"sync"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/files"
)

// replay decides transactions of the past in their order, with the labels that
// were known at the time.
type replay struct {
	core *scoring.Core
	// other decides by the set to compare with, where that can't share the
	// histories of core; both have the same inputs.
	other *scoring.Core
	// delay is how late the labels that come with transactions are known; -1: they
	// are for the report alone.
	delay  time.Duration
	labels []event.Label // not yet known, by time
	// settle is told every decision, with what the other set says (nil: there is none).
	settle func(d *scoring.Decision, was *rules.Outcome, item *files.Item)

	beside bool
	batch  []scoring.Input
	items  []*files.Item // of the batch
	known  int64         // when the first label of the open batch becomes known
	trips  []tripped
}

// tripped is a rule whose breaker opened.
type tripped struct {
	first, last rules.Trip
	times       int
}

// newReplay makes a replay with empty histories; was is nil without a set to
// compare with.
func newReplay(schema *event.Schema, set, was *rules.Set, delay time.Duration) *replay {
	o := scoring.Options{KeepIDs: 200 * 365 * 24 * time.Hour, NoRecord: true}
	r := &replay{delay: delay, known: math.MaxInt64}
	switch {
	case was == nil:
	case scoring.Joint(set, was):
		r.beside = true
	default:
		r.other = scoring.New(schema, was, o)
	}
	if r.beside {
		o.Beside = was
	}
	o.OnBreaker = r.opened
	r.core = scoring.New(schema, set, o)
	return r
}

// take adds a transaction to the batch, after the labels known by its time. item
// must stay as it is until the next flush.
func (r *replay) take(item *files.Item) {
	at := item.Tx.MergeTime()
	if at >= r.known || len(r.labels) > 0 && r.labels[0].Time <= at {
		r.catchUp(at)
	}
	if r.delay >= 0 && item.Label && item.Fraud {
		r.known = min(r.known, later(item.Tx.Time, r.delay))
	}
	r.batch = append(r.batch, scoring.Input{Tx: &item.Tx})
	r.items = append(r.items, item)
	if len(r.batch) == 256 {
		r.flush()
	}
}

// catchUp decides what was taken, and makes known the labels up to a time.
func (r *replay) catchUp(at int64) {
	r.flush()
	for len(r.labels) > 0 && r.labels[0].Time <= at {
		r.core.Label(&r.labels[0])
		if r.other != nil {
			r.other.Label(&r.labels[0])
		}
		r.labels = r.labels[1:]
	}
}

// ignoreDecisions leaves decisions to themselves: what is wanted are the histories.
func (r *replay) ignoreDecisions() {
	r.settle = func(*scoring.Decision, *rules.Outcome, *files.Item) {}
}

// flush decides the batch.
func (r *replay) flush() {
	if len(r.batch) == 0 {
		return
	}
	decisions, others := r.decide()
	for i := range decisions {
		d := &decisions[i]
		var was *rules.Outcome
		switch {
		case r.beside:
			was = &d.Beside
		case r.other != nil:
			if d.Status == scoring.Decided {
				// Of more ids than are kept, it may take one for a repeat that its
				// histories still hold: there is nothing to compare with.
				d.Status = others[i].Status
			}
			was = &others[i].Outcome
		}
		r.settle(d, was, r.items[i])
		if d.Status == scoring.Decided {
			r.schedule(d.Tx, r.items[i])
		}
	}
	r.batch, r.items, r.known = r.batch[:0], r.items[:0], math.MaxInt64
}

func (r *replay) decide() (decisions, others []scoring.Decision) {
	if r.other == nil {
		return r.core.Decide(r.batch, 0), nil
	}
	var beside sync.WaitGroup
	beside.Go(func() { others = r.other.Decide(r.batch, 0) })
	decisions = r.core.Decide(r.batch, 0)
	beside.Wait()
	return decisions, others
}

// schedule files the label that a transaction brought for when it becomes known.
func (r *replay) schedule(tx *event.Transaction, item *files.Item) {
	if r.delay >= 0 && item.Label && item.Fraud {
		r.labels = append(r.labels, event.Label{
			IDKey: tx.IDKey, Time: later(tx.Time, r.delay), Fraud: true,
			TxTime: tx.Time, Entities: append([]event.Key(nil), tx.Entities...),
		})
	}
}

// held lists the rules that are in quarantine at the end.
func (r *replay) held() []rules.Held {
	held := r.core.Held()
	switch {
	case r.beside:
		held = append(held, r.core.HeldBeside()...)
	case r.other != nil:
		held = append(held, r.other.Held()...)
	}
	return held
}

// opened counts the breakers that have opened.
func (r *replay) opened(open []rules.Trip) {
	for _, trip := range open {
		i := slices.IndexFunc(r.trips, func(t tripped) bool { return t.first.Rule == trip.Rule })
		if i < 0 {
			i = len(r.trips)
			r.trips = append(r.trips, tripped{first: trip})
		}
		if t := &r.trips[i]; t.times == 0 || t.last.Since != trip.Since {
			t.last = trip
			t.times++
		}
	}
}

// later gives the time after a delay, or the end of time where 64 bits of
// nanoseconds hold no later one.
func later(at int64, delay time.Duration) int64 {
	if at > math.MaxInt64-int64(delay) {
		return math.MaxInt64
	}
	return at + int64(delay)
}
