package rules

import (
	"fmt"
	"strings"
	"testing"

	"sluice/rules/lang"
	"sluice/rules/plan"
	"sluice/scoring/event"
)

// class says what a condition may cost a transaction, in steps.
type class int

const (
	next    class = 5_000         // next to nothing
	cheap   class = 125_000       // noticed where hundreds do it
	dear    class = plan.MaxSteps // accepted
	refused class = 1 << 40
)

// costlyCase is a condition and the class of its cost.
type costlyCase struct {
	name string
	cost class
	when string
}

// costly lists conditions by what they cost: harmless ones beside those that
// someone would write who wants to stop all payments.
func costly() []costlyCase {
	return []costlyCase{
		{"scalar", next, `tx.amount >= 0`},
		{"many scalars", next, many(80, " and ", `tx.amount + @ >= 0`)},
		{"count", next, `count(card.last("1h")) >= 0`},
		{"count ahead", next, `count(card.last("1h"), .amount < 5) >= 0`},
		{"pattern ahead", next, `count(card.last("1h"), .channel matches "^channel-[0-9]+x?$") >= 0`},
		{"constants ahead", next, `count(card.last("1h"), .lat in [` + many(1000, ", ", `@`) + `]) >= 0`},
		{"texts", next, `tx.mcc in [` + many(1000, ", ", `"@"`) + `]`},
		{"min", cheap, `min(card.last("1h"), .amount) >= 0`},
		{"sum of floats", cheap, `sum(card.last("1h"), .lat) >= 0`},
		{"distinct", cheap, `distinct(card.last("1h"), .channel) >= 0`},
		{"median", cheap, `median(card.last("1h"), .amount) >= 0`},
		{"compared", cheap, `count(card.last("1h"), .amount < tx.amount) >= 0`},
		{"sum compared", cheap, `sum(filter(card.last("1h"), .amount < tx.amount), .amount) >= 0`},
		{"last of none", cheap, `last(filter(card.last("1h"), .amount < 0 * tx.amount)).amount == nil`},
		{"in a list of past values", cheap, `tx.lat + 1 in map(card.last("1h"), .lat + 1)`},
		{"a few on the VM", cheap, `streak(card.newest(100), .amount >= 0) < 0`},
		{"25 medians", dear, many(25, " + ", `median(card.between("1h", "@s"), .amount)`) + ` >= 0`},
		{"lower", dear, `count(card.last("1h"), lower(.channel) contains "el-9" and tx.amount > 0) >= 0`},
		{"distances", dear, `count(card.last("1h"), distance_km(.lat, .lon, tx.lat, tx.lon) > 100) >= 0`},
		{"made texts in constants", dear, `count(card.last("1h"), lower(.channel) in [` + many(300, ", ", `"@"`) + `] and tx.amount > 0) >= 0`},
		{"arithmetic", dear, `count(card.last("1h"), ` + many(5, " + ", `.amount * @`) + ` > tx.amount) >= 0`},
		{"pattern", dear, `count(card.last("1h"), .channel matches "^ch" and tx.amount > 0) >= 0`},
		{"streak", dear, `streak(card.last("1h"), .amount >= 0) < 0`},
		{"stddev", dear, `stddev(card.last("1h"), .amount) < 0`},
		{"products", dear, `sum(card.last("1h"), .lat * .lon) < 0`},
		{"window in a predicate", dear, `count(card.last("1h"), .amount > 10 * count(card.last("1d"))) < 0`},
		{"event in a predicate", dear, `any(card.last("1h"), .lat < last(card.last("1d")).lat)`},
		{"most common", dear, `most_common(card.last("1h"), .channel) == "x"`},
		{"distinct of made ones", dear, `distinct(card.last("1h"), .lat + 1) < 0`},
		{"unknown", dear, `sum(card.last("1h"), .lat * .lon) + stddev(card.newest(1), .lat) >= 0`},
		{"long pattern", refused, `count(card.last("1h"), .channel matches "^channel-[0-9]+$" and tx.amount > 0) >= 0`},
		{"30 compared", refused, many(30, " + ", `count(card.last("1h"), .amount < @ * tx.amount)`) + ` >= 0`},
		{"100 medians", refused, many(100, " + ", `median(card.between("1h", "@s"), .amount)`) + ` >= 0`},
		{"long arithmetic", refused, `count(card.last("1h"), ` + many(40, " + ", `.amount * @`) + ` > tx.amount) >= 0`},
		{"evil pattern", refused, `count(card.last("1h"), .channel matches "(n|a|h|c|e|l|nn|an|ha|[a-z]|.)*x" and tx.amount > 0) < 0`},
		{"large pattern", refused, `count(card.last("1h"), .channel matches "(a?){50}a{50}$" and tx.amount > 0) < 0`},
		{"10 streaks", refused, many(10, " + ", `streak(card.last("1h"), .amount >= @)`) + ` < 0`},
		{"10 stddevs", refused, many(10, " + ", `stddev(card.between("1h", "@s"), .amount)`) + ` < 0`},
		{"5 windows on the VM", refused, many(5, " + ", `streak(card.between("1h", "@s"), .lat >= 0)`) + ` < 0`},
		{"many columns", refused, `sum(card.last("1h"), .lat * .lon + .amount + len(.channel) + len(.mcc) + len(.country) + len(.merchant) + .seconds_ago) >= 0`},
		{"maximum of many", refused, `sum(card.last("1h"), max(` + many(10, ", ", `.lat + @`) + `)) < 0`},
		{"constants", refused, `streak(card.last("1h"), not (.lat in [` + many(100, ", ", `@`) + `])) < 0`},
		{"pattern on the VM", refused, `streak(card.last("1h"), .channel matches "^channel-[0-9]+x?$") < 0`},
		{"many questions about a past one", refused, `none(card.last("1h"), ` + many(60, " and ", `.amount + @ < count(card.last("1d"))`) + `)`},
		{"nested choices", refused, `streak(card.last("1h"), ` + strings.Repeat("((", 3) + `.lat > 1` + strings.Repeat(` ? .lon > 1 : .lon < 1) == (.lat > 3))`, 3) + `) >= 0`},
		{"unknown at the end of a chain", refused, many(6, " and ", `sum(card.last("1h"), .lat * @) >= 0`) + ` and stddev(card.newest(1), .lat) > 1`},
		{"unknown at its beginning", refused, `stddev(card.newest(1), .lat) > 1 and ` + many(6, " and ", `sum(card.last("1h"), .lat * @) >= 0`)},
		{"unknown sum", refused, `stddev(card.newest(1), .lat) + ` + many(8, " + ", `sum(card.last("1h"), .lat * @)`) + ` >= 0`},
	}
}

// many repeats a format, its @ numbered from 1.
func many(n int, between, format string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = strings.ReplaceAll(format, "@", fmt.Sprint(i+1))
	}
	return strings.Join(parts, between)
}

// TestCostClasses holds what conditions cost to their class, and that loading
// refuses what costs too much and nothing else.
func TestCostClasses(t *testing.T) {
	schema, err := event.LoadSchema("../configs/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	below := map[class]class{next: 0, cheap: next, dear: cheap, refused: dear}
	for _, c := range costly() {
		steps := costOf(t, schema, c.when)
		if steps <= int(below[c.cost]) || steps > int(c.cost) {
			t.Errorf("%s costs %d steps, expected more than %d and at most %d", c.name, steps, below[c.cost], c.cost)
		}
		_, err := LoadFS(files("a.yaml", "rules:\n  - id: a\n    when: |\n      "+c.when+"\n"), "test", schema)
		if (err != nil) != (c.cost == refused) {
			t.Errorf("%s with %d steps: %v", c.name, steps, err)
		}
	}
}

// costOf gives what a condition may cost by itself.
func costOf(t *testing.T, schema *event.Schema, when string) int {
	t.Helper()
	tree, faults := lang.Check(when, schema, nil)
	if tree == nil {
		t.Fatalf("%s: %+v", when, faults)
	}
	program, err := plan.Compile(schema, []plan.Condition{{Tree: tree, Source: when}}, nil)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	return program.Cost(0).Steps
}

// TestInnerWindowsCountOnce checks that a window within a predicate costs
// nothing for each past transaction but a look at it.
func TestInnerWindowsCountOnce(t *testing.T) {
	schema, err := event.LoadSchema("../configs/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	without := costOf(t, schema, `streak(card.last("1h"), .lat > 10 * 5) < 0`)
	within := costOf(t, schema, `streak(card.last("1h"), .lat > 10 * count(card.last("1h"))) < 0`)
	if within < without || within > 2*without {
		t.Errorf("%d steps with a window within, %d with a constant", within, without)
	}
}

// TestTotalShares checks that a set's cost counts what rules share once.
func TestTotalShares(t *testing.T) {
	schema, err := event.LoadSchema("../configs/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	total := func(conditions ...string) int {
		var file strings.Builder
		file.WriteString("rules:\n")
		for i, c := range conditions {
			fmt.Fprintf(&file, "  - id: r%d\n    when: |\n      %s\n", i, c)
		}
		set, err := LoadFS(files("a.yaml", file.String()), "test", schema)
		if err != nil {
			t.Fatal(err)
		}
		return set.Program.Total()
	}
	const one, other, slow = `median(card.last("1h"), .amount) > 5`, `median(card.last("2h"), .amount) > 5`, `streak(card.last("1h"), .lat > 1) > 3`
	if alone, shared, two := total(one), total(one, one+" "), total(one, other); shared > alone+100 || two < 2*alone-100 {
		t.Errorf("%d alone, %d where two share it, %d for two windows", alone, shared, two)
	}
	if fast, both := total(one), total(one, slow); both < fast+100_000 {
		t.Errorf("%d steps, %d with one for the VM", fast, both)
	}
}

// TestWarning checks that a set is warned of as a whole, with its worst rules.
func TestWarning(t *testing.T) {
	schema, err := event.LoadSchema("../configs/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	load := func(n int) *Set {
		var file strings.Builder
		file.WriteString("rules:\n  - {id: cheap, when: tx.amount > 5}\n")
		for i := range n {
			fmt.Fprintf(&file, "  - id: r%d\n    when: sum(card.last(\"%dm\"), .lat * .lon) > 5\n", i, i+1)
		}
		set, err := LoadFS(files("a.yaml", file.String()), "test", schema)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	if w := load(1).Warning(); w != "" {
		t.Errorf("one rule: %s", w)
	}
	if w := load(20).Warning(); !strings.Contains(w, "million steps for one transaction, about ") || !strings.Contains(w, "the most expensive are r0 (") || strings.Contains(w, "cheap") {
		t.Errorf("twenty: %q", w)
	}
}

// TestShippedRulesAreCheap holds the rules that come with Sluice, the peers'
// heavy job among them, to a third of what is allowed for each.
func TestShippedRulesAreCheap(t *testing.T) {
	for schemaFile, dirs := range map[string][]string{
		"../configs/schema.yaml":          {"../configs/rules"},
		"../configs/handbook/schema.yaml": {"../configs/handbook/rules", "../configs/heavy/rules"},
	} {
		schema, err := event.LoadSchema(schemaFile)
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range dirs {
			set, err := Load(dir, schema)
			if err != nil {
				t.Fatal(err)
			}
			for i := range set.Rules {
				if steps := set.Program.Cost(i).Steps; steps > plan.MaxSteps/3 {
					t.Errorf("%s: %d steps", set.Rules[i].ID, steps)
				}
			}
			if w := set.Warning(); w != "" {
				t.Errorf("%s: %s", dir, w)
			}
			t.Logf("%s: %d steps", dir, set.Program.Total())
		}
	}
}
