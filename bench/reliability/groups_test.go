package reliability

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// TestReliabilityTwoGroups has two processes decide the same topics, each in a
// group of its own and into a verdicts topic of its own, with their journals
// beside each other, and kills one or the other: neither disturbs the other.
func TestReliabilityTwoGroups(t *testing.T) {
	t.Parallel()
	kills, n := scale(4, 40), scale(60_000, 300_000)
	first, second := newPlace(t), newPlace(t)
	random := rand.New(rand.NewPCG(seed(t), 60))
	first.send(t, payments(t, n))

	journals := "{dir: " + t.TempDir() + ", interval: 50ms}"
	configs := []string{first.configure(t, "first", journals), second.configure(t, "second", journals)}
	text, err := os.ReadFile(configs[1])
	if err != nil {
		t.Fatal(err)
	}
	shared := strings.NewReplacer(second.topic("tx"), first.topic("tx"), second.topic("labels"), first.topic("labels")).Replace(string(text))
	if err := os.WriteFile(configs[1], []byte(shared), 0o600); err != nil {
		t.Fatal(err)
	}
	watches := []*watch{first.watch(t), second.watch(t)}
	running := []*process{serve(t, configs[0]), serve(t, configs[1])}
	for k := range kills {
		i := random.IntN(2)
		seen := int(watches[i].seen.Load())
		watches[i].await(t, min(seen+1+random.IntN(2*n/kills), n-1), running[i], hung)
		running[i].kill(t)
		running[i] = serve(t, configs[i])
		t.Logf("kill %d: of process %d, at %d and %d of %d", k+1, i+1, watches[0].seen.Load(), watches[1].seen.Load(), n)
	}
	for i, p := range []*place{first, second} {
		watches[i].await(t, n, running[i], hung)
		running[i].awaitReady(t)
		running[i].terminate(t)
		t.Logf("process %d: %+v", i+1, p.judge(t, reference(t, n)))
	}
}
