package history

import (
	"cmp"
	"math"
	"slices"

	"sluice/scoring/event"
)

// The history of an entity that is resident need not be in memory to its last
// entry. A hot one keeps its nodes with their sums, while entries of leaves that
// nobody looks at leave, and the rows that only they refer to (Evict). What
// stays of such a leaf is its first entry, which says where it lies in the order,
// and the entries with labels, which sums do not cover.
//
// A look at a history that needs what is outside finds it lacking: Observe and
// Holds say so, Lacking says what, and Restore brings it. Nothing is ever added
// to a leaf, or taken out of it, that is not whole. The ids of the entries
// outside are known (away): their transactions are not taken for new ones, and
// a label for one of them has the sums above made anew.

// Chunk is a stretch of an entity's history that has to be restored: the
// transactions with times (ns) from From to To, both included, of which Rows
// are not in memory.
type Chunk struct {
	Entity   int
	Key      event.Key
	From, To int64
	Rows     int

	leaves []uint32 // that it makes whole
}

// lacked is a leaf that is not whole and was needed.
type lacked struct {
	tree    *hot
	leaf    *node
	briefly bool // for the sums above it alone
}

const (
	// lackAtOnce bounds the leaves that a look asks for: what is to be made anew
	// may be all that an entity ever did, and is then done bit by bit.
	lackAtOnce = 48
	// chunkRows bounds the entries of a chunk.
	chunkRows = 1 << 14
)

// lack notes that somebody is about to look at a leaf that is not whole.
func (s *Store) lack(h *hot, x *node) {
	x.touched = max(x.touched, s.cut)
	s.note(lacked{h, x, false})
}

// lackBriefly is lack for who makes sums of the leaf: it may leave again as soon
// as they are made.
func (s *Store) lackBriefly(h *hot, x *node) { s.note(lacked{h, x, true}) }

func (s *Store) note(l lacked) {
	s.short = true
	if l.tree != s.treeOf(l.tree.entity, l.tree.key) {
		return // it is being loaded: what it lacks will show once it is there
	}
	i := slices.IndexFunc(s.lacking, func(have lacked) bool { return have.leaf == l.leaf })
	switch {
	case i >= 0:
		s.lacking[i].briefly = s.lacking[i].briefly && l.briefly
	case len(s.lacking) < lackAtOnce:
		s.lacking = append(s.lacking, l)
	}
}

// look begins a look at histories.
func (s *Store) look() {
	s.short = false
	s.lacking = s.lacking[:0]
}

func (x *node) mustBeWhole() {
	if x.away != 0 {
		panic("history: entries that are outside of memory are used as if they were there")
	}
}

// Lacks reports whether Observe and Remember would find something lacking for tx
// that they need and that is outside of memory, and notes what: see Lacking.
func (s *Store) Lacks(tx *event.Transaction) bool {
	s.look()
	if !s.partly(tx) {
		return false
	}
	s.guesses.values = resize(s.guesses.values, len(s.plan.Queries))
	s.guesses.lists = resize(s.guesses.lists, len(s.plan.Lists))
	return !s.Observe(tx, s.guesses.values, s.guesses.lists)
}

// guesses is scratch space of Lacks.
type guesses struct {
	values []Value
	lists  []List
}

// Partial reports whether a history that is resident has entries outside of memory.
func (s *Store) Partial() bool { return len(s.away.leaves) > 0 }

// partly reports whether a history of tx is resident and not whole.
func (s *Store) partly(tx *event.Transaction) bool {
	if !s.Partial() {
		return false
	}
	for e := range s.kinds {
		if s.treeOf(e, tx.Entities[e]) != nil {
			return true
		}
	}
	return false
}

// treeOf gives the tree of an entity's history if it is resident and not whole.
func (s *Store) treeOf(e int, key event.Key) *hot {
	if key == (event.Key{}) {
		return nil
	}
	h := s.kinds[e].table.find(key)
	if h == nil || h.hot == 0 || !h.resident() || s.hots[h.hot].away == 0 {
		return nil
	}
	return s.hots[h.hot]
}

// Holds reports whether what Remember needs for tx is in memory. If not, Lacking
// says what has to be restored.
func (s *Store) Holds(tx *event.Transaction) bool {
	s.look()
	s.hold(tx)
	return !s.short
}

// hold looks at what Remember needs.
func (s *Store) hold(tx *event.Transaction) {
	if !s.Partial() {
		return
	}
	for e := range s.kinds {
		tree := s.treeOf(e, tx.Entities[e])
		if tree == nil {
			continue
		}
		newest := s.kinds[e].table.find(tx.Entities[e]).newest
		if tx.Time < newest-s.retention {
			continue
		}
		s.need(tree, tree.root, tx.Time)
		if floor := max(newest, tx.Time) - s.retention; tree.root.first < floor {
			s.need(tree, tree.root, floor-1)
		}
	}
	s.away.each(tx.IDKey, func(l lodging) {
		if l.tree == s.treeOf(l.tree.entity, tx.Entities[l.tree.entity]) {
			s.lack(l.tree, l.leaf)
		}
	})
}

// need looks at the leaves that may hold entries of a time.
func (s *Store) need(h *hot, x *node, t int64) {
	if x.level == 0 {
		if x.away != 0 {
			s.lack(h, x)
		}
		return
	}
	for i, kid := range x.kids {
		if i > 0 && kid.first > t {
			return
		}
		if i+1 == len(x.kids) || x.kids[i+1].first >= t {
			s.need(h, kid, t)
		}
	}
}

// Lacking gives what was lacking to the last call of Observe, Holds or Lacks.
// There may be more that shows once this is restored.
func (s *Store) Lacking() (all []Chunk) {
	slices.SortFunc(s.lacking, func(a, b lacked) int {
		return cmp.Or(cmp.Compare(a.tree.entity, b.tree.entity), slices.Compare(a.tree.key[:], b.tree.key[:]))
	})
	for rest := s.lacking; len(rest) > 0; {
		tree, n := rest[0].tree, 1
		for n < len(rest) && rest[n].tree == tree {
			n++
		}
		c := chunks{wanted: rest[:n], all: all}
		c.tree(tree, tree.root)
		c.end(math.MaxInt64)
		all, rest = c.all, rest[n:]
	}
	return all
}

// chunks joins wanted leaves that lie side by side.
type chunks struct {
	wanted []lacked
	all    []Chunk
	open   bool
}

func (c *chunks) tree(h *hot, x *node) {
	if x.level > 0 {
		for _, kid := range x.kids {
			c.tree(h, kid)
		}
		return
	}
	if !slices.ContainsFunc(c.wanted, func(l lacked) bool { return l.leaf == x }) {
		c.end(x.first)
		return
	}
	away := x.n - int(x.leaf.n)
	if c.open && c.all[len(c.all)-1].Rows+away > chunkRows {
		c.end(x.first)
	}
	if !c.open {
		c.open = true
		c.all = append(c.all, Chunk{Entity: h.entity, Key: h.key, From: x.first})
	}
	last := &c.all[len(c.all)-1]
	last.Rows += away
	last.leaves = append(last.leaves, x.away)
}

// end ends a chunk where the next leaf begins.
func (c *chunks) end(to int64) {
	if c.open {
		c.all[len(c.all)-1].To, c.open = to, false
	}
}

// Whole reports whether all that was lacking of a chunk is in memory, or of no use
// any more: what happened before a time (ns) that nobody looks back to may have
// left the journal meanwhile, and is forgotten then.
func (s *Store) Whole(c *Chunk, before int64) bool {
	for _, l := range s.missing(c) {
		if l.leaf.first >= before {
			return false
		}
		s.curtail(l)
	}
	return true
}

// Misses reports whether something of a chunk is still lacking.
func (s *Store) Misses(c *Chunk) bool { return len(s.missing(c)) > 0 }

// missing gives the leaves of a chunk that are not whole.
func (s *Store) missing(c *Chunk) (all []lodging) {
	for _, n := range c.leaves {
		if l, away := s.away.leaves[n]; away && l.tree == s.treeOf(c.Entity, c.Key) {
			all = append(all, l)
		}
	}
	return all
}

// curtail makes a leaf one of the entries that it has.
func (s *Store) curtail(l lodging) {
	path, _ := s.leafOf(l.tree, l.leaf.first, l.leaf.row)
	gone := l.leaf.n - int(l.leaf.leaf.n)
	s.away.forget(l.tree, l.leaf)
	for _, x := range path {
		x.n -= gone
		x.dirty = true
	}
}
