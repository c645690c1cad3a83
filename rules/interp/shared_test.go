package interp_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"sluice/rules/interp"
	"sluice/rules/rulestest"
	"sluice/scoring/history"
)

// TestProgramIsShared runs programs on several goroutines at once, with a
// machine each; the race detector looks on. Whys are compiled while others run.
func TestProgramIsShared(t *testing.T) {
	for seed := range uint64(50) {
		c := rulestest.Generate(rand.New(rand.NewPCG(9, seed)))
		p, err := interp.Compile(c.Schema, c.Tree, c.Lists)
		if err != nil {
			t.Fatal(err)
		}
		var lists []history.List
		for _, q := range p.Lists() {
			lists = append(lists, c.List(q))
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				var m interp.Machine
				tx := c.Transaction(&c.Now)
				first, why, err := p.Run(&m, tx, lists)
				again, whyAgain, errAgain := p.Run(&m, tx, lists)
				if first != again || why != whyAgain || err != nil || errAgain != nil {
					t.Errorf("seed %d: %d %q %v, then %d %q %v", seed, first, why, err, again, whyAgain, errAgain)
				}
			})
		}
		all.Wait()
	}
}
