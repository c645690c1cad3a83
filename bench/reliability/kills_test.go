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
	all := payments(t, n+n/4)
	p.send(t, all[:n])
	config := p.configure(t, "sluice", "{dir: journal, interval: 50ms}")
	w := p.watch(t)
	starting := 0
	for k := range kills {
		seen, left := int(w.seen.Load()), kills-k
		if more := min(n+n/20, len(all)); seen > n-n/40 { // each run shall die in the middle of its work
			p.send(t, all[n:more])
			n = more
		}
		// On average the same share of what is left each time; never all of it.
		goal := min(seen+1+random.IntN(max(1, 2*(n-seen)/(left+1))), n-1)
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
		if testing.Verbose() {
			t.Logf("kill %d: goal %d, %d seen", k, goal, w.seen.Load())
		}
	}
	s := serve(t, config)
	w.await(t, n, s, hung)
	s.terminate(t)
	o := p.judge(t, reference(t, n))
	t.Logf("%d kills, %d of them before anything was decided, over %d transactions: %+v", kills, starting, n, o)
}
