package lang

// length resolves len: of a list the same as count.
func (c *checker) length(f *call) *Node {
	arg := c.resolve(predicateBody(f.args[0]))
	switch {
	case arg.Kind == Invalid:
		return arg
	case arg.Kind.IsList():
		return c.counted(f, arg)
	case arg.Kind == String:
		return &Node{Op: Call, Kind: Int, Pos: f.pos, Name: "len", Args: []*Node{arg}}
	}
	return c.fault(arg.Pos, "`len` takes text or a list, and %s is %s", c.quote(arg), arg.Kind.Words())
}

// ofScalars resolves the functions that take only single values.
func (c *checker) ofScalars(f *call) *Node {
	want := String
	switch f.name {
	case "abs", "ceil", "floor", "round", "int", "float", "distance_km":
		want = Float
	}
	args := make([]*Node, len(f.args))
	bad := false
	for i, arg := range f.args {
		args[i] = c.scalar(predicateBody(arg), "`"+f.name+"`")
		switch k := args[i].Kind; {
		case k == Invalid:
			bad = true
		case want == Float && !k.IsNumber():
			args[i] = c.fault(args[i].Pos, "`%s` takes a number, and %s is %s", f.name, c.quote(args[i]), k.Words())
			bad = true
		case want == String && k != String:
			args[i] = c.fault(args[i].Pos, "`%s` takes text, and %s is %s", f.name, c.quote(args[i]), k.Words())
			bad = true
		}
	}
	if bad {
		return invalid(f.pos)
	}
	kind := want
	if f.name == "int" || f.name == "abs" && args[0].Kind == Int {
		kind = Int
	}
	return &Node{Op: Call, Kind: kind, Pos: f.pos, Name: f.name, Args: args}
}
