package history

import "sluice/scoring/event"

// A filter with `.card == tx.card` among its conjuncts, over the history of a
// merchant, can only hold for events of that merchant and that card. The card's
// history has all of them, too, and is mostly much smaller.

// join is a run over the history of another entity than the group's.
type join struct {
	on    bool
	keys  int       // where rows have the key of the group's entity
	key   event.Key // which they must have
	floor int64     // and from when on that entity's history has them

	// What to go back to.
	k     *kind
	h     *history
	self  int
	ranks []int
}

// enter makes the run one over the history of the other entity of a group. It
// reports false if that is not worth it, or does not reach as far back.
func (r *run) enter(g *group) bool {
	s := r.s
	key := r.tx.Entities[g.other]
	widest := g.windows[len(g.windows)-1].edge
	width := s.ranks[g.to] - s.ranks[widest]
	if width <= s.options.join || key == (event.Key{}) { // which an empty text has, too
		return false
	}
	k := &s.kinds[g.other]
	h := k.table.find(key)
	if h != nil {
		if s.cut > 0 {
			s.stamp(h)
		}
		s.expire(h)
		if h.newest-s.retention > r.tx.Time-r.k.edges[widest] || h.len(s)*s.options.join >= width {
			return false
		}
		if h.hot == 0 {
			s.open(k, &h.leaf)
		}
	}
	r.join = join{
		on: true, keys: s.shape.keys + 2*g.entity, key: r.tx.Entities[g.entity], floor: r.h.newest - s.retention,
		k: r.k, h: r.h, self: r.self, ranks: s.ranks,
	}
	s.ranks = resize(s.otherRanks, len(r.k.edges))
	clear(s.ranks)
	for i, d := range r.k.edges {
		if h != nil {
			s.ranks[i] = s.countUpTo(h, r.tx.Time-d)
		}
	}
	r.k, r.h, r.self = k, h, -1
	if h != nil && r.row != 0 {
		r.self = s.rankOf(h, r.row, r.tx.Time)
	}
	return true
}

// leave goes back to the history of the group's own entity.
func (r *run) leave() {
	r.s.ranks, r.s.otherRanks = r.join.ranks, r.s.ranks
	r.k, r.h, r.self = r.join.k, r.join.h, r.join.self
	r.join = join{}
}

// shares reports whether an event of the other history is in the group's own.
func (r *run) shares(row handle) bool {
	w := r.s.rows.at(row)
	return w[r.join.keys] == r.join.key[0] && w[r.join.keys+1] == r.join.key[1] && int64(w[rowTime]) >= r.join.floor
}
