// Package plan compiles the checked conditions of a rule set into one program:
// shared window values that the histories fill, shared comparisons, and for
// what has no common shape a program on expr's VM.
package plan

import (
	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Condition is a rule's checked condition.
type Condition struct {
	Tree   *lang.Node
	Source string
}

// Program is all conditions of a rule set, compiled. It is immutable.
type Program struct{}

// Compile compiles conditions.
func Compile(schema *event.Schema, conditions []Condition, lists lang.Lists) (*Program, error) {
	panic("unbuilt")
}

// Plan gives what the program asks of the histories.
func (p *Program) Plan() *history.Plan { panic("unbuilt") }

// Queries gives the indexes into Plan().Queries that a condition reads, and
// Lists those into Plan().Lists.
func (p *Program) Queries(condition int) []int { panic("unbuilt") }

// Lists gives the indexes into Plan().Lists that a condition reads.
func (p *Program) Lists(condition int) []int { panic("unbuilt") }

// Describe gives the text of a query as an analyst would write it:
// count(card.last("10m"), .amount < 5).
func (p *Program) Describe(query int) string { panic("unbuilt") }

// ReadsVerdicts reports whether a condition looks at .verdict of past events.
func (p *Program) ReadsVerdicts() bool { panic("unbuilt") }

// Frame is the scratch space of one goroutine for one program.
type Frame struct{}

// NewFrame makes a frame.
func (p *Program) NewFrame() *Frame { panic("unbuilt") }

// Evaluate decides every condition for tx into out (one a condition).
func (f *Frame) Evaluate(tx *event.Transaction, values []history.Value, lists []history.List, out []lang.Tri) {
	panic("unbuilt")
}

// Why says, after Evaluate, what was missing for a condition that is Unknown,
// or the error of one that failed on the VM (err).
func (f *Frame) Why(condition int) (why string, err error) { panic("unbuilt") }
