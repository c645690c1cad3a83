// Package interp runs a condition on expr's VM over materialised lists of past
// events. It is the meaning of the language: slow, obvious, complete. Package
// plan answers the common shapes faster and leaves the rest to it.
//
// # How a condition becomes a program
//
// expr knows neither windows nor missing values nor money, so a checked
// condition is rewritten first. A boolean b becomes two: "b is definitely
// true" and "b is definitely false"; a condition that is neither is unknown.
//
//	true(a and b) = true(a) and true(b)    false(a and b) = false(a) or false(b)
//	true(not a)   = false(a)               true(a < b)    = less(a, b), which a nil fails
//
// A scalar stays one expression whose value is nil where it is missing:
// arithmetic and aggregates are functions of ours that pass nil on and give nil
// for an overflow, a NaN, an infinity or a division by zero. Predicates in
// filter, count, any, none, find and all become true(predicate). A window is a
// list, nil if its entity is missing, and whatever walks over it is guarded.
// expr keeps the control flow and the lists: and, or, not, ?:, ??, filter, map,
// count, any, none, all, find, reverse, len.
//
// The steps of expr are its parser's successors: checker, compiler, VM. The
// rewritten tree is built as expr's nodes, never as text, and expr's optimizer
// is left out: it turns last(filter()) into findLast, which breaks the stack.
//
// # Fine print
//
// A node of kind Float is always a float64 when it runs, also where one branch
// of a ternary is an integer. A list of scalars that is map(events, .f), or a
// filter or reverse of one, remembers where its elements come from: sum over
// it is the exact sum of money that sum(events, .f) is. A missing element of
// such a list never equals anything in `x in list`. Aggregates that depend on
// order (float sums, most_common, streak) take the list's order, so a reversed
// list is walked backwards. `.time` of the current transaction is its effective
// time: the arrival where the event time lay too far ahead.
package interp

import (
	"fmt"

	"github.com/expr-lang/expr/vm"

	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Program is a condition as expr programs. It is immutable and safe for
// concurrent use with a Machine a goroutine.
type Program struct {
	tree   *lang.Node
	layout *layout
	emit   emitter // for the programs that explain
	yes    *vm.Program
	no     *vm.Program
	why    explanations
	cost   Cost
	texts  textWork
}

// Compile desugars a checked condition and compiles it. It fails if the
// desugared form is too large. Lists may be nil if the condition names none.
func Compile(schema *event.Schema, tree *lang.Node, lists lang.Lists) (*Program, error) {
	if tree == nil || tree.Kind != lang.Bool {
		return nil, fmt.Errorf("a condition must be true or false")
	}
	p := &Program{tree: tree, layout: newLayout(schema, tree)}
	p.emit = emitter{schema: schema, lists: lists, layout: p.layout, meter: newMeter(p.layout)}
	var err error
	if p.yes, err = p.emit.program(tree, asTrue); err != nil {
		return nil, err
	}
	if p.no, err = p.emit.program(tree, asFalse); err != nil {
		return nil, err
	}
	p.cost, p.texts = p.emit.meter.cost(tree), p.emit.meter.texts()
	p.emit.meter = nil
	return p, nil
}

// Lists gives the windows that Run needs, in the order that it wants them.
func (p *Program) Lists() []history.ListQuery {
	queries := make([]history.ListQuery, len(p.layout.windows))
	for i := range p.layout.windows {
		queries[i] = p.layout.windows[i].query
	}
	return queries
}

// Run decides the condition for tx. For Unknown, why names what is missing. An
// error is a failure of the VM, with what it says, or that the texts are too
// long to be looked at in time; the condition counts as Unknown then. Whether it
// fails depends on tx and lists alone, not on a clock.
func (p *Program) Run(m *Machine, tx *event.Transaction, lists []history.List) (out lang.Tri, why string, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, why, err = lang.Unknown, "", fmt.Errorf("the condition failed: %v", r)
		}
	}()
	m.load(p.layout, tx, lists)
	if err := p.texts.check(m.current, m.texts); err != nil {
		return lang.Unknown, "", err
	}
	yes, err := m.decide(p.yes)
	if err != nil {
		return lang.Unknown, "", err
	}
	if yes {
		return lang.True, "", nil
	}
	no, err := m.decide(p.no)
	if err != nil {
		return lang.Unknown, "", err
	}
	if no {
		return lang.False, "", nil
	}
	why, err = p.explain(m, lists)
	return lang.Unknown, why, err
}
