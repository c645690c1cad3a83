package history

// spot is an entry in a block.
type spot struct {
	block   []uint64
	size, i int
}

// find answers First and Last over [low, high).
func (r *run) find(a ask, low, high int) Value {
	at, ok := r.spot(low, high, a.agg == First)
	if !ok || at.block == nil {
		return missing(NoEvents)
	}
	r.s.cursor = cursor{r.k.layout, at.block, at.size, at.i}
	row := handle(at.block[metaWord*at.size+at.i])
	return Value{Value: Past{r.s, &r.s.cursor, row, r.tx.Time}.Value(r.asked(a))}
}

// spot finds the first or the last entry of [low, high) that matches.
func (r *run) spot(low, high int, first bool) (at spot, ok bool) {
	parts := [2][2]int{{low, high}, {high, high}}
	if r.self >= low && r.self < high {
		parts = [2][2]int{{low, r.self}, {r.self + 1, high}}
	}
	if !first {
		parts[0], parts[1] = parts[1], parts[0]
	}
	for _, p := range parts {
		if p[0] < p[1] {
			if at, ok = r.seek(p[0], p[1], first); ok {
				return at, true
			}
		}
	}
	return at, false
}

func (r *run) seek(low, high int, first bool) (spot, bool) {
	if h := r.h; h.hot == 0 {
		head := int(h.head)
		return r.scan(r.s.entries.at(h.block), int(h.cap), head+low, head+high, first)
	}
	return r.descend(r.s.hots[r.h.hot].root, 0, low, high, first)
}

// scan looks through entries [a, b) of a block.
func (r *run) scan(block []uint64, size, a, b int, first bool) (spot, bool) {
	r.s.cursor = cursor{r.k.layout, block, size, 0}
	if first {
		for i := a; i < b; i++ {
			if r.match(block, size, i) {
				return spot{block, size, i}, true
			}
		}
		return spot{}, false
	}
	for i := b - 1; i >= a; i-- {
		if r.match(block, size, i) {
			return spot{block, size, i}, true
		}
	}
	return spot{}, false
}

// descend looks through ranks [low, high) below a node whose first entry has
// the rank base.
func (r *run) descend(x *node, base, low, high int, first bool) (spot, bool) {
	if base >= high || base+x.n <= low || r.none(x) {
		return spot{}, false
	}
	if x.level == 0 {
		if x.away != 0 {
			r.s.lack(r.s.hots[r.h.hot], x)
			return spot{}, true // so much for now
		}
		x.touched = r.s.cut
		block := r.s.open(r.k, &x.leaf)
		from := int(x.leaf.head) - base
		return r.scan(block, int(x.leaf.cap), from+max(low, base), from+min(high, base+x.n), first)
	}
	if first {
		for _, kid := range x.kids {
			if at, ok := r.descend(kid, base, low, high, first); ok {
				return at, true
			}
			base += kid.n
		}
		return spot{}, false
	}
	base += x.n
	for i := len(x.kids) - 1; i >= 0; i-- {
		base -= x.kids[i].n
		if at, ok := r.descend(x.kids[i], base, low, high, first); ok {
			return at, true
		}
	}
	return spot{}, false
}

// none reports whether nothing below a node matches, as far as its sums tell.
func (r *run) none(x *node) bool {
	if r.g.scanned || r.g.sum < 0 {
		return false
	}
	if !r.s.ensure(r.k, r.s.hots[r.h.hot], x) {
		return true // whatever: the answer does not count
	}
	return x.sums[r.g.sum].n == 0 && (r.g.mode != fraud || x.labelled == 0)
}
