package plan

import (
	"regexp"
	"strconv"
	"strings"

	"sluice/rules/lang"
	"sluice/scoring/event"
)

// compiler turns scalar expressions into terms. What it does not know, because
// it works on lists, it gives back as nil.
type compiler struct {
	schema *event.Schema
	lists  lang.Lists
	// past is set in a predicate over past events; windows outside, where it
	// knows the window values, and shares what stands in several places.
	past    bool
	windows *windows
}

// term compiles an expression, or returns nil.
func (c *compiler) term(n *lang.Node) *term {
	switch {
	case n.Op == lang.Const:
		return constantTerm(n, n.Kind, n.Value)
	case n.Op == lang.Past && c.past:
		return pastColumn(c.schema, n)
	case n.Op == lang.Tx && c.past:
		return txColumn(c.schema, n)
	case c.windows != nil:
		return c.windows.term(n)
	}
	return c.operation(n)
}

// operation compiles a node with scalar arguments.
func (c *compiler) operation(n *lang.Node) *term {
	if n.Op == lang.In {
		return c.in(n)
	}
	args := make([]*term, len(n.Args))
	for i, a := range n.Args {
		if !isScalar(a.Kind) {
			return nil
		}
		if args[i] = c.term(a); args[i] == nil {
			return nil
		}
	}
	t := &term{node: n, kind: n.Kind, args: args, query: -1}
	if !operate(t, n, args) {
		return nil
	}
	return fold(t)
}

func isScalar(k lang.Kind) bool { return k == lang.Nil || k.IsScalar() }

// operate fills in what t does with its arguments.
func operate(t *term, n *lang.Node, args []*term) bool {
	switch n.Op {
	case lang.Not:
		t.word = not(args[0].as(lang.Bool))
	case lang.Neg:
		t.word = negate(args[0])
	case lang.And:
		t.word = and(args[0].as(lang.Bool), args[1].as(lang.Bool))
	case lang.Or:
		t.word = or(args[0].as(lang.Bool), args[1].as(lang.Bool))
	case lang.IsNil:
		t.word = isNil(args[0])
	case lang.Coalesce:
		coalesce(t, args[0], args[1])
	case lang.Cond:
		choose(t, args[0], args[1], args[2])
	case lang.Eq, lang.Ne, lang.Lt, lang.Le, lang.Gt, lang.Ge:
		t.word = compare(n.Op, args[0], args[1])
	case lang.Contains:
		t.word = texts(args[0].string(), args[1].string(), strings.Contains)
	case lang.StartsWith:
		t.word = texts(args[0].string(), args[1].string(), strings.HasPrefix)
	case lang.EndsWith:
		t.word = texts(args[0].string(), args[1].string(), strings.HasSuffix)
	case lang.Matches:
		return matches(t, args)
	case lang.Add, lang.Sub, lang.Mul, lang.Div, lang.Mod:
		t.word = calculate(n.Op, n.Kind, args[0], args[1])
	case lang.Call:
		return call(t, n.Name, args)
	default:
		return false
	}
	return true
}

func matches(t *term, args []*term) bool {
	if !args[1].constant {
		return false
	}
	re, err := regexp.Compile(args[1].value.Text)
	if err != nil {
		return false // the VM's compiler will say so
	}
	inner := args[0].string()
	t.word = func(e env) (uint64, bool) {
		s, ok := inner(e)
		return bit(ok && re.MatchString(s)), ok
	}
	return true
}

// in compiles `a in [constants]` and, for texts, `a in lists.name`.
func (c *compiler) in(n *lang.Node) *term {
	if !isScalar(n.Args[0].Kind) {
		return nil
	}
	a := c.term(n.Args[0])
	if a == nil {
		return nil
	}
	t := &term{node: n, kind: lang.Bool, args: []*term{a}, query: -1}
	right := n.Args[1]
	switch {
	case right.Op == lang.Array:
		items := make([]*term, len(right.Args))
		for i, item := range right.Args {
			if items[i] = c.term(item); items[i] == nil || !items[i].constant {
				return nil
			}
		}
		t.word = within(a, items)
		return fold(t)
	case right.Op == lang.ListName && (a.kind == lang.String || a.kind == lang.Int):
		inner, lists, name := a.string(), c.lists, right.Name
		if a.kind == lang.Int {
			inner = decimal(a.word)
		}
		t.word = func(e env) (uint64, bool) {
			s, ok := inner(e)
			return bit(ok && lists.Contains(name, s, e.tx.Arrival)), ok
		}
		return t
	}
	return nil
}

// decimal gives an integer as text.
func decimal(a word) text {
	return func(e env) (string, bool) {
		bits, ok := a(e)
		if !ok {
			return "", false
		}
		if e.frame == nil {
			return strconv.FormatInt(int64(bits), 10), true
		}
		return e.frame.write(func(b []byte) []byte { return strconv.AppendInt(b, int64(bits), 10) }), true
	}
}
