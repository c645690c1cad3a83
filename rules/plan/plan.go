// Package plan compiles the checked conditions of a rule set into one program:
// shared window values that the histories fill, shared comparisons, and for
// what has no common shape a program on expr's VM.
//
// A condition is a conjunction, of one part or more. A part that compares
// something with constants joins the other comparisons of the same thing: its
// value's place among all their constants tells at once which conditions are
// left (feature). Other parts are closures with three-valued logic, evaluated
// only while a condition that needs them may still hold.
//
// Parts that work on lists and have no shape (a streak, a projection that is
// calculated, a window within a predicate) go to the VM together, which runs
// only if none of the others is false.
package plan

import (
	"time"

	"sluice/rules/interp"
	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// minRetention is how far histories reach whatever the rules ask.
const minRetention = 30 * 24 * time.Hour

// Condition is a rule's checked condition.
type Condition struct {
	Tree   *lang.Node
	Source string
}

// Program is all conditions of a rule set, compiled. It is immutable.
type Program struct {
	plan       history.Plan
	schema     *event.Schema
	texts      []string // of the queries
	conditions []condition
	slow       []slow
	verdicts   bool

	all      []uint64 // a bit a condition
	features []feature
	direct   int // how many features are read without a call
	slots    int // results that a frame keeps
	total    int // steps
}

// condition is what a condition reads.
type condition struct {
	parts   []*term // it is unknown if one of them is missing, or by its slow part
	slow    int     // index into Program.slow, -1 if it has none
	queries []int
	lists   []int
	cost    Cost
}

// slow is what the VM decides of a condition.
type slow struct {
	condition int
	program   *interp.Program
	tree      *lang.Node
	lists     []int // indexes into the plan's
}

// Plan gives what the program asks of the histories.
func (p *Program) Plan() *history.Plan { return &p.plan }

// Queries gives the indexes into Plan().Queries that a condition reads.
func (p *Program) Queries(condition int) []int { return p.conditions[condition].queries }

// Lists gives the indexes into Plan().Lists that a condition reads: none
// unless it needs the VM.
func (p *Program) Lists(condition int) []int { return p.conditions[condition].lists }

// Slow gives the part of a condition that has no fast form, with what the VM
// takes for it at most, in steps; nil where there is none.
func (p *Program) Slow(condition int) (part *lang.Node, steps int) {
	i := p.conditions[condition].slow
	if i < 0 {
		return nil, 0
	}
	return p.slow[i].tree, p.slow[i].program.Cost().Steps
}

// Describe gives the text of a query as an analyst would write it:
// count(card.last("10m"), .amount < 5).
func (p *Program) Describe(query int) string { return p.texts[query] }

// ReadsVerdicts reports whether a condition looks at .verdict of past events.
func (p *Program) ReadsVerdicts() bool { return p.verdicts }

// readsVerdicts looks for .verdict in a tree.
func readsVerdicts(n *lang.Node) bool {
	if (n.Op == lang.Past || n.Op == lang.Member) && n.Column.Form == event.Verdict {
		return true
	}
	for _, a := range n.Args {
		if readsVerdicts(a) {
			return true
		}
	}
	return false
}
