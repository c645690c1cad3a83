package history

import (
	"math"
	"slices"

	"sluice/scoring/event"
)

// hot is the history of an entity with many events: a tree whose leaves hold
// the entries and whose nodes hold sums of what lies below, so that a window
// costs two leaves and a few nodes however long it is. How the tree came to be
// cut never shows in an answer.
type hot struct {
	root   *node
	entity int // whose history it is
	key    event.Key
	away   int   // leaves of which entries are outside of memory
	loaded int64 // time of the newest entry that was restored, MinInt64 if none was
}

// node is a leaf of the tree, or holds nodes.
type node struct {
	leaf  leaf
	kids  []*node
	level int
	n     int // entries

	// The first entry's place in the order. Where leaves were dropped it may still
	// be that of the one that was first: nothing since lies before it.
	first int64
	row   handle

	// The sums of the layout of the version. They hold for what is there unless
	// stale (they cover entries that were dropped) or dirty (to be made anew).
	version  uint32
	stale    bool
	dirty    bool
	labelled int // entries with labels, at least
	sums     []total

	// Of a leaf: the cut in which it was last changed or looked at, and, while
	// entries of it are outside of memory, its number among such leaves; then leaf
	// has those of its n entries that stay, and those that came back.
	touched  uint32
	away     uint32
	pinned   bool
	sketches []sketch
}

// sketch is one of the two kinds, the other one is empty.
type sketch struct {
	values    distinct
	histogram histogram
}

const newDirty = ^uint32(0) // the version of sums that were never made

// heat turns a small history into a hot one.
func (s *Store) heat(k *kind, h *history) {
	block := s.open(k, &h.leaf)
	rows := make([]handle, h.n)
	for i := range rows {
		rows[i] = handle(block[metaWord*int(h.cap)+int(h.head)+i])
	}
	r := s.rows.at(rows[0])
	at := s.shape.keys + 2*k.entity
	tree := &hot{root: s.newLeaf(k), entity: k.entity, key: event.Key{r[at], r[at+1]}, loaded: math.MinInt64}
	mark := s.mark
	s.mark = max(mark, h.touched()) // it may hold what the journal does not, even while it is restored
	tree.root.touched = s.mark
	for _, row := range rows {
		s.addHot(k, tree, int64(s.rows.at(row)[rowTime]), row)
	}
	s.mark = mark
	s.entries.free(h.block)
	h.leaf = leaf{}
	if n := len(s.spareHots); n > 0 {
		h.hot = s.spareHots[n-1]
		s.spareHots = s.spareHots[:n-1]
		s.hots[h.hot] = tree
		return
	}
	h.hot = uint32(len(s.hots))
	s.hots = append(s.hots, tree)
}

func (s *Store) newLeaf(k *kind) *node {
	x := &node{version: newDirty}
	s.relay(k, &x.leaf, s.options.leafMax)
	return x
}

// addHot puts a row into a tree.
func (s *Store) addHot(k *kind, h *hot, t int64, row handle) {
	s.one = resize(s.one, k.words)
	s.fill(k.layout, s.one, 1, 0, row)
	if more := s.addNode(k, h.root, t, row); more != nil {
		h.root = &node{
			level: h.root.level + 1, kids: []*node{h.root, more}, n: h.root.n + more.n,
			first: h.root.first, row: h.root.row, version: newDirty,
			labelled: h.root.labelled + more.labelled, stale: h.root.stale,
		}
	}
}

// addNode puts a row below a node. If the node had to be cut in two, it gives
// the second half.
func (s *Store) addNode(k *kind, x *node, t int64, row handle) (more *node) {
	if x.level == 0 {
		return s.addLeaf(k, x, t, row)
	}
	i := len(x.kids) - 1
	for i > 0 && s.before(t, row, x.kids[i]) {
		i--
	}
	x.note(s, t, row)
	kid := x.kids[i]
	split := s.addNode(k, kid, t, row)
	s.include(k, x, row)
	if split == nil {
		return nil
	}
	x.kids = slices.Insert(x.kids, i+1, split)
	if len(x.kids) <= s.options.fan {
		return nil
	}
	at := len(x.kids) / 2
	if i+2 == len(x.kids) { // it grows at its end, as time does
		at = len(x.kids) - 1
	}
	return x.cut(at)
}

// before reports whether a row lies before all that a node holds.
func (s *Store) before(t int64, row handle, x *node) bool {
	return t < x.first || t == x.first && s.idLess(row, x.row)
}

// note makes a row the first one of a node if it is.
func (x *node) note(s *Store, t int64, row handle) {
	if x.n == 0 || s.before(t, row, x) {
		x.first, x.row = t, row
	}
	x.n++
}

// cut moves the kids from number at on to a node of their own.
func (x *node) cut(at int) *node {
	y := &node{level: x.level, kids: slices.Clone(x.kids[at:]), version: newDirty}
	x.kids = slices.Delete(x.kids, at, len(x.kids))
	y.first, y.row = y.kids[0].first, y.kids[0].row
	for _, kid := range y.kids {
		y.n += kid.n
		y.labelled += kid.labelled
	}
	x.n -= y.n
	x.dirty = true
	return y
}

func (s *Store) addLeaf(k *kind, x *node, t int64, row handle) (more *node) {
	if x.away == 0 && int(x.leaf.n) >= s.options.leafMax {
		return s.splitLeaf(k, x, t, row)
	}
	s.putLeaf(k, x, t, row)
	return nil
}

// putLeaf puts a row into a leaf as it is.
func (s *Store) putLeaf(k *kind, x *node, t int64, row handle) {
	s.insertLeaf(k, x, t, row)
	x.note(s, t, row)
	x.touched = max(x.touched, s.mark)
	s.include(k, x, row)
}

// insertLeaf puts a row into the entries of a leaf, making room if need be: one
// of which some are outside of memory has none to spare.
func (s *Store) insertLeaf(k *kind, x *node, t int64, row handle) {
	if x.leaf.n == x.leaf.cap {
		s.relay(k, &x.leaf, max(s.options.leafMax, x.n, int(x.leaf.n)+1))
	}
	block := s.open(k, &x.leaf)
	s.insert(k, &x.leaf, block, s.place(block, &x.leaf, t, row), row)
}

func (s *Store) splitLeaf(k *kind, x *node, t int64, row handle) *node {
	y := s.newLeaf(k)
	block := s.open(k, &x.leaf)
	n := int(x.leaf.n)
	if s.place(block, &x.leaf, t, row) == n {
		s.putLeaf(k, y, t, row)
		return y
	}
	half := n / 2
	y.touched = x.touched
	for i := half; i < n; i++ {
		moved := handle(block[metaWord*int(x.leaf.cap)+int(x.leaf.head)+i])
		s.putLeaf(k, y, int64(s.rows.at(moved)[rowTime]), moved)
	}
	x.leaf.n = uint16(half)
	x.n = half
	x.dirty = true
	if s.before(t, row, y) {
		s.putLeaf(k, x, t, row)
	} else {
		s.putLeaf(k, y, t, row)
	}
	return y
}

// include keeps the sums of a node up to date with a row that was added below
// it, of which s.one is the entry.
func (s *Store) include(k *kind, x *node, row handle) {
	if labelCount(s.rows.at(row)) > 0 {
		x.labelled++
	}
	if x.dirty || x.version != k.version {
		return
	}
	g := gather{s: s, layout: k.layout}
	for i, key := range k.sums {
		g.entry(&x.sums[i], key, s.one, 1, 0)
	}
	if x.level == 0 {
		return
	}
	for i, key := range k.sketches {
		if w, ok := g.value(key.sumKey, s.one, 1, 0); ok {
			x.sketches[i].include(w, key, k.floats[key.column], s.options.few)
		}
	}
}

// find gives the path to the entry at a rank: nodes from the root to a leaf,
// and the place in the leaf's block.
func (h *hot) find(rank int, path []*node) ([]*node, int) {
	x := h.root
	path = append(path[:0], x)
	for x.level > 0 {
		for _, kid := range x.kids {
			if rank < kid.n {
				x = kid
				break
			}
			rank -= kid.n
		}
		path = append(path, x)
	}
	return path, int(x.leaf.head) + rank
}

// upTo counts the entries whose time is at most t.
func (s *Store) upTo(h *hot, t int64) (rank int) {
	x := h.root
	for x.level > 0 {
		next := x.kids[0]
		for _, kid := range x.kids[1:] {
			if kid.first > t {
				break
			}
			rank += next.n
			next = kid
		}
		x = next
	}
	if x.away != 0 {
		if t >= x.first {
			s.lack(h, x)
		}
		return rank
	}
	x.touched = s.cut
	block := s.entries.at(x.leaf.block)
	return rank + countUpTo(block[x.leaf.head:x.leaf.head+x.leaf.n], t, int(x.leaf.n))
}

// countUpTo counts those of ascending times that are at most t, of which there
// are no more than high.
func countUpTo(times []uint64, t int64, high int) int {
	low := 0
	for low < high {
		mid := int(uint(low+high) / 2)
		if int64(times[mid]) <= t {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// expireHot drops the entries before floor, but for those of a leaf that is
// outside of memory and holds others, too: that one is lacking.
func (s *Store) expireHot(h *hot, floor int64) {
	for h.root.first < floor && s.dropFirst(h, floor) {
	}
}

// dropFirst drops entries before floor from the first leaf, and the leaf if
// none is left. It reports whether there may be more.
func (s *Store) dropFirst(h *hot, floor int64) (more bool) {
	path, at := h.find(0, s.path)
	s.path = path
	if x := path[len(path)-1]; x.away != 0 && x.first < floor {
		if h.second(path) >= floor {
			s.lack(h, x)
			return false
		}
		s.dropLeafOf(h)
		return h.root.n > 0
	}
	l := &path[len(path)-1].leaf
	block := s.entries.at(l.block)
	dropped := 0
	for l.n > 0 && int64(block[at+dropped]) < floor {
		s.release(handle(block[metaWord*int(l.cap)+at+dropped]))
		l.head++
		l.n--
		dropped++
	}
	for _, x := range path {
		x.n -= dropped
		x.stale = x.stale || dropped > 0
	}
	if l.n == 0 {
		s.dropLeaf(h, path)
		return h.root.n > 0
	}
	first, row := int64(block[l.head]), handle(block[metaWord*int(l.cap)+int(l.head)])
	for _, x := range path {
		x.first, x.row = first, row
	}
	return false
}

// second gives the time of the first entry behind the first leaf, of which path
// is the path; the end of time if there is none.
func (h *hot) second(path []*node) int64 {
	for i := len(path) - 2; i >= 0; i-- {
		if kids := path[i].kids; len(kids) > 1 {
			return kids[1].first
		}
	}
	return math.MaxInt64
}

// dropLeaf takes an empty leaf, the first one, out of the tree.
func (s *Store) dropLeaf(h *hot, path []*node) {
	for i := len(path) - 1; i > 0; i-- {
		if path[i].n > 0 {
			break
		}
		if path[i].level == 0 {
			s.entries.free(path[i].leaf.block)
		}
		path[i-1].kids = slices.Delete(path[i-1].kids, 0, 1)
	}
	for h.root.level > 0 && len(h.root.kids) == 1 {
		h.root = h.root.kids[0]
	}
}
