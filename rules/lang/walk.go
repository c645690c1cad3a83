package lang

import "slices"

// Walk calls visit for n and, where that returns true, for what is below it,
// parents first.
func Walk(n *Node, visit func(*Node) bool) {
	if !visit(n) {
		return
	}
	for _, arg := range n.Args {
		Walk(arg, visit)
	}
}

// Equal reports whether two trees say the same, wherever they stand.
func Equal(a, b *Node) bool {
	return a.Op == b.Op && a.Kind == b.Kind && a.Value == b.Value && a.Column == b.Column &&
		a.Entity == b.Entity && a.Span == b.Span && a.Name == b.Name &&
		slices.EqualFunc(a.Args, b.Args, Equal)
}

// Size counts the nodes of a tree; the constants of an Array cost nothing,
// since they become one look-up.
func Size(n *Node) int {
	size := 0
	Walk(n, func(n *Node) bool {
		size++
		return n.Op != Array
	})
	return size
}
