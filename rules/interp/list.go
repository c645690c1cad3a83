package interp

import (
	"github.com/expr-lang/expr/ast"

	"sluice/rules/lang"
)

// list is a list as it is written: either the elements themselves, or events
// whose cell is the element. The latter is how map(events, .f) stays aware of
// money and currencies.
type list struct {
	node   ast.Node
	cell   *int
	window int // whose events these are, index into layout.windows
}

// read gives the element of an item.
func (l list) read(item any) any {
	if l.cell == nil {
		return item
	}
	return item.(*row).cells[*l.cell]
}

func itself(v any) any { return v }

// given writes "the list is not missing". That depends on its window alone.
func (e *emitter) given(n *lang.Node) ast.Node {
	if e.full() {
		return &ast.NilNode{}
	}
	switch n.Op {
	case lang.WindowOf:
		return e.call(present, e.slot("Windows", e.layout.window(n)))
	case lang.Call:
		return e.given(n.Args[0])
	}
	return e.fail(n)
}

// guard writes v, or nil if the list is missing.
func (e *emitter) guard(n *lang.Node, v ast.Node) ast.Node {
	return e.choose(e.given(n), v, e.null())
}

// list writes a list that is known to be given.
func (e *emitter) list(n *lang.Node) list {
	if e.full() {
		return list{node: &ast.NilNode{}, window: nowhere}
	}
	switch n.Op {
	case lang.WindowOf:
		window := e.layout.window(n)
		return list{node: e.slot("Windows", window), window: window}
	case lang.Call:
		switch n.Name {
		case "filter":
			l := e.list(n.Args[0])
			return list{e.builtin("filter", l, e.predicate(l, n.Args[1])), l.cell, l.window}
		case "reverse":
			l := e.list(n.Args[0])
			e.meter.over(l.window, 2*loopSteps)
			return list{e.put(&ast.BuiltinNode{Name: "reverse", Arguments: []ast.Node{l.node}}), l.cell, l.window}
		case "map":
			return e.project(e.list(n.Args[0]), n.Args[1])
		}
	}
	return list{node: e.fail(n), window: nowhere}
}

// project writes map(l, f).
func (e *emitter) project(l list, f *lang.Node) list {
	switch f.Op {
	case lang.Past:
		cell := slot(e.layout.columns, f.Column)
		return list{l.node, &cell, l.window}
	case lang.Item:
		return l
	}
	return list{node: e.builtin("map", l, e.within(l, func() ast.Node { return e.scalar(f) })), window: l.window}
}

// values writes a given list with its elements themselves.
func (e *emitter) values(n *lang.Node) ast.Node {
	l := e.list(n)
	if l.cell == nil {
		return l.node
	}
	return e.builtin("map", l, e.within(l, func() ast.Node { return e.cell(*l.cell, e.pointer()) }))
}

// predicate writes "p is definitely true of an element of l".
func (e *emitter) predicate(l list, p *lang.Node) ast.Node {
	return e.within(l, func() ast.Node { return e.truth(p, true) })
}

// within writes a predicate over l, where # is an element of it.
func (e *emitter) within(l list, write func() ast.Node) ast.Node {
	outer, in := e.element, e.meter.in
	e.element, e.meter.in = l.cell, l.window
	n := write()
	e.element, e.meter.in = outer, in
	return n
}

// overList writes a scalar, or an event, that a function makes of a list.
func (e *emitter) overList(n *lang.Node) ast.Node {
	return e.guard(n.Args[0], e.ofList(n, e.list(n.Args[0])))
}

func (e *emitter) ofList(n *lang.Node, l list) ast.Node {
	switch n.Name {
	case "len":
		return e.length(l)
	case "count":
		if len(n.Args) == 1 {
			return e.length(l)
		}
		return e.builtin("count", l, e.predicate(l, n.Args[1]))
	case "find":
		return e.elementOf(l, e.builtin("find", l, e.predicate(l, n.Args[1])))
	case "first":
		return e.elementOf(l, e.call(first, l.node))
	case "last":
		return e.elementOf(l, e.call(last, l.node))
	case "streak":
		e.meter.over(l.window, loopSteps)
		if len(n.Args) == 1 {
			return e.call(streak(l.read), l.node)
		}
		return e.call(streak(itself), e.builtin("map", l, e.predicate(l, n.Args[1])))
	}
	a := e.aggregate(n, l)
	if f := a.function(n.Name); f != nil {
		e.meter.over(l.window, aggregateSteps(n.Name))
		return e.call(a.over(f), a.list.node)
	}
	return e.fail(n)
}

// trait writes what explains an aggregate that is missing though its list is given.
func (e *emitter) trait(n *lang.Node, as form) ast.Node {
	a := e.aggregate(n, e.list(n.Args[0]))
	if as == asMixed {
		return e.call(a.severalCurrencies, a.list.node)
	}
	return e.call(a.count, a.list.node)
}

func (e *emitter) length(l list) ast.Node {
	return e.put(&ast.BuiltinNode{Name: "len", Arguments: []ast.Node{l.node}})
}

// elementOf writes the element that an item of l stands for.
func (e *emitter) elementOf(l list, item ast.Node) ast.Node {
	if l.cell == nil {
		return item
	}
	return e.cell(*l.cell, item)
}

func first(v any) any {
	if items, _ := v.([]any); len(items) > 0 {
		return items[0]
	}
	return nil
}

func last(v any) any {
	if items, _ := v.([]any); len(items) > 0 {
		return items[len(items)-1]
	}
	return nil
}

// streak gives the number of true at the end of a list: the newest run. A
// missing one ends it.
func streak(read func(item any) any) func(v any) any {
	return func(v any) any {
		items, _ := v.([]any)
		n := 0
		for i := len(items) - 1; i >= 0 && isTrue(read(items[i])); i-- {
			n++
		}
		return n
	}
}
