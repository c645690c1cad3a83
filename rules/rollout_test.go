package rules

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"sluice/scoring/event"
	"sluice/scoring/history"
)

// rolledOut loads rules and gives those that act on a transaction, by their ids.
func rolledOut(t *testing.T, set *Set, e *Evaluator, transaction string) (acting []string, out Outcome) {
	t.Helper()
	var tx event.Transaction
	if err := event.NewDecoder(set.Schema).Transaction(&tx, []byte(transaction), 1); err != nil {
		t.Fatal(err)
	}
	e.Evaluate(&tx, make([]history.Value, len(set.Program.Plan().Queries)), nil, &out)
	for _, i := range out.Fired {
		acting = append(acting, set.Rules[i].ID)
	}
	return acting, out
}

func payer(card string) string {
	return fmt.Sprintf(`{"id":"a","time":"2026-01-01T00:00:00Z","card":%q,"merchant":"m"}`, card)
}

func loadRules(t *testing.T, file string) *Set {
	t.Helper()
	set, err := LoadFS(files("a.yaml", file), "test", testSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestRolloutIsStable pins who is in: another run, another version and another
// machine must say the same.
func TestRolloutIsStable(t *testing.T) {
	set := loadRules(t, `rules:
  - {id: some, when: 'true', rollout: 30%, score: 1}
  - {id: other, when: 'true', rollout: 30%, score: 1}
  - {id: place, when: 'true', rollout: {share: 50%, by: merchant}, score: 1}
  - {id: whole, when: 'true', rollout: 100%, score: 1}
`)
	e := set.NewEvaluator()
	for card, want := range map[string][]string{
		"c1": {"place", "whole"}, "c2": {"some", "place", "whole"}, "c3": {"some", "other", "place", "whole"},
		"c4": {"some", "other", "place", "whole"}, "c5": {"some", "place", "whole"}, "c6": {"place", "whole"},
	} {
		if got, _ := rolledOut(t, set, e, payer(card)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", card, got, want)
		}
	}
}

func TestRolloutGrows(t *testing.T) {
	const cards = 20_000
	was := make([]bool, cards)
	for _, share := range []int{1, 2, 10, 50, 99, 100} {
		set := loadRules(t, fmt.Sprintf("rules: [{id: some, when: 'true', rollout: %d%%}]", share))
		e := set.NewEvaluator()
		in := 0
		for i := range was {
			acting, _ := rolledOut(t, set, e, payer(fmt.Sprintf("card-%d", i)))
			if was[i] && len(acting) == 0 {
				t.Fatalf("card-%d is out at %d%% and was in before", i, share)
			}
			was[i] = len(acting) == 1
			in += len(acting)
		}
		p := float64(share) / 100
		if off := math.Abs(float64(in) - p*cards); off > 5*math.Sqrt(cards*p*(1-p)) {
			t.Errorf("%d%% are %d of %d cards", share, in, cards)
		}
	}
}

// TestRolloutsAreApart checks that two rules do not try out on the same cards.
func TestRolloutsAreApart(t *testing.T) {
	set := loadRules(t, "rules: [{id: a, when: 'true', rollout: 10%}, {id: b, when: 'true', rollout: 10%}]")
	e := set.NewEvaluator()
	both := 0
	for i := range 20_000 {
		if acting, _ := rolledOut(t, set, e, payer(fmt.Sprintf("card-%d", i))); len(acting) == 2 {
			both++
		}
	}
	if both < 130 || both > 270 {
		t.Errorf("%d of 20,000 cards are in both tenths, 200 would be expected", both)
	}
}

func TestDemotions(t *testing.T) {
	set := loadRules(t, `rules:
  - {id: out, when: 'true', rollout: 1%, verdict: deny, score: 90}
  - {id: quiet, when: 'true', rollout: 1%, mode: shadow}
  - {id: snoozed, when: 'true', verdict: review}
  - {id: both, when: 'true', rollout: 1%, verdict: deny}
  - {id: acts, when: 'true', score: 3}
`)
	e := set.NewEvaluator()
	e.Under(nil, Recorded{{Rule: 2, By: OfSnooze, Why: "its merchant is known"}, {Rule: 3, By: OfSnooze, Why: "nobody wants to hear of it"}}, Recorded{{Rule: 2, By: OfBreaker, Why: "too late"}})
	for tx, why := range map[string]string{
		payer("c1"): "it is live for 1% by card, and not for this one",
		`{"id":"a","time":"2026-01-01T00:00:00Z","merchant":"m"}`: "it is live for 1% by card, and there is none here",
	} {
		acting, out := rolledOut(t, set, e, tx)
		want := []Demotion{{0, OfRollout, why}, {2, OfSnooze, "its merchant is known"}, {3, OfSnooze, "nobody wants to hear of it"}}
		if !reflect.DeepEqual(acting, []string{"acts"}) || !reflect.DeepEqual(out.Shadow, []int{0, 1, 2, 3}) || !reflect.DeepEqual(out.Demoted, want) {
			t.Errorf("acting %q, shadow %v, demoted %+v", acting, out.Shadow, out.Demoted)
		}
		if out.Verdict != Allow || out.Score != 3 {
			t.Errorf("%v with %d", out.Verdict, out.Score)
		}
		if out.DemotedBy(2) != OfSnooze || out.DemotedBy(4) != NoCause {
			t.Error("who demoted what is wrong")
		}
	}
	again := set.NewEvaluator() // as who verifies a record does
	again.Under(nil, Recorded{{2, OfSnooze, "its merchant is known"}, {3, OfSnooze, "nobody wants to hear of it"}})
	_, first := rolledOut(t, set, e, payer("c1"))
	if _, second := rolledOut(t, set, again, payer("c1")); !reflect.DeepEqual(first, second) {
		t.Errorf("got  %+v\nwant %+v", second, first)
	}
	all := set.Everywhere()
	if acting, _ := rolledOut(t, all, all.NewEvaluator(), payer("c1")); len(acting) != 4 {
		t.Errorf("everywhere act %q", acting)
	}
	for c := NoCause; c <= OfBreaker; c++ {
		if CauseNamed(c.String()) != c {
			t.Errorf("%v is read as %v", c, CauseNamed(c.String()))
		}
	}
}

func TestRolloutByAnInteger(t *testing.T) {
	schema, err := event.ParseSchema("s.yaml", []byte(`
key: card
fields:
  id:     {type: string, required: true}
  time:   {type: timestamp, required: true}
  card:   {type: string}
  number: {type: integer, entity: true}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := LoadFS(files("a.yaml", "rules: [{id: a, when: 'true', rollout: {share: 50%, by: number}}, {id: b, when: 'true', rollout: 50%}]"), "test", schema)
	if err != nil {
		t.Fatal(err)
	}
	decoder, e := event.NewDecoder(schema), set.NewEvaluator()
	var in [2]int
	for i := range 1000 {
		var tx event.Transaction
		message := fmt.Sprintf(`{"id":"a","time":"2026-01-01T00:00:00Z","card":"%d","number":%d}`, i, i)
		if err := decoder.Transaction(&tx, []byte(message), time.Now().UnixNano()); err != nil {
			t.Fatal(err)
		}
		var out Outcome
		e.Evaluate(&tx, nil, nil, &out)
		for _, r := range out.Fired {
			in[r]++
		}
	}
	if in[0] < 430 || in[0] > 570 || in[1] < 430 || in[1] > 570 {
		t.Errorf("%v of 1,000 are in at 50%%", in)
	}
}
