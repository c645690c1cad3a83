package interp

import (
	"math"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"sluice/rules/lang"
)

// scalar writes the value of n, a scalar or an event: nil if it is missing.
func (e *emitter) scalar(n *lang.Node) ast.Node {
	if e.full() {
		return &ast.NilNode{}
	}
	defer e.meter.note(n, e.meter.total())
	if n.Kind == lang.Bool && compound(n) {
		return e.choose(e.truth(n, true), e.boolean(true),
			e.choose(e.truth(n, false), e.boolean(false), e.null()))
	}
	e.meter.operation(n)
	switch n.Op {
	case lang.Const:
		return e.constant(n)
	case lang.Tx:
		return e.slot("Tx", slot(e.layout.tx, n.Column))
	case lang.Past:
		return e.cell(slot(e.layout.columns, n.Column), e.pointer())
	case lang.Item:
		if e.element != nil {
			return e.cell(*e.element, e.pointer())
		}
		return e.pointer()
	case lang.Member:
		return e.cell(slot(e.layout.columns, n.Column), e.scalar(n.Args[0]))
	case lang.Neg:
		return e.call(negate, e.scalar(n.Args[0]))
	case lang.Coalesce:
		return e.put(&ast.BinaryNode{Operator: "??", Left: e.as(n.Kind, n.Args[0]), Right: e.as(n.Kind, n.Args[1])})
	case lang.Cond:
		yes, no := e.truth(n.Args[0], true), e.truth(n.Args[0], false)
		return e.choose(yes, e.as(n.Kind, n.Args[1]), e.choose(no, e.as(n.Kind, n.Args[2]), e.null()))
	case lang.Add, lang.Sub, lang.Mul, lang.Div, lang.Mod:
		return e.call(arithmetic(n), e.scalar(n.Args[0]), e.scalar(n.Args[1]))
	case lang.Call:
		if overList(n) {
			return e.overList(n)
		}
		return e.function(n)
	}
	return e.fail(n)
}

// compound reports whether a boolean is made of others, and so has no value of
// its own but only what makes it true and what makes it false.
func compound(n *lang.Node) bool {
	switch n.Op {
	case lang.Const, lang.Tx, lang.Past, lang.Item, lang.Member:
		return false
	case lang.Call:
		return quantifier(n)
	}
	return true
}

// as writes n as a value of a kind: an integer becomes a float where the
// other branch is one.
func (e *emitter) as(k lang.Kind, n *lang.Node) ast.Node {
	v := e.scalar(n)
	if n.Kind == lang.Int && (k == lang.Float || k == lang.Seconds) {
		return e.call(toFloat, v)
	}
	return v
}

func (e *emitter) constant(n *lang.Node) ast.Node {
	var cell any
	setCell(&cell, &n.Value)
	if cell == nil {
		return e.null()
	}
	return e.put(&ast.ConstantNode{Value: cell})
}

// slot finds a column that the layout has collected.
func slot[T comparable](columns []T, c T) int {
	for i := range columns {
		if columns[i] == c {
			return i
		}
	}
	panic("a column is not in the layout")
}

// arithmetic gives the function of an operator.
func arithmetic(n *lang.Node) func(a, b any) any {
	whole := n.Kind == lang.Int
	switch {
	case n.Op == lang.Sub && n.Args[0].Kind == lang.Time:
		return secondsBetween
	case n.Op == lang.Div:
		return floats(divFloats)
	case n.Op == lang.Mod:
		return integers(modInts)
	case n.Op == lang.Add && whole:
		return integers(addInts)
	case n.Op == lang.Sub && whole:
		return integers(subInts)
	case whole:
		return integers(mulInts)
	case n.Op == lang.Add:
		return floats(addFloats)
	case n.Op == lang.Sub:
		return floats(subFloats)
	}
	return floats(mulFloats)
}

// function writes a function of scalars.
func (e *emitter) function(n *lang.Node) ast.Node {
	whole := n.Kind == lang.Int
	switch n.Name {
	case "abs":
		return e.call(absolute, e.scalar(n.Args[0]))
	case "ceil":
		return e.call(rounding(math.Ceil, whole), e.scalar(n.Args[0]))
	case "floor":
		return e.call(rounding(math.Floor, whole), e.scalar(n.Args[0]))
	case "round":
		return e.call(rounding(math.Round, whole), e.scalar(n.Args[0]))
	case "int":
		return e.call(toInt, e.scalar(n.Args[0]))
	case "float":
		return e.call(toFloat, e.scalar(n.Args[0]))
	case "len":
		return e.call(textLength, e.scalar(n.Args[0]))
	case "lower":
		return e.call(onText(strings.ToLower), e.scalar(n.Args[0]))
	case "upper":
		return e.call(onText(strings.ToUpper), e.scalar(n.Args[0]))
	case "trim":
		return e.call(onText(strings.TrimSpace), e.scalar(n.Args[0]))
	case "min":
		return e.call(extreme(less), e.arguments(n))
	case "max":
		return e.call(extreme(greater), e.arguments(n))
	case "distance_km":
		return e.call(distance, e.arguments(n))
	}
	return e.fail(n)
}

// arguments writes the arguments of a function with many of them as one list,
// all of the function's kind.
func (e *emitter) arguments(n *lang.Node) ast.Node {
	array := &ast.ArrayNode{}
	for _, a := range n.Args {
		array.Nodes = append(array.Nodes, e.as(n.Kind, a))
	}
	return e.put(array)
}

// text is how a value is looked up in a list file.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}
