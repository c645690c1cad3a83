package lang

import (
	"math"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"sluice/scoring/event"
)

// maxPattern bounds the text of a regular expression, maxProgram what it is
// compiled to: a short one may repeat a repetition.
const (
	maxPattern = 500
	maxProgram = 5000
)

// equality resolves == and !=, with nil the question whether something is missing.
func (c *checker) equality(op Op, n *ast.BinaryNode, pos int) *Node {
	left, right := bare(n.Left), bare(n.Right)
	_, leftNil := left.(*ast.NilNode)
	_, rightNil := right.(*ast.NilNode)
	switch {
	case leftNil && rightNil:
		return c.fault(pos, "nil is compared with nil")
	case leftNil:
		return c.missing(op, n.Right)
	case rightNil:
		return c.missing(op, n.Left)
	}
	a, b := c.side(n.Left, n.Operator), c.side(n.Right, n.Operator)
	return c.compared(op, n, a, b, pos)
}

// bare takes the `?.` wrapping off a node.
func bare(n ast.Node) ast.Node {
	if chain, ok := n.(*ast.ChainNode); ok {
		return chain.Node
	}
	return n
}

// missing resolves a == nil and a != nil.
func (c *checker) missing(op Op, n ast.Node) *Node {
	a := c.operand(n)
	switch {
	case a.Kind == Invalid:
		return a
	case a.Kind.IsList():
		return c.fault(a.Pos, "%s is %s and never nil: ask whether it is empty, as in `count(%s) == 0`, or whether the transaction has the field, as in `tx.%s == nil`",
			c.quote(a), a.Kind.Words(), c.text(a), c.anyText())
	}
	test := &Node{Op: IsNil, Kind: Bool, Pos: a.Pos, Args: []*Node{a}}
	if op == Ne {
		return &Node{Op: Not, Kind: Bool, Pos: a.Pos, Args: []*Node{test}}
	}
	return test
}

// side resolves one side of a comparison.
func (c *checker) side(n ast.Node, operator string) *Node {
	r := c.operand(n)
	switch r.Kind {
	case Event:
		return c.single(r, "`"+operator+"`")
	case Events:
		return c.fault(r.Pos, "`%s` compares single values, and %s is %s: count it, as in `count(%s)`", operator, c.quote(r), r.Kind.Words(), c.text(r))
	case Bools, Ints, Floats, Strings, Times:
		return c.fault(r.Pos, "`%s` compares single values, and %s is %s: take its `max`, `min`, `mean`, `first` or `last`, or ask with `in` or `any`", operator, c.quote(r), r.Kind.Words())
	}
	return r
}

// ordering resolves < <= > >=.
func (c *checker) ordering(op Op, n *ast.BinaryNode, pos int) *Node {
	a, b := c.side(n.Left, n.Operator), c.side(n.Right, n.Operator)
	for _, side := range []*Node{a, b} {
		if side.Kind == Bool {
			if isComparison(n.Left) || isComparison(n.Right) {
				return c.fault(pos, "comparisons can't be chained: write `a < b and b < c`")
			}
			return c.fault(pos, "`%s` compares numbers, texts and times, and %s is true or false", n.Operator, c.quote(side))
		}
	}
	return c.compared(op, n, a, b, pos)
}

// compared checks that two single values can be compared. A constant on the
// left changes sides, so that equal comparisons are equal trees.
func (c *checker) compared(op Op, n *ast.BinaryNode, a, b *Node, pos int) *Node {
	if a.Kind == Invalid || b.Kind == Invalid {
		return invalid(a.Pos)
	}
	at := a.Pos
	a, b = asTimes(a, b)
	if !comparableKinds(a.Kind, b.Kind) {
		return c.incomparable(n, a, b, pos)
	}
	if a.Op == Const && b.Op != Const {
		a, b, op = b, a, mirrored(op)
	}
	return &Node{Op: op, Kind: Bool, Pos: at, Args: []*Node{a, b}}
}

func comparableKinds(a, b Kind) bool { return a == b || a.IsNumber() && b.IsNumber() }

func mirrored(op Op) Op {
	switch op {
	case Lt:
		return Gt
	case Le:
		return Ge
	case Gt:
		return Lt
	case Ge:
		return Le
	}
	return op
}

func isComparison(n ast.Node) bool {
	b, ok := n.(*ast.BinaryNode)
	return ok && (isOrdering(b.Operator) || b.Operator == "==" || b.Operator == "!=")
}

// incomparable reports two kinds that don't go together, with the likely remedy.
func (c *checker) incomparable(n *ast.BinaryNode, a, b *Node, pos int) *Node {
	remedy := ""
	switch {
	case isComparison(n.Left) || isComparison(n.Right):
		remedy = "; comparisons can't be chained: write `a == b and b == c`"
	default:
		remedy = c.remedy(a, b)
		if remedy == "" {
			remedy = c.remedy(b, a)
		}
	}
	return c.fault(pos, "%s is %s and %s is %s: they can't be compared%s", c.quote(a), a.Kind.Words(), c.quote(b), b.Kind.Words(), remedy)
}

// remedy suggests how constant should be written beside value.
func (c *checker) remedy(value, constant *Node) string {
	if constant.Op != Const {
		return ""
	}
	text := constant.Value.Text
	switch {
	case value.Kind == String && constant.Kind.IsNumber():
		return ", did you mean `" + strconv.Quote(c.text(constant)) + "`?"
	case constant.Kind != String:
		return ""
	case value.Kind.IsNumber():
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return ", did you mean `" + text + "`?"
		}
		if strings.HasSuffix(c.quote(value), "weekday`") {
			return "; 1 is Monday, 7 is Sunday"
		}
		if d, err := ParseDuration(text); err == nil {
			return ", did you mean `" + strconv.Itoa(int(d/time.Second)) + "` (seconds)?"
		}
	case value.Kind == Bool && (strings.EqualFold(text, "true") || strings.EqualFold(text, "false")):
		return ", did you mean `" + strings.ToLower(text) + "`?"
	case value.Kind == Time:
		return `; a time is written as in "2026-01-31T08:00:00Z"`
	}
	return ""
}

// asTimes turns a text constant beside a Time into a Time, if it is one.
func asTimes(a, b *Node) (*Node, *Node) {
	switch {
	case a.Kind == Time && b.Kind == String:
		return a, asTime(b)
	case a.Kind == String && b.Kind == Time:
		return asTime(a), b
	}
	return a, b
}

func asTime(n *Node) *Node {
	if n.Op != Const {
		return n
	}
	t, err := time.Parse(time.RFC3339Nano, n.Value.Text)
	if err != nil {
		t, err = time.Parse(time.DateOnly, n.Value.Text)
	}
	earliest, latest := time.Unix(0, math.MinInt64+1), time.Unix(0, math.MaxInt64)
	if err != nil || t.Before(earliest) || t.After(latest) {
		return n
	}
	return &Node{Op: Const, Kind: Time, Pos: n.Pos, Value: event.Value{Kind: event.Time, Bits: uint64(t.UnixNano())}}
}

// textual resolves contains, startsWith and endsWith.
func (c *checker) textual(op Op, n *ast.BinaryNode) *Node {
	a, b := c.textSide(n.Left, n.Operator), c.textSide(n.Right, n.Operator)
	if a.Kind == Invalid || b.Kind == Invalid {
		return invalid(a.Pos)
	}
	return &Node{Op: op, Kind: Bool, Pos: a.Pos, Args: []*Node{a, b}}
}

func (c *checker) textSide(n ast.Node, operator string) *Node {
	r := c.operand(n)
	switch {
	case r.Kind == Invalid || r.Kind == String:
		return r
	case r.Kind.IsList():
		return c.fault(r.Pos, "`%s` looks into a text, and %s is %s: ask with `in` or `any`", operator, c.quote(r), r.Kind.Words())
	}
	return c.fault(r.Pos, "`%s` takes texts, and %s is %s", operator, c.quote(r), r.Kind.Words())
}

// matches resolves `a matches "pattern"`.
func (c *checker) matches(n *ast.BinaryNode) *Node {
	a, b := c.textSide(n.Left, n.Operator), c.textSide(n.Right, n.Operator)
	if b.Kind != Invalid {
		b = c.pattern(b)
	}
	if a.Kind == Invalid || b.Kind == Invalid {
		return invalid(a.Pos)
	}
	return &Node{Op: Matches, Kind: Bool, Pos: a.Pos, Args: []*Node{a, b}}
}

func (c *checker) pattern(n *Node) *Node {
	if n.Op != Const {
		return c.fault(n.Pos, "the pattern of `matches` must be a constant text, and %s is not", c.quote(n))
	}
	pattern := n.Value.Text
	if len(pattern) > maxPattern {
		return c.fault(n.Pos, "the pattern is too long: %d bytes, at most %d are allowed", len(pattern), maxPattern)
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err == nil {
		var program *syntax.Prog
		if program, err = syntax.Compile(tree.Simplify()); err == nil && len(program.Inst) > maxProgram {
			return c.fault(n.Pos, "the pattern repeats too much: it has %d steps, at most %d are allowed", len(program.Inst), maxProgram)
		}
	}
	if err == nil {
		_, err = regexp.Compile(pattern)
	}
	if err != nil {
		return c.fault(n.Pos, "bad pattern: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return n
}
