package lang

import (
	"cmp"
	"fmt"
	"slices"

	"sluice/scoring/event"
)

// Fault is one thing wrong with a condition, in the analyst's words.
type Fault struct {
	Pos     int    // 0-based rune offset in the condition's text
	Message string // what is wrong and what was expected, with "did you mean" where it helps
}

// What a condition may at most be. Conditions are hostile input: without these
// bounds expr's parser overflows its stack, and later steps take for ever.
const (
	MaxSource = 8 << 10 // bytes of text
	MaxDepth  = 64      // brackets inside brackets
	MaxNodes  = 500     // nodes of the tree, the constants right of `in` left out
)

// bounds are the limits above; tests that check rendered trees widen them.
type bounds struct{ source, depth, nodes int }

// Check parses and checks a condition (which must be a Bool) against the
// schema. It returns the tree, or all faults in the order of their positions.
// lists may be nil.
func Check(source string, schema *event.Schema, lists Lists) (*Node, []Fault) {
	return check(source, schema, lists, bounds{MaxSource, MaxDepth, MaxNodes})
}

func check(source string, schema *event.Schema, lists Lists, limit bounds) (*Node, []Fault) {
	s, faults := parse(source, limit)
	if s.tree == nil {
		return nil, ordered(faults)
	}
	c := &checker{schema: schema, lists: lists, source: s, faults: faults}
	root := c.resolve(s.tree)
	c.condition(root)
	if size := Size(root); len(c.faults) == 0 && size > limit.nodes {
		c.fault(0, "the condition is too large: %d parts, at most %d are allowed; split it into several rules, or put constants into a list", size, limit.nodes)
	}
	if len(c.faults) > 0 {
		return nil, ordered(c.faults)
	}
	return root, nil
}

// ordered sorts faults by position and drops repeats.
func ordered(faults []Fault) []Fault {
	slices.SortStableFunc(faults, func(a, b Fault) int { return cmp.Compare(a.Pos, b.Pos) })
	return slices.Compact(faults)
}

// checker resolves names and kinds of one condition.
type checker struct {
	schema *event.Schema
	lists  Lists
	source *source
	faults []Fault

	scope    *scope // of the predicate that is being checked, nil outside
	secretOK bool   // the next node may be a secret field: it is only compared
}

// scope is what `.field` and `#` mean inside a predicate.
type scope struct {
	of       Kind   // Event; the elements' kind in a list of scalars; Invalid if the list is faulty
	function string // whose predicate it is
}

// fault reports a fault and gives the node that stands for the faulty part.
func (c *checker) fault(pos int, format string, args ...any) *Node {
	c.faults = append(c.faults, Fault{Pos: pos, Message: fmt.Sprintf(format, args...)})
	return invalid(pos)
}

func invalid(pos int) *Node { return &Node{Kind: Invalid, Pos: pos} }

// condition reports a root that is not true or false.
func (c *checker) condition(root *Node) {
	switch k := root.Kind; {
	case k == Invalid || k == Bool:
	case k.IsNumber():
		c.fault(root.Pos, "a condition must be true or false, and %s is %s: compare it, as in `%s > 100`", c.quote(root), k.Words(), c.text(root))
	case k == Events:
		c.fault(root.Pos, "a condition must be true or false, and %s is %s: count it, as in `count(%s) > 3`", c.quote(root), k.Words(), c.text(root))
	default:
		c.fault(root.Pos, "a condition must be true or false, and %s is %s", c.quote(root), k.Words())
	}
}

// text gives a node as the analyst may have written it, shortened.
func (c *checker) text(n *Node) string {
	if n.Kind == Nil {
		return "nil"
	}
	const most = 60
	runes := []rune(Text(n, c.schema))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}

// quote is text in backquotes.
func (c *checker) quote(n *Node) string { return "`" + c.text(n) + "`" }
