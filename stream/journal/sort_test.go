package journal

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"sluice/rules"
)

// TestDealer sorts as slices.SortFunc does, whatever lies in the piles.
func TestDealer(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var d dealer[uint32]
	for range 200 {
		all := make([]uint32, r.IntN(3000))
		for i := range all {
			all[i] = r.Uint32() >> (8 * r.IntN(4)) // even, and all in one pile
		}
		want := slices.Sorted(slices.Values(all))
		d.sort(all, 256, func(x *uint32) int { return int(*x >> 24) }, cmp.Compare[uint32])
		if !slices.Equal(all, want) {
			t.Fatal("not in order")
		}
	}
}

// TestParts fills segments of several parts, with memory that others have used.
func TestParts(t *testing.T) {
	schema := parseSchema(t, testSchema)
	var free freeParts
	s := &Segment{free: &free}
	const n = 3*partEntries + 7
	for round := range 2 {
		var numbers []int
		for i := range n {
			tx := decode(t, schema, `{"id":"`+strconv.Itoa(round*n+i)+`","time":1700000000000,"card":"c","amount":5}`, noon)
			numbers = append(numbers, s.Decided(tx, rules.Allow, 0, true))
		}
		for i, number := range numbers {
			s.Placed(number, 3, int64(i))
			s.Arrived(number, noon+int64(i))
		}
		i := 0
		for _, p := range s.parts {
			for _, e := range p.entries {
				if id := string(p.buf[e.start : e.start+e.idEnd]); id != "t"+strconv.Itoa(round*n+i) || e.offset != int64(i) || e.arrival != noon+int64(i) {
					t.Fatalf("entry %d is %s at %d", i, id, e.offset)
				}
				i++
			}
		}
		if s.Len() != n || len(s.parts) != 4 {
			t.Fatalf("%d entries in %d parts", s.Len(), len(s.parts))
		}
		s.Reset()
		if s.Len() != 0 || s.Size() != 0 || len(free.parts) != 4 {
			t.Fatalf("%d entries, %d bytes and %d free parts after a reset", s.Len(), s.Size(), len(free.parts))
		}
	}
	for _, want := range []int{4, 2, 1, 0} { // the first time they have been in use since the last
		if free.trim(); len(free.parts) != want {
			t.Fatalf("%d free parts, want %d", len(free.parts), want)
		}
	}
}
