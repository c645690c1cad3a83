package plan

import (
	"math/bits"
	"slices"

	"sluice/rules/lang"
)

// feature is a term that conditions compare with constants. Its key's place
// among all their cuts says, by one row of bits, which conditions it leaves
// alive: no condition is looked at one by one.
type feature struct {
	load loader
	at   int
	pow  float64
	word word // of loadTerm

	domain domain
	cuts   []uint64 // biased
	from   int      // the first word of the conditions' bits that it touches
	users  []uint64 // the conditions that compare it: unknown if it is missing
	rows   []uint64 // len(users) words a place: which conditions are not false there
}

// use is one condition's comparison of a feature.
type use struct {
	condition int
	atom      atom
}

// draft is a feature while conditions are being compiled.
type draft struct {
	atom atom
	uses []use
}

// features collects the comparisons of all conditions.
type features struct {
	drafts []*draft
	index  map[featureKey]*draft
}

type featureKey struct {
	term   *term
	domain domain
}

// add notes that a condition holds only if the atom does.
func (f *features) add(condition int, a atom) {
	key := featureKey{a.term, a.domain}
	d := f.index[key]
	if d == nil {
		d = &draft{atom: a}
		f.index[key] = d
		f.drafts = append(f.drafts, d)
	}
	d.uses = append(d.uses, use{condition, a})
}

// build gives the features, those that are read without a call first.
func (f *features) build() (out []feature, direct int) {
	var called []feature
	for _, d := range f.drafts {
		if ft := d.build(); ft.load == loadTerm {
			called = append(called, ft)
		} else {
			out = append(out, ft)
		}
	}
	return append(out, called...), len(out)
}

func (d *draft) build() feature {
	f := d.source()
	lo, hi := d.uses[0].condition/64, d.uses[0].condition/64
	var cuts []int64
	for _, u := range d.uses {
		cuts = append(cuts, u.atom.cuts...)
		lo, hi = min(lo, u.condition/64), max(hi, u.condition/64)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for _, c := range cuts {
		f.cuts = append(f.cuts, biased(c))
	}
	f.from = lo
	width := hi - lo + 1
	f.users = make([]uint64, width)
	f.rows = make([]uint64, width*(len(f.cuts)+1))
	for i := range f.rows {
		f.rows[i] = ^uint64(0)
	}
	for _, u := range d.uses {
		at, mask := u.condition/64-lo, uint64(1)<<(u.condition%64)
		f.users[at] |= mask
		if !u.atom.first {
			f.rows[at] &^= mask
		}
		for place, key := range cuts {
			if !u.atom.truth(key) {
				f.rows[(place+1)*width+at] &^= mask
			}
		}
	}
	return f
}

// source says how the key is come by: read where it lies, or by a call where
// that would not give what is compared. Amounts of a known scale are compared
// as minor units.
func (d *draft) source() feature {
	a := d.atom
	f := feature{load: a.term.load, at: a.term.at, pow: a.term.pow, domain: a.domain}
	switch {
	case a.domain == byHash:
		f.word = a.term.hash
		return f
	case a.domain == byInt && (f.load == loadWord || f.load == loadTime || f.load == loadInteger):
		return f
	case f.load == loadMoney && f.pow != 0:
		f.load, f.domain = loadWord, byInt
		for i := range d.uses {
			d.uses[i].atom.cuts = minorCuts(d.uses[i].atom.cuts, f.pow)
		}
		return f
	case a.domain == byFloat && (f.load == loadNumber || f.load == loadMoney || f.load == loadFloat):
		return f
	case a.domain == byFloat:
		f.load, f.word = loadTerm, a.term.float()
		return f
	}
	f.load, f.word = loadTerm, a.term.as(lang.Bool)
	return f
}

// biased maps an int64 to a uint64 in the same order.
func biased(key int64) uint64 { return uint64(key) ^ 1<<63 }

// place counts the cuts (biased, ascending) at or below a key. Where a value
// lies is hard to guess, so it has no branches that depend on it.
func place(cuts []uint64, key uint64) int {
	skipped := 0
	for len(cuts) > linear {
		half := len(cuts) / 2
		_, below := bits.Sub64(key, cuts[half-1], 0) // 1: the key is below
		skip := half & (int(below) - 1)
		skipped += skip
		cuts = cuts[skip : len(cuts)-half+skip]
	}
	n := skipped + len(cuts)
	for _, c := range cuts {
		_, below := bits.Sub64(key, c, 0)
		n -= int(below)
	}
	return n
}

// linear is how many cuts are counted without halving first.
const linear = 8
