package history

import (
	"math"

	"sluice/scoring/event"
)

// gather makes the sums and sketches of nodes. What filters on labels let
// through is summed over the entries without labels alone; the others are
// looked at one by one.
type gather struct {
	s      *Store
	layout *layout
}

// passes reports whether an entry goes into the sums of a filter.
func (g *gather) passes(filter int, block []uint64, size, i int) bool {
	if filter < 0 {
		return true
	}
	if g.layout.fraud[filter] && block[metaWord*size+i]&labelledBit != 0 {
		return false
	}
	at := g.layout.bits[filter]
	return block[at.word*size+i]>>at.shift&1 != 0
}

// entry adds an entry to a total, if it passes.
func (g *gather) entry(t *total, k sumKey, block []uint64, size, i int) {
	if !g.passes(k.filter, block, size, i) {
		return
	}
	switch {
	case k.column < 0:
		t.n++
		return
	case k.column >= runKey:
		t.n++
		t.plus(g.addend(k.column-runKey, block, size, i))
		return
	}
	w := block[(firstCol+k.column)*size+i]
	if w == event.Missing {
		return
	}
	if g.layout.foreign[k.column] {
		t.in(block[(firstCol+g.layout.currency)*size+i])
	}
	t.add(orderKey(w, g.layout.floats[k.column]))
}

// addend gives what an entry adds to a running sum. Where values are large,
// the difference is still right.
func (g *gather) addend(run int, block []uint64, size, i int) int64 {
	at := (g.layout.firstRun()+run)*size + i
	if i == 0 {
		return int64(block[at])
	}
	return int64(block[at] - block[at-1])
}

// value gives the value that an entry adds to a sketch, if it does.
func (g *gather) value(k sumKey, block []uint64, size, i int) (w uint64, ok bool) {
	w = block[(firstCol+k.column)*size+i]
	return w, w != event.Missing && g.passes(k.filter, block, size, i)
}

// include adds a value to a sketch of a node.
func (x *sketch) include(w uint64, key sketchKey, floats bool, few int) {
	if !key.histogram {
		x.values.add(w, few)
		return
	}
	at := bucketOf(asFloat(w, floats))
	for i := range x.histogram {
		if x.histogram[i].at == at {
			x.histogram[i].n++
			return
		}
		if x.histogram[i].at > at {
			x.histogram = append(x.histogram, bucket{})
			copy(x.histogram[i+1:], x.histogram[i:])
			x.histogram[i] = bucket{at, 1}
			return
		}
	}
	x.histogram = append(x.histogram, bucket{at, 1})
}

// asFloat gives a number's value; money counts in minor units here.
func asFloat(w uint64, floats bool) float64 {
	if floats {
		return math.Float64frombits(w)
	}
	return float64(int64(w))
}

// ensure makes the sums of a node whole. It reports false if entries are lacking
// for it.
func (s *Store) ensure(k *kind, h *hot, x *node) bool {
	return !x.dirty && x.version == k.version || s.renew(k, h, x)
}

func (s *Store) renew(k *kind, h *hot, x *node) bool {
	if !s.canRenew(k, h, x) {
		return false
	}
	x.sums = resize(x.sums, len(k.sums))
	clear(x.sums)
	x.labelled = 0
	if x.level == 0 {
		s.sumLeaf(k, x)
	} else {
		x.stale = false
		for _, kid := range x.kids {
			x.labelled += kid.labelled
			x.stale = x.stale || kid.stale
			for i := range x.sums {
				x.sums[i].merge(&kid.sums[i])
			}
		}
		s.sketchNode(k, x)
	}
	x.dirty, x.version = false, k.version
	return true
}

// canRenew reports whether what the sums of a node are made of is there: the
// entries of a leaf, the sums of kids, and for sketches entries again.
func (s *Store) canRenew(k *kind, h *hot, x *node) bool {
	if x.level == 0 {
		if x.away != 0 {
			s.lackBriefly(h, x)
		}
		return x.away == 0
	}
	can := true
	for _, kid := range x.kids {
		if !s.ensure(k, h, kid) {
			can = false
		}
		if kid.away != 0 && len(k.sketches) > 0 {
			s.lackBriefly(h, kid)
			can = false
		}
	}
	return can
}

// resize gives a slice of n elements, in the same memory if it can.
func resize[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}

func (s *Store) sumLeaf(k *kind, x *node) {
	block := s.open(k, &x.leaf)
	g := gather{s: s, layout: k.layout}
	size, head := int(x.leaf.cap), int(x.leaf.head)
	for i := head; i < head+int(x.leaf.n); i++ {
		if block[metaWord*size+i]&labelledBit != 0 {
			x.labelled++
		}
		for j, key := range k.sums {
			g.entry(&x.sums[j], key, block, size, i)
		}
	}
	x.stale = false
}

// sketchNode makes the sketches of an inner node; leaves have none.
func (s *Store) sketchNode(k *kind, x *node) {
	x.sketches = resize(x.sketches, len(k.sketches))
	for i, key := range k.sketches {
		if key.histogram {
			s.histogramOf(k, x, i)
		} else {
			s.valuesOf(k, x, i)
		}
	}
}

func (s *Store) valuesOf(k *kind, x *node, i int) {
	out := &x.sketches[i]
	out.histogram = nil
	out.values.reset()
	few := s.options.few
	for _, kid := range x.kids {
		if kid.level > 0 {
			out.values.merge(&kid.sketches[i].values, few)
			continue
		}
		s.eachValue(k, kid, k.sketches[i].sumKey, func(w uint64) { out.values.add(w, few) })
	}
}

func (s *Store) histogramOf(k *kind, x *node, i int) {
	out := &x.sketches[i]
	key := k.sketches[i].sumKey
	t := &s.sums
	t.reset()
	for _, kid := range x.kids {
		if kid.level > 0 {
			t.merge(kid.sketches[i].histogram)
			continue
		}
		floats := k.floats[key.column]
		s.eachValue(k, kid, key, func(w uint64) { t.add(bucketOf(asFloat(w, floats)), 1) })
	}
	*out = sketch{histogram: t.histogram(out.histogram)}
}

// eachValue gives the values of the entries of a leaf that pass.
func (s *Store) eachValue(k *kind, x *node, key sumKey, do func(w uint64)) {
	x.mustBeWhole()
	block := s.open(k, &x.leaf)
	g := gather{s: s, layout: k.layout}
	size, head := int(x.leaf.cap), int(x.leaf.head)
	for i := head; i < head+int(x.leaf.n); i++ {
		if w, ok := g.value(key, block, size, i); ok {
			do(w)
		}
	}
}
