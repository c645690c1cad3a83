package history

import "sluice/scoring/event"

// sweep is where a round over all histories goes on.
type sweep struct {
	kind, part, slot int
}

// Reclaim gives back the memory of what no transaction that arrives at now
// (ns) or later can see any more, labels that wait among it, doing at most a
// bounded piece of work: called again and again, it goes round all histories.
//
// Nobody who arrives from now on looks further back than twice the retention:
// what is late is older than one, and its windows are as long as another. A
// history that was touched since the last cut stays: somebody is about to ask.
func (s *Store) Reclaim(now int64) {
	if len(s.kinds) == 0 {
		return
	}
	floor := now - 2*s.retention
	s.waiting.expire(floor)
	slots, rows := s.options.sweep, s.options.sweep
	for slots > 0 && rows > 0 {
		slots--
		k := &s.kinds[s.sweep.kind]
		p := &k.table.parts[s.sweep.part]
		if s.sweep.slot >= len(p.slots) {
			if !s.nextPart(&s.sweep, p) {
				return
			}
			continue
		}
		slot := &p.slots[s.sweep.slot]
		if slot.key == (event.Key{}) || slot.history.newest >= floor || s.keeps(&slot.history) {
			s.sweep.slot++
			continue
		}
		rows -= s.drop(&slot.history, rows)
		if slot.history.len(s) == 0 {
			s.discard(&slot.history)
			k.table.removeAt(p, s.sweep.slot)
			s.departures++
		}
	}
}

// keeps reports whether somebody is about to ask for a history, or to bring it.
func (s *Store) keeps(h *history) bool {
	return h.cut&begun != 0 || s.cut > 0 && h.touched() >= s.cut
}

// nextPart goes on to the next part of a table. It reports false at the end
// of the round.
func (s *Store) nextPart(at *sweep, p *part) bool {
	p.shrink()
	s.ids.shrink(at.part)
	s.away.sweep(at.part)
	at.slot = 0
	if at.part++; at.part < shards {
		return true
	}
	at.part = 0
	if at.kind++; at.kind < len(s.kinds) {
		return true
	}
	at.kind = 0
	return false
}

// drop forgets up to n of the oldest entries of a history, and gives how many.
func (s *Store) drop(h *history, n int) (dropped int) {
	if h.hot != 0 {
		tree := s.hots[h.hot]
		for dropped < n && tree.root.n > 0 {
			dropped += s.dropLeafOf(tree)
		}
		return dropped
	}
	block := s.entries.at(h.block)
	for ; h.n > 0 && dropped < n; dropped++ {
		s.release(handle(block[metaWord*int(h.cap)+int(h.head)]))
		h.head++
		h.n--
	}
	return dropped
}

// dropLeafOf forgets the first leaf of a tree.
func (s *Store) dropLeafOf(h *hot) int {
	path, at := h.find(0, s.path)
	s.path = path
	l := &path[len(path)-1].leaf
	block := s.entries.at(l.block)
	n := int(l.n)
	for i := range n {
		s.release(handle(block[metaWord*int(l.cap)+at+i]))
	}
	s.away.forget(h, path[len(path)-1])
	l.n = 0
	n = path[len(path)-1].n
	for _, x := range path {
		x.n -= n
		x.stale = true
	}
	if h.root.n > 0 {
		s.dropLeaf(h, path)
	}
	return n
}

// discard gives back what is left of an empty history.
func (s *Store) discard(h *history) {
	if h.hot == 0 {
		if h.block != 0 { // it never had an entry
			s.entries.free(h.block)
		}
		return
	}
	tree := s.hots[h.hot]
	x := tree.root
	for x.level > 0 {
		x = x.kids[0]
	}
	s.away.forget(tree, x)
	s.entries.free(x.leaf.block)
	s.hots[h.hot] = nil
	s.spareHots = append(s.spareHots, h.hot)
}
