package rules

import "sluice/scoring/event"

// Cause says what keeps a live rule from acting on a transaction.
type Cause uint8

// The causes, in the order in which they are asked. NoCause lets the rule act.
const (
	NoCause   Cause = iota
	OfRollout       // it is live for a share of the entities only, and not for this one
	OfSnooze        // it is snoozed for this entity
	OfBreaker       // it fires far more often than is usual for it, and falls to shadow then
)

var causes = [...]string{"", "rollout", "snooze", "breaker"}

// String gives the cause as it stands in verdict records.
func (c Cause) String() string { return causes[c] }

// CauseNamed gives the cause that String gave, NoCause for any other text.
func CauseNamed(name string) Cause {
	for c, known := range causes {
		if known == name {
			return Cause(c)
		}
	}
	return NoCause
}

// Demotion is a live rule that fired and did not act: for this transaction it
// counts as one in shadow.
type Demotion struct {
	Rule int // index into Set.Rules
	By   Cause
	Why  string
}

// Restraint keeps live rules from acting on single transactions. It is asked for
// rules that fire only, after the rule's own rollout, and in the order given; the
// first cause is the one that is told, but that a snooze is told before a rollout:
// whoever snoozed the rule does not want to hear of it there. The transactions of a
// batch are evaluated by several goroutines at once: a Restraint must not change
// meanwhile, and what it says must follow from the rule, the transaction and the
// transactions that were settled before, so that a replay decides the same.
type Restraint interface {
	// Restrain says why a live rule, by its index in the set, that fires on tx must
	// not act there; NoCause: it may. The text ends up in verdict records.
	Restrain(rule int, tx *event.Transaction) (by Cause, why string)
}

// Recorded restrains the rules that a verdict record says were demoted, so that
// evaluating it again comes to the same.
type Recorded []Demotion

// Restrain gives what was recorded.
func (r Recorded) Restrain(rule int, _ *event.Transaction) (Cause, string) {
	for i := range r {
		if r[i].Rule == rule {
			return r[i].By, r[i].Why
		}
	}
	return NoCause, ""
}

// demoted asks whether a live rule that fires must not act, and notes it.
func (e *Evaluator) demoted(rule int, tx *event.Transaction, out *Outcome) bool {
	by, why := e.set.rollouts.restrain(rule, tx)
	for _, r := range e.restraints {
		if by != NoCause && by != OfRollout {
			break
		}
		if b, w := r.Restrain(rule, tx); by == NoCause || b == OfSnooze {
			by, why = b, w
		}
	}
	if by == NoCause {
		return false
	}
	out.Shadow = append(out.Shadow, rule)
	out.Demoted = append(out.Demoted, Demotion{rule, by, why})
	return true
}

// DemotedBy gives what kept a rule that fired from acting, NoCause if nothing did.
func (o *Outcome) DemotedBy(rule int) Cause {
	for i := range o.Demoted {
		if o.Demoted[i].Rule == rule {
			return o.Demoted[i].By
		}
	}
	return NoCause
}
