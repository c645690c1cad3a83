package lang

import (
	"slices"

	"sluice/scoring/history"
)

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

// Cost is the number of steps that a tree takes at most when it runs over
// materialised lists: what a function does for each event of a window counts
// as often as the window may have events.
func Cost(n *Node) int {
	if n.Op == Array {
		return 1
	}
	cost := 1
	for i, arg := range n.Args {
		if i == 1 && n.Op == Call && n.Args[0].Kind.IsList() {
			cost += Cost(arg) * longest(n.Args[0])
			continue
		}
		cost += Cost(arg)
	}
	if n.Kind.IsList() || n.Op == Call && len(n.Args) > 0 && n.Args[0].Kind.IsList() {
		cost += longest(n)
	}
	return cost
}

// longest bounds the elements of the list that n is or looks at.
func longest(n *Node) int {
	for n.Op != WindowOf {
		if len(n.Args) == 0 {
			return history.MaxList
		}
		n = n.Args[0]
	}
	if n.Span.Newest > 0 {
		return n.Span.Newest
	}
	return history.MaxList
}
