package lint

import (
	"math"
	"slices"
	"strconv"

	"sluice/rules/lang"
	"sluice/scoring/event"
)

// domain is a set of values that something may have, besides being missing:
// numbers from lo to hi (true and false are 1 and 0), or texts.
type domain struct {
	lo, hi         float64
	loOpen, hiOpen bool // the end itself is not in it
	whole          bool // whole numbers only

	texts []string // only these, if some is set
	some  bool
	not   []string // none of these
}

// anything holds every value.
func anything() domain { return domain{lo: math.Inf(-1), hi: math.Inf(1)} }

func from(lo, hi float64, whole bool) domain { return domain{lo: lo, hi: hi, whole: whole} }

// normal makes open ends of whole numbers closed ones.
func (d domain) normal() domain {
	if !d.whole {
		return d
	}
	if low := math.Ceil(d.lo); d.loOpen && low == d.lo {
		d.lo = low + 1
	} else {
		d.lo = low
	}
	if high := math.Floor(d.hi); d.hiOpen && high == d.hi {
		d.hi = high - 1
	} else {
		d.hi = high
	}
	d.loOpen, d.hiOpen = false, false
	return d
}

// and gives what is in both.
func (d domain) and(e domain) domain {
	if e.lo > d.lo || e.lo == d.lo && e.loOpen {
		d.lo, d.loOpen = e.lo, e.loOpen
	}
	if e.hi < d.hi || e.hi == d.hi && e.hiOpen {
		d.hi, d.hiOpen = e.hi, e.hiOpen
	}
	d.whole = d.whole || e.whole
	switch {
	case e.some && d.some:
		d.texts = slices.DeleteFunc(slices.Clone(d.texts), func(t string) bool { return !slices.Contains(e.texts, t) })
	case e.some:
		d.texts, d.some = e.texts, true
	}
	d.not = append(slices.Clip(d.not), e.not...)
	return d.normal()
}

// or gives a set that holds both.
func (d domain) or(e domain) domain {
	out := domain{lo: min(d.lo, e.lo), hi: max(d.hi, e.hi), whole: d.whole && e.whole}
	out.loOpen = (d.lo > out.lo || d.loOpen) && (e.lo > out.lo || e.loOpen)
	out.hiOpen = (d.hi < out.hi || d.hiOpen) && (e.hi < out.hi || e.hiOpen)
	if d.some && e.some {
		out.texts, out.some = append(slices.Clip(d.texts), e.texts...), true
	}
	return out
}

func (d domain) empty() bool {
	if d.lo > d.hi || d.lo == d.hi && (d.loOpen || d.hiOpen) {
		return true
	}
	return d.some && !slices.ContainsFunc(d.texts, func(t string) bool { return !slices.Contains(d.not, t) })
}

// words tells a domain of numbers to people.
func (d domain) words() string {
	kind := "a number"
	if d.whole {
		kind = "a whole number"
	}
	switch {
	case !math.IsInf(d.lo, 0) && !math.IsInf(d.hi, 0):
		return kind + " from " + number(d.lo) + " to " + number(d.hi)
	case !math.IsInf(d.lo, 0):
		return kind + " from " + number(d.lo) + " on"
	}
	return kind
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// exact bounds the numbers that a float64 tells apart with room to spare.
const exact = 1e15

// constant gives the number of a constant.
func constant(n *lang.Node) (f float64, ok bool) {
	if n.Op != lang.Const {
		return 0, false
	}
	switch n.Value.Kind {
	case event.Bool, event.Int:
		f = float64(int64(n.Value.Bits))
	case event.Float:
		f = math.Float64frombits(n.Value.Bits)
	default:
		return 0, false
	}
	return f, math.Abs(f) < exact
}

// satisfying gives the numbers x with `x op f`.
func satisfying(op lang.Op, f float64) domain {
	d := anything()
	switch op {
	case lang.Eq:
		d.lo, d.hi = f, f
	case lang.Lt:
		d.hi, d.hiOpen = f, true
	case lang.Le:
		d.hi = f
	case lang.Gt:
		d.lo, d.loOpen = f, true
	case lang.Ge:
		d.lo = f
	}
	return d
}

// opposite gives the comparison that holds where op does not.
func opposite(op lang.Op) lang.Op {
	return map[lang.Op]lang.Op{
		lang.Eq: lang.Ne, lang.Ne: lang.Eq, lang.Lt: lang.Ge, lang.Ge: lang.Lt, lang.Gt: lang.Le, lang.Le: lang.Gt,
	}[op]
}
