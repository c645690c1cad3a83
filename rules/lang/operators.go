package lang

import (
	"github.com/expr-lang/expr/ast"
)

// binary resolves an operator between two parts.
func (c *checker) binary(n *ast.BinaryNode, pos int) *Node {
	switch n.Operator {
	case "and", "&&":
		if parts := chain(n); parts != nil {
			return c.chained(parts, pos)
		}
		return c.logic(And, n)
	case "or", "||":
		return c.logic(Or, n)
	case "==":
		return c.equality(Eq, n, pos)
	case "!=":
		return c.equality(Ne, n, pos)
	case "<":
		return c.ordering(Lt, n, pos)
	case "<=":
		return c.ordering(Le, n, pos)
	case ">":
		return c.ordering(Gt, n, pos)
	case ">=":
		return c.ordering(Ge, n, pos)
	case "in":
		return c.in(n, pos)
	case "contains":
		return c.textual(Contains, n)
	case "startsWith":
		return c.textual(StartsWith, n)
	case "endsWith":
		return c.textual(EndsWith, n)
	case "matches":
		return c.matches(n)
	case "??":
		return c.coalesce(n, pos)
	case "+":
		return c.arithmetic(Add, n, pos)
	case "-":
		return c.arithmetic(Sub, n, pos)
	case "*":
		return c.arithmetic(Mul, n, pos)
	case "/":
		return c.arithmetic(Div, n, pos)
	case "%":
		return c.arithmetic(Mod, n, pos)
	}
	return c.fault(pos, "`%s` is not allowed", n.Operator)
}

// isOrdering reports whether expr chains an operator: a < b < c.
func isOrdering(operator string) bool {
	return operator == "<" || operator == "<=" || operator == ">" || operator == ">="
}

// chain gives the parts of a chained comparison, which expr's parser turns into
// comparisons that share nodes; nil if n is an ordinary `and`. Walking such a
// tree like any other takes exponential time.
func chain(n *ast.BinaryNode) []ast.Node {
	last, ok := n.Right.(*ast.BinaryNode)
	if !ok || !isOrdering(last.Operator) {
		return nil
	}
	parts := []ast.Node{last.Right, last.Left}
	for left, ok := n.Left.(*ast.BinaryNode); ok; left, ok = n.Left.(*ast.BinaryNode) {
		shared := parts[len(parts)-1]
		if isOrdering(left.Operator) {
			if left.Right != shared {
				return nil
			}
			return append(parts, left.Left)
		}
		middle, ok := left.Right.(*ast.BinaryNode)
		if left.Operator != "&&" || !ok || middle.Right != shared {
			return nil
		}
		parts = append(parts, middle.Left)
		n = left
	}
	return nil
}

func (c *checker) chained(parts []ast.Node, pos int) *Node {
	for _, part := range parts {
		c.resolve(part)
	}
	return c.fault(pos, "comparisons can't be chained: write `a < b and b < c`")
}

// logic resolves `and` and `or`.
func (c *checker) logic(op Op, n *ast.BinaryNode) *Node {
	word, _ := operator(op)
	a := c.truth(n.Left, "`"+word+"`")
	b := c.truth(n.Right, "`"+word+"`")
	if a.Kind == Invalid || b.Kind == Invalid {
		return invalid(a.Pos)
	}
	return &Node{Op: op, Kind: Bool, Pos: a.Pos, Args: []*Node{a, b}}
}

// truth resolves a part that must be true or false.
func (c *checker) truth(n ast.Node, what string) *Node {
	r := c.resolve(n)
	switch {
	case r.Kind == Invalid || r.Kind == Bool:
		return r
	case r.Kind == Events:
		return c.fault(r.Pos, "%s takes what is true or false, and %s is %s: count it, as in `count(%s) > 0`", what, c.quote(r), r.Kind.Words(), c.text(r))
	case r.Kind == Event:
		return c.fault(r.Pos, "%s takes what is true or false, and %s is %s: ask `%s != nil`", what, c.quote(r), r.Kind.Words(), c.text(r))
	case r.Op == Const:
		return c.fault(r.Pos, "%s takes what is true or false, and %s is %s: repeat the comparison on both sides, as in `a == 1 or a == 2`", what, c.quote(r), r.Kind.Words())
	}
	return c.fault(r.Pos, "%s takes what is true or false, and %s is %s", what, c.quote(r), r.Kind.Words())
}

// unary resolves `not`, `-` and `+`.
func (c *checker) unary(n *ast.UnaryNode, pos int) *Node {
	if n.Operator == "not" || n.Operator == "!" {
		return c.not(n, pos)
	}
	r := c.scalar(n.Node, "`"+n.Operator+"`")
	switch {
	case r.Kind == Invalid:
		return r
	case !r.Kind.IsNumber():
		return c.fault(r.Pos, "`%s` takes a number, and %s is %s", n.Operator, c.quote(r), r.Kind.Words())
	case n.Operator == "+":
		return r
	case r.Op == Const:
		return negative(r, pos)
	}
	kind := r.Kind
	if kind == Seconds {
		kind = Float
	}
	return &Node{Op: Neg, Kind: kind, Pos: pos, Args: []*Node{r}}
}

func (c *checker) not(n *ast.UnaryNode, pos int) *Node {
	if inner, ok := n.Node.(*ast.BinaryNode); ok && isWord(inner.Operator) && c.source.pos(inner) == pos {
		r := c.binary(inner, pos) // a not in b
		if r.Kind == Invalid {
			return r
		}
		return &Node{Op: Not, Kind: Bool, Pos: r.Pos, Args: []*Node{r}}
	}
	r := c.resolve(n.Node)
	switch {
	case r.Kind == Invalid:
		return invalid(pos)
	case r.Kind != Bool:
		return c.fault(pos, "`%s` takes what is true or false, and %s is %s; it binds to that alone: for more write `not (…)`", n.Operator, c.quote(r), r.Kind.Words())
	}
	return &Node{Op: Not, Kind: Bool, Pos: pos, Args: []*Node{r}}
}

// isWord reports whether `not` may stand right before an operator.
func isWord(operator string) bool {
	switch operator {
	case "in", "contains", "startsWith", "endsWith", "matches":
		return true
	}
	return false
}

// conditional resolves a ? b : c.
func (c *checker) conditional(n *ast.ConditionalNode) *Node {
	if n.Cond == n.Exp1 { // a ?: b shares the node, see chain
		r := c.resolve(n.Cond)
		return c.fault(r.Pos, "`?:` is not allowed: write `a ?? b` for the value that is there")
	}
	test := c.truth(n.Cond, "`?`")
	a, b := c.scalar(n.Exp1, "`? :`"), c.scalar(n.Exp2, "`? :`")
	if test.Kind == Invalid || a.Kind == Invalid || b.Kind == Invalid {
		return invalid(test.Pos)
	}
	a, b, kind := unify(a, b)
	if kind == Invalid {
		return c.fault(b.Pos, "both values of `? :` must be of one kind: %s is %s, %s is %s", c.quote(a), a.Kind.Words(), c.quote(b), b.Kind.Words())
	}
	return &Node{Op: Cond, Kind: kind, Pos: test.Pos, Args: []*Node{test, a, b}}
}

// coalesce resolves a ?? b.
func (c *checker) coalesce(n *ast.BinaryNode, pos int) *Node {
	a, b := c.scalar(n.Left, "`??`"), c.scalar(n.Right, "`??`")
	if a.Kind == Invalid || b.Kind == Invalid {
		return invalid(a.Pos)
	}
	a, b, kind := unify(a, b)
	if kind == Invalid {
		return c.fault(pos, "both sides of `??` must be of one kind: %s is %s, %s is %s", c.quote(a), a.Kind.Words(), c.quote(b), b.Kind.Words())
	}
	return &Node{Op: Coalesce, Kind: kind, Pos: a.Pos, Args: []*Node{a, b}}
}

// unify brings two single values to one kind: a mixture of numbers to Float, a
// written time to Time. The kind is Invalid if there is none.
func unify(a, b *Node) (*Node, *Node, Kind) {
	a, b = asTimes(a, b)
	switch {
	case a.Kind == b.Kind && a.Kind != Seconds:
		return a, b, a.Kind
	case a.Kind.IsNumber() && b.Kind.IsNumber():
		return asFloat(a), asFloat(b), Float
	}
	return a, b, Invalid
}

// arithmetic resolves + - * / %.
func (c *checker) arithmetic(op Op, n *ast.BinaryNode, pos int) *Node {
	what := "`" + n.Operator + "`"
	a, b := c.scalar(n.Left, what), c.scalar(n.Right, what)
	if a.Kind == Invalid || b.Kind == Invalid {
		return invalid(a.Pos)
	}
	if op == Sub {
		a, b = asTimes(a, b)
	}
	kind := Float
	switch {
	case op == Sub && a.Kind == Time && b.Kind == Time:
		kind = Seconds
	case a.Kind == Time || b.Kind == Time:
		return c.fault(pos, "times can only be subtracted from each other, which gives seconds: %s is %s, %s is %s", c.quote(a), a.Kind.Words(), c.quote(b), b.Kind.Words())
	case a.Kind == String && b.Kind == String && op == Add:
		return c.fault(pos, "texts can't be joined with `+`: compare them one by one")
	case !a.Kind.IsNumber():
		return c.notNumber(n.Operator, a)
	case !b.Kind.IsNumber():
		return c.notNumber(n.Operator, b)
	case op == Mod && (a.Kind != Int || b.Kind != Int):
		return c.fault(pos, "`%%` takes whole numbers on both sides, as in `tx.%s %% 100 == 0`", c.anyWhole())
	case op != Div && a.Kind == Int && b.Kind == Int:
		kind = Int
	}
	return &Node{Op: op, Kind: kind, Pos: a.Pos, Args: []*Node{a, b}}
}

func (c *checker) notNumber(operator string, n *Node) *Node {
	if n.Kind == Bool {
		return c.fault(n.Pos, "`%s` takes numbers, and %s is true or false: join conditions with `and` and `or`", operator, c.quote(n))
	}
	return c.fault(n.Pos, "`%s` takes numbers, and %s is %s", operator, c.quote(n), n.Kind.Words())
}

// anyWhole gives the name of something whole, for examples in messages.
func (c *checker) anyWhole() string {
	for _, name := range c.columns(false) {
		if column := c.column(name); kindOf(c.schema.Kind(*column)) == Int && (column.Field < 0 || !c.schema.Fields[column.Field].Secret) && name != c.schema.Fields[c.schema.ID].Name {
			return name
		}
	}
	return "hour"
}
