package journal

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

const one, other = 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f // hashes

func newFilters(room int64) *filters {
	f := &filters{}
	f.begin(room, true)
	return f
}

// TestFilter fills the filters of some buckets: what was added is there, and
// little of the rest seems to be.
func TestFilter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	f := newFilters(1 << 20)
	added := map[uint16][]uint64{}
	const n = 100_000
	for range n {
		bucket := uint16(7 + r.IntN(3))
		added[bucket] = append(added[bucket], r.Uint64())
	}
	for bucket, all := range added {
		slices.Sort(all) // as a cut has them
		for _, h := range all {
			f.add(f.of(keyID, bucket), h)
		}
	}
	for bucket, all := range added {
		for _, h := range all {
			if !f.now.Load().in(keyID, bucket, h) || !f.mayHold(keyID, h) {
				t.Fatal("what was added is not there")
			}
		}
	}
	wrong := 0
	for range n {
		if f.now.Load().in(keyID, 8, r.Uint64()) {
			wrong++
		}
	}
	if wrong > n/200 {
		t.Errorf("%d of %d others seem to be there", wrong, n)
	}
	if h := added[7][0]; f.mayHold(keyHistory, h) || f.now.Load().in(keyID, 6, h) {
		t.Error("another kind or bucket holds it too")
	}
	f.keep(nil, map[uint16]int64{8: 1, 9: 1})
	if f.now.Load().in(keyID, 7, added[7][0]) || !f.now.Load().in(keyID, 8, added[8][0]) {
		t.Error("keeping two buckets did not drop the third alone")
	}
}

// TestFilterRoom fills one bucket beyond the memory there is: it holds anything
// then, and gives what it took to the others.
func TestFilterRoom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const room = 64 << 10
	f := newFilters(room)
	f.add(f.of(keyHistory, 1), one)
	left := f.room
	for range 100_000 {
		f.add(f.of(keyHistory, 2), r.Uint64())
	}
	if !f.mayHold(keyHistory, other) || !f.now.Load().in(keyHistory, 2, other) {
		t.Error("something is not there of a filter that is full")
	}
	if s := f.now.Load(); !s.in(keyHistory, 1, one) || s.in(keyHistory, 1, other) {
		t.Error("the filter of another bucket has changed")
	}
	if f.room != left {
		t.Errorf("%d bytes of room are left, want %d", f.room, left)
	}
	f.keep(nil, nil)
	if f.room != room {
		t.Errorf("%d bytes of room are left with nothing in it, want %d", f.room, room)
	}
}

// TestFilterUnknown: where not everything was gathered anything may be there.
func TestFilterUnknown(t *testing.T) {
	var f filters
	if !f.mayHold(keyID, other) || len(f.among(keyID, []uint16{1, 2}, one)) != 2 {
		t.Error("something is not there of an old journal")
	}
	f.begin(1<<20, false)
	f.add(f.of(keyID, 2), one)
	if !f.mayHold(keyID, other) {
		t.Error("something is not there while the journal is read")
	}
	f.end()
	if f.mayHold(keyID, other) || !f.mayHold(keyID, one) || len(f.among(keyID, []uint16{1, 2}, one)) != 1 {
		t.Error("what was added is not what is there")
	}
}

// TestRoll has rolls of few and many keys.
func TestRoll(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 7, 8, 9, 100, 100_000} {
		keys := make([]uint64, n)
		for i := range keys {
			keys[i] = r.Uint64()
		}
		if n > 1 {
			keys[0], keys[1] = 0, math.MaxUint64
		}
		slices.Sort(keys)
		l := newRoll(keys)
		for _, h := range keys {
			if !l.mayHold(h) {
				t.Fatalf("of %d keys %x is not there", n, h)
			}
		}
		wrong := 0
		for range 100_000 {
			if l.mayHold(r.Uint64()) {
				wrong++
			}
		}
		if wrong > 50 {
			t.Errorf("of 100,000 others %d seem to be among %d", wrong, n)
		}
	}
}
