package lint

import (
	"math"

	"sluice/rules/lang"
)

// maxStates bounds the cases that a condition is taken apart into, and the others
// the work that this is, in cases looked at: a choice asks for its question twice,
// and so choices in questions of choices without end.
const (
	maxStates   = 64
	maxRuleWork = 20_000    // of a rule
	maxWork     = 2_000_000 // of all rules
)

// begin allows the work on one more rule.
func (l *language) begin() {
	l.spent += l.work
	l.work = 0
}

// tired notes the work on some cases, and reports that there was enough of it.
func (l *language) tired(cases int) bool {
	l.work += 1 + cases
	return l.work > maxRuleWork || l.spent+l.work > maxWork
}

// assume gives what is known where n is true (want) or false, a case for each
// way in which that can be; none: it can't be. Where there are too many ways,
// whole is false, and the cases say less than they could.
func (l *language) assume(states []*facts, n *lang.Node, want bool) (out []*facts, whole bool) {
	if len(states) == 0 {
		return nil, true
	}
	if l.tired(len(states)) {
		return states, false
	}
	switch n.Op {
	case lang.Not:
		return l.assume(states, n.Args[0], !want)
	case lang.And, lang.Or:
		if (n.Op == lang.And) == want {
			first, whole := l.assume(states, n.Args[0], want)
			second, also := l.assume(first, n.Args[1], want)
			return second, whole && also
		}
		return l.either(states, [][]step{{{n.Args[0], want}}, {{n.Args[1], want}}})
	case lang.Cond:
		return l.either(states, [][]step{{{n.Args[0], true}, {n.Args[1], want}}, {{n.Args[0], false}, {n.Args[2], want}}})
	}
	for _, s := range states {
		if next := s.clone(); next.atom(n, want) {
			out = append(out, next)
		}
	}
	return out, true
}

// step is something that is assumed.
type step struct {
	node *lang.Node
	want bool
}

// either assumes one way or the other.
func (l *language) either(states []*facts, ways [][]step) (out []*facts, whole bool) {
	for _, way := range ways {
		next := states
		for _, s := range way {
			var also bool
			if next, also = l.assume(next, s.node, s.want); !also {
				return states, false // of what it may be, the others take nothing away
			}
		}
		if out = append(out, next...); len(out) > maxStates {
			return states, false
		}
	}
	return out, true
}

// counted gives the comparison of a count that any and none are.
func counted(n *lang.Node) (count *lang.Node, some, ok bool) {
	if n.Op != lang.Call || n.Name != "any" && n.Name != "none" || len(n.Args) != 2 || n.Args[0].Kind != lang.Events {
		return nil, false, false
	}
	list, predicates := n.Args[0], n.Args[1]
	return &lang.Node{Op: lang.Call, Kind: lang.Int, Pos: n.Pos, Name: "count", Args: []*lang.Node{list, predicates}}, n.Name == "any", true
}

// atom notes that something without and, or and not is true or false; false:
// that can't be.
func (f *facts) atom(n *lang.Node, want bool) bool {
	if n.Op == lang.IsNil {
		return f.isNil(n.Args[0], want)
	}
	if n.Op == lang.Const {
		return (n.Value.Bits != 0) == want
	}
	if count, some, ok := counted(n); ok {
		if some == want {
			return f.limit(count, from(1, math.Inf(1), true))
		}
		return f.limit(count, from(0, 0, true))
	}
	truth := 0.0
	if want {
		truth = 1
	}
	if !f.limit(n, from(truth, truth, true)) {
		return false
	}
	switch n.Op {
	case lang.Eq, lang.Ne, lang.Lt, lang.Le, lang.Gt, lang.Ge:
		op := n.Op
		if !want {
			op = opposite(op)
		}
		return f.compare(op, n.Args[0], n.Args[1])
	case lang.In:
		return f.member(n, want)
	}
	return true
}

func (f *facts) isNil(n *lang.Node, want bool) bool {
	if !want {
		return f.sees(n)
	}
	if f.sure(n) {
		return false
	}
	f.present[f.key(n)] = false
	return true
}

// compare notes `a op b`.
func (f *facts) compare(op lang.Op, a, b *lang.Node) bool {
	if b.Op == lang.Const && b.Kind == lang.String {
		return f.compareText(op, a, b.Value.Text)
	}
	if c, ok := constant(b); ok {
		if op != lang.Ne {
			return f.limit(a, satisfying(op, c))
		}
		d := f.value(a)
		return d.lo != c || d.hi != c
	}
	if f.key(a) == f.key(b) {
		return op == lang.Eq || op == lang.Le || op == lang.Ge
	}
	if !a.Kind.IsNumber() || !b.Kind.IsNumber() {
		return true
	}
	va, vb := f.value(a), f.value(b)
	switch op {
	case lang.Lt, lang.Le:
		strict := op == lang.Lt
		return f.limit(a, domain{lo: math.Inf(-1), hi: vb.hi, hiOpen: strict || vb.hiOpen}) &&
			f.limit(b, domain{lo: va.lo, hi: math.Inf(1), loOpen: strict || va.loOpen})
	case lang.Gt, lang.Ge:
		return f.compare(map[lang.Op]lang.Op{lang.Gt: lang.Lt, lang.Ge: lang.Le}[op], b, a)
	case lang.Eq:
		return f.limit(a, vb) && f.limit(b, va)
	}
	return true
}

func (f *facts) compareText(op lang.Op, a *lang.Node, text string) bool {
	switch op {
	case lang.Eq:
		return f.possible(a, text) && f.limit(a, domain{lo: math.Inf(-1), hi: math.Inf(1), texts: []string{text}, some: true})
	case lang.Ne:
		return f.limit(a, domain{lo: math.Inf(-1), hi: math.Inf(1), not: []string{text}})
	}
	return true
}

// member notes `a in [constants]`, or that it is not.
func (f *facts) member(n *lang.Node, want bool) bool {
	a, list := n.Args[0], n.Args[1]
	if list.Op != lang.Array {
		return true
	}
	d := domain{lo: math.Inf(1), hi: math.Inf(-1), some: a.Kind == lang.String}
	has := f.value(a)
	for _, item := range list.Args {
		if c, ok := constant(item); ok {
			if !has.and(from(c, c, false)).empty() {
				d.lo, d.hi = min(d.lo, c), max(d.hi, c)
			}
			continue
		}
		d.lo, d.hi = math.Inf(-1), math.Inf(1)
		if d.some && f.possible(a, item.Value.Text) {
			d.texts = append(d.texts, item.Value.Text)
		}
	}
	switch {
	case want:
		return f.limit(a, d)
	case d.some:
		return f.limit(a, domain{lo: math.Inf(-1), hi: math.Inf(1), not: d.texts})
	}
	return true
}

// possible reports whether a field's type takes a text.
func (f *facts) possible(a *lang.Node, text string) bool {
	column := a.Op == lang.Tx || a.Op == lang.Past || a.Op == lang.Member
	return !column || a.Column.Field < 0 || f.schema.Fields[a.Column.Field].Takes(text)
}
