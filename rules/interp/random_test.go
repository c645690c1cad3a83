package interp_test

import (
	"math/rand/v2"
	"testing"

	"sluice/rules/interp"
	"sluice/rules/interp/naive"
	"sluice/rules/lang"
	"sluice/rules/rulestest"
	"sluice/scoring/history"
)

// TestVMIsNaive holds the VM against the naive evaluator on random cases.
func TestVMIsNaive(t *testing.T) {
	const pairs = 20_000
	var outcomes [3]int
	var m interp.Machine
	for seed := range uint64(pairs) {
		c := rulestest.Generate(rand.New(rand.NewPCG(7, seed)))
		p, err := interp.Compile(c.Schema, c.Tree, c.Lists)
		if err != nil {
			t.Fatalf("seed %d: %s\n%v", seed, c.Source, err)
		}
		var lists []history.List
		for _, q := range p.Lists() {
			lists = append(lists, c.List(q))
		}
		got, why, err := p.Run(&m, c.Transaction(&c.Now), lists)
		if err != nil {
			t.Fatalf("seed %d: %s\n%v", seed, c.Source, err)
		}
		in := naive.Input{Schema: c.Schema, Lists: c.Lists, Arrival: c.Now.Time, Tx: c.Tx, Window: c.List}
		if want := naive.Decide(in, c.Tree); got != want {
			t.Fatalf("seed %d: %s\nVM %d, naive %d (%s)", seed, c.Source, got, want, why)
		}
		if (got == lang.Unknown) != (why != "") {
			t.Fatalf("seed %d: %s\noutcome %d, why %q", seed, c.Source, got, why)
		}
		outcomes[got]++
	}
	t.Logf("false, true, unknown: %v", outcomes)
	for _, n := range outcomes {
		if n < pairs/10 {
			t.Errorf("the cases are lopsided: %v", outcomes)
		}
	}
}
