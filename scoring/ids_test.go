package scoring

import (
	"math/rand/v2"
	"testing"

	"sluice/scoring/event"
)

// TestIDsAgainstAMap plays random puts, looks and expiries on the table of ids
// and on a map. Few distinct hashes make the parts crowded, and the numbers
// begin just below where their lower bits turn over.
func TestIDsAgainstAMap(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 7))
		s := newIDs(100, 3000)
		s.first, s.next = 1<<32-5000, 1<<32-5000
		want := map[event.Key]int64{}
		var order []event.Key
		drop := func() {
			delete(want, order[0])
			order = order[1:]
		}
		id := func() event.Key {
			return event.Key{r.Uint64N(3)<<54 | r.Uint64N(40)<<r.Uint64N(20), r.Uint64N(60)}
		}
		now := int64(0)
		for range 30_000 {
			k := id()
			e := s.get(k)
			arrival, ok := want[k]
			if (e != nil) != ok || ok && e.Arrival != arrival {
				t.Fatalf("seed %d: %v is found: %v, want %v", seed, k, e != nil, ok)
			}
			if !ok {
				n := s.put(k, Earlier{Arrival: now})
				want[k], order = now, append(order, k)
				if s.numbered(n).Arrival != now {
					t.Fatalf("seed %d: number %d is another entry", seed, n)
				}
				if r.IntN(3) == 0 {
					s.bound()
					for len(order) > 3000 {
						drop()
					}
				}
			}
			if r.IntN(4) == 0 {
				now++
				s.expire(now)
				for len(order) > 0 && want[order[0]] < now-100 {
					drop()
				}
			}
			if s.len() != len(want) {
				t.Fatalf("seed %d: %d ids, want %d", seed, s.len(), len(want))
			}
		}
	}
}
