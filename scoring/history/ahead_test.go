package history

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"sluice/scoring/event"
)

// Reading ahead changes neither the set nor an answer, whatever comes next:
// histories that are hot, that expire, that lie as an earlier plan had them.
func TestAheadChangesNothing(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 5))
		m := maker{testSchema(r.IntN(2) == 0, r.IntN(2) == 0)}
		all, ids, probes := life(r, m)
		before, _ := randomPlan(r, minRetention)
		plan, _ := randomPlan(r, minRetention)
		o := defaults()
		if r.IntN(2) == 0 {
			o = tiny()
		}
		live := func(ahead bool) ([]byte, string) {
			s := newStore(m.schema, o)
			s.Install(before)
			look := func(some []happening) {
				var next []*event.Transaction
				for _, h := range some {
					if h.tx != nil {
						next = append(next, h.tx)
					}
				}
				if ahead {
					s.Ahead(next)
				}
			}
			half := len(all) / 2
			for from := 0; from < half; from += 7 {
				some := all[from:min(from+7, half)]
				look(some)
				outcome(s, before, some, nil, nil)
			}
			s.Install(plan)
			look(all)
			set, said := outcome(s, plan, all[half:], ids, probes)
			return set, fmt.Sprint(said, s.Stats())
		}
		set, said := live(false)
		if other, also := live(true); !bytes.Equal(set, other) || said != also {
			t.Fatalf("seed %d: reading ahead changed what came out", seed)
		}
	}
}
