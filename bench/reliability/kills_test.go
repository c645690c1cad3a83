package reliability

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestReliabilityKills kills the program at random points of a run, some of
// them while it still starts, until everything is decided.
func TestReliabilityKills(t *testing.T) {
	t.Parallel()
	kills, n := scale(20, 200), scale(100_000, 1_000_000)
	p := newPlace(t)
	random := rand.New(rand.NewPCG(seed(t), 1))
	p.send(t, payments(t, n))
	config := p.configure(t, "sluice", "{dir: journal, interval: 50ms}")
	w := p.watch(t)
	starting, idle := 0, 0
	for k := range kills {
		seen, left := int(w.seen.Load()), kills-k
		// On average the same share of what is left each time, but for a tenth: until
		// the kill comes, more is decided than was seen.
		goal := min(seen+1+random.IntN(max(1, 2*(n-n/10-seen)/(left+1))), n-1)
		limit := hung
		if random.IntN(4) == 0 {
			limit = time.Duration(random.Int64N(int64(1500 * time.Millisecond)))
		}
		s := start(t, config)
		for began := time.Now(); int(w.seen.Load()) < goal; time.Sleep(200 * time.Microsecond) {
			if time.Since(began) > limit {
				if limit == hung {
					t.Fatalf("kill %d: nothing moves at %d verdicts, %d wanted", k, w.seen.Load(), goal)
				}
				starting++
				break
			}
			if !s.alive() {
				t.Fatalf("kill %d: %v\n%s", k, errEnded, s.logged())
			}
		}
		s.kill(t)
		if int(w.seen.Load()) == n {
			idle++
		}
		if testing.Verbose() {
			t.Logf("kill %d: goal %d, %d seen", k, goal, w.seen.Load())
		}
	}
	if idle > kills/10 {
		t.Errorf("all was decided before the last %d kills: they prove less than they should", idle)
	}
	s := serve(t, config)
	w.await(t, n, s, hung)
	s.terminate(t)
	o := p.judge(t, reference(t, n))
	t.Logf("%d kills, %d of them before anything was decided, over %d transactions: %+v", kills, starting, n, o)
}
