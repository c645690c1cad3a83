package scoring_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/fstest"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

// setWithList compiles rules beside a list of terminals.
func setWithList(t *testing.T, schema *event.Schema, list, text string) *rules.Set {
	t.Helper()
	set, err := rules.LoadFS(fstest.MapFS{"a.yaml": {Data: []byte(text)}, "lists/bad.txt": {Data: []byte(list)}}, "test", schema)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

const nowRules = `
policy: {review: 20, deny: 40}
rules:
  - {id: many, when: 'count(customer.last("10m")) >= 3', score: 20}
  - {id: bad, when: 'any(customer.last("1h"), .terminal in lists.bad)', verdict: review}
  - {id: streak, when: 'streak(terminal.last("1h"), .amount > 50) >= 2', score: 20}
  - {id: same, when: 'count(customer.last("30m"), .terminal == tx.terminal) >= 2', verdict: deny}
`

const wasRules = `
rules:
  - {id: bad, when: 'any(customer.last("1h"), .terminal in lists.bad)', verdict: deny}
  - {id: many, when: 'count(customer.last("10m")) >= 2 and tx.amount > 20', verdict: review}
  - {id: fraud, when: 'count(terminal.last("2h"), .fraud) >= 1', score: 60}
  - {id: spread, when: 'stddev(customer.last("1h"), .amount) > 20', mode: shadow}
  - {id: sum, when: 'sum(customer.newest(3), .amount) > 100', score: 30}
`

// TestBesideDecidesAsAlone holds a set that decides beside another one, on shared
// histories, to what it decides alone.
func TestBesideDecidesAsAlone(t *testing.T) {
	schema := testSchema(t)
	now, was := setWithList(t, schema, "t0\n", nowRules), setWithList(t, schema, "t1\n", wasRules)
	if !scoring.Joint(now, was) || scoring.Joint(now, verdictRules(t, schema)) {
		t.Fatal("these two share histories, and rules that look at verdicts do not")
	}
	differ := 0
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 7))
		steps := story(t, schema, r, 400)
		both := scoring.New(schema, now, scoring.Options{Beside: was, NoRecord: true})
		alone := [...]*scoring.Core{scoring.New(schema, now, scoring.Options{NoRecord: true}), scoring.New(schema, was, scoring.Options{NoRecord: true})}
		for len(steps) > 0 {
			var batch []scoring.Input
			for n := 1 + r.IntN(100); len(steps) > 0 && len(batch) < n && steps[0].tx != nil; steps = steps[1:] {
				batch = append(batch, scoring.Input{Tx: steps[0].tx})
			}
			got := both.Decide(batch, 0)
			wantNow, wantWas := alone[0].Decide(batch, 0), alone[1].Decide(batch, 0)
			for i := range got {
				if got[i].Status != scoring.Decided {
					continue
				}
				if g, w := fmt.Sprint(got[i].Outcome), fmt.Sprint(wantNow[i].Outcome); g != w {
					t.Fatalf("seed %d: %s beside another set, %s alone", seed, g, w)
				}
				if g, w := fmt.Sprint(got[i].Beside), fmt.Sprint(wantWas[i].Outcome); g != w {
					t.Fatalf("seed %d, the other set: %s beside, %s alone", seed, g, w)
				}
				if got[i].Outcome.Verdict != got[i].Beside.Verdict {
					differ++
				}
			}
			if len(steps) > 0 && steps[0].tx == nil {
				for _, core := range [...]*scoring.Core{both, alone[0], alone[1]} {
					core.Label(&steps[0].label)
				}
				steps = steps[1:]
			}
		}
	}
	if differ < 500 {
		t.Errorf("%d verdicts differ: the test shows little", differ)
	}
}
