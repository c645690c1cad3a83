package history

import (
	"sluice/scoring/event"
)

// Observe fills values (one a query of the plan) and lists (one a list query)
// for tx from what its entities did before, and does not remember it. The
// memory of the lists' slices is used again. If it reports false, the values are
// none: something that this or Remember needs is outside of memory, see Resident
// and Lacking.
func (s *Store) Observe(tx *event.Transaction, values []Value, lists []List) (whole bool) {
	s.look()
	s.hold(tx)
	for e := range s.kinds { // all look-ups first: the memory answers them side by side
		s.found[e] = nil
		if key := tx.Entities[e]; key != (event.Key{}) && s.kinds[e].asks() {
			s.found[e] = s.kinds[e].table.find(key)
			s.short = s.short || s.outside && (s.found[e] == nil || !s.found[e].resident())
		}
	}
	if s.cut > 0 {
		for _, h := range s.found {
			if h != nil {
				s.stamp(h)
			}
		}
	}
	self := s.ids.find(tx.IDKey)
	if self != 0 && int64(s.rows.at(self)[rowTime]) != tx.Time {
		self = 0
	}
	for e := range s.kinds {
		k := &s.kinds[e]
		switch {
		case !k.asks():
		case tx.Entities[e] == (event.Key{}):
			k.without(values, lists)
		default:
			s.observe(k, s.found[e], tx, self, values, lists)
		}
	}
	return !s.short
}

func (p *program) asks() bool { return len(p.asked) > 0 || len(p.lists) > 0 }

// without answers for a transaction that lacks the entity.
func (p *program) without(values []Value, lists []List) {
	for _, q := range p.asked {
		values[q] = Value{Why: NoEntity}
	}
	for i := range p.lists {
		l := &lists[p.lists[i].index]
		*l = List{Why: NoEntity, Values: l.Values[:0], Currencies: l.Currencies[:0]}
	}
}

// run is the work for one entity of one transaction, and then for one group.
type run struct {
	s    *Store
	k    *kind
	h    *history
	tx   *event.Transaction
	self int    // rank of the transaction itself, -1
	row  handle // of it, 0
	join join

	g        *group
	total    total
	matches  int     // of famCount
	ordered  float64 // of famOrdered
	approx   bool    // distinct and median: the window is too large for lists
	spilled  bool    // distinct: and holds too many values
	cut      bool    // the window was cut at the scan limit
	large    bool    // of the leaf at hand
	labelled bool    // only entries with labels are looked at
	set      wordSet
	keys     []int64
	values   hll
	tally    tally
}

// observe answers for one entity. h is nil if it has no history.
func (s *Store) observe(k *kind, h *history, tx *event.Transaction, self handle, values []Value, lists []List) {
	r := &s.run
	r.s, r.k, r.h, r.tx, r.self, r.row = s, k, h, tx, -1, self
	r.edges()
	if h != nil && self != 0 {
		r.self = s.rankOf(h, self, tx.Time)
	}
	for i := range k.groups {
		r.group(&k.groups[i], values)
	}
	for i := range k.lists {
		l := &k.lists[i]
		r.list(l, &lists[l.index])
	}
	r.h, r.tx, r.g = nil, nil, nil
}

// edges finds the ranks of all window bounds.
func (r *run) edges() {
	s, h := r.s, r.h
	s.ranks = resize(s.ranks, len(r.k.edges))
	if h == nil || h.n == 0 && h.hot == 0 {
		clear(s.ranks)
		return
	}
	s.expire(h)
	if h.hot != 0 {
		for i, d := range r.k.edges {
			s.ranks[i] = s.upTo(s.hots[h.hot], r.tx.Time-d)
		}
		return
	}
	block := s.open(r.k, &h.leaf)
	times := block[h.head : h.head+h.n]
	n := len(times)
	for i, d := range r.k.edges {
		n = backTo(times[:n], r.tx.Time-d)
		s.ranks[i] = n
	}
}

// backTo counts those of ascending times that are at most t. Mostly the last
// one is, or nearly, or none.
func backTo(times []uint64, t int64) int {
	high := len(times)
	if high == 0 || int64(times[0]) > t {
		return 0
	}
	for step := 1; high > 0; step *= 2 {
		low := max(high-step, 0)
		if int64(times[low]) <= t {
			return low + 1 + countUpTo(times[low+1:high], t, high-low-1)
		}
		high = low
	}
	return 0
}

// newest gives the rank from which on the newest n entries before rank to lie,
// and not before from.
func (r *run) newest(from, to, n int) int {
	low := to - n
	if r.self >= low && r.self < to {
		low--
	}
	return max(from, low)
}

// size counts the entries of [low, high) other than the transaction itself.
func (r *run) size(low, high int) int {
	if r.self >= low && r.self < high {
		return high - low - 1
	}
	return high - low
}

// group answers the queries of a group.
func (r *run) group(g *group, values []Value) {
	if g.across != nil && r.enter(g) {
		r.answers(g.across, values)
		r.leave()
		return
	}
	r.answers(g, values)
}

func (r *run) answers(g *group, values []Value) {
	r.g = g
	r.reset()
	high := r.s.ranks[g.to]
	at := high
	for i := range g.windows {
		w := &g.windows[i]
		low := r.s.ranks[w.edge]
		if g.newest {
			low = r.newest(low, high, w.count)
		}
		size := r.size(low, high)
		if g.scanned && high-low > g.limit {
			r.cut = true
			low = high - g.limit
		}
		r.window(low, at, high, size)
		at = min(at, low)
		for _, a := range w.asks {
			values[a.query] = r.answer(a, low, high)
		}
	}
}

func (r *run) reset() {
	r.total = total{}
	r.matches = 0
	r.approx, r.spilled, r.cut, r.labelled = false, false, false, false
	r.keys = r.keys[:0]
	if r.g.family == famSet {
		r.set.reset()
	}
}

// window takes in the window [low, high), of which [at, high) was taken in before.
func (r *run) window(low, at, high, size int) {
	switch r.g.family {
	case famFind:
	case famOrdered:
		r.total, r.ordered = total{}, 0
		r.segment(low, high)
	case famCount:
		if r.g.mode == all {
			r.matches = size
			return
		}
		r.segment(low, at)
	case famSet, famMedian:
		if size > r.s.options.exact && !r.approx {
			r.sketch()
		}
		r.segment(low, at)
	default:
		r.segment(low, at)
	}
}

// sketch goes on with sketches, now that the window is too large for lists.
func (r *run) sketch() {
	r.approx = true
	if r.g.family == famSet {
		if len(r.set.list) > r.s.options.few {
			r.spill()
		}
		return
	}
	r.tally.reset()
	for _, key := range r.keys {
		r.tally.add(bucketOf(asFloat(keyWord(key, r.g.floats), r.g.floats)), 1)
	}
}

// spill goes on counting distinct values in a sketch once they are many.
func (r *run) spill() {
	r.spilled = true
	clear(r.values[:])
	for _, w := range r.set.list {
		r.values.add(w)
	}
}

// value takes in one of the values whose distinct ones are counted.
func (r *run) value(w uint64) {
	if r.spilled {
		r.values.add(w)
		return
	}
	r.set.add(w)
	if r.approx && len(r.set.list) > r.s.options.few {
		r.spill()
	}
}

// merge takes in the values of a node.
func (r *run) merge(d *distinct) {
	if !d.counts {
		for _, w := range d.few {
			r.value(w)
		}
		return
	}
	if !r.spilled {
		r.spill()
	}
	r.values.merge(d.many)
}

// segment takes in the entries of [low, high) but the transaction itself.
func (r *run) segment(low, high int) {
	if r.self >= low && r.self < high {
		r.part(low, r.self)
		low = r.self + 1
	}
	r.part(low, high)
}

func (r *run) part(low, high int) {
	if low >= high {
		return
	}
	h := r.h
	if h.hot != 0 {
		r.visit(r.s.hots[h.hot].root, 0, low, high)
		return
	}
	head := int(h.head)
	r.take(&h.leaf, r.s.entries.at(h.block), head+low, head+high)
}

// visit takes in the entries of ranks [low, high) below a node whose first
// entry has the rank base.
func (r *run) visit(x *node, base, low, high int) {
	if r.labelled && x.labelled == 0 && !x.dirty && x.version == r.k.version {
		return
	}
	if low <= base && base+x.n <= high && !r.labelled && r.absorb(x, base) {
		return
	}
	if x.level == 0 {
		if x.away != 0 {
			r.others(x, low <= base && base+x.n <= high)
			return
		}
		x.touched = r.s.cut
		block := r.s.open(r.k, &x.leaf)
		from := int(x.leaf.head) - base
		r.take(&x.leaf, block, from+max(low, base), from+min(high, base+x.n))
		return
	}
	for _, kid := range x.kids {
		if base >= high {
			return
		}
		if base+kid.n > low {
			r.visit(kid, base, low, high)
		}
		base += kid.n
	}
}

// others takes in the entries with labels of a leaf whose other entries are
// outside of memory.
func (r *run) others(x *node, all bool) {
	if !all || !r.labelled || x.dirty {
		r.s.lack(r.s.hots[r.h.hot], x)
		return
	}
	block := r.s.open(r.k, &x.leaf)
	head := int(x.leaf.head)
	r.take(&x.leaf, block, head, head+int(x.leaf.n))
}

// absorb takes in all entries below a node by its sums, if they serve.
func (r *run) absorb(x *node, base int) bool {
	g := r.g
	if g.scanned {
		return false
	}
	if g.sketch >= 0 && (!r.approx || x.level == 0) {
		return false
	}
	if !r.s.ensure(r.k, r.s.hots[r.h.hot], x) {
		return true // whatever: the answer does not count
	}
	if x.stale {
		return false
	}
	sum := &x.sums[g.sum]
	switch g.family {
	case famCount:
		r.matches += sum.n
	case famSet:
		r.merge(&x.sketches[g.sketch].values)
	case famMedian:
		r.tally.merge(x.sketches[g.sketch].histogram)
	}
	r.total.merge(sum)
	if g.mode == fraud && x.labelled > 0 {
		r.labelled = true
		r.visit(x, base, base, base+x.n)
		r.labelled = false
	}
	return true
}
