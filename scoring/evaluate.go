package scoring

import (
	"sync"

	"sluice/rules"
	"sluice/scoring/history"
)

// parallelFrom is the number of transactions from which on starting goroutines
// costs less than it saves.
const parallelFrom = 48

// worker is what one goroutine needs to evaluate.
type worker struct {
	core      *Core
	evaluator *rules.Evaluator
	beside    *rules.Evaluator // of Options.Beside, nil: there is none
	record    recorder
}

// evaluate decides the open inputs from..to. Where that puts a rule into
// quarantine, what comes behind is evaluated again without it.
func (c *Core) evaluate(from, to int, now int64) {
	for from < to {
		c.spread(from, to, now)
		from = c.fail(from, to)
	}
}

// fail takes in which rules failed, in order. It gives where evaluating must go
// on: behind the input that put a rule into quarantine.
func (c *Core) fail(from, to int) int {
	for i := from; i < to; i++ {
		d := &c.decisions[i]
		if d.Status != Decided {
			continue
		}
		changed := c.quarantine.Decided(d.Tx.Arrival, d.Outcome.Errors)
		if changed {
			c.tellHeld()
		}
		if c.o.Beside != nil && c.besideQuarantine.Decided(d.Tx.Arrival, d.Beside.Errors) {
			changed = true
		}
		if changed {
			return i + 1
		}
	}
	return to
}

// Held lists the rules in quarantine.
func (c *Core) Held() []rules.Held { return c.quarantine.Held() }

// HeldBeside lists the rules of Options.Beside in quarantine.
func (c *Core) HeldBeside() []rules.Held { return c.besideQuarantine.Held() }

// Hold puts rules into quarantine that an earlier run had there.
func (c *Core) Hold(held []rules.Held) {
	c.quarantine.Hold(held)
	c.tellHeld()
}

func (c *Core) tellHeld() {
	if c.o.OnQuarantine != nil {
		c.o.OnQuarantine(c.quarantine.Held())
	}
}

// spread decides inputs on all cores. It changes nothing but their decisions.
func (c *Core) spread(from, to int, now int64) {
	n := min(len(c.workers), (to-from)/(parallelFrom/2))
	if n < 2 {
		c.workers[0].run(from, to, now)
		return
	}
	var wg sync.WaitGroup
	for k := 1; k < n; k++ {
		wg.Go(func() { c.workers[k].run(from+(to-from)*k/n, from+(to-from)*(k+1)/n, now) })
	}
	c.workers[0].run(from, from+(to-from)/n, now)
	wg.Wait()
}

func (w *worker) run(from, to int, now int64) {
	c := w.core
	w.evaluator.Under(&c.quarantine, c.restraints...)
	if w.beside != nil {
		w.beside.Under(&c.besideQuarantine)
	}
	plan := c.plan
	nq, nl := len(plan.Queries), len(plan.Lists)
	for i := from; i < to; i++ {
		d := &c.decisions[i]
		if d.Status != Decided {
			continue
		}
		values := c.values[i*nq : (i+1)*nq]
		w.decide(d, values, c.lists[i*nl:(i+1)*nl])
		if !c.o.NoRecord {
			d.Record = w.record.append(d.Record[:0], c, d, values, now)
		}
	}
}

func (w *worker) decide(d *Decision, values []history.Value, lists []history.List) {
	w.evaluator.Evaluate(d.Tx, values, lists, &d.Outcome)
	suspect(d, &d.Outcome)
	if w.beside != nil {
		own := w.core.set.Program.Plan()
		w.beside.Evaluate(d.Tx, values[len(own.Queries):], lists[len(own.Lists):], &d.Beside)
		suspect(d, &d.Beside)
	}
}

// suspect makes the verdict on a payment of the future at least a review.
func suspect(d *Decision, o *rules.Outcome) {
	if d.Flags&Future != 0 && o.Verdict < rules.Review {
		o.Verdict = rules.Review
	}
}
