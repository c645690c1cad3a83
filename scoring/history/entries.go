package history

import (
	"sluice/scoring/event"
)

// leaf is an array of entries in the order of (time, id): the whole of a small
// history, a chunk of a hot one. Its block holds an array a word of an entry,
// each of cap elements, of which [head, head+n) are taken. A running sum is
// that up to and with its entry, from element 0 on, or where head is beyond it,
// from some earlier number on.
type leaf struct {
	block        handle
	version      uint32 // of the layout that the block has
	head, n, cap uint16
	large        bool // a running sum has a value in it that may overflow it
}

// history is what an entity did.
type history struct {
	leaf          // while it is small
	hot    uint32 // index into Store.hots, 0: it is small
	cut    uint32 // in which it was last touched, with partial and begun where it is not resident
	newest int64  // time of the newest entry
}

func (h *history) len(s *Store) int {
	if h.hot != 0 {
		return s.hots[h.hot].root.n
	}
	return int(h.n)
}

// kind is what a store holds of one kind of entity.
type kind struct {
	entity int // its number
	table  table
	*program
	old []*layout // earlier layouts, newest last
}

// keptLayouts is how many earlier layouts are known: the columns that a later
// one has in common with them need not be read from the rows.
const keptLayouts = 16

func (k *kind) layoutOf(version uint32) *layout {
	for _, l := range k.old {
		if l.version == version {
			return l
		}
	}
	return nil
}

// open gives the words of a leaf in the layout of the installed plan.
func (s *Store) open(k *kind, l *leaf) []uint64 {
	if l.version != k.version {
		s.relay(k, l, int(l.cap))
	}
	return s.entries.at(l.block)
}

// relay moves a leaf to a block for size entries with the columns of the
// installed plan, filling in the ones that it lacks.
func (s *Store) relay(k *kind, l *leaf, size int) {
	from := k.layout
	if l.version != k.version {
		from = k.layoutOf(l.version)
	}
	block := s.entries.alloc(size * k.words)
	l.large = l.large && from == k.layout
	m := move{s: s, k: k, from: from, to: k.layout, n: int(l.n), size: size, dst: s.entries.at(block)}
	if l.n > 0 {
		m.src, m.oldSize, m.head = s.entries.at(l.block), int(l.cap), int(l.head)
		m.all()
		l.large = l.large || m.large
	}
	if l.block != 0 {
		s.entries.free(l.block)
	}
	l.block, l.version, l.cap, l.head = block, k.version, uint16(size), 0
}

// move copies the entries of a leaf from one block to another.
type move struct {
	s             *Store
	k             *kind
	from, to      *layout // from is nil if nobody knows it any more
	n             int
	src, dst      []uint64
	oldSize, size int
	head          int
	large         bool
}

func (m *move) all() {
	m.copyWord(timeWord, timeWord)
	if m.from == m.to {
		for w := metaWord; w < m.to.words; w++ {
			if w >= m.to.firstRun() && w < m.to.firstOver() {
				m.rebase(w)
			} else {
				m.copyWord(w, w)
			}
		}
		return
	}
	meta := m.dst[metaWord*m.size:]
	for i, w := range m.src[metaWord*m.oldSize+m.head:][:m.n] {
		meta[i] = w & (1<<firstBit - 1)
	}
	for w := m.to.firstOver(); w < m.to.words; w++ {
		clear(m.dst[w*m.size:][:m.n])
	}
	for j, c := range m.to.columns {
		m.column(j, c)
	}
	for j, c := range m.to.runs {
		m.run(j, c)
	}
	for f := range m.to.filters {
		m.filter(f)
	}
}

func (m *move) copyWord(from, to int) {
	copy(m.dst[to*m.size:][:m.n], m.src[from*m.oldSize+m.head:][:m.n])
}

func (m *move) column(j int, c event.Column) {
	if m.from != nil {
		for i, have := range m.from.columns {
			if have == c {
				m.copyWord(firstCol+i, firstCol+j)
				return
			}
		}
	}
	meta := m.dst[metaWord*m.size:]
	out := m.dst[(firstCol+j)*m.size:]
	for i := range m.n {
		out[i] = m.s.entryWord(m.s.rows.at(handle(meta[i])), c)
	}
}

// rebase copies a running sum, so that it starts at the first entry.
func (m *move) rebase(w int) {
	src := m.src[w*m.oldSize:]
	base := uint64(0)
	if m.head > 0 {
		base = src[m.head-1]
	}
	dst := m.dst[w*m.size:]
	for i := range m.n {
		dst[i] = src[m.head+i] - base
	}
}

// run sums a column up from the rows: layouts change too seldom to be clever.
func (m *move) run(j int, c event.Column) {
	meta := m.dst[metaWord*m.size:]
	out := m.dst[(m.to.firstRun()+j)*m.size:]
	sum := uint64(0)
	for i := range m.n {
		v, large := m.s.addend(m.s.rows.at(handle(meta[i])), c)
		m.large = m.large || large
		sum += v
		out[i] = sum
	}
}

func (m *move) filter(f int) {
	// Verdicts that came while no filter looked at them changed no bit.
	if m.from != nil && !reads(m.to.filters[f], event.Verdict) {
		for i, have := range m.from.filters {
			if have.Source == m.to.filters[f].Source {
				m.copyBits(m.from.bits[i], m.to.bits[f])
				return
			}
		}
	}
	for i := range m.n {
		m.s.setBit(m.to, f, m.dst, m.size, i)
	}
}

func (m *move) copyBits(from, to bit) {
	src := m.src[from.word*m.oldSize+m.head:]
	dst := m.dst[to.word*m.size:]
	for i := range m.n {
		dst[i] |= (src[i] >> from.shift & 1) << to.shift
	}
}

// entryWord gives what an entry keeps of a row in a column.
func (s *Store) entryWord(r []uint64, c event.Column) uint64 {
	if c == currencyColumn {
		return r[rowCurrency]
	}
	return s.storedWord(r, c)
}

// addend gives what a row adds to a running sum, and whether that is so large
// that the sum of many may overflow.
func (s *Store) addend(r []uint64, c event.Column) (v uint64, large bool) {
	v = s.storedWord(r, c)
	if v == event.Missing {
		return 0, false
	}
	return v, int64(v) >= small || int64(v) <= -small
}

// setBit evaluates a filter for an entry, as if it had no labels.
func (s *Store) setBit(l *layout, f int, block []uint64, size, i int) {
	s.cursor = cursor{l, block, size, i}
	row := handle(block[metaWord*size+i])
	at := l.bits[f]
	word := &block[at.word*size+i]
	*word &^= 1 << at.shift
	if l.filters[f].Match(Past{s, &s.cursor, row, never}, nil) {
		*word |= 1 << at.shift
	}
}

// fill writes an entry for a row. It reports whether a value is large.
func (s *Store) fill(l *layout, block []uint64, size, i int, row handle) (large bool) {
	r := s.rows.at(row)
	block[i] = r[rowTime]
	meta := uint64(row)
	if labelCount(r) > 0 {
		meta |= labelledBit
	}
	block[metaWord*size+i] = meta
	for j, c := range l.columns {
		block[(firstCol+j)*size+i] = s.entryWord(r, c)
	}
	for j, c := range l.runs {
		v, more := s.addend(r, c)
		large = large || more
		at := (l.firstRun()+j)*size + i
		block[at] = v
		if i > 0 {
			block[at] += block[at-1]
		}
	}
	for w := l.firstOver(); w < l.words; w++ {
		block[w*size+i] = 0
	}
	for f := range l.filters {
		s.setBit(l, f, block, size, i)
	}
	return large
}

// place gives where in a leaf a row belongs: behind the entries before it.
func (s *Store) place(block []uint64, l *leaf, t int64, row handle) int {
	times := block[l.head : l.head+l.n]
	i := len(times)
	for i > 0 && int64(times[i-1]) > t {
		i--
	}
	meta := block[int(l.cap)*metaWord+int(l.head):]
	for i > 0 && int64(times[i-1]) == t && s.idLess(row, handle(meta[i-1])) {
		i--
	}
	return i
}

// insert puts a row into a leaf that has room before entry number at.
func (s *Store) insert(k *kind, l *leaf, block []uint64, at int, row handle) {
	size, head, n := int(l.cap), int(l.head), int(l.n)
	if head+n == size {
		m := move{from: k.layout, to: k.layout, n: n, src: block, dst: block, oldSize: size, size: size, head: head}
		m.all()
		l.head, head = 0, 0
	}
	if at < n {
		for w := range k.words {
			words := block[w*size+head:]
			copy(words[at+1:n+1], words[at:n])
		}
	}
	l.n++
	if s.fill(k.layout, block, size, head+at, row) {
		l.large = true
	}
	if at < n {
		k.shift(block, size, head+at, n-at)
	}
}

// shift adds the value at i to the running sums of the n entries behind it.
func (l *layout) shift(block []uint64, size, i, n int) {
	for j := range l.runs {
		run := block[(l.firstRun()+j)*size:]
		v := run[i]
		if i > 0 {
			v -= run[i-1]
		}
		for x := i + 1; x <= i+n; x++ {
			run[x] += v
		}
	}
}

// nextSize gives how many entries the next block of a small history holds.
func nextSize(n int) int {
	if n < 32 {
		return max(2, n*2)
	}
	return n + n/2
}

// addSmall puts a row into a small history.
func (s *Store) addSmall(k *kind, h *history, t int64, row handle) {
	switch {
	case h.block == 0:
		s.relay(k, &h.leaf, nextSize(0))
	case int(h.head)+int(h.n) == int(h.cap) && int(h.head) <= int(h.n)/4:
		s.relay(k, &h.leaf, nextSize(int(h.n)))
	}
	block := s.open(k, &h.leaf)
	at := int(h.n)
	if t <= h.newest { // else the entries need not be looked at
		at = s.place(block, &h.leaf, t, row)
	}
	s.insert(k, &h.leaf, block, at, row)
}

// add puts a row into a history, which must not hold it.
func (s *Store) add(k *kind, h *history, t int64, row handle) {
	empty := h.len(s) == 0
	s.retain(row)
	switch {
	case h.hot != 0:
		s.addHot(k, s.hots[h.hot], t, row)
	default:
		s.addSmall(k, h, t, row)
		if int(h.n) > s.options.hotAt {
			s.heat(k, h)
		}
	}
	if empty || t > h.newest {
		h.newest = t
		s.expire(h)
	}
}

// expire drops the entries that are older than the newest one minus the
// retention. It costs nothing where there are none.
func (s *Store) expire(h *history) {
	floor := h.newest - s.retention
	if h.hot != 0 {
		s.expireHot(s.hots[h.hot], floor)
		return
	}
	block := s.entries.at(h.block)
	for h.n > 0 && int64(block[h.head]) < floor {
		s.release(handle(block[int(h.cap)*metaWord+int(h.head)]))
		h.head++
		h.n--
	}
}
