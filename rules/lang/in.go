package lang

import (
	"math"

	"github.com/expr-lang/expr/ast"

	"sluice/scoring/event"
)

// in resolves `a in b`.
func (c *checker) in(n *ast.BinaryNode, pos int) *Node {
	a := c.side(n.Left, "in")
	switch right := bare(n.Right).(type) {
	case *ast.ArrayNode:
		return c.inArray(a, right)
	case *ast.MemberNode:
		base, isName := right.Node.(*ast.IdentifierNode)
		name, isText := right.Property.(*ast.StringNode)
		if isName && isText && base.Value == "lists" {
			return c.inNamed(a, c.listName(name.Value, c.source.pos(name)), c.source.pos(base))
		}
	case *ast.IdentifierNode:
		if right.Value == "lists" && a.Kind != Invalid {
			return c.fault(c.source.pos(right), "`lists` needs the name of a list, as in `%s in lists.%s`", c.text(a), c.anyList())
		}
		if c.lists != nil && c.lists.Has(right.Value) {
			return c.fault(c.source.pos(right), "did you mean `lists.%s`?", right.Value)
		}
	}
	return c.inList(a, c.resolve(n.Right), pos)
}

// anyList gives the name of a list, for a message.
func (c *checker) anyList() string {
	if c.lists != nil && len(c.lists.Names()) > 0 {
		return c.lists.Names()[0]
	}
	return "blocked"
}

func (c *checker) inNamed(a, list *Node, pos int) *Node {
	if a.Kind == Invalid || list.Kind == Invalid {
		return invalid(a.Pos)
	}
	if a.Kind != String && a.Kind != Int {
		return c.fault(a.Pos, "lists hold texts and whole numbers, and %s is %s", c.quote(a), a.Kind.Words())
	}
	list.Pos = pos
	return &Node{Op: In, Kind: Bool, Pos: a.Pos, Args: []*Node{a, list}}
}

func (c *checker) inList(a, b *Node, pos int) *Node {
	switch {
	case b.Kind == Invalid:
		return invalid(a.Pos)
	case b.Kind == Events:
		return c.fault(b.Pos, "%s is %s: name the field to look in, as in `map(%s, .%s)`", c.quote(b), b.Kind.Words(), c.text(b), c.anyText())
	case b.Kind == String:
		return c.fault(b.Pos, "`in` looks into a list, and %s is text: for a part of a text write `a contains b`", c.quote(b))
	case !b.Kind.IsList():
		return c.fault(b.Pos, "`in` looks into a list, and %s is %s: write `in [a, b]`, `in lists.name` or `in map(list, .field)`", c.quote(b), b.Kind.Words())
	case a.Kind == Invalid:
		return a
	case !comparableKinds(a.Kind, b.Kind.Elem()):
		return c.fault(pos, "%s is %s and %s is %s: it can't be in there", c.quote(a), a.Kind.Words(), c.quote(b), b.Kind.Words())
	}
	return &Node{Op: In, Kind: Bool, Pos: a.Pos, Args: []*Node{a, b}}
}

// inArray resolves `a in [constants]`.
func (c *checker) inArray(a *Node, array *ast.ArrayNode) *Node {
	pos := c.source.pos(array)
	if len(array.Nodes) == 0 {
		return c.fault(pos, "nothing can be in an empty list")
	}
	items := make([]*Node, 0, len(array.Nodes))
	bad := a.Kind == Invalid
	for _, item := range array.Nodes {
		r := c.arrayItem(a, item)
		bad = bad || r.Kind == Invalid
		items = append(items, r)
	}
	if bad {
		return invalid(a.Pos)
	}
	list := &Node{Op: Array, Kind: a.Kind.List(), Pos: pos, Args: items}
	return &Node{Op: In, Kind: Bool, Pos: a.Pos, Args: []*Node{a, list}}
}

// arrayItem resolves a constant of a list in the kind of what is looked for. A
// number keeps being a Float beside an Int only if it is not whole.
func (c *checker) arrayItem(a *Node, n ast.Node) *Node {
	pos := c.source.start(n)
	switch n := n.(type) {
	case *ast.NilNode:
		return c.fault(pos, "nil can't be in a list: ask `a == nil or a in […]`")
	case *ast.ArrayNode:
		return c.fault(pos, "a list can't be in a list")
	case *ast.IdentifierNode:
		if c.entity(n.Value) < 0 && c.column(n.Value) == nil && n.Value != "tx" {
			return c.fault(pos, "text stands in quotes: %q", n.Value)
		}
	}
	r := c.scalar(n, "a list")
	switch {
	case r.Kind == Invalid:
		return r
	case r.Op != Const:
		return c.fault(pos, "only constants can stand in a list, and %s is not one: write `a == b or a in […]`", c.quote(r))
	case a.Kind == Invalid:
		return r
	}
	_, r = asTimes(a, r)
	switch {
	case a.Kind == Int && r.Kind == Float:
		return asWhole(r)
	case a.Kind.IsNumber() && r.Kind.IsNumber():
		if a.Kind != Int {
			r = asFloat(r)
		}
		return r
	case a.Kind != r.Kind:
		return c.fault(r.Pos, "%s is %s and %s is %s: they can't be compared%s", c.quote(a), a.Kind.Words(), c.quote(r), r.Kind.Words(), c.remedy(a, r))
	}
	return r
}

// asWhole turns a Float constant into an Int where nothing is lost.
func asWhole(n *Node) *Node {
	f := math.Float64frombits(n.Value.Bits)
	const exact = 1 << 53
	if f != math.Trunc(f) || math.Abs(f) > exact {
		return n
	}
	return integer(n.Pos, int64(f))
}

// negative gives a constant number with the other sign.
func negative(n *Node, pos int) *Node {
	if n.Value.Kind == event.Int {
		return integer(pos, -int64(n.Value.Bits))
	}
	return number(pos, -math.Float64frombits(n.Value.Bits))
}
