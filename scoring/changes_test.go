package scoring_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"sluice/rules"
	"sluice/scoring"
)

// TestChangesInVerdicts lays changes over a set, and over the one that follows:
// they hold until they end, by arrival, and the verdict names them.
func TestChangesInVerdicts(t *testing.T) {
	schema := testSchema(t)
	load := func(review string) *rules.Set {
		t.Helper()
		set, err := rules.LoadFS(fstest.MapFS{
			"r.yaml": {Data: []byte(`rules:
  - {id: listed, when: tx.terminal in lists.bad, verdict: deny, reason: LISTED}
  - {id: before, when: 'count(customer.last("1h"), .terminal in lists.bad) >= 1', score: ` + review + `}
`)}, "lists/bad.txt": {Data: []byte("t1\n")},
		}, "test", schema)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	core := scoring.New(schema, load("1"), scoring.Options{Run: "r"})
	id := int64(0)
	decides := func(at int64, customer, terminal, want string) {
		t.Helper()
		id++
		if d := decideOne(core, payment(t, schema, id, at, customer, terminal, "6.00")); !strings.Contains(string(d.Record), want) {
			t.Errorf("want %s\nin %s", want, d.Record)
		}
	}
	hash := core.Set().Hash
	decides(0, "c1", "t1", `"rules":["listed"]`)
	decides(0, "c2", "t2", `"rule_set":"`+hash+`","event_time"`)
	core.Change(&rules.Changes{
		Revision: 7,
		Lists:    map[string]*rules.Overlay{"bad": rules.NewOverlay([]rules.Entry{{Value: "t2", Until: start + 20*second}, {Value: "t1", Until: start + 30*second, Out: true}})},
		Snoozes: []rules.Snooze{
			{Rule: "listed", Entity: "customer", Value: "c9a", Until: start + 20*second},
			{Rule: "listed", Entity: "customer", Value: "c9b", Until: start + 20*second},
			{Rule: "gone", Entity: "customer", Value: "c9", Until: start + 20*second},
			{Rule: "listed", Entity: "gone", Value: "c9", Until: start + 20*second},
		},
	})
	for _, round := range []string{"a", "b"} {
		set := core.Set().Hash
		decides(10, "c3"+round, "t2", `"verdict":"deny","score":0,"rules":["listed"],"reasons":["LISTED"],"shadow":[],"skipped":[],"flags":[],"rule_set":"`+set+`","changes":7,"event_time"`)
		decides(10, "c4"+round, "t1", `"verdict":"allow"`)
		decides(11, "c3"+round, "t3", `"rules":["before"]`) // past payments are looked up in what holds now
		decides(19, "c9"+round, "t2", `"verdict":"allow","score":0,"rules":[],"reasons":[],"shadow":["listed"],"demoted":[{"rule":"listed","by":"snooze","why":"it is snoozed for this customer until 2020-09-13T12:27:00Z"}]`)
		decides(19, "", "t2", `"verdict":"deny"`)
		core.Swap(load("2"))
	}
	decides(20, "c5", "t2", `"verdict":"allow"`)
	decides(29, "c6", "t1", `"verdict":"allow"`)
	decides(30, "c9a", "t1", `"verdict":"deny"`)
	core.Change(&rules.Changes{Revision: 8})
	decides(31, "c7", "t1", `"verdict":"deny"`)
	decides(32, "c8", "t2", `"changes":8,`)
	// Another core begins where this one stopped.
	core = scoring.New(schema, load("1"), scoring.Options{Run: "r", Changes: &rules.Changes{Revision: 9}})
	decides(33, "c8", "t2", `"changes":9,`)
}

// TestSnoozesCostNothing: asking whom a rule is snoozed for allocates nothing
// where it is not snoozed.
func TestSnoozesCostNothing(t *testing.T) {
	schema := testSchema(t)
	set := testSet(t, schema, `a: tx.amount > 5 => verdict: deny`, `b: tx.amount > 5 => verdict: deny`)
	snoozes := rules.NewSnoozes(set, []rules.Snooze{{Rule: "b", Entity: "customer", Value: "c2", Until: start * 2}})
	tx := payment(t, schema, 1, 1, "c1", "t1", "6.00")
	if n := testing.AllocsPerRun(100, func() {
		snoozes.Restrain(0, tx)
		snoozes.Restrain(1, tx)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if by, _ := snoozes.Restrain(1, payment(t, schema, 1, 1, "c2", "t1", "6.00")); by != rules.OfSnooze {
		t.Error("it is not snoozed")
	}
	if rules.NewSnoozes(set, nil) != nil || rules.NewSnoozes(set, []rules.Snooze{{Rule: "c", Entity: "customer"}}) != nil {
		t.Error("there are snoozes of nothing")
	}
}
