package lint

import (
	"slices"

	"sluice/rules/lang"
)

// implies reports that n is definitely true (want), or definitely false, by what
// is known.
func (f *facts) implies(n *lang.Node, want bool) bool {
	switch n.Op {
	case lang.Not:
		return f.implies(n.Args[0], !want)
	case lang.And, lang.Or:
		if (n.Op == lang.And) == want {
			return f.implies(n.Args[0], want) && f.implies(n.Args[1], want)
		}
		return f.implies(n.Args[0], want) || f.implies(n.Args[1], want)
	case lang.Const:
		return (n.Value.Bits != 0) == want
	case lang.IsNil:
		here, known := f.present[f.key(n.Args[0])]
		return known && here != want || !want && f.sure(n.Args[0])
	}
	if count, some, ok := counted(n); ok {
		d := f.value(count)
		return f.sure(count) && (some == want && d.lo >= 1 || some != want && d.hi <= 0)
	}
	truth := 0.0
	if want {
		truth = 1
	}
	if d, known := f.values[f.key(n)]; known && d.lo == truth && d.hi == truth {
		return true
	}
	switch n.Op {
	case lang.Eq, lang.Ne, lang.Lt, lang.Le, lang.Gt, lang.Ge:
		return f.sure(n.Args[0]) && f.sure(n.Args[1]) && f.compared(n, want)
	case lang.In:
		return f.sure(n.Args[0]) && n.Args[1].Op == lang.Array && f.among(n, want)
	}
	return false
}

// compared reports that a comparison with a constant can't come out otherwise.
func (f *facts) compared(n *lang.Node, want bool) bool {
	op := n.Op
	if want {
		op = opposite(op) // what would have to hold if it did not
	}
	d := f.value(n.Args[0])
	if b := n.Args[1]; b.Op == lang.Const && b.Kind == lang.String {
		switch op {
		case lang.Eq:
			return d.some && !slices.Contains(d.texts, b.Value.Text) || slices.Contains(d.not, b.Value.Text)
		case lang.Ne:
			return d.some && len(d.texts) == 1 && d.texts[0] == b.Value.Text
		}
		return false
	}
	c, ok := constant(n.Args[1])
	if !ok {
		return false
	}
	if op == lang.Ne {
		return d.lo == c && d.hi == c && !d.loOpen && !d.hiOpen
	}
	return d.and(satisfying(op, c)).empty()
}

// among reports that `a in [constants]` can't come out otherwise.
func (f *facts) among(n *lang.Node, want bool) bool {
	d := f.value(n.Args[0])
	if !d.some {
		return false
	}
	for _, t := range d.texts {
		here := slices.ContainsFunc(n.Args[1].Args, func(item *lang.Node) bool { return item.Value.Text == t })
		if here != want && !slices.Contains(d.not, t) {
			return false
		}
	}
	return true
}

// follows reports that b is true in all of the cases.
func follows(cases []*facts, b *lang.Node) bool {
	for _, f := range cases {
		if !f.implies(b, true) {
			return false
		}
	}
	return len(cases) > 0
}

// cases gives those in which n is true.
func (l *language) cases(n *lang.Node) []*facts {
	states, _ := l.assume([]*facts{l.nothing()}, n, true)
	return states
}

// canBe reports whether n can be true, or false, at all.
func (l *language) canBe(n *lang.Node, want bool) bool {
	states, _ := l.assume([]*facts{l.nothing()}, n, want)
	return len(states) > 0
}
