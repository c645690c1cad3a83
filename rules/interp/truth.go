package interp

import (
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"

	"sluice/rules/lang"
)

// truth writes "n is definitely true" (want) or "n is definitely false".
func (e *emitter) truth(n *lang.Node, want bool) ast.Node {
	if e.full() {
		return &ast.NilNode{}
	}
	defer e.meter.note(n, e.meter.total())
	e.meter.operation(n)
	switch n.Op {
	case lang.Not:
		return e.truth(n.Args[0], !want)
	case lang.And, lang.Or:
		a, b := e.truth(n.Args[0], want), e.truth(n.Args[1], want)
		if (n.Op == lang.And) == want {
			return e.and(a, b)
		}
		return e.or(a, b)
	case lang.Coalesce:
		a, decided := e.truth(n.Args[0], want), e.truth(n.Args[0], !want)
		return e.or(a, e.and(e.not(decided), e.truth(n.Args[1], want)))
	case lang.Cond:
		yes, no := e.truth(n.Args[0], true), e.truth(n.Args[0], false)
		return e.choose(yes, e.truth(n.Args[1], want), e.and(no, e.truth(n.Args[2], want)))
	case lang.IsNil:
		has := e.has(n.Args[0])
		if !want {
			return has
		}
		return e.not(has)
	case lang.Eq, lang.Ne, lang.Lt, lang.Le, lang.Gt, lang.Ge:
		outcomes := outcomesOf(n.Op)
		if !want {
			outcomes ^= less | equal | greater
		}
		return e.call(comparison(outcomes), e.scalar(n.Args[0]), e.scalar(n.Args[1]))
	case lang.In:
		return e.in(n, want)
	case lang.Contains:
		return e.textTest(n, strings.Contains, want)
	case lang.StartsWith:
		return e.textTest(n, strings.HasPrefix, want)
	case lang.EndsWith:
		return e.textTest(n, strings.HasSuffix, want)
	case lang.Matches:
		return e.matches(n, want)
	case lang.Call:
		if quantifier(n) {
			return e.quantifier(n, want)
		}
	}
	return e.isBool(e.scalar(n), want)
}

func (e *emitter) isBool(v ast.Node, want bool) ast.Node {
	if want {
		return e.call(isTrue, v)
	}
	return e.call(isFalse, v)
}

// has writes "n is not missing".
func (e *emitter) has(n *lang.Node) ast.Node {
	switch {
	case n.Kind.IsList():
		return e.given(n)
	case n.Kind == lang.Bool && compound(n):
		return e.or(e.truth(n, true), e.truth(n, false))
	}
	return e.call(present, e.scalar(n))
}

func quantifier(n *lang.Node) bool {
	return n.Op == lang.Call && (n.Name == "any" || n.Name == "none" || n.Name == "all")
}

// quantifier writes any, none and all. They are unknown only if the list is
// missing: an event whose predicate is unknown just does not satisfy it.
func (e *emitter) quantifier(n *lang.Node, want bool) ast.Node {
	l := e.list(n.Args[0])
	test := e.builtin(n.Name, l, e.predicate(l, n.Args[1]))
	if !want {
		test = e.not(test)
	}
	return e.and(e.given(n.Args[0]), test)
}

func (e *emitter) textTest(n *lang.Node, test func(a, b string) bool, want bool) ast.Node {
	return e.call(textTest(test, want), e.scalar(n.Args[0]), e.scalar(n.Args[1]))
}

// matches compiles the pattern once.
func (e *emitter) matches(n *lang.Node, want bool) ast.Node {
	pattern, err := regexp.Compile(n.Args[1].Value.Text)
	if err != nil {
		e.problem = err
		return &ast.NilNode{}
	}
	test := func(v any) bool {
		s, ok := v.(string)
		return ok && pattern.MatchString(s) == want
	}
	return e.call(test, e.scalar(n.Args[0]))
}

// in writes `a in [constants]`, `a in lists.name` and `a in list`.
func (e *emitter) in(n *lang.Node, want bool) ast.Node {
	needle, right := e.scalar(n.Args[0]), n.Args[1]
	switch right.Op {
	case lang.Array:
		return e.call(e.inConstants(right, want), needle)
	case lang.ListName:
		return e.call(e.inNamed(right.Name, want), needle, e.slot("Tx", e.layout.arrival()))
	}
	l := e.list(right)
	test := func(needle, list any) bool {
		items, _ := list.([]any)
		return needle != nil && holds(items, l.read, needle) == want
	}
	e.meter.over(l.window, loopSteps)
	return e.and(e.given(right), e.call(test, needle, l.node))
}

func holds(items []any, read func(any) any, needle any) bool {
	for _, item := range items {
		if c, ok := order(read(item), needle); ok && c == 0 {
			return true
		}
	}
	return false
}

func (e *emitter) inConstants(array *lang.Node, want bool) func(v any) bool {
	items := make([]any, 0, len(array.Args))
	texts := make(map[string]bool)
	for _, a := range array.Args {
		var cell any
		setCell(&cell, &a.Value)
		if text, ok := cell.(string); ok {
			texts[text] = true
		} else {
			items = append(items, cell)
		}
	}
	return func(v any) bool {
		if text, ok := v.(string); ok {
			return texts[text] == want
		}
		return v != nil && holds(items, itself, v) == want
	}
}

func (e *emitter) inNamed(name string, want bool) func(v, arrival any) bool {
	return func(v, arrival any) bool {
		at, _ := arrival.(int)
		return v != nil && e.lists.Contains(name, text(v), int64(at)) == want
	}
}
