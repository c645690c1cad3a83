package history

import (
	"math"

	"sluice/scoring/event"
)

// SetCut numbers the cut of the journal that will hold what happens from now on:
// every history that is changed, observed or admitted bears the number of the
// latest. Numbers ascend from 1; 0, as at first, says that there is no journal.
func (s *Store) SetCut(cut uint32) { s.cut, s.mark = cut, cut }

// Departures counts what has left memory, and what has to be brought back for
// another reason: while the count stands, who had all that it needs has it still.
func (s *Store) Departures() uint64 { return s.departures }

// Evict gives back the memory of histories that were last touched in a cut up to
// upTo, which the journal must hold, and of leaves of hot ones that were,
// doing at most a bounded piece of work: called again and again, it goes round all
// histories. It gives how many histories it evicted; none does not mean that
// there are none.
func (s *Store) Evict(upTo uint32) (evicted int) {
	if len(s.kinds) == 0 {
		return 0
	}
	slots, rows := s.options.sweep, s.options.sweep
	rows -= s.letGo(rows)
	for slots > 0 && rows > 0 {
		slots--
		k := &s.kinds[s.cold.kind]
		p := &k.table.parts[s.cold.part]
		if s.cold.slot >= len(p.slots) {
			if !s.nextPart(&s.cold, p) {
				return evicted
			}
			continue
		}
		slot := &p.slots[s.cold.slot]
		if slot.key == (event.Key{}) || slot.history.cut&begun != 0 || slot.history.touched() > upTo || s.pinned(s.cold.kind, slot.key) {
			if slot.history.hot != 0 {
				if rows -= s.thin(k, &slot.history, upTo, rows); rows <= 0 {
					return evicted // there may be more to it
				}
			}
			s.cold.slot++
			continue
		}
		s.gone = append(s.gone, slot.history)
		k.table.removeAt(p, s.cold.slot)
		evicted++
		s.evicted++
		s.departures++
		s.outside = true
		rows -= s.letGo(rows)
	}
	return evicted
}

// Ease lets the leaves of one history leave that may, as Evict does.
func (s *Store) Ease(entity int, key event.Key, upTo uint32) {
	k := &s.kinds[entity]
	if h := k.table.find(key); h != nil && h.hot != 0 {
		s.thin(k, h, upTo, math.MaxInt)
	}
}

// letGo forgets up to about n entries of histories that nobody finds any more.
// A large one takes many calls.
func (s *Store) letGo(n int) (dropped int) {
	for last := len(s.gone) - 1; last >= 0 && dropped < n; last = len(s.gone) - 1 {
		h := &s.gone[last]
		dropped += s.drop(h, n-dropped)
		if h.len(s) == 0 {
			s.discard(h)
			s.gone = s.gone[:last]
		}
	}
	return dropped
}

// touch notes that the histories which a row is in are not as the journal has them.
func (s *Store) touch(r []uint64) {
	for e := range s.kinds {
		at := s.shape.keys + 2*e
		key := event.Key{r[at], r[at+1]}
		if key == (event.Key{}) {
			continue
		}
		if h := s.kinds[e].table.find(key); h != nil {
			s.stamp(h)
		}
	}
}

// stamp notes the cut in which a history was touched.
func (s *Store) stamp(h *history) {
	h.cut = h.cut&(partial|begun) | s.cut
}
