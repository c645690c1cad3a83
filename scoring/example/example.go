// Package example runs the examples of rule files: a past, a payment, and what
// must become of it. Each example has an engine of its own (scoring.Core) with
// empty histories and the whole rule set, so what an example shows is what
// serve would do.
//
// It stands beside the engine and not in package rules, which reads examples
// and gives rules their meaning but knows of no engine. `sluice test`, and serve
// before it takes rules, use the same Runner.
package example

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/configs/strict"
	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

// Result is what became of an example.
type Result struct {
	Example *rules.Example
	Got     Got
	Wrong   []Difference // empty: all is as expected
	Parts   []Part       // of the rule's condition; of a wrong result only
}

// Got is what the engine made of an example's transaction.
type Got struct {
	Rule    rules.Reaction
	Why     string // of a rule that was skipped
	Verdict rules.Verdict
	Score   int64
	Fired   []string // ids, shadow rules too, sorted
}

// Runner runs the examples of a rule set. It is scratch space: one goroutine
// uses it.
type Runner struct {
	set      *rules.Set
	decoder  *rules.PaymentDecoder
	parts    *parts // nil until it is needed
	coverage *Coverage
}

// New makes a runner.
func New(set *rules.Set) *Runner {
	return &Runner{set: set, decoder: rules.NewPaymentDecoder(set.Schema)}
}

// Run runs an example. ok is false for one of a rule that is off: nothing is
// asked then. Where ctx ends meanwhile, that is the error.
func (r *Runner) Run(ctx context.Context, e *rules.Example) (res Result, ok bool, err error) {
	if e.Rule < 0 {
		return Result{Example: e}, false, nil
	}
	core := scoring.New(r.set.Schema, r.set.Everywhere(), scoring.Options{Workers: 1, NoRecord: true})
	for i := range e.History {
		if err := r.past(core, &e.History[i]); err != nil {
			return res, false, r.fail(e, err)
		}
		if err := ctx.Err(); err != nil {
			return res, false, r.fail(e, context.Cause(ctx))
		}
	}
	var tx event.Transaction
	if err := r.decoder.Decode(&tx, &e.Transaction); err != nil {
		return res, false, r.fail(e, err)
	}
	if err := r.labels(core, e, tx.Time); err != nil {
		return res, false, r.fail(e, err)
	}
	d := &core.Decide([]scoring.Input{{Tx: &tx}}, tx.Arrival)[0]
	if d.Status != scoring.Decided {
		return res, false, r.fail(e, fmt.Errorf("a past payment has the id of the transaction"))
	}
	res = Result{Example: e, Got: r.got(e.Rule, &d.Outcome)}
	res.Wrong = differences(&e.Expect, &res.Got)
	if len(res.Wrong) > 0 || r.coverage != nil {
		err = r.take(core, &tx, &res)
	}
	return res, true, err
}

// fail says which example can't be run. The loader has checked all that it can.
func (r *Runner) fail(e *rules.Example, err error) error {
	fault := e.Place
	fault.Message = fmt.Sprintf("the example %q of %s can't be run: %v", e.Name, e.RuleID, err)
	return &unrun{strict.Faults{fault}, err}
}

// unrun is an example that could not be run, and why.
type unrun struct {
	faults strict.Faults
	cause  error
}

func (u *unrun) Error() string   { return u.faults.Error() }
func (u *unrun) Unwrap() []error { return []error{u.faults, u.cause} }

// past takes a past payment in. Unless rules look at past verdicts, or the
// example says what the verdict was, it need not be decided.
func (r *Runner) past(core *scoring.Core, p *rules.Payment) error {
	var tx event.Transaction
	if err := r.decoder.Decode(&tx, p); err != nil {
		return err
	}
	decide := p.Verdict == rules.NoVerdict && r.set.Program.ReadsVerdicts()
	d := &core.Decide([]scoring.Input{{Tx: &tx, Remember: !decide}}, tx.Arrival)[0]
	if d.Status != scoring.Decided && d.Status != scoring.Remembered || !d.New {
		return fmt.Errorf("two past payments have the same id %q", event.Mask(p.ID))
	}
	if p.Verdict != rules.NoVerdict {
		core.Restore(tx.IDKey, scoring.Earlier{Verdict: p.Verdict, Arrival: tx.Arrival, Offset: -1})
	}
	return nil
}

// labels tells the engine which past payments turned out to be fraud, as of the
// moment of the transaction.
func (r *Runner) labels(core *scoring.Core, e *rules.Example, now int64) error {
	for i := range e.History {
		p := &e.History[i]
		if !p.Fraud {
			continue
		}
		var tx event.Transaction
		if err := r.decoder.Decode(&tx, p); err != nil {
			return err
		}
		core.Label(&event.Label{IDKey: tx.IDKey, ID: p.ID, Time: now, Fraud: true, TxTime: tx.Time, Entities: tx.Entities})
	}
	return nil
}

func (r *Runner) got(rule int, o *rules.Outcome) Got {
	g := Got{Rule: rules.Quiet, Verdict: o.Verdict, Score: o.Score}
	for _, fired := range [...][]int{o.Fired, o.Shadow} {
		for _, i := range fired {
			g.Fired = append(g.Fired, r.set.Rules[i].ID)
			if i == rule {
				g.Rule = rules.Fires
			}
		}
	}
	slices.Sort(g.Fired)
	for _, skips := range [...][]rules.Skip{o.Skipped, o.Errors} {
		for _, s := range skips {
			if s.Rule == rule {
				g.Rule, g.Why = rules.Skips, s.Why
			}
		}
	}
	return g
}

// Difference is one thing that is not as expected.
type Difference struct{ What, Want, Got string }

// differences compares.
func differences(want *rules.Expectation, got *Got) []Difference {
	var out []Difference
	if want.Rule != rules.NoReaction && want.Rule != got.Rule {
		out = append(out, Difference{"rule", want.Rule.String(), reaction(got)})
	}
	if want.Verdict != rules.NoVerdict && want.Verdict != got.Verdict {
		out = append(out, Difference{"verdict", want.Verdict.String(), got.Verdict.String()})
	}
	if want.Score != nil && *want.Score != got.Score {
		out = append(out, Difference{"score", fmt.Sprint(*want.Score), fmt.Sprint(got.Score)})
	}
	if want.Fired != nil {
		ids := slices.Clone(want.Fired)
		slices.Sort(ids)
		if ids = slices.Compact(ids); !slices.Equal(ids, got.Fired) {
			out = append(out, Difference{"fired", list(ids), list(got.Fired)})
		}
	}
	return out
}

func reaction(g *Got) string {
	if g.Rule == rules.Skips {
		return "skipped, as " + cmp.Or(g.Why, "it failed")
	}
	return g.Rule.String()
}

func list(ids []string) string {
	if len(ids) == 0 {
		return "none"
	}
	return strings.Join(ids, ", ")
}
