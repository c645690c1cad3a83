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

// evaluate decides the open inputs from..to. Where that changes which rules act,
// what comes behind is evaluated again.
func (c *Core) evaluate(from, to int, now int64) {
	for from < to {
		c.spread(from, to, now)
		from = c.stand(from, to)
	}
}

// stand takes in which rules fired and failed, in order. It gives where evaluating
// must go on: behind the input that put a rule into quarantine, say.
func (c *Core) stand(from, to int) int {
	for i := from; i < to; i++ {
		d := &c.decisions[i]
		if d.Status != Decided {
			continue
		}
		news := c.standing.Decided(d.Tx, &d.Outcome)
		if news != (rules.News{}) {
			c.tell(news)
		}
		changed := news.Changed
		if c.o.Beside != nil && c.besideStanding.Decided(d.Tx, &d.Beside).Changed {
			changed = true
		}
		if changed {
			return i + 1
		}
	}
	return to
}

// Held lists the rules in quarantine.
func (c *Core) Held() []rules.Held { return c.standing.Quarantine.Held() }

// HeldBeside lists the rules of Options.Beside in quarantine.
func (c *Core) HeldBeside() []rules.Held { return c.besideStanding.Quarantine.Held() }

// Open lists the rules whose breakers are open.
func (c *Core) Open() []rules.Trip { return c.standing.Breakers.Open() }

// Restraints are what keeps rules from acting on the next transaction.
func (c *Core) Restraints() []rules.Restraint { return c.standing.Restraints() }

// AppendStanding appends how the rules stand after what has been decided so far, as
// Resume reads it.
func (c *Core) AppendStanding(b []byte) []byte { return c.standing.Append(b) }

// Resume goes on with how the rules stood in an earlier run, as far as they are the
// same. Where it can't be read, all is as it was.
func (c *Core) Resume(standing []byte) error {
	err := c.standing.Resume(standing)
	c.tell(rules.News{Quarantine: true, Breaker: true})
	return err
}

// tell tells who wants to know.
func (c *Core) tell(news rules.News) {
	if news.Quarantine && c.o.OnQuarantine != nil {
		c.o.OnQuarantine(c.Held())
	}
	if news.Breaker && c.o.OnBreaker != nil {
		c.o.OnBreaker(c.Open())
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
	c.standing.Rule(w.evaluator)
	if w.beside != nil {
		c.besideStanding.Rule(w.beside)
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
