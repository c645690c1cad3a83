package plan

import (
	"math"
	"slices"
	"sort"

	"sluice/rules/lang"
	"sluice/scoring/event"
)

// domain says how an atom sees its term's bits: as an int64 key, in the order
// of the values.
type domain uint8

const (
	byInt   domain = iota // int64, Bools and Times too
	byFloat               // sortable(float64)
	byHash                // of texts: only equality has a meaning
)

// atom is a comparison of one term with constants, as the keys at which its
// truth changes. All comparisons of one term look its key up once, together.
type atom struct {
	term   *term
	domain domain
	cuts   []int64 // ascending; the truth of a key changes at each
	first  bool    // the truth below all of them
}

// truth tells whether the comparison holds for a key.
func (a *atom) truth(key int64) bool {
	n := sort.Search(len(a.cuts), func(i int) bool { return a.cuts[i] > key })
	return a.first != (n&1 == 1)
}

// interval gives the keys of an atom that holds within one interval; the
// smallest int64, which stands for a missing value, is never in it.
func (a *atom) interval() (lo, hi int64, ok bool) {
	cuts := a.cuts
	lo, hi = math.MinInt64+1, math.MaxInt64
	if !a.first {
		if len(cuts) == 0 {
			return 1, 0, true
		}
		lo, cuts = max(lo, cuts[0]), cuts[1:]
	}
	if len(cuts) > 0 {
		if cuts[0] == math.MinInt64 {
			return 1, 0, len(cuts) == 1
		}
		hi, cuts = cuts[0]-1, cuts[1:]
	}
	return lo, hi, len(cuts) == 0
}

// sortable maps a float64 to an int64 in the same order; -0 is 0.
func sortable(f float64) int64 {
	if f == 0 {
		return 0
	}
	b := int64(math.Float64bits(f))
	if b < 0 {
		b ^= math.MaxInt64
	}
	return b
}

// unsortable is the inverse of sortable.
func unsortable(key int64) float64 {
	if key < 0 {
		key ^= math.MaxInt64
	}
	return math.Float64frombits(uint64(key))
}

// atom takes a comparison of a term with constants apart; ok is false for
// anything else.
func (c *compiler) atom(n *lang.Node) (a atom, ok bool) {
	switch n.Op {
	case lang.Eq, lang.Ne, lang.Lt, lang.Le, lang.Gt, lang.Ge:
		return c.comparisonAtom(n)
	case lang.In:
		return c.memberAtom(n)
	}
	t := c.term(n)
	if t == nil || t.constant || t.kind != lang.Bool {
		return a, false
	}
	return atom{term: t, domain: byInt, cuts: []int64{1}}, true
}

func (c *compiler) comparisonAtom(n *lang.Node) (a atom, ok bool) {
	if !isScalar(n.Args[0].Kind) || !isScalar(n.Args[1].Kind) {
		return a, false
	}
	t, constant, op := c.term(n.Args[0]), c.term(n.Args[1]), n.Op
	if t == nil || constant == nil {
		return a, false
	}
	if t.constant {
		t, constant, op = constant, t, flip(op)
	}
	if t.constant || !constant.constant || constant.value.Kind == event.None {
		return a, false
	}
	a = atom{term: t}
	key, ok := a.key(constant)
	if !ok || (a.domain == byHash && op != lang.Eq && op != lang.Ne) {
		return a, false
	}
	a.cut(op, key)
	return a, true
}

func (c *compiler) memberAtom(n *lang.Node) (a atom, ok bool) {
	if n.Args[1].Op != lang.Array || !isScalar(n.Args[0].Kind) {
		return a, false
	}
	t := c.term(n.Args[0])
	if t == nil || t.constant {
		return a, false
	}
	a = atom{term: t}
	var keys []int64
	for i, item := range n.Args[1].Args {
		constant := c.term(item)
		if constant == nil || !constant.constant || constant.value.Kind == event.None {
			return a, false
		}
		before := a.domain
		key, ok := a.key(constant)
		if !ok || (i > 0 && a.domain != before) {
			return a, false
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		a.cuts = append(a.cuts, key)
		if key != math.MaxInt64 {
			a.cuts = append(a.cuts, key+1)
		}
	}
	a.cuts = pairs(a.cuts)
	return a, true
}

// key gives the key of a constant that the atom's term is compared with, and
// sets its domain; ok is false where there is none.
func (a *atom) key(constant *term) (key int64, ok bool) {
	t, v := a.term, constant.value
	switch {
	case t.kind == lang.String:
		a.domain = byHash
		return int64(event.Hash([]byte(v.Text))), t.hash != nil && v.Kind == event.String
	case t.kind == constant.kind && (t.kind == lang.Int || t.kind == lang.Time || t.kind == lang.Bool):
		a.domain = byInt
		return int64(v.Bits), true
	case v.Kind == event.Int:
		a.domain = byFloat
		return sortable(float64(int64(v.Bits))), true
	case v.Kind == event.Float:
		a.domain = byFloat
		return sortable(math.Float64frombits(v.Bits)), true
	}
	return 0, false
}

// cut sets where `key op constant` changes its truth. Nothing lies above the
// largest key, so no cut does either.
func (a *atom) cut(op lang.Op, key int64) {
	a.first = op == lang.Lt || op == lang.Le || op == lang.Ne
	above := op != lang.Lt && op != lang.Ge // changes behind the key
	if at := op != lang.Gt && op != lang.Le; at {
		a.cuts = append(a.cuts, key)
	}
	if above && key != math.MaxInt64 {
		a.cuts = append(a.cuts, key+1)
	}
}

// pairs drops cuts that stand twice: there the truth changes and changes back.
func pairs(cuts []int64) []int64 {
	out := cuts[:0]
	for _, c := range cuts {
		if n := len(out); n > 0 && out[n-1] == c {
			out = out[:n-1]
		} else {
			out = append(out, c)
		}
	}
	return out
}

// minorCuts turns cuts of an amount, minor/pow as a float, into cuts of its
// minor units: the first amount that lies at or behind the cut.
func minorCuts(cuts []int64, pow float64) []int64 {
	var out []int64
	for _, c := range cuts {
		if m, ok := firstMinor(unsortable(c), pow); ok {
			out = append(out, m)
		}
	}
	return pairs(out)
}

// firstMinor finds the smallest int64 that is at least f once divided by pow;
// ok is false if none is.
func firstMinor(f, pow float64) (m int64, ok bool) {
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	if float64(hi)/pow < f {
		return 0, false
	}
	for lo < hi {
		mid := lo + int64(uint64(hi-lo)>>1)
		if float64(mid)/pow >= f {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo, true
}

// flip turns a comparison around.
func flip(op lang.Op) lang.Op {
	switch op {
	case lang.Lt:
		return lang.Gt
	case lang.Le:
		return lang.Ge
	case lang.Gt:
		return lang.Lt
	case lang.Ge:
		return lang.Le
	}
	return op
}
