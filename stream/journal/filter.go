package journal

import (
	"slices"
	"sync"
	"sync/atomic"
)

// filters say without a look at the disk what the journal does not hold, so that
// a card or an id that is new costs next to nothing: one for the entities and
// one for the ids of each bucket, of the hashes in the keys. A cut adds its keys
// before they are there for anybody; of an old journal Sift gathers them. What
// does not fit into the memory that filters may take goes without: then
// anything may be there.
type filters struct {
	mu   sync.Mutex // held to change which there are
	room int64      // bytes that may still be taken
	now  atomic.Pointer[shelves]
}

// shelves are the filters of entities and ids. What is reached from here never
// changes, but for bits that are set.
type shelves struct {
	whole bool
	kinds [2][]shelf // in the order of their buckets
}

type shelf struct {
	bucket uint16
	*filter
}

// filter is of the keys of one kind in a bucket.
type filter struct {
	layers atomic.Pointer[[]layer] // nil: there is no room for them
	last   marks                   // that keys of cuts are added to; its writer's
	left   int                     // keys that last has room for
	keys   int                     // that all layers of cuts have room for
}

// layer holds some of the keys of a filter.
type layer interface {
	// mayHold is false only of hashes that were not added.
	mayHold(h uint64) bool
	bytes() int64
}

// Keys of a layer that cuts are added to.
const (
	layerLeast = 4 << 10
	layerMost  = 4 << 20
)

// mayHold is false only of hashes that were not added.
func (f *filter) mayHold(h uint64) bool {
	layers := f.layers.Load()
	if layers == nil {
		return true
	}
	for _, l := range *layers {
		if l.mayHold(h) {
			return true
		}
	}
	return false
}

// kindOf gives where the filters of a kind of keys are.
func kindOf(kind byte) int {
	if kind == keyHistory {
		return 0
	}
	return 1
}

// in says whether a bucket may hold a key.
func (s *shelves) in(kind byte, bucket uint16, h uint64) bool {
	if s == nil || !s.whole {
		return true
	}
	f := s.find(kind, bucket)
	return f != nil && f.mayHold(h)
}

func (s *shelves) find(kind byte, bucket uint16) *filter {
	all := s.kinds[kindOf(kind)]
	if n, ok := slices.BinarySearchFunc(all, bucket, shelf.compare); ok {
		return all[n].filter
	}
	return nil
}

func (s shelf) compare(bucket uint16) int { return int(s.bucket) - int(bucket) }

// mayHold says whether any bucket may hold a key.
func (f *filters) mayHold(kind byte, h uint64) bool {
	s := f.now.Load()
	if s == nil || !s.whole {
		return true
	}
	for _, at := range s.kinds[kindOf(kind)] {
		if at.mayHold(h) {
			return true
		}
	}
	return false
}

// among gives those of some buckets that may hold a key.
func (f *filters) among(kind byte, live []uint16, h uint64) []uint16 {
	s := f.now.Load()
	return slices.DeleteFunc(live, func(bucket uint16) bool { return !s.in(kind, bucket, h) })
}

// begin starts to keep filters: from here on every cut adds its keys. The ones
// that the journal holds are to be added, unless there are none.
func (f *filters) begin(room int64, empty bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.room = room
	f.now.Store(&shelves{whole: empty})
}

// end says that everything the journal holds is added.
func (f *filters) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := *f.now.Load()
	s.whole = true
	f.now.Store(&s)
}

// of gives the filter of a bucket, a new one if there is none.
func (f *filters) of(kind byte, bucket uint16) *filter {
	if found := f.now.Load().find(kind, bucket); found != nil {
		return found
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s := *f.now.Load()
	all := &s.kinds[kindOf(kind)]
	n, ok := slices.BinarySearchFunc(*all, bucket, shelf.compare)
	if !ok {
		made := &filter{}
		made.layers.Store(&[]layer{})
		*all = slices.Insert(slices.Clone(*all), n, shelf{bucket, made})
		f.now.Store(&s)
	}
	return (*all)[n].filter
}

// grow gives a filter a layer. There may be no room: then it holds anything.
func (f *filters) grow(at *filter, l layer) (ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := at.layers.Load()
	if before == nil {
		return false
	}
	if l.bytes() > f.room {
		at.layers.Store(nil)
		for _, l := range *before {
			f.room += l.bytes()
		}
		return false
	}
	f.room -= l.bytes()
	layers := append(slices.Clone(*before), l)
	at.layers.Store(&layers)
	return true
}

// add adds the key of a cut.
func (f *filters) add(at *filter, h uint64) {
	if at.left == 0 {
		if at.layers.Load() == nil {
			return
		}
		n := max(layerLeast, min(at.keys, layerMost))
		l := newMarks(n)
		if !f.grow(at, l) {
			at.last = nil
			return
		}
		at.last, at.left, at.keys = l, n, at.keys+n
	}
	at.left--
	at.last.add(h)
}

// keep drops the filters of buckets that are not live.
func (f *filters) keep(events, ids map[uint16]int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now.Load() == nil {
		return
	}
	s := *f.now.Load()
	for i, live := range []map[uint16]int64{events, ids} {
		s.kinds[i] = slices.DeleteFunc(slices.Clone(s.kinds[i]), func(at shelf) bool {
			_, stays := live[at.bucket]
			if layers := at.layers.Load(); !stays && layers != nil {
				for _, l := range *layers {
					f.room += l.bytes()
				}
			}
			return !stays
		})
	}
	f.now.Store(&s)
}
