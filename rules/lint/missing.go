package lint

import (
	"math"

	"sluice/rules/lang"
)

// outcomes is a set of what a condition may come to.
type outcomes uint8

const (
	isFalse outcomes = 1 << iota
	isTrue
	isUnknown
)

// world is a case in which something is missing; all the rest is there, and may
// be whatever it may be.
type world struct {
	*facts
	empty  *lang.Node            // a window in which nothing lies, nil: none
	lacks  int                   // a field that the transaction lacks, -1: none
	forced map[*lang.Node]domain // what counts are taken for
}

func (w *world) truth(n *lang.Node) outcomes {
	switch n.Op {
	case lang.Not:
		return not(w.truth(n.Args[0]))
	case lang.And:
		return both(w.truth(n.Args[0]), w.truth(n.Args[1]))
	case lang.Or:
		return not(both(not(w.truth(n.Args[0])), not(w.truth(n.Args[1]))))
	case lang.Cond:
		return w.choice(n)
	case lang.IsNil:
		if w.gone(n.Args[0]) {
			return isTrue
		}
		if n.Args[0].Op == lang.Tx {
			return isFalse
		}
		return isTrue | isFalse
	case lang.Const:
		if n.Value.Bits != 0 {
			return isTrue
		}
		return isFalse
	}
	if w.gone(n) {
		return isUnknown
	}
	if count, some, ok := counted(n); ok {
		return w.among(w.number(count, n), lang.Ge, 1, some)
	}
	if n.Name == "all" && n.Op == lang.Call && w.vacant(n.Args[0]) {
		return isTrue
	}
	if c, ok := comparedWith(n); ok && n.Args[0].Kind.IsNumber() {
		return w.among(w.number(n.Args[0], n.Args[0]), n.Op, c, true)
	}
	return isTrue | isFalse
}

// comparedWith gives the number that something is compared with.
func comparedWith(n *lang.Node) (float64, bool) {
	switch n.Op {
	case lang.Eq, lang.Ne, lang.Lt, lang.Le, lang.Gt, lang.Ge:
		return constant(n.Args[1])
	}
	return 0, false
}

// among compares the numbers of d with c; want false turns the answer around.
func (w *world) among(d domain, op lang.Op, c float64, want bool) outcomes {
	var out outcomes
	reach := func(op lang.Op) bool {
		if op == lang.Ne {
			return d.lo != c || d.hi != c
		}
		return !d.and(satisfying(op, c)).empty()
	}
	if reach(op) {
		out |= isTrue
	}
	if reach(opposite(op)) {
		out |= isFalse
	}
	if !want {
		return not(out)
	}
	return out
}

// number gives what a number may be; as is the node that a count stands for.
func (w *world) number(n, as *lang.Node) domain {
	if d, ok := w.forced[as]; ok {
		return d
	}
	if n.Op == lang.Call && len(n.Args) > 0 && n.Args[0].Kind.IsList() && missesNothing(n.Name) && w.nothing(n) {
		return from(0, 0, true)
	}
	return w.value(n)
}

// nothing reports that a function of a list finds no payment.
func (w *world) nothing(n *lang.Node) bool {
	if w.vacant(n.Args[0]) {
		return true
	}
	return n.Name == "count" && len(n.Args) == 2 && w.unmatched(n.Args[1])
}

// vacant reports a list without payments.
func (w *world) vacant(list *lang.Node) bool {
	if w.empty != nil && within(window(list), w.empty) {
		return true
	}
	for ; list.Op == lang.Call; list = list.Args[0] {
		if list.Name == "filter" && w.unmatched(list.Args[1]) {
			return true
		}
	}
	return false
}

// unmatched reports a predicate that no past payment meets, as it asks for what
// the transaction lacks.
func (w *world) unmatched(p *lang.Node) bool { return w.lacks >= 0 && w.truth(p)&isTrue == 0 }

// gone reports what is certainly missing.
func (w *world) gone(n *lang.Node) bool {
	switch n.Op {
	case lang.Tx:
		return w.lacks >= 0 && n.Column.Field == w.lacks
	case lang.WindowOf:
		return w.schema.Entities[n.Entity] == w.lacks
	case lang.Const, lang.IsNil, lang.And, lang.Or, lang.Array, lang.ListName:
		return false
	case lang.Coalesce:
		return w.gone(n.Args[0]) && w.gone(n.Args[1])
	case lang.Cond:
		return w.gone(n.Args[1]) && w.gone(n.Args[2])
	case lang.Call:
		if len(n.Args) > 0 && n.Args[0].Kind.IsList() {
			return w.gone(n.Args[0]) || !missesNothing(n.Name) && !n.Kind.IsList() && (w.vacant(n.Args[0]) || n.Name == "find" && w.unmatched(n.Args[1]))
		}
	}
	for _, a := range n.Args {
		if w.gone(a) {
			return true
		}
	}
	return false
}

func (w *world) choice(n *lang.Node) outcomes {
	var out outcomes
	c := w.truth(n.Args[0])
	if c&isTrue != 0 {
		out |= w.truth(n.Args[1])
	}
	if c&isFalse != 0 {
		out |= w.truth(n.Args[2])
	}
	return out | c&isUnknown
}

func not(o outcomes) outcomes {
	out := o & isUnknown
	if o&isTrue != 0 {
		out |= isFalse
	}
	if o&isFalse != 0 {
		out |= isTrue
	}
	return out
}

// both is and, of every pair.
func both(a, b outcomes) outcomes {
	var out outcomes
	if (a|b)&isFalse != 0 {
		out |= isFalse
	}
	if a&isTrue != 0 && b&isTrue != 0 {
		out |= isTrue
	}
	if a&isUnknown != 0 && b&(isTrue|isUnknown) != 0 || b&isUnknown != 0 && a&(isTrue|isUnknown) != 0 {
		out |= isUnknown
	}
	return out
}

// some is a count of at least one.
func some() domain { return from(1, math.Inf(1), true) }
