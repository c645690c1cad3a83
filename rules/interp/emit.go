package interp

import (
	"errors"
	"fmt"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"sluice/rules/lang"
	"sluice/scoring/event"
)

// maxNodes bounds the desugared form of a condition. Rewriting into definitely
// true and definitely false doubles a ternary's condition at each nesting.
const maxNodes = 10_000

var errTooLarge = errors.New("the condition is too large once missing values are taken into account: split it into several rules, or nest fewer ternaries")

// emitter writes a checked tree as expr's nodes.
type emitter struct {
	schema *event.Schema
	lists  lang.Lists
	layout *layout
	meter  *meter

	nodes   int
	problem error
	// element says what # is in the predicate that is being written: nil for the
	// list's element itself, else that cell of the event.
	element *int
}

// form says which question a program answers about a node.
type form uint8

const (
	asTrue  form = iota // is it definitely true?
	asFalse             // is it definitely false?
	asValue             // its value, nil if missing
	asMixed             // of an aggregate: are its amounts in several currencies?
	asCount             // of an aggregate: over how many values is it?
)

// program compiles one form of a node. The receiver is a copy: an emitter
// serves one program.
func (e emitter) program(n *lang.Node, as form) (p *vm.Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("the condition does not compile: %v", r)
		}
	}()
	if e.meter == nil { // it explains: what that costs is known
		e.meter = newMeter(e.layout)
	}
	var node ast.Node
	switch {
	case as == asTrue || as == asFalse:
		node = e.truth(n, as == asTrue)
	case as == asMixed || as == asCount:
		node = e.trait(n, as)
	case n.Kind.IsList():
		node = e.guard(n, e.values(n))
	default:
		node = e.scalar(n)
	}
	if e.problem != nil {
		return nil, e.problem
	}
	config := conf.New(environment{})
	tree := &parser.Tree{Node: node}
	if _, err := checker.Check(tree, config); err != nil {
		return nil, fmt.Errorf("the condition does not compile: %w", err)
	}
	config.Optimize = false
	return compiler.Compile(tree, config)
}

// full reports whether there is no room for more nodes, after which nothing
// that is written counts.
func (e *emitter) full() bool {
	if e.nodes > maxNodes && e.problem == nil {
		e.problem = errTooLarge
	}
	return e.problem != nil
}

// fail notes a node that the checker should not have let through.
func (e *emitter) fail(n *lang.Node) ast.Node {
	if e.problem == nil {
		e.problem = fmt.Errorf("the condition holds an operation that can't run here (%d, %q, at %d)", n.Op, n.Name, n.Pos)
	}
	return &ast.NilNode{}
}

// put counts a node.
func (e *emitter) put(n ast.Node) ast.Node {
	e.nodes++
	e.meter.spend(nodeSteps)
	return n
}

func (e *emitter) null() ast.Node { return e.put(&ast.NilNode{}) }

func (e *emitter) boolean(b bool) ast.Node { return e.put(&ast.BoolNode{Value: b}) }

// call calls a function of ours.
func (e *emitter) call(f any, args ...ast.Node) ast.Node {
	e.nodes++
	e.meter.spend(nodeSteps)
	return e.put(&ast.CallNode{Callee: &ast.ConstantNode{Value: f}, Arguments: args})
}

// builtin calls a function of expr's with a predicate over l.
func (e *emitter) builtin(name string, l list, predicate ast.Node) ast.Node {
	e.nodes++
	e.meter.over(l.window, loopSteps)
	return e.put(&ast.BuiltinNode{Name: name, Arguments: []ast.Node{l.node, &ast.PredicateNode{Node: predicate}}})
}

func (e *emitter) and(a, b ast.Node) ast.Node {
	return e.put(&ast.BinaryNode{Operator: "and", Left: a, Right: b})
}

func (e *emitter) or(a, b ast.Node) ast.Node {
	return e.put(&ast.BinaryNode{Operator: "or", Left: a, Right: b})
}

func (e *emitter) not(a ast.Node) ast.Node {
	return e.put(&ast.UnaryNode{Operator: "not", Node: a})
}

func (e *emitter) choose(cond, a, b ast.Node) ast.Node {
	return e.put(&ast.ConditionalNode{Cond: cond, Exp1: a, Exp2: b})
}

// pointer is # itself: the element that a predicate looks at.
func (e *emitter) pointer() ast.Node { return e.put(&ast.PointerNode{}) }

// slot reads one of the environment's slots.
func (e *emitter) slot(name string, i int) ast.Node {
	read := func(slots []any) any { return slots[i] }
	return e.call(read, e.put(&ast.IdentifierNode{Value: name}))
}

// cell reads a column of an event, nil if there is no event.
func (e *emitter) cell(i int, of ast.Node) ast.Node {
	read := func(v any) any {
		if r, ok := v.(*row); ok && r != nil {
			return r.cells[i]
		}
		return nil
	}
	return e.call(read, of)
}
