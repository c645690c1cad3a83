package lang

import "github.com/expr-lang/expr/ast"

// listOf resolves an argument that must be a list; the node is Invalid otherwise.
func (c *checker) listOf(f *call, arg ast.Node) *Node {
	return c.asList(f, c.resolve(predicateBody(arg)))
}

func (c *checker) asList(f *call, n *Node) *Node {
	if n.Kind == Invalid || n.Kind.IsList() {
		return n
	}
	return c.fault(n.Pos, "`%s` takes a list of past transactions, such as `%s`, and %s is %s", f.name, c.window(), c.quote(n), n.Kind.Words())
}

// inside resolves the second argument of a function in the scope of its list.
func (c *checker) inside(f *call, list *Node, arg ast.Node) *Node {
	if c.scope != nil {
		if list.Kind == Invalid {
			return list
		}
		return c.fault(f.pos, "`%s` with a second part can't stand inside that of `%s`: a question about each past transaction can't go through another list", f.name, c.scope.function)
	}
	c.scope = &scope{of: list.Kind.Elem(), function: f.name}
	r := c.resolve(predicateBody(arg))
	c.scope = nil
	if r.Kind == Event || r.Kind.IsList() {
		return c.fault(r.Pos, "the second part of `%s` must be a single value, and %s is %s", f.name, c.quote(r), r.Kind.Words())
	}
	return r
}

// predicate resolves a second argument that must be true or false.
func (c *checker) predicate(f *call, list *Node, arg ast.Node) *Node {
	r := c.inside(f, list, arg)
	switch {
	case r.Kind == Invalid || r.Kind == Bool:
		return r
	case f.name == "count" && (r.Op == Past || r.Op == Item):
		return c.fault(r.Pos, "`count` takes a condition, and %s is %s: compare it, or count its different values with `distinct(list, %s)`", c.quote(r), r.Kind.Words(), c.text(r))
	}
	return c.fault(r.Pos, "`%s` takes a condition, and %s is %s: compare it, as in `%s`", f.name, c.quote(r), r.Kind.Words(), c.usage(f.name))
}

// overPredicate resolves count, any, none, all, filter, find and map.
func (c *checker) overPredicate(f *call) *Node {
	list := c.listOf(f, f.args[0])
	if len(f.args) == 1 { // count(list)
		return c.counted(f, list)
	}
	var second *Node
	if f.name == "map" {
		second = c.inside(f, list, f.args[1])
	} else {
		second = c.predicate(f, list, f.args[1])
	}
	if list.Kind == Invalid || second.Kind == Invalid {
		return invalid(f.pos)
	}
	n := &Node{Op: Call, Pos: f.pos, Name: f.name, Args: []*Node{list, second}}
	switch f.name {
	case "count":
		n.Kind = Int
	case "filter":
		n.Kind = list.Kind
	case "find":
		n.Kind = list.Kind.Elem()
	case "map":
		n.Kind = second.Kind.List()
	default:
		n.Kind = Bool
	}
	return canonical(n)
}

// counted resolves count(list) and len(list), which are the same.
func (c *checker) counted(f *call, list *Node) *Node {
	if list.Kind == Invalid {
		return invalid(f.pos)
	}
	return canonical(&Node{Op: Call, Kind: Int, Pos: f.pos, Name: "count", Args: []*Node{list}})
}

// overList resolves first, last and reverse.
func (c *checker) overList(f *call) *Node {
	list := c.listOf(f, f.args[0])
	if list.Kind == Invalid {
		return invalid(f.pos)
	}
	kind := list.Kind
	if f.name != "reverse" {
		kind = kind.Elem()
	}
	return canonical(&Node{Op: Call, Kind: kind, Pos: f.pos, Name: f.name, Args: []*Node{list}})
}

// aggregate resolves f(list of scalars) and f(list, scalar).
func (c *checker) aggregate(f *call, first *Node) *Node {
	list := c.asList(f, first)
	if len(f.args) == 1 {
		if list.Kind == Events {
			return c.fault(f.pos, "`%s` of what? Name a field, as in `%s`", f.name, c.usage(f.name))
		}
		return c.aggregated(f, list.Kind.Elem(), list, nil)
	}
	second := c.inside(f, list, f.args[1])
	if second.Kind == Invalid {
		return invalid(f.pos)
	}
	return c.aggregated(f, second.Kind, list, second)
}

// aggregated checks the kind of what an aggregate is made of.
func (c *checker) aggregated(f *call, elem Kind, list, second *Node) *Node {
	if list.Kind == Invalid || elem == Invalid {
		return invalid(f.pos)
	}
	if elem == Seconds {
		elem = Float
	}
	kind, why := aggregateKind(f.name, elem)
	if kind == Invalid {
		at, shown := list, list
		if second != nil {
			at, shown = second, second
		}
		return c.fault(at.Pos, "`%s` takes %s, and %s is %s", f.name, why, c.quote(shown), shown.Kind.Words())
	}
	n := &Node{Op: Call, Kind: kind, Pos: f.pos, Name: f.name, Args: []*Node{list}}
	if second != nil {
		n.Args = append(n.Args, second)
	}
	return canonical(n)
}

// aggregateKind gives the kind of an aggregate over values of a kind, or what
// it takes instead.
func aggregateKind(name string, elem Kind) (Kind, string) {
	switch name {
	case "distinct":
		return Int, ""
	case "most_common":
		return elem, ""
	case "streak":
		if elem == Bool {
			return Int, ""
		}
		return Invalid, "a condition, as in `streak(list, .amount < 5)`"
	case "min", "max":
		if elem.IsNumber() || elem == Time {
			return elem, ""
		}
		return Invalid, "numbers or times"
	case "sum":
		switch {
		case elem == Bool:
			return Invalid, "numbers (`count(list, condition)` counts what is true)"
		case elem.IsNumber():
			return elem, ""
		}
		return Invalid, "numbers"
	}
	switch {
	case elem.IsNumber():
		return Float, ""
	case elem == Bool && name == "mean":
		return Invalid, "numbers (a share is `count(list, condition) / count(list)`)"
	}
	return Invalid, "numbers"
}

// extreme resolves min and max, over a list or of several values.
func (c *checker) extreme(f *call) *Node {
	first := c.resolve(predicateBody(f.args[0]))
	if first.Kind.IsList() || len(f.args) == 1 {
		if len(f.args) > 2 {
			return c.fault(f.pos, "`%s` of a list is written `%s`: %s", f.name, c.usage(f.name), argumentsGiven(len(f.args)))
		}
		return c.aggregate(f, first)
	}
	args := []*Node{c.single(first, "`"+f.name+"`")}
	for _, arg := range f.args[1:] {
		if first.Kind == Invalid {
			return first // a list or not: nothing can be said of the rest
		}
		if c.source.braced(arg) {
			return c.fault(c.source.pos(arg), "`{…}` is not allowed here")
		}
		args = append(args, c.scalar(predicateBody(arg), "`"+f.name+"`"))
	}
	return c.extremeOf(f, args)
}

// extremeOf checks min and max of single values and brings them to one kind.
func (c *checker) extremeOf(f *call, args []*Node) *Node {
	kind := Int
	for _, arg := range args {
		switch {
		case arg.Kind == Invalid:
			return invalid(f.pos)
		case arg.Kind == Time:
			kind = Time
		case arg.Kind != Int && kind == Int:
			kind = Float
		}
	}
	for i, arg := range args {
		switch {
		case kind == Time && arg.Kind == String:
			arg = asTime(arg)
		case kind == Float:
			arg = asFloat(arg)
		}
		args[i] = arg
		switch {
		case !arg.Kind.IsNumber() && arg.Kind != Time:
			return c.fault(arg.Pos, "`%s` takes numbers, or times, and %s is %s", f.name, c.quote(arg), arg.Kind.Words())
		case kind == Time && arg.Kind != Time:
			return c.fault(f.pos, "`%s` takes numbers only, or times only: %s is %s", f.name, c.quote(arg), arg.Kind.Words())
		}
	}
	return &Node{Op: Call, Kind: kind, Pos: f.pos, Name: f.name, Args: args}
}
