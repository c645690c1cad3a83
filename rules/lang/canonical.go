package lang

// canonical brings a call whose arguments are canonical into the one form that
// stands for all that mean the same. What it changes is listed in the doc
// comment at Functions.
func canonical(n *Node) *Node {
	list := n.Args[0]
	switch n.Name {
	case "reverse":
		if isCall(list, "reverse") {
			return list.Args[0]
		}
	case "first", "last":
		return canonicalEnd(n, list)
	case "find":
		if isCall(list, "reverse") {
			found := &Node{Op: Call, Kind: list.Kind, Pos: list.Pos, Name: "filter", Args: []*Node{list.Args[0], n.Args[1]}}
			return &Node{Op: Call, Kind: n.Kind, Pos: n.Pos, Name: "last", Args: []*Node{found}}
		}
	case "count":
		if isCall(list, "reverse") {
			list = list.Args[0]
			n.Args[0] = list
		}
		if len(n.Args) == 1 && isCall(list, "filter") {
			n.Args = list.Args
		}
	case "sum", "mean", "min", "max", "median", "stddev", "distinct", "most_common", "streak":
		if len(n.Args) == 1 && isCall(list, "map") {
			n.Args = list.Args
		}
	}
	return n
}

// canonicalEnd looks for the ends of turned and of filtered lists.
func canonicalEnd(n, list *Node) *Node {
	if isCall(list, "reverse") {
		list = list.Args[0]
		n.Args[0] = list
		if n.Name == "first" {
			n.Name = "last"
		} else {
			n.Name = "first"
		}
	}
	if n.Name == "first" && isCall(list, "filter") {
		n.Name, n.Args = "find", list.Args
		return canonical(n)
	}
	return n
}

func isCall(n *Node, name string) bool { return n.Op == Call && n.Name == name }
