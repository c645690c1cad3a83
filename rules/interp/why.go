package interp

import (
	"sync"

	"github.com/expr-lang/expr/vm"

	"sluice/rules/lang"
	"sluice/scoring/history"
)

// explanations holds the programs of parts of a condition, compiled when an
// unknown outcome is explained for the first time. What is missing is found by
// asking the VM about the parts, so that there is no second evaluator that
// could disagree with it.
type explanations struct {
	programs sync.Map // explanation → compiled
}

type explanation struct {
	node *lang.Node
	as   form
}

type compiled struct {
	program *vm.Program
	err     error
}

// explain names what is missing in a condition that came out unknown. The
// machine still holds what the condition ran on.
func (p *Program) explain(m *Machine, lists []history.List) (string, error) {
	x := &explainer{program: p, machine: m, lists: lists}
	why := x.truth(p.tree)
	return why, x.err
}

// explainer walks down one unknown condition.
type explainer struct {
	program *Program
	machine *Machine
	lists   []history.List
	err     error
}

func (x *explainer) run(n *lang.Node, as form) any {
	key := explanation{n, as}
	found, ok := x.program.why.programs.Load(key)
	if !ok {
		p, err := x.program.emit.program(n, as)
		found, _ = x.program.why.programs.LoadOrStore(key, compiled{p, err})
	}
	c := found.(compiled)
	if c.err != nil {
		x.err = c.err
		return nil
	}
	v, err := x.machine.value(c.program)
	if err != nil {
		x.err = err
	}
	return v
}

func (x *explainer) is(n *lang.Node, as form) bool { return isTrue(x.run(n, as)) }

func (x *explainer) unknown(n *lang.Node) bool { return !x.is(n, asTrue) && !x.is(n, asFalse) }

func (x *explainer) missing(n *lang.Node) bool {
	if n.Kind == lang.Bool && compound(n) {
		return x.unknown(n)
	}
	return !present(x.run(n, asValue))
}

func (x *explainer) text(n *lang.Node) string { return lang.Text(n, x.program.layout.schema) }

// truth explains an unknown boolean.
func (x *explainer) truth(n *lang.Node) string {
	switch n.Op {
	case lang.Not:
		return x.truth(n.Args[0])
	case lang.And, lang.Or:
		if x.unknown(n.Args[0]) {
			return x.truth(n.Args[0])
		}
		return x.truth(n.Args[1])
	case lang.Coalesce:
		return x.truth(n.Args[1])
	case lang.Cond:
		return x.branch(n, x.truth)
	case lang.In:
		if n.Args[1].Kind.IsList() && n.Args[1].Op != lang.Array && n.Args[1].Op != lang.ListName && x.missing(n.Args[1]) {
			return x.list(n.Args[1])
		}
		return x.value(n.Args[0])
	case lang.Call:
		if overList(n) {
			return x.ofList(n)
		}
	}
	if !compound(n) {
		return x.value(n)
	}
	return x.argument(n, x.text(n)+" is unknown")
}

// argument explains by the first argument that is missing.
func (x *explainer) argument(n *lang.Node, otherwise string) string {
	for _, a := range n.Args {
		if a.Op != lang.Array && a.Op != lang.ListName && x.missing(a) {
			return x.value(a)
		}
	}
	return otherwise
}

// branch explains a ternary.
func (x *explainer) branch(n *lang.Node, explain func(*lang.Node) string) string {
	switch {
	case x.unknown(n.Args[0]):
		return x.truth(n.Args[0])
	case x.is(n.Args[0], asTrue):
		return explain(n.Args[1])
	}
	return explain(n.Args[2])
}

// value explains a missing scalar or event.
func (x *explainer) value(n *lang.Node) string {
	switch {
	case n.Kind == lang.Bool && compound(n):
		return x.truth(n)
	case n.Kind.IsList():
		return x.list(n)
	}
	switch n.Op {
	case lang.Member:
		if x.missing(n.Args[0]) {
			return x.value(n.Args[0])
		}
	case lang.Coalesce:
		return x.value(n.Args[1])
	case lang.Cond:
		return x.branch(n, x.value)
	case lang.Div, lang.Mod:
		return x.argument(n, x.text(n)+" divides by zero or is out of range")
	case lang.Neg, lang.Add, lang.Sub, lang.Mul:
		return x.argument(n, x.text(n)+" is out of range")
	case lang.Call:
		if overList(n) {
			return x.ofList(n)
		}
		return x.argument(n, x.text(n)+" has no value")
	}
	return x.text(n) + " is missing"
}

// ofList explains a missing aggregate, element or quantifier.
func (x *explainer) ofList(n *lang.Node) string {
	if x.missing(n.Args[0]) {
		return x.list(n.Args[0])
	}
	values, _ := x.run(n.Args[0], asValue).([]any)
	switch {
	case n.Name == "find":
		return x.text(n) + " finds no event"
	case len(values) == 0:
		return x.text(n) + " has no events"
	case n.Name == "first", n.Name == "last":
		return x.text(n) + " is missing"
	case x.mixed(n):
		return x.text(n) + " has amounts in several currencies"
	case n.Name == "sum":
		return x.text(n) + " is out of range"
	}
	switch count := x.count(n); {
	case count >= 2, count == 1 && n.Name != "stddev":
		return x.text(n) + " is out of range"
	case n.Name == "stddev":
		return x.text(n) + " has fewer than two values"
	}
	return x.text(n) + " has no values"
}

// mixed reports whether an aggregate is over amounts in several currencies.
func (x *explainer) mixed(n *lang.Node) bool {
	return isTrue(x.run(n, asMixed))
}

// count gives the number of values that an aggregate is over.
func (x *explainer) count(n *lang.Node) int {
	i, _ := x.run(n, asCount).(int)
	return i
}

// list explains a missing list.
func (x *explainer) list(n *lang.Node) string {
	switch n.Op {
	case lang.WindowOf:
		s := x.program.layout.schema
		return x.text(n) + " is missing: the transaction has no " + s.Fields[s.Entities[n.Entity]].Name
	case lang.Call:
		return x.list(n.Args[0])
	}
	return x.text(n) + " is missing"
}
