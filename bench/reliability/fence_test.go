package reliability

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReliabilityFence freezes a process in the middle of its work and starts a
// successor on a copy of its journal, as if the machine had been given up for
// dead and its disk restored elsewhere. Then the first one wakes: what it still
// sends is refused, and it stops and says why.
func TestReliabilityFence(t *testing.T) {
	t.Parallel()
	rounds, n := scale(3, 20), scale(100_000, 300_000)
	before := n - n/10 // the rest is sent when the first one wakes: it finds something to decide
	random := rand.New(rand.NewPCG(seed(t), 2))
	all, want := payments(t, n), reference(t, n)
	for round := range rounds {
		p := newPlace(t)
		p.send(t, all[:before])
		w := p.watch(t)
		first := serve(t, p.configure(t, "first", "{dir: first, interval: 50ms}", "state: {dir: first-state}"))
		goal := 1 + random.IntN(before*3/4)
		first.await(t, "some verdicts", hung, func() bool { return w.seen.Load() >= int64(goal) })
		first.freeze(t)
		frozenAt := w.seen.Load()
		if out, err := exec.Command("cp", "-r", filepath.Join(p.dir, "first"), filepath.Join(p.dir, "second")).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		second := serve(t, p.configure(t, "second", "{dir: second, interval: 50ms}", "state: {dir: second-state}"))
		// It wakes at a random place: while the other one still starts, in the
		// middle of its work, or when all is done.
		wake := frozenAt + random.Int64N(int64(before)-frozenAt+1)
		second.await(t, "more verdicts", hung, func() bool {
			return w.seen.Load() >= min(wake+1, int64(before)) && strings.Contains(second.logged(), "msg=deciding")
		})
		first.thaw(t)
		p.send(t, all[before:])
		if code := first.end(t, hung); code == 0 {
			t.Errorf("round %d: the one that was frozen ends with code 0", round)
		}
		log := first.logged()
		if !strings.Contains(log, "another") {
			t.Errorf("round %d: the one that was frozen does not say why it ends:\n%s", round, log)
		}
		w.await(t, n, second, hung)
		second.awaitReady(t)
		second.terminate(t)
		o := p.judge(t, want)
		t.Logf("round %d: frozen at %d of %d, woken at %d: %+v; it said: %s", round, frozenAt, n, wake, o, lastLine(log))
		if err := os.RemoveAll(p.dir); err != nil {
			t.Error(err)
		}
	}
}

// lastLine gives the last line of a log.
func lastLine(log string) string {
	log = strings.TrimSpace(log)
	return log[strings.LastIndexByte(log, '\n')+1:]
}
