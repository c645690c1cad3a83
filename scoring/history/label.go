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
		return false
	}
	if s.cut > 0 {
		s.touch(s.rows.at(s.ids.find(l.IDKey)))
	}
	return true
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
		s.eachEntry(r, row, (*Store).markLabelled)
	}
	return true
}

// SetVerdict files the verdict ("allow", "review", "deny") of a stored
// transaction; other texts take it away.
func (s *Store) SetVerdict(id event.Key, verdict string) {
	row := s.ids.find(id)
	if row == 0 {
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
	if r := s.rows.at(handle(ref)); ref != 0 && r[rowID] == id[0] && r[rowID+1] == id[1] {
		s.setVerdict(r, handle(ref), verdict)
		return
	}
	s.SetVerdict(id, verdict) // it has left its block already, or is not there
}

func (s *Store) setVerdict(r []uint64, row handle, verdict string) {
	var n uint64
	for i, name := range verdictNames {
		if name == verdict {
			n = uint64(i)
		}
	}
	if uint64(verdictOf(r)) == n {
		return
	}
	r[rowCount] = r[rowCount]&^(0xff<<32) | n<<32
	if s.readsVerdicts {
		s.eachEntry(r, row, (*Store).refresh)
	}
}

// entryAt is an entry and, in a hot history, the nodes above it.
type entryAt struct {
	kind  *kind
	block []uint64
	size  int
	i     int
	path  []*node
}

// eachEntry gives the entries of a row in all histories that hold it.
func (s *Store) eachEntry(r []uint64, row handle, do func(*Store, *entryAt)) {
	for e := range s.kinds {
		k := &s.kinds[e]
		key := event.Key{r[s.shape.keys+2*e], r[s.shape.keys+2*e+1]}
		if key == (event.Key{}) {
			continue
		}
		h := k.table.find(key)
		if h == nil {
			continue
		}
		if rank := s.rankOf(h, row, int64(r[rowTime])); rank >= 0 {
			at := s.entry(k, h, rank)
			do(s, &at)
		}
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
	for rank := s.countUpTo(h, t) - 1; rank >= 0; rank-- {
		l, i := &h.leaf, int(h.head)+rank
		if h.hot != 0 {
			s.path, i = s.hots[h.hot].find(rank, s.path)
			l = &s.path[len(s.path)-1].leaf
		}
		block := s.entries.at(l.block)
		if int64(block[i]) != t {
			return -1
		}
		if handle(block[metaWord*int(l.cap)+i]) == row {
			return rank
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
