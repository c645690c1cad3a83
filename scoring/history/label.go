package history

import (
	"math"

	"sluice/scoring/event"
)

// The labels of a transaction lie in a block: the time and the value of each,
// by time. Of two with the same time and different values, fraud stands: which
// came first must not matter.

func labelCount(r []uint64) int { return int(r[rowCount] >> 40 & 0xffff) }

// fraudAt gives what the labels with a time up to t say of a row.
func (s *Store) fraudAt(r []uint64, t int64) bool {
	n := labelCount(r)
	if n == 0 {
		return false
	}
	l := s.labels.at(handle(r[rowLinks]))
	for i := n - 1; i >= 0; i-- {
		if int64(l[2*i]) <= t {
			return l[2*i+1] != 0
		}
	}
	return false
}

const maxLabels = 1<<16 - 1

// addLabel adds a label to a row. It reports whether the row had it not.
func (s *Store) addLabel(r []uint64, t int64, fraud bool) bool {
	n := labelCount(r)
	var l []uint64
	if n > 0 {
		l = s.labels.at(handle(r[rowLinks]))
	}
	at := n
	for at > 0 && int64(l[2*at-2]) > t {
		at--
	}
	if at > 0 && int64(l[2*at-2]) == t {
		if fraud && l[2*at-1] == 0 {
			l[2*at-1] = 1
			return true
		}
		return false
	}
	if n == maxLabels {
		return false
	}
	block := handle(r[rowLinks])
	if n == 0 || 2*n+2 > blockWords(2*n) {
		block = s.labels.alloc(2*n + 2)
		copy(s.labels.at(block), l[:2*n])
		if n > 0 {
			s.labels.free(handle(r[rowLinks]))
		}
		r[rowLinks] = r[rowLinks]&^math.MaxUint32 | uint64(block)
	}
	l = s.labels.at(block)
	copy(l[2*at+2:2*n+2], l[2*at:2*n])
	l[2*at], l[2*at+1] = uint64(t), 0
	if fraud {
		l[2*at+1] = 1
	}
	r[rowCount] += 1 << 40
	return true
}

// Label files what a transaction turned out to be; matched is false if the
// transaction has not come yet, and the label waits for it.
func (s *Store) Label(l *event.Label) (matched bool) {
	if !s.label(l.IDKey, l.Time, l.Fraud) {
		s.waiting.add(l)
		s.soil(l.IDKey, event.Fraud) // and takes effect there when its transaction is back
		return false
	}
	row := s.ids.find(l.IDKey)
	if len(s.gone) > 0 && !s.stays(row) {
		s.waiting.add(l) // the row goes, and may be back before the journal has the label
	}
	if s.cut > 0 {
		s.touch(s.rows.at(row))
	}
	return true
}

// stays reports whether a history holds a row other than those that are given back.
func (s *Store) stays(row handle) (held bool) {
	s.eachEntry(s.rows.at(row), row, event.Fraud, func(*Store, *entryAt) { held = true })
	return held
}

// label adds a label to the transaction of an id, if that is in memory.
func (s *Store) label(id event.Key, time int64, fraud bool) bool {
	row := s.ids.find(id)
	if row == 0 {
		return false
	}
	r := s.rows.at(row)
	first := labelCount(r) == 0
	if s.addLabel(r, time, fraud) && first {
		s.eachEntry(r, row, event.Fraud, (*Store).markLabelled)
	}
	return true
}

// SetVerdict files the verdict ("allow", "review", "deny") of a stored
// transaction; other texts take it away.
func (s *Store) SetVerdict(id event.Key, verdict string) {
	row := s.ids.find(id)
	if row == 0 {
		s.soil(id, event.Verdict)
		return
	}
	r := s.rows.at(row)
	s.setVerdict(r, row, verdict)
	if s.cut > 0 {
		s.touch(r)
	}
}

// SettleVerdict is SetVerdict for a transaction that was remembered since the
// last SetCut, and where: ref is what Remember gave.
func (s *Store) SettleVerdict(ref Ref, id event.Key, verdict string) {
	if r := s.rows.reach(handle(ref), rowHead); r != nil && r[rowID] == id[0] && r[rowID+1] == id[1] {
		s.setVerdict(r, handle(ref), verdict)
		return
	}
	s.SetVerdict(id, verdict) // it has left its block already, or is not there
}

func (s *Store) setVerdict(r []uint64, row handle, verdict string) {
	if fileVerdict(r, verdict) && s.readsVerdicts {
		s.eachEntry(r, row, event.Verdict, (*Store).refresh)
	}
}

// fileVerdict writes a verdict into a row. It reports whether the row had another.
func fileVerdict(r []uint64, verdict string) bool {
	var n uint64
	for i, name := range verdictNames {
		if name == verdict {
			n = uint64(i)
		}
	}
	if uint64(verdictOf(r)) == n {
		return false
	}
	r[rowCount] = r[rowCount]&^(0xff<<32) | n<<32
	return true
}

// entryAt is an entry and, in a hot history, the nodes above it.
type entryAt struct {
	kind  *kind
	block []uint64
	size  int
	i     int
	path  []*node
}

// eachEntry gives the entries of a row in all histories that hold it, because
// its labels or its verdict (form) have changed.
func (s *Store) eachEntry(r []uint64, row handle, form event.Form, do func(*Store, *entryAt)) {
	for e := range s.kinds {
		k := &s.kinds[e]
		key := event.Key{r[s.shape.keys+2*e], r[s.shape.keys+2*e+1]}
		if key == (event.Key{}) {
			continue
		}
		if h := k.table.find(key); h != nil {
			s.entryOf(k, h, r, row, form, do)
		}
	}
}

// entryOf gives the entry of a row in a history that may hold it. Where that is
// outside of memory, what the nodes above it say is to be made anew.
func (s *Store) entryOf(k *kind, h *history, r []uint64, row handle, form event.Form, do func(*Store, *entryAt)) {
	t := int64(r[rowTime])
	if h.hot == 0 {
		if rank := s.rankOf(h, row, t); rank >= 0 {
			at := s.entry(k, h, rank)
			do(s, &at)
		}
		return
	}
	path, _ := s.leafOf(s.hots[h.hot], t, row)
	x := path[len(path)-1]
	block := s.open(k, &x.leaf)
	i := x.leaf.seek(block, t, row)
	switch {
	case i >= 0:
		x.touched = max(x.touched, s.mark)
		do(s, &entryAt{k, block, int(x.leaf.cap), i, path})
	case x.away != 0 && k.sees(form):
		s.soiled(path)
	}
}

// entry gives the entry of a history at a rank.
func (s *Store) entry(k *kind, h *history, rank int) entryAt {
	l, i := &h.leaf, int(h.head)+rank
	var path []*node
	if h.hot != 0 {
		path, i = s.hots[h.hot].find(rank, s.path)
		s.path = path
		l = &path[len(path)-1].leaf
	}
	if l.version != k.version {
		i -= int(l.head) // opening it moves it
		s.open(k, l)
		i += int(l.head)
	}
	return entryAt{k, s.entries.at(l.block), int(l.cap), i, path}
}

// rankOf gives the rank of a row in a history, -1 if it is not there.
func (s *Store) rankOf(h *history, row handle, t int64) int {
	l, base := &h.leaf, 0
	if h.hot != 0 {
		var path []*node
		path, base = s.leafOf(s.hots[h.hot], t, row)
		x := path[len(path)-1]
		if x.away != 0 {
			s.lack(s.hots[h.hot], x)
			return -1
		}
		l = &x.leaf
	}
	if i := l.seek(s.entries.at(l.block), t, row); i >= 0 {
		return base + i - int(l.head)
	}
	return -1
}

// leafOf gives the path to the leaf where a row belongs, and the rank of the
// first entry there.
func (s *Store) leafOf(h *hot, t int64, row handle) (path []*node, base int) {
	x := h.root
	path = append(s.path[:0], x)
	for x.level > 0 {
		i := len(x.kids) - 1
		for i > 0 && s.before(t, row, x.kids[i]) {
			i--
		}
		for _, kid := range x.kids[:i] {
			base += kid.n
		}
		x = x.kids[i]
		path = append(path, x)
	}
	s.path = path
	return path, base
}

// seek gives the place of a row in a leaf's block, -1 if it is not there.
func (l *leaf) seek(block []uint64, t int64, row handle) int {
	times := block[l.head : l.head+l.n]
	meta := block[metaWord*int(l.cap)+int(l.head):]
	for i := countUpTo(times, t, len(times)) - 1; i >= 0 && int64(times[i]) == t; i-- {
		if handle(meta[i]) == row {
			return int(l.head) + i
		}
	}
	return -1
}

// countUpTo counts the entries of a history whose time is at most t.
func (s *Store) countUpTo(h *history, t int64) int {
	if h.hot != 0 {
		return s.upTo(s.hots[h.hot], t)
	}
	block := s.entries.at(h.block)
	return countUpTo(block[h.head:h.head+h.n], t, int(h.n))
}

// markLabelled notes that an entry has labels from now on.
func (s *Store) markLabelled(e *entryAt) {
	e.block[metaWord*e.size+e.i] |= labelledBit
	counted := false
	for f, at := range e.kind.bits {
		counted = counted || e.kind.fraud[f] && e.block[at.word*e.size+e.i]>>at.shift&1 != 0
	}
	for _, x := range e.path {
		x.labelled++
		x.dirty = x.dirty || counted
	}
}

// refresh evaluates the filters that look at verdicts anew for an entry.
func (s *Store) refresh(e *entryAt) {
	changed := false
	for f, filter := range e.kind.filters {
		if !reads(filter, event.Verdict) {
			continue
		}
		at := e.kind.bits[f]
		before := e.block[at.word*e.size+e.i] >> at.shift & 1
		s.setBit(e.kind.layout, f, e.block, e.size, e.i)
		changed = changed || before != e.block[at.word*e.size+e.i]>>at.shift&1
	}
	if changed {
		for _, x := range e.path {
			x.dirty = true
		}
	}
}
