package rulestest

import (
	"math/rand/v2"
	"testing"

	"sluice/rules/lang"
)

// TestConditionsAreTaken holds the generator to the language: few conditions may
// be refused, or something is no longer tested.
func TestConditionsAreTaken(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const n = 5000
	refused := map[string]int{}
	examples := map[string]string{}
	total := 0
	for range n {
		s := schema(r)
		source := Condition(r, s)
		if _, faults := lang.Check(source, s, Names{"bad": {}, "good": {}}); len(faults) > 0 {
			total++
			m := faults[0].Message
			refused[m[:min(len(m), 30)]]++
			examples[m[:min(len(m), 30)]] = m + "\n" + source
		}
	}
	if total > n/50 {
		for m, k := range refused {
			t.Logf("%d times %s", k, examples[m])
		}
		t.Errorf("%d of %d conditions are refused", total, n)
	}
}
