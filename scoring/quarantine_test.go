package scoring_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

// failingRules are two that fail where past terminals have long names, each by
// itself and at other times, and some around them.
func failingRules(t testing.TB, schema *event.Schema, reason string) *rules.Set {
	const slow = `streak(customer.newest(%d), not (.terminal matches "(a?){50}x")) >= 1`
	return testSet(t, schema,
		`big: tx.amount > 80 => verdict: review`,
		`fails: `+fmt.Sprintf(slow, 15)+` => score: 10, reason: `+reason,
		`fails-later: tx.amount > 50 and `+fmt.Sprintf(slow, 16)+` => mode: shadow, score: 20`,
		`before: count(customer.last("1h"), .verdict != "allow") >= 2 => score: 5`,
		`works: streak(customer.newest(5), .amount > 10) >= 2 => score: 7`)
}

// longNames is a story in which terminals have long names now and then, until
// they always have.
func longNames(t testing.TB, schema *event.Schema, r *rand.Rand, n int) []step {
	var out []step
	for i := range n {
		terminal := fmt.Sprintf("t%d", r.IntN(3))
		if i > n/3 && r.IntN(3) == 0 {
			terminal += strings.Repeat("a", 3000)
		}
		tx := payment(t, schema, int64(i), int64(i), fmt.Sprintf("c%d", r.IntN(4)), terminal, fmt.Sprintf("%d.00", r.IntN(100)))
		out = append(out, step{tx: tx})
	}
	return out
}

// TestQuarantineCutting proves that a rule is quarantined from the same
// transaction on, however the stream is cut and on however many cores: all
// records are the same, byte for byte.
func TestQuarantineCutting(t *testing.T) {
	schema := testSchema(t)
	set := failingRules(t, schema, "LONG")
	for seed := range uint64(5) {
		steps := longNames(t, schema, rand.New(rand.NewPCG(seed, 3)), 600)
		r := rand.New(rand.NewPCG(seed, 4))
		alone := scoring.New(schema, set, scoring.Options{Run: "run", Workers: 1})
		want := play(alone, steps, r, 1)
		if seed == 0 {
			mustMention(t, want, `"rule":"fails","why":"quarantined since `, `"rule":"fails-later","why":"quarantined since `,
				`"rule":"fails","why":"failed: its texts are too long`, `"rules":["fails"`, `"shadow":["fails-later"]`, `"works"`)
		}
		quarantinedFromThenOn(t, want, "fails", true)
		quarantinedFromThenOn(t, want, "fails-later", false)
		for _, o := range []struct{ workers, most int }{{1, 256}, {2, 7}, {3, 100}, {8, 256}} {
			core := scoring.New(schema, set, scoring.Options{Run: "run", Workers: o.workers})
			got := play(core, steps, r, o.most)
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("seed %d, batches up to %d on %d workers, transaction %d:\n got %s\nwant %s", seed, o.most, o.workers, i, got[i], want[i])
				}
			}
			if !reflect.DeepEqual(core.Held(), alone.Held()) {
				t.Errorf("held are %+v, want %+v", core.Held(), alone.Held())
			}
		}
	}
}

// quarantinedFromThenOn checks that a rule fails exactly 32 times, is in
// quarantine behind the last one and never evaluated again; always says that
// nothing but the VM decides it, so that every record must name it.
func quarantinedFromThenOn(t *testing.T, records []string, rule string, always bool) {
	t.Helper()
	failures, last, held := 0, 0, 0
	for i, r := range records {
		if strings.Contains(r, `{"rule":"`+rule+`","why":"failed: `) {
			failures++
			last = i
		}
		if strings.Contains(r, `{"rule":"`+rule+`","why":"quarantined `) {
			held++
			if failures < 32 {
				t.Fatalf("%s is in quarantine after %d failures", rule, failures)
			}
		}
		if failures == 32 && i > last && strings.Contains(r, `"`+rule+`"`) && !strings.Contains(r, `{"rule":"`+rule+`","why":"quarantined `) {
			t.Fatalf("%s is decided in spite of quarantine: %s", rule, r)
		}
	}
	if failures != 32 || held == 0 || always && held != len(records)-last-1 {
		t.Errorf("%s failed %d times and is in quarantine in %d of %d records behind that", rule, failures, held, len(records)-last-1)
	}
}

// TestQuarantineIsTold checks who is told what, and that a changed rule is
// asked again.
func TestQuarantineIsTold(t *testing.T) {
	schema := testSchema(t)
	var told [][]string
	core := scoring.New(schema, failingRules(t, schema, "LONG"), scoring.Options{OnQuarantine: func(held []rules.Held) {
		ids := []string{}
		for _, h := range held {
			ids = append(ids, h.Rule)
		}
		told = append(told, ids)
	}})
	steps := longNames(t, schema, rand.New(rand.NewPCG(1, 3)), 600)
	play(core, steps, rand.New(rand.NewPCG(1, 4)), 100)
	core.Swap(failingRules(t, schema, "LONG"))
	core.Swap(failingRules(t, schema, "OTHER"))
	want := [][]string{{}, {"fails"}, {"fails", "fails-later"}, {"fails", "fails-later"}, {"fails-later"}}
	if !reflect.DeepEqual(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if d := decideOne(core, payment(t, schema, 10_000, 10_000, "new", "t", "60.00")); !strings.Contains(string(d.Record), `"skipped":[{"rule":"fails-later"`) {
		t.Errorf("record %s", d.Record)
	}
	again := scoring.New(schema, core.Set(), scoring.Options{})
	if err := again.Resume(core.AppendStanding(nil)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.Held(), core.Held()) {
		t.Errorf("after a restart held are %+v, want %+v", again.Held(), core.Held())
	}
}

// TestLongTextsAreNoOutage is a rule over long texts that fails seldom: it is
// skipped where it fails, and goes on.
func TestLongTextsAreNoOutage(t *testing.T) {
	schema := testSchema(t)
	core := scoring.New(schema, failingRules(t, schema, "LONG"), scoring.Options{})
	for i := range int64(20) {
		decideOne(core, payment(t, schema, i, i, "c", strings.Repeat("a", 3000), "1.00"))
	}
	d := decideOne(core, payment(t, schema, 100, 100, "c", "t", "1.00"))
	if len(d.Outcome.Errors) != 1 || !strings.Contains(string(d.Record), "failed: its texts are too long: looking through them takes ") {
		t.Errorf("errors %+v, record %s", d.Outcome.Errors, d.Record)
	}
	if d := decideOne(core, payment(t, schema, 101, 101, "other", "t", "1.00")); len(d.Outcome.Errors) != 0 || len(core.Held()) != 0 {
		t.Errorf("errors %+v, held %+v", d.Outcome.Errors, core.Held())
	}
}
