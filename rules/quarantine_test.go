package rules

import (
	"strings"
	"testing"
)

// twoRules makes a set of two rules; text stands in the first one's description.
func twoRules(t *testing.T, text string) *Set {
	t.Helper()
	set, err := LoadFS(files("a.yaml", `
rules:
  - {id: a, when: tx.n > 1, description: `+text+`}
  - {id: b, when: tx.n > 2}
`), "test", testSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// fail lets a rule fail for some transactions, each the last of every so many,
// and gives the number of the one that put it into quarantine, 0 for none.
func fail(q *Quarantine, rule, times, every int) int {
	for i := range times * every {
		var errors []Skip
		if (i+1)%every == 0 {
			errors = []Skip{{rule, "it is broken"}}
		}
		if q.Decided(int64(i)*1e9, errors) {
			return i + 1
		}
	}
	return 0
}

func TestQuarantineAfterManyFailures(t *testing.T) {
	for _, c := range []struct {
		name         string
		times, every int
		want         int // the transaction, 0 for none
	}{
		{"always", 100, 1, maxFailures},
		{"once less", maxFailures - 1, 1, 0},
		{"just as many", maxFailures, 1, maxFailures},
		{"now and then", 100, 4, 4 * maxFailures},
		{"as seldom as counts", 100, 33, 33 * maxFailures}, // the first and the last are 1,023 apart
		{"too seldom", 1000, 34, 0},
	} {
		var q Quarantine
		q.Use(twoRules(t, "x"))
		if got := fail(&q, 1, c.times, c.every); got != c.want {
			t.Errorf("%s: after %d transactions, want %d", c.name, got, c.want)
		}
		held := q.Held()
		if len(held) == 1 != (c.want > 0) || len(held) == 1 && (held[0].Rule != "b" || held[0].Hash != q.rules[1].hash) {
			t.Errorf("%s: held are %+v", c.name, held)
		}
	}
}

func TestQuarantineSaysWhy(t *testing.T) {
	var q Quarantine
	q.Use(twoRules(t, "x"))
	fail(&q, 0, 100, 2)
	const want = "quarantined since 1970-01-01T00:01:03Z: it failed for 32 of 63 transactions, the last time because it is broken; it is asked again once it is changed"
	if q.why(0) != want || q.why(1) != "" {
		t.Errorf("got  %s\nwant %s", q.why(0), want)
	}
}

// TestQuarantineOverReloads holds that a rule stays in quarantine over reloads
// of other rules, and is let out when it is changed or was gone.
func TestQuarantineOverReloads(t *testing.T) {
	same, changed := twoRules(t, "x"), twoRules(t, "y")
	without, err := LoadFS(files("a.yaml", "rules: [{id: b, when: tx.n > 2}]"), "test", testSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		sets []*Set
		held bool
	}{
		{"the same", []*Set{same}, true},
		{"changed", []*Set{changed}, false},
		{"changed and back", []*Set{changed, same}, false},
		{"gone and back", []*Set{without, same}, false},
	} {
		var q Quarantine
		q.Use(twoRules(t, "x"))
		fail(&q, 0, 100, 1)
		for _, set := range c.sets {
			q.Use(set)
		}
		if held := len(q.Held()) == 1; held != c.held || (q.why(0) != "") != c.held {
			t.Errorf("%s: held %v", c.name, held)
		}
	}
	var half Quarantine // failures are counted over a reload
	half.Use(twoRules(t, "x"))
	fail(&half, 0, maxFailures/2, 1)
	half.Use(twoRules(t, "x"))
	if got := fail(&half, 0, 100, 1); got != maxFailures/2 {
		t.Errorf("in quarantine %d transactions after the reload", got)
	}
}

func TestRuleHashes(t *testing.T) {
	load := func(file string) *Set {
		set, err := LoadFS(files("a.yaml", file), "test", testSchema(t))
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	first := load("rules:\n  - {id: a, when: tx.n > 1}\n").Rules[0].Hash
	for _, c := range []struct {
		file string
		same bool
	}{
		{"# moved\nrules:\n  - {id: b, when: tx.n > 1}\n  - {id: a, when: tx.n > 1}\n", true},
		{"rules:\n  - {id: a, when: tx.n > 2}\n", false},
		{"rules:\n  - {id: a, when: tx.n > 1, score: 1}\n", false},
		{"rules:\n  - {id: a, when: tx.n > 1, mode: shadow}\n", false},
	} {
		rules := load(c.file).Rules
		if got := rules[len(rules)-1].Hash; (got == first) != c.same {
			t.Errorf("%s has the hash %s, before it was %s", strings.TrimSpace(c.file), got, first)
		}
	}
}

// TestQuarantineHolds puts rules into quarantine that were there before.
func TestQuarantineHolds(t *testing.T) {
	var before, after, edited Quarantine
	before.Use(twoRules(t, "x"))
	fail(&before, 0, 100, 1)
	after.Use(twoRules(t, "x"))
	after.Hold(before.Held())
	after.Hold(before.Held())
	if len(after.Held()) != 1 || after.why(0) != before.why(0) {
		t.Errorf("held are %+v", after.Held())
	}
	edited.Use(twoRules(t, "y"))
	edited.Hold(before.Held())
	if len(edited.Held()) != 0 {
		t.Errorf("a changed rule is held: %+v", edited.Held())
	}
}
