package lint

import "sluice/rules/lang"

// window gives the window that a list is made of, nil if there is none.
func window(n *lang.Node) *lang.Node {
	for n.Op == lang.Call && len(n.Args) > 0 {
		n = n.Args[0]
	}
	if n.Op != lang.WindowOf {
		return nil
	}
	return n
}

// within reports whether each payment of window a is in window b, too.
func within(a, b *lang.Node) bool {
	switch {
	case a == nil || b == nil || a.Entity != b.Entity:
		return false
	case a.Span.Newest > 0 || b.Span.Newest > 0:
		return b.Span.Newest > 0 && a.Span.Newest > 0 && a.Span.Newest <= b.Span.Newest
	}
	return a.Span.From <= b.Span.From && a.Span.To >= b.Span.To
}

// isCount reports a function that counts payments, or kinds of them.
func isCount(n *lang.Node) bool {
	return n.Op == lang.Call && (n.Name == "count" || n.Name == "distinct") && len(n.Args) > 0 && n.Args[0].Kind.IsList()
}

// predicates gives the conditions that a payment of a window must meet to be
// counted by n; ok is false where something else than filters stands between.
func predicates(n *lang.Node) (list []*lang.Node, ok bool) {
	if n.Name == "count" && len(n.Args) == 2 {
		list = append(list, n.Args[1])
	}
	for n = n.Args[0]; n.Op == lang.Call; n = n.Args[0] {
		switch n.Name {
		case "filter":
			list = append(list, n.Args[1])
		case "reverse", "map":
		default:
			return nil, false
		}
	}
	return list, n.Op == lang.WindowOf
}

// atMost reports that a never counts more than b: over a smaller window, or with
// conditions that are harder to meet.
func (l *language) atMost(a, b *lang.Node) bool {
	pair := [2]string{l.key(a), l.key(b)}
	less, known := l.less[pair]
	if !known {
		less = l.counts(a, b)
		l.less[pair] = less
	}
	return less
}

func (l *language) counts(a, b *lang.Node) bool {
	if b.Name == "distinct" && (a.Name != "distinct" || len(a.Args) < 2 || len(b.Args) < 2 || !lang.Equal(a.Args[1], b.Args[1])) {
		return false
	}
	if !within(window(a.Args[0]), window(b.Args[0])) {
		return false
	}
	harder, ok := predicates(a)
	easier, ok2 := predicates(b)
	if !ok || !ok2 {
		return false
	}
	for _, p := range easier {
		if !l.demanded(harder, p) {
			return false
		}
	}
	return true
}

// demanded reports that whoever meets all of the predicates meets p.
func (l *language) demanded(predicates []*lang.Node, p *lang.Node) bool {
	states := []*facts{l.nothing()}
	for _, q := range predicates {
		states, _ = l.assume(states, q, true)
	}
	for _, s := range states {
		if !s.implies(p, true) {
			return false
		}
	}
	return true
}
