// Package interp runs a condition on expr's VM over materialised lists of past
// events. It is the meaning of the language: slow, obvious, complete. Package
// plan answers the common shapes faster and leaves the rest to it.
package interp

import (
	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Program is a condition as an expr program. It is immutable.
type Program struct{}

// Compile desugars a checked condition and compiles it. It fails if the
// desugared form is too large.
func Compile(schema *event.Schema, tree *lang.Node, lists lang.Lists) (*Program, error) {
	panic("unbuilt")
}

// Lists gives the windows that Run needs, in the order that it wants them.
func (p *Program) Lists() []history.ListQuery { panic("unbuilt") }

// Machine is the scratch space of one goroutine.
type Machine struct{}

// Run decides the condition for tx. For Unknown, why names what is missing.
func (p *Program) Run(m *Machine, tx *event.Transaction, lists []history.List) (out lang.Tri, why string, err error) {
	panic("unbuilt")
}
