package rules

import (
	"sluice/rules/lang"
	"sluice/rules/plan"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Skip is a rule that could not be decided.
type Skip struct {
	Rule int // index into Set.Rules
	Why  string
}

// Outcome is what a rule set says of one transaction. Its slices are reused.
type Outcome struct {
	Verdict Verdict
	Score   int64
	Fired   []int      // live rules, indexes into Set.Rules
	Shadow  []int      // shadow rules that fired, and live ones that did and were demoted
	Demoted []Demotion // the live ones of Shadow, and why
	Skipped []Skip     // live and shadow rules with something missing, or in quarantine
	Errors  []Skip     // rules that failed on the VM; they count as skipped
}

// Evaluator is the scratch space of one goroutine for one set.
type Evaluator struct {
	set   *Set
	frame *plan.Frame
	tri   []lang.Tri

	quarantine *Quarantine
	held       []bool
	restraints []Restraint
}

// Under makes the rules in quarantine count as skipped from now on, and those
// that a restraint keeps from acting as shadow rules. None of them must change
// while transactions are evaluated.
func (e *Evaluator) Under(q *Quarantine, restraints ...Restraint) {
	e.quarantine, e.restraints = q, restraints
	e.held = q.mark(e.held)
	e.frame.Hold(e.held)
}

// NewEvaluator makes an evaluator.
func (s *Set) NewEvaluator() *Evaluator {
	return &Evaluator{set: s, frame: s.Program.NewFrame(), tri: make([]lang.Tri, len(s.Rules))}
}

// Evaluate decides tx, with the values and lists that the histories gave for
// the set's plan.
func (e *Evaluator) Evaluate(tx *event.Transaction, values []history.Value, lists []history.List, out *Outcome) {
	e.frame.Evaluate(tx, values, lists, e.tri)
	out.reset()
	for i, t := range e.tri {
		if t == lang.False {
			continue
		}
		r := &e.set.Rules[i]
		if r.Expires != 0 && tx.Arrival >= r.Expires {
			continue
		}
		switch {
		case t == lang.Unknown:
			e.skip(i, out)
		case r.Mode == Shadow:
			out.Shadow = append(out.Shadow, i)
		case e.demoted(i, tx, out):
		default:
			out.Fired = append(out.Fired, i)
		}
	}
	out.Verdict, out.Score = e.set.Judge(out.Fired)
}

// Judge gives the verdict and the score that rules which fired come to, by their
// indexes in Rules.
func (s *Set) Judge(fired []int) (verdict Verdict, score int64) {
	allowed := false
	verdict = Allow
	for _, i := range fired {
		r := &s.Rules[i]
		score += r.Score
		allowed = allowed || r.Verdict == Allow
		verdict = max(verdict, r.Verdict)
	}
	if allowed {
		return Allow, score
	}
	return max(verdict, s.Policy.verdict(score)), score
}

func (e *Evaluator) skip(rule int, out *Outcome) {
	if why := e.quarantine.why(rule); why != "" {
		out.Skipped = append(out.Skipped, Skip{rule, why})
		return
	}
	why, err := e.frame.Why(rule)
	if err != nil {
		out.Errors = append(out.Errors, Skip{rule, err.Error()})
		return
	}
	out.Skipped = append(out.Skipped, Skip{rule, why})
}

func (o *Outcome) reset() {
	o.Verdict, o.Score = Allow, 0
	o.Fired, o.Shadow, o.Demoted = o.Fired[:0], o.Shadow[:0], o.Demoted[:0]
	o.Skipped, o.Errors = o.Skipped[:0], o.Errors[:0]
}
