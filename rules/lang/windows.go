package lang

import (
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"sluice/scoring/history"
)

// method resolves a.f(…): the windows of an entity.
func (c *checker) method(n *ast.MemberNode, args []ast.Node) *Node {
	property := n.Property.(*ast.StringNode)
	at := c.source.pos(property)
	base, ok := bare(n.Node).(*ast.IdentifierNode)
	if !ok {
		return c.notEntity(n, property.Value, at)
	}
	pos := c.source.pos(base)
	entity := c.entity(base.Value)
	if entity < 0 {
		r := c.unknownEntity(base.Value, property.Value, pos)
		c.span(c.anyEntity(), property.Value, at, args)
		return r
	}
	span, ok := c.span(base.Value, property.Value, at, args)
	if !ok {
		return invalid(pos)
	}
	return &Node{Op: WindowOf, Kind: Events, Pos: pos, Entity: entity, Span: span}
}

// notEntity reports a method of something that is no name.
func (c *checker) notEntity(n *ast.MemberNode, method string, at int) *Node {
	if member, ok := bare(n.Node).(*ast.MemberNode); ok {
		base, isName := bare(member.Node).(*ast.IdentifierNode)
		name, isText := member.Property.(*ast.StringNode)
		if isName && isText && base.Value == "tx" && c.entity(name.Value) >= 0 && isWindow(method) {
			return c.fault(c.source.pos(base), "write `%s.%s(…)`: entities have windows, `tx.%s` is only a value", name.Value, method, name.Value)
		}
	}
	r := c.resolve(n.Node)
	switch {
	case r.Kind == Invalid:
		return r
	case isWord(method):
		return c.fault(at, "write `%s %s …` without dot and brackets", c.text(r), method)
	case isFunction(method):
		return c.fault(at, "write `%s(%s…)`: only entities have something behind a dot and brackets", method, c.text(r))
	}
	return c.fault(at, "%s is %s and has no `%s(…)`", c.quote(r), r.Kind.Words(), method)
}

func isWindow(method string) bool {
	return method == "last" || method == "between" || method == "newest"
}

func (c *checker) unknownEntity(name, method string, pos int) *Node {
	entities := c.entities()
	near := nearest(name, entities)
	switch {
	case name == "tx":
		return c.fault(pos, "`tx` is the current transaction and has no `%s(…)`: windows are those of an entity (%s)", method, listed(entities))
	case name == "lists":
		return c.fault(pos, "a list is asked with `in`, as in `tx.%s in lists.name`", c.anyText())
	case c.schema.Field(name) >= 0:
		return c.fault(pos, "%q is not an entity and has no past; the entities are %s", name, listed(entities))
	case near != "":
		return c.fault(pos, "unknown entity %q, did you mean %q?", name, near)
	}
	return c.fault(pos, "unknown entity %q; the entities are %s", name, listed(entities))
}

// span reads the arguments of a window.
func (c *checker) span(entity, method string, at int, args []ast.Node) (history.Span, bool) {
	switch method {
	case "last":
		return c.lastSpan(at, args)
	case "between":
		return c.betweenSpan(at, args)
	case "newest":
		return c.newestSpan(at, args)
	}
	its := func(usage string) string { return strings.Replace(usage, c.anyEntity()+".", entity+".", 1) }
	const ways = "`last(\"10m\")`, `between(\"14d\", \"7d\")` and `newest(5)`"
	switch near := nearest(method, []string{"last", "between", "newest"}); {
	case near != "":
		c.fault(at, "unknown window %q, did you mean %q?", method, near)
	case method == "first":
		c.fault(at, "unknown window %q: the oldest of a window is `first(%s)`; windows are %s", method, its(c.window()), ways)
	case isFunction(method):
		c.fault(at, "unknown window %q: write `%s`; windows are %s", method, its(c.usage(method)), ways)
	default:
		c.fault(at, "unknown window %q; windows are %s", method, ways)
	}
	return history.Span{}, false
}

func (c *checker) lastSpan(at int, args []ast.Node) (history.Span, bool) {
	if len(args) != 1 {
		c.fault(at, "`last` takes one duration, as in `last(\"10m\")`: %s", argumentsGiven(len(args)))
		return history.Span{}, false
	}
	if n, ok := args[0].(*ast.IntegerNode); ok {
		c.fault(c.source.pos(n), "`last` takes a duration, as in `last(\"10m\")`; the newest %d are `newest(%d)`", n.Value, n.Value)
		return history.Span{}, false
	}
	d, ok := c.duration(args[0])
	if ok && d == 0 {
		c.fault(c.source.pos(args[0]), "a window of no length holds nothing")
		ok = false
	}
	return history.Span{From: d}, ok
}

func (c *checker) betweenSpan(at int, args []ast.Node) (history.Span, bool) {
	if len(args) != 2 {
		c.fault(at, "`between` takes two durations, the farther one first, as in `between(\"14d\", \"7d\")`: %s", argumentsGiven(len(args)))
		return history.Span{}, false
	}
	from, ok := c.duration(args[0])
	to, alsoOK := c.duration(args[1])
	switch {
	case !ok || !alsoOK:
		return history.Span{}, false
	case from < to:
		c.fault(c.source.pos(args[0]), "the farther duration comes first, did you mean `between(%q, %q)`?", FormatDuration(to), FormatDuration(from))
		return history.Span{}, false
	case from == to:
		c.fault(c.source.pos(args[0]), "a window of no length holds nothing")
		return history.Span{}, false
	}
	return history.Span{From: from, To: to}, true
}

// newestSpan reads the count of newest: at most as many as a list may hold.
func (c *checker) newestSpan(at int, args []ast.Node) (history.Span, bool) {
	if len(args) == 1 {
		if n, ok := args[0].(*ast.IntegerNode); ok && 1 <= n.Value && n.Value <= history.MaxList {
			return history.Span{Newest: n.Value}, true
		}
		at = c.source.start(args[0])
	}
	c.fault(at, "`newest` takes a constant whole number from 1 to %d, as in `newest(5)`", history.MaxList)
	return history.Span{}, false
}

// duration reads a constant duration.
func (c *checker) duration(n ast.Node) (time.Duration, bool) {
	pos := c.source.start(n)
	switch n := n.(type) {
	case *ast.StringNode:
		d, err := ParseDuration(n.Value)
		if err != nil {
			c.fault(pos, "%s", err)
		}
		return d, err == nil
	case *ast.IntegerNode:
		c.fault(pos, "a duration is written in quotes and with its unit, as in \"%ds\"", n.Value)
	default:
		c.fault(pos, "a duration must be a constant text, as in \"10m\"")
	}
	return 0, false
}
