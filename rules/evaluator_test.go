package rules

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"sluice/scoring/event"
	"sluice/scoring/history"
)

// evaluate loads one rule file and decides a transaction with it, with empty
// histories.
func evaluate(t *testing.T, file, transaction string, arrival time.Time) (*Set, Outcome) {
	t.Helper()
	schema := testSchema(t)
	set, err := LoadFS(files("a.yaml", file), "test", schema)
	if err != nil {
		t.Fatal(err)
	}
	var tx event.Transaction
	if err := event.NewDecoder(schema).Transaction(&tx, []byte(transaction), arrival.UnixNano()); err != nil {
		t.Fatal(err)
	}
	store := history.New(schema)
	plan := set.Program.Plan()
	store.Install(plan)
	values, lists := make([]history.Value, len(plan.Queries)), make([]history.List, len(plan.Lists))
	store.Observe(&tx, values, lists)
	var out Outcome
	e := set.NewEvaluator()
	e.Evaluate(&tx, values, lists, &out)
	return set, out
}

const plainTx = `{"id":"a","time":"2026-01-01T00:00:00Z","amount":6,"n":3}`

func TestPrecedence(t *testing.T) {
	for _, c := range []struct {
		name    string
		rules   []string // keys of rules that fire; "no" before one that does not
		verdict Verdict
		score   int64
	}{
		{"nothing", nil, Allow, 0},
		{"a rule that only reports", []string{""}, Allow, 0},
		{"review", []string{"verdict: review"}, Review, 0},
		{"the most severe", []string{"verdict: review", "verdict: deny", "verdict: review"}, Deny, 0},
		{"allow wins over deny", []string{"verdict: deny", "verdict: allow", "score: 500"}, Allow, 500},
		{"allow that does not fire", []string{"verdict: deny", "no verdict: allow"}, Deny, 0},
		{"a shadow allow does not matter", []string{"verdict: deny", "verdict: allow, mode: shadow"}, Deny, 0},
		{"a shadow deny does not matter", []string{"verdict: deny, score: 90, mode: shadow"}, Allow, 0},
		{"an off rule does not matter", []string{"verdict: deny, mode: off"}, Allow, 0},
		{"below review", []string{"score: 49"}, Allow, 49},
		{"review by score", []string{"score: 25", "score: 25"}, Review, 50},
		{"below deny", []string{"score: 79"}, Review, 79},
		{"deny by score", []string{"score: 40", "score: 40"}, Deny, 80},
		{"not capped", []string{"score: 1000000", "score: 1000000"}, Deny, 2_000_000},
		{"negative", []string{"score: -30"}, Allow, -30},
		{"taken away", []string{"score: 90", "score: -20"}, Review, 70},
		{"the score is more severe", []string{"verdict: review, score: 80"}, Deny, 80},
		{"the verdict is more severe", []string{"verdict: deny, score: 1"}, Deny, 1},
		{"a score of a rule that does not fire", []string{"no score: 90"}, Allow, 0},
		{"an allow rule scores too", []string{"verdict: allow, score: 90"}, Allow, 90},
		{"expired yesterday", []string{"verdict: deny, expires: 2025-12-31"}, Allow, 0},
		{"expires at this moment", []string{"verdict: deny, expires: 2026-01-01"}, Allow, 0},
		{"expires tomorrow", []string{"verdict: deny, expires: 2026-01-02"}, Deny, 0},
	} {
		var file strings.Builder
		file.WriteString("rules:\n")
		for i, r := range c.rules {
			keys, doesNot := strings.CutPrefix(r, "no ")
			if keys != "" {
				keys = ", " + keys
			}
			fmt.Fprintf(&file, "  - {id: r%d, when: '%v'%s}\n", i, !doesNot, keys)
		}
		_, out := evaluate(t, file.String(), plainTx, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		if out.Verdict != c.verdict || out.Score != c.score {
			t.Errorf("%s: %v with %d", c.name, out.Verdict, out.Score)
		}
	}
}

func TestPolicyOfTheFile(t *testing.T) {
	for score, want := range map[int]Verdict{4: Allow, 5: Review, 6: Review, 7: Deny} {
		file := fmt.Sprintf("policy: {review: 5, deny: 7}\nrules: [{id: a, when: 'true', score: %d}]", score)
		if _, out := evaluate(t, file, plainTx, time.Unix(0, 0)); out.Verdict != want {
			t.Errorf("%d: %v", score, out.Verdict)
		}
	}
}

func TestFiredAndSkipped(t *testing.T) {
	set, out := evaluate(t, `
rules:
  - {id: fires, when: tx.amount == 6}
  - {id: shadow, when: tx.n == 3, mode: shadow, verdict: deny}
  - {id: off, when: tx.n == 3, mode: off}
  - {id: quiet, when: tx.n == 4}
  - {id: no-card, when: count(card.last("10m")) > 1, verdict: deny}
  - {id: no-country, when: tx.country == "DE" , verdict: deny, mode: shadow}
  - {id: no-country-any-more, when: tx.country == "DE", expires: 2020-01-01}
  - {id: last, when: tx.n % 2 == 1}
`, plainTx, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	ids := func(rules []int) (out []string) {
		for _, r := range rules {
			out = append(out, set.Rules[r].ID)
		}
		return out
	}
	if got := ids(out.Fired); !reflect.DeepEqual(got, []string{"fires", "last"}) {
		t.Errorf("fired %v", got)
	}
	if got := ids(out.Shadow); !reflect.DeepEqual(got, []string{"shadow"}) {
		t.Errorf("shadow %v", got)
	}
	var skipped []string
	for _, s := range out.Skipped {
		skipped = append(skipped, set.Rules[s.Rule].ID)
		if s.Why == "" {
			t.Errorf("%s is skipped without a reason", set.Rules[s.Rule].ID)
		}
	}
	if !reflect.DeepEqual(skipped, []string{"no-card", "no-country"}) || len(out.Errors) != 0 {
		t.Errorf("skipped %v, errors %v", skipped, out.Errors)
	}
	if out.Verdict != Allow {
		t.Errorf("%v", out.Verdict)
	}
}

func TestOffRulesCostNothing(t *testing.T) {
	set, err := LoadFS(files("a.yaml", `rules: [{id: a, mode: off, when: 'count(card.last("400d")) > 1'}]`), "test", testSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	if plan := set.Program.Plan(); len(plan.Queries) != 0 || plan.Retention != 30*24*time.Hour {
		t.Errorf("%+v", plan)
	}
}

func TestEvaluateAllocatesNothing(t *testing.T) {
	schema := testSchema(t)
	set, err := LoadFS(files("a.yaml", `
rules:
  - {id: a, when: tx.amount > 5 and tx.ip in lists.nets, score: 3}
  - {id: b, when: tx.n > 100}
  - {id: c, when: count(card.last("1h")) >= 0, verdict: review}
`, "lists/nets.txt", "10.0.0.0/8\n"), "test", schema)
	if err != nil {
		t.Fatal(err)
	}
	var tx event.Transaction
	message := `{"id":"a","time":"2026-01-01T00:00:00Z","amount":6,"n":3,"card":"c","ip":"10.0.0.1"}`
	if err := event.NewDecoder(schema).Transaction(&tx, []byte(message), 1); err != nil {
		t.Fatal(err)
	}
	values := make([]history.Value, len(set.Program.Plan().Queries))
	for i := range values {
		values[i].Kind = event.Int
	}
	e := set.NewEvaluator()
	var out Outcome
	if n := testing.AllocsPerRun(100, func() { e.Evaluate(&tx, values, nil, &out) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if out.Verdict != Review || out.Score != 3 {
		t.Errorf("%+v", out)
	}
}
