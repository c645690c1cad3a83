package history

import (
	"math"
	"slices"

	"sluice/scoring/event"
)

// tell gives a restored row the keys that the journal does not tell: those of
// secret entities whose histories hold it, outside of memory.
func (s *Store) tell(id event.Key, row handle) {
	s.away.each(id, func(l lodging) {
		e := l.tree.entity
		r := s.rows.at(row)
		at := s.shape.keys + 2*e
		if r[at] != 0 || r[at+1] != 0 || !s.schema.Fields[s.schema.Entities[e]].Secret {
			return
		}
		if path, _ := s.leafOf(l.tree, int64(r[rowTime]), row); path[len(path)-1] == l.leaf {
			r[at], r[at+1] = l.tree.key[0], l.tree.key[1]
		}
	})
}

// soil has the sums made anew that cover the entry of an id which is outside of
// memory, if there is one: a label or a verdict (form) has become known.
func (s *Store) soil(id event.Key, form event.Form) {
	s.away.each(id, func(l lodging) {
		if !s.kinds[l.tree.entity].sees(form) {
			return
		}
		path, _ := s.leafOf(l.tree, l.leaf.first, l.leaf.row)
		s.soiled(path)
	})
}

// soiled notes that the sums of a path have to be made anew, while entries that
// they are made of are outside of memory.
func (s *Store) soiled(path []*node) {
	s.departures++
	for _, x := range path {
		x.dirty = true
	}
}

// thin lets up to about n entries of a history leave: those of whole leaves that
// were last touched in a cut up to upTo. Of one that is being loaded, oldest first,
// those stay that the next rows may go to: a leaf that has left can't be cut in two,
// and would take all that comes.
func (s *Store) thin(k *kind, h *history, upTo uint32, n int) (dropped int) {
	tree := s.hots[h.hot]
	t := thinning{s: s, k: k, tree: tree, upTo: upTo, n: n, before: math.MaxInt64}
	if !h.resident() {
		t.before, t.stay = tree.loaded, tree.leafBefore(tree.loaded)
	}
	t.node(tree.root)
	return t.dropped
}

// leafBefore gives the last leaf that begins before a time (ns), or else the first one.
func (h *hot) leafBefore(t int64) *node {
	x := h.root
	for x.level > 0 {
		i := len(x.kids) - 1
		for i > 0 && x.kids[i].first >= t {
			i--
		}
		x = x.kids[i]
	}
	return x
}

type thinning struct {
	s       *Store
	k       *kind
	tree    *hot
	before  int64 // leaves that begin later stay
	stay    *node // and this one
	upTo    uint32
	n       int
	dropped int
}

func (t *thinning) node(x *node) {
	if x.level == 1 && t.some(x) && !t.s.ensure(t.k, t.tree, x) && len(t.k.sketches) > 0 {
		return // a sketch is made of all entries at once: what is there of them waits for the others
	}
	if x.level == 0 {
		if t.may(x) {
			t.dropped += t.s.leave(t.k, t.tree, x)
		}
		return
	}
	for _, kid := range x.kids {
		if t.dropped >= t.n {
			return
		}
		t.node(kid)
	}
}

// may reports whether a leaf may leave.
func (t *thinning) may(x *node) bool {
	return x.touched <= t.upTo && x.first < t.before && x != t.stay && !x.pinned && x.n > 1 && x.away == 0
}

func (t *thinning) some(x *node) bool { return slices.ContainsFunc(x.kids, t.may) }

// leave lets the entries of a leaf leave memory but for what stays of it, and
// gives how many. Where most would stay, all do.
func (s *Store) leave(k *kind, h *hot, x *node) (dropped int) {
	block := s.open(k, &x.leaf)
	head, n := int(x.leaf.head), int(x.leaf.n)
	meta := block[metaWord*int(x.leaf.cap)+head:][:n]
	stay := 1
	for _, w := range meta[1:] {
		if w&labelledBit != 0 {
			stay++
		}
	}
	if stay > n/2 {
		return 0
	}
	x.dirty = x.dirty || x.stale
	s.ensure(k, h, x)
	s.away.number(h, x)
	thin := leaf{}
	s.relay(k, &thin, stay)
	into := s.entries.at(thin.block)
	for i, w := range meta {
		row := handle(w)
		if i == 0 || w&labelledBit != 0 {
			s.insert(k, &thin, into, int(thin.n), row)
			continue
		}
		r := s.rows.at(row)
		s.away.add(event.Key{r[rowID], r[rowID+1]}, x.away)
		s.release(row)
		dropped++
	}
	s.entries.free(x.leaf.block)
	x.leaf = thin
	s.left += uint64(dropped)
	s.departures++
	return dropped
}

// regain puts a row that is remembered once more into the leaf that it left, of a
// history that is not resident: in such a one nobody looks whether it is there.
func (s *Store) regain(k *kind, h *history, t int64, row handle) bool {
	if h.resident() || h.hot == 0 {
		return false
	}
	tree := s.hots[h.hot]
	path, _ := s.leafOf(tree, t, row)
	x := path[len(path)-1]
	if x.away == 0 || !s.comeBack(k, tree, x, row) {
		return false
	}
	x.touched = max(x.touched, s.mark)
	return true
}

// comeBack puts a row into the leaf that it left; false: it is none
// that is outside.
func (s *Store) comeBack(k *kind, h *hot, x *node, row handle) bool {
	r := s.rows.at(row)
	if !s.away.remove(event.Key{r[rowID], r[rowID+1]}, x.away) {
		return false
	}
	s.insertLeaf(k, x, int64(r[rowTime]), row)
	s.retain(row)
	if int(x.leaf.n) == x.n {
		s.away.forget(h, x)
		s.returned++
	}
	return true
}
