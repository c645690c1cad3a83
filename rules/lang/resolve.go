package lang

import (
	"math"

	"github.com/expr-lang/expr/ast"

	"sluice/scoring/event"
)

// resolve turns one of expr's nodes into a checked one. A faulty part is
// reported once and comes back as Invalid.
func (c *checker) resolve(n ast.Node) *Node {
	secretOK := c.secretOK
	c.secretOK = false
	pos := c.source.pos(n)
	switch n := n.(type) {
	case *ast.NilNode:
		return c.fault(pos, "nil can only be compared with `==` and `!=`")
	case *ast.BoolNode:
		return boolean(pos, n.Value)
	case *ast.IntegerNode:
		return integer(pos, int64(n.Value))
	case *ast.FloatNode:
		return number(pos, n.Value)
	case *ast.StringNode:
		return text(pos, n.Value)
	case *ast.IdentifierNode:
		return c.identifier(n.Value, pos)
	case *ast.PointerNode:
		return c.item(n, pos)
	case *ast.ChainNode:
		c.secretOK = secretOK
		return c.resolve(n.Node)
	case *ast.MemberNode:
		return c.member(n, pos, secretOK)
	case *ast.CallNode:
		return c.called(n, pos)
	case *ast.BuiltinNode:
		return c.function(c.source.name(n), pos, n.Arguments)
	case *ast.UnaryNode:
		return c.unary(n, pos)
	case *ast.BinaryNode:
		return c.binary(n, pos)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.PredicateNode:
		return c.fault(pos, "`{…}` is not allowed here")
	}
	return c.unknownNode(n, pos)
}

// unknownNode refuses what expr's grammar has and conditions have not.
func (c *checker) unknownNode(n ast.Node, pos int) *Node {
	switch n.(type) {
	case *ast.ArrayNode:
		return c.fault(pos, "a list of constants can only stand to the right of `in`")
	case *ast.MapNode:
		return c.fault(pos, "maps (`{…}`) are not allowed")
	case *ast.SliceNode:
		return c.fault(pos, "slices (`[a:b]`) are not allowed: choose the window instead, as in `%s.newest(5)`", c.anyEntity())
	case *ast.BytesNode:
		return c.fault(pos, "bytes (`b\"…\"`) are not allowed: write text in plain quotes")
	}
	return c.fault(pos, "this is not allowed in a condition")
}

// operand resolves a side of a comparison, where a secret field may stand.
func (c *checker) operand(n ast.Node) *Node {
	c.secretOK = true
	return c.resolve(n)
}

// scalar resolves a part that must be a single value.
func (c *checker) scalar(n ast.Node, what string) *Node {
	return c.single(c.resolve(n), what)
}

func (c *checker) single(n *Node, what string) *Node {
	switch {
	case n.Kind == Invalid || n.Kind.IsScalar():
		return n
	case n.Kind == Event:
		return c.fault(n.Pos, "%s takes a single value, and %s is %s: name one of its fields, as in `%s.%s`", what, c.quote(n), n.Kind.Words(), c.text(n), c.schema.Fields[c.schema.ID].Name)
	}
	return c.fault(n.Pos, "%s takes a single value, and %s is %s", what, c.quote(n), n.Kind.Words())
}

func boolean(pos int, value bool) *Node {
	var bits uint64
	if value {
		bits = 1
	}
	return &Node{Op: Const, Kind: Bool, Pos: pos, Value: event.Value{Kind: event.Bool, Bits: bits}}
}

func integer(pos int, value int64) *Node {
	return &Node{Op: Const, Kind: Int, Pos: pos, Value: event.Value{Kind: event.Int, Bits: uint64(value)}}
}

func number(pos int, value float64) *Node {
	if value == 0 {
		value = 0 // not -0
	}
	return &Node{Op: Const, Kind: Float, Pos: pos, Value: event.Value{Kind: event.Float, Bits: math.Float64bits(value)}}
}

func text(pos int, value string) *Node {
	return &Node{Op: Const, Kind: String, Pos: pos, Value: event.Value{Kind: event.String, Text: value}}
}

// asFloat gives a number as a Float: constants at once, others by a call.
func asFloat(n *Node) *Node {
	switch {
	case n.Kind != Int:
		return n
	case n.Op == Const:
		return number(n.Pos, float64(int64(n.Value.Bits)))
	}
	return &Node{Op: Call, Kind: Float, Pos: n.Pos, Name: "float", Args: []*Node{n}}
}

// item resolves `#` that stands alone.
func (c *checker) item(n *ast.PointerNode, pos int) *Node {
	switch s := c.scope; {
	case n.Name != "":
		return c.fault(pos, "`#%s` is not allowed", n.Name)
	case s == nil:
		return c.fault(pos, "`#` stands for an element of a list: it has a meaning only in the second part of a function, as in `count(list, # > 5)`")
	case s.of == Invalid:
		return invalid(pos)
	case s.of == Event:
		return c.fault(pos, "`#` is %s here: name one of its fields, as in `.%s`", s.of.Words(), c.schema.Fields[c.schema.ID].Name)
	default:
		return &Node{Op: Item, Kind: s.of, Pos: pos}
	}
}

// member resolves a.b and a["b"].
func (c *checker) member(n *ast.MemberNode, pos int, secretOK bool) *Node {
	name, ok := n.Property.(*ast.StringNode)
	if !ok {
		return c.indexed(n, pos)
	}
	base := n.Node
	if chain, ok := base.(*ast.ChainNode); ok {
		base = chain.Node
	}
	at := c.source.pos(base)
	switch b := base.(type) {
	case *ast.PointerNode:
		return c.pastField(b, name, at)
	case *ast.IdentifierNode:
		switch {
		case b.Value == "tx":
			return c.txField(name, at, secretOK)
		case b.Value == "lists":
			return c.fault(at, "a list can only stand to the right of `in`, as in `tx.%s in lists.%s`", c.anyText(), name.Value)
		case c.entity(b.Value) >= 0:
			return c.fault(at, "`%s.%s` means nothing: %s", b.Value, name.Value, c.entityUse(b.Value))
		}
	}
	of := c.resolve(base)
	switch of.Kind {
	case Invalid:
		return of
	case Event:
		column := c.pastColumn(name.Value, c.source.pos(name))
		if column == nil {
			return invalid(of.Pos)
		}
		return c.columnNode(&Node{Op: Member, Pos: of.Pos, Args: []*Node{of}}, *column)
	case Events:
		return c.fault(of.Pos, "%s is %s and has no field %q: take the field of each with `map(%s, .%s)`, or one of them with `last(%s).%s`",
			c.quote(of), of.Kind.Words(), name.Value, c.text(of), name.Value, c.text(of), name.Value)
	}
	return c.fault(of.Pos, "%s is %s and has no parts", c.quote(of), of.Kind.Words())
}

// indexed refuses a[b].
func (c *checker) indexed(n *ast.MemberNode, pos int) *Node {
	of := c.resolve(n.Node)
	switch {
	case of.Kind == Invalid:
		return of
	case !of.Kind.IsList():
		return c.fault(pos, "%s is %s: `[…]` takes nothing from it", c.quote(of), of.Kind.Words())
	}
	return c.fault(pos, "`[…]` can't pick from a list: use `first(list)`, `last(list)` or the window `%s.newest(5)`", c.anyEntity())
}
