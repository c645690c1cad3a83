package scoring_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

// fallingRules are one that falls to shadow when it fires too often, and some that
// see what it did.
func fallingRules(t testing.TB, schema *event.Schema, reason string) *rules.Set {
	return testSet(t, schema,
		`large: tx.amount > 50 => verdict: review, reason: `+reason+`, breaker: {fall_to: shadow}`,
		`denies: tx.amount > 50 => score: 1`,
		`before: count(customer.last("1h"), .verdict != "allow") >= 2 => score: 5`)
}

// storm is a story of quiet days in which, for some hours, nearly all payments
// are large.
func storm(t testing.TB, schema *event.Schema, r *rand.Rand) []step {
	var out []step
	for i := range int64(34 * 60) {
		amount, p := 10, 0.03
		if h := i / 60; h >= 28 && h < 31 {
			p = 0.95
		}
		if r.Float64() < p {
			amount = 60
		}
		out = append(out, step{tx: payment(t, schema, i, i*60, fmt.Sprintf("c%d", r.IntN(4)), "t", fmt.Sprintf("%d.00", amount))})
	}
	return out
}

// TestBreakerCutting proves that a rule falls to shadow from the same transaction
// on, and comes back at the same one, however the stream is cut and on however
// many cores: all records are the same, byte for byte.
func TestBreakerCutting(t *testing.T) {
	schema := testSchema(t)
	set := fallingRules(t, schema, "LARGE")
	steps := storm(t, schema, rand.New(rand.NewPCG(1, 3)))
	r := rand.New(rand.NewPCG(1, 4))
	var told []string
	want := play(scoring.New(schema, set, scoring.Options{Run: "run", Workers: 1, OnBreaker: func(open []rules.Trip) {
		text := ""
		for _, trip := range open {
			text += trip.Rule.ID + " "
		}
		told = append(told, text)
	}}), steps, r, 1)
	fell, back := 0, 0
	for i, record := range want {
		demoted := strings.Contains(record, `"shadow":["large"],"demoted":[{"rule":"large","by":"breaker","why":"in shadow since 2020-`)
		acts := strings.Contains(record, `"rules":["large","denies"`)
		switch {
		case demoted && fell == 0:
			fell = i
		case acts && fell > 0 && back == 0:
			back = i
		case demoted && back > 0, acts && fell > 0 && back == 0:
			t.Fatalf("transaction %d: %s", i, record)
		}
	}
	if fell < 28*60+18 || fell > 28*60+59 || back < 31*60 || back > 33*60 {
		t.Errorf("the rule fell at %d and came back at %d", fell, back)
	}
	// What comes of large ones is more than usual, too, until they are not reviewed any more.
	if got := strings.Join(told, "|"); got != "|large denies |large denies before |large denies |" {
		t.Errorf("told %q", got)
	}
	for _, o := range []struct{ workers, most int }{{1, 256}, {2, 7}, {3, 100}, {8, 256}} {
		core := scoring.New(schema, set, scoring.Options{Run: "run", Workers: o.workers})
		got := play(core, steps, r, o.most)
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("batches up to %d on %d workers, transaction %d:\n got %s\nwant %s", o.most, o.workers, i, got[i], want[i])
			}
		}
	}
}

// TestBreakerBeside checks that a set that decides beside has breakers of its own,
// and that a changed rule acts again.
func TestBreakerBeside(t *testing.T) {
	schema := testSchema(t)
	calm := testSet(t, schema, `other: tx.amount > 5 => score: 1`)
	beside := testSet(t, schema, `large: tx.amount > 50 => verdict: review, breaker: {fall_to: shadow}`)
	core := scoring.New(schema, calm, scoring.Options{Beside: beside})
	steps := storm(t, schema, rand.New(rand.NewPCG(1, 3)))
	demoted := 0
	for _, s := range steps[:30*60] {
		d := core.Decide([]scoring.Input{{Tx: s.tx}}, 0)[0]
		if len(d.Outcome.Demoted) > 0 {
			t.Fatal("demoted by the other set's breaker")
		}
		demoted += len(d.Beside.Demoted)
	}
	if demoted == 0 || len(core.Open()) != 0 {
		t.Errorf("%d times demoted; open are %+v", demoted, core.Open())
	}

	core = scoring.New(schema, fallingRules(t, schema, "LARGE"), scoring.Options{})
	for _, s := range steps[:30*60] {
		core.Decide([]scoring.Input{{Tx: s.tx}}, 0)
	}
	again := scoring.New(schema, core.Set(), scoring.Options{})
	if err := again.Resume(core.AppendStanding(nil)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*scoring.Core{"running": core, "resumed": again} {
		if len(c.Open()) != 2 {
			t.Fatalf("%s: open are %+v", name, c.Open())
		}
		if d := decideOne(c, payment(t, schema, 9000, 30*3600, "c", "t", "60.00")); len(d.Outcome.Demoted) != 1 {
			t.Errorf("%s: demoted are %+v", name, d.Outcome.Demoted)
		}
		c.Swap(fallingRules(t, schema, "OTHER"))
		if d := decideOne(c, payment(t, schema, 9001, 30*3600, "c", "t", "60.00")); len(d.Outcome.Demoted) != 0 {
			t.Errorf("%s: demoted after it was changed: %+v", name, d.Outcome.Demoted)
		}
	}
	if err := again.Resume([]byte("x")); err == nil {
		t.Error("nonsense was taken")
	}
}
