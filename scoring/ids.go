package scoring

import (
	"math"

	"sluice/scoring/event"
)

// idsPage is how many ids are kept in one piece of memory, so that growing
// never copies what is there.
const idsPage = 4096

// ids holds the decided ids of the last keep nanoseconds of arrival time, in
// tables free of pointers. They stand in pages in the order of their coming,
// which are let go of from the front: by bound and expire alone, so that what is
// known when a batch is filled is known when it is decided.
type ids struct {
	keep  int64
	max   int
	index *index // to the numbers of ids, counted from the first one ever
	pages []*[idsPage]decidedID
	first uint64 // number of the oldest id kept
	next  uint64 // number of the next id
}

type decidedID struct {
	id event.Key
	Earlier
}

func newIDs(keep int64, limit int) *ids {
	return &ids{keep: keep, max: limit, index: new(index)}
}

// get gives the entry of an id, or nil. It stays good until the next put.
func (s *ids) get(id event.Key) *Earlier {
	n, ok := s.index.find(id, func(low uint32) bool { return s.at(s.whole(low)).id == id })
	if !ok {
		return nil
	}
	return &s.at(s.whole(n)).Earlier
}

// whole gives the number of a kept id of which the lower 32 bits are known.
func (s *ids) whole(low uint32) uint64 { return s.first + uint64(low-uint32(s.first)) }

// numbered gives the entry that put gave a number, which must not be gone.
func (s *ids) numbered(n uint64) *Earlier { return &s.at(n).Earlier }

func (s *ids) at(n uint64) *decidedID {
	return &s.pages[n/idsPage-s.first/idsPage][n%idsPage]
}

// put adds an id that is not there yet, and gives its number.
func (s *ids) put(id event.Key, e Earlier) uint64 {
	if s.next/idsPage-s.first/idsPage == uint64(len(s.pages)) {
		s.pages = append(s.pages, new([idsPage]decidedID))
	}
	*s.at(s.next) = decidedID{id, e}
	s.index.put(id, uint32(s.next))
	s.next++
	return s.next - 1
}

// bound drops the oldest ids as far as they are too many.
func (s *ids) bound() {
	for s.len() > s.max {
		s.drop()
	}
}

// expire drops the oldest ids as far as they are past their time.
func (s *ids) expire(now int64) {
	if now < math.MinInt64+s.keep {
		return // kept longer than there are times before now
	}
	for s.first < s.next && s.at(s.first).Arrival < now-s.keep {
		s.drop()
	}
}

func (s *ids) len() int { return int(s.next - s.first) }

func (s *ids) drop() {
	s.index.remove(s.at(s.first).id, uint32(s.first))
	s.first++
	if s.first%idsPage == 0 {
		s.pages = append(s.pages[:0], s.pages[1:]...)
	}
}
