package stream

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sluice/rules"
	"sluice/scoring/event"
)

// What the simulated world decides on: a schema with three entities, one of them
// secret, and rules whose every window stands in the verdict records, since they
// ask for at least nothing.

const simSchemaText = `
key: card
fields:
  id:     {type: string, required: true}
  time:   {type: timestamp, unit: ms, required: true}
  card:   {type: string, entity: true}
  shop:   {type: string, entity: true}
  pan:    {type: string, entity: true, secret: true}
  amount: {type: money, currency: EUR, required: true}
label:
  id: id
  value: fraud
  time: at
`

// simRetention is that of all rule sets below: the least there is.
const simRetention = int64(30 * 24 * time.Hour)

func simEntities() [3]string { return [3]string{"card", "shop", "pan"} }

// simRule is a rule of which text and meaning are made: an aggregate of a window
// is at least something. The naive model reads the same fields.
type simRule struct {
	id       string
	entity   int
	from, to time.Duration
	newest   int
	agg      string // count, sum, distinct
	where    string // "", fraud, deny, dear
	atLeast  int64
	verdict  string
	score    int64
	amount   int64 // instead of a window: tx.amount is at least this (minor units)
	below    int64 // instead: tx.amount is below this
}

func simDuration(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d > time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}

// value is the text of the aggregate, as verdict records have it.
func (r *simRule) value() string {
	list := fmt.Sprintf("%s.last(%q)", simEntities()[r.entity], simDuration(r.from))
	if r.newest > 0 {
		list = fmt.Sprintf("%s.newest(%d)", simEntities()[r.entity], r.newest)
	} else if r.to > 0 {
		list = fmt.Sprintf("%s.between(%q, %q)", simEntities()[r.entity], simDuration(r.from), simDuration(r.to))
	}
	where := map[string]string{"": "", "fraud": ", .fraud", "deny": `, .verdict == "deny"`, "dear": ", .amount >= 50"}[r.where]
	switch r.agg {
	case "count":
		return fmt.Sprintf("count(%s%s)", list, where)
	case "sum":
		return fmt.Sprintf("sum(%s, .amount)", list)
	}
	return fmt.Sprintf("distinct(%s, .card)", list)
}

func (r *simRule) text() string {
	when := fmt.Sprintf("%s >= %d", r.value(), r.atLeast)
	switch {
	case r.amount > 0:
		when = fmt.Sprintf("tx.amount >= %d", r.amount/100)
	case r.below > 0:
		when = fmt.Sprintf("tx.amount < %d", r.below/100)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  - id: %s\n    when: |\n      %s\n", r.id, when)
	if r.verdict != "" {
		fmt.Fprintf(&b, "    verdict: %s\n", r.verdict)
	}
	if r.score != 0 {
		fmt.Fprintf(&b, "    score: %d\n", r.score)
	}
	return b.String()
}

// simSet is a rule set, compiled and as the model reads it.
type simSet struct {
	rules []simRule
	set   *rules.Set
}

const hour, days = time.Hour, 24 * time.Hour

func simRules() [][]simRule {
	return [][]simRule{{
		{id: "big", amount: 9000, verdict: "deny"},
		{id: "small", below: 300, verdict: "allow"},
		{id: "n-card", from: 2 * hour, agg: "count"},
		{id: "sum-card", from: days, agg: "sum"},
		{id: "frauds", entity: 1, from: 5 * days, agg: "count", where: "fraud"},
		{id: "frauds-card", entity: 0, from: 29 * days, agg: "count", where: "fraud"},
		{id: "old-pan", entity: 2, from: 20 * days, to: hour, agg: "count", where: "dear"},
		{id: "many", from: hour, agg: "count", atLeast: 2, score: 30},
		{id: "bad-shop", entity: 1, from: 5 * days, agg: "count", where: "fraud", atLeast: 1, score: 25},
	}, {
		{id: "big", amount: 8000, verdict: "review"},
		{id: "denied", from: 3 * days, agg: "count", where: "deny"},
		{id: "denied-shop", entity: 1, from: 6 * hour, agg: "count", where: "deny"},
		{id: "newest", from: 0, newest: 3, agg: "sum"},
		{id: "n-shop", entity: 1, from: 30 * days, agg: "count"},
		{id: "burst", entity: 2, from: 90 * time.Minute, agg: "count", atLeast: 2, verdict: "deny"},
		{id: "again", from: 3 * days, agg: "count", where: "deny", atLeast: 1, score: 55},
		{id: "frauds-pan", entity: 2, from: 10 * days, agg: "count", where: "fraud"},
	}, {
		{id: "cards", entity: 1, from: 30 * days, agg: "distinct"},
		{id: "sum-pan", entity: 2, from: 7 * days, to: 30 * time.Minute, agg: "sum"},
		{id: "dear", entity: 0, from: 12 * hour, agg: "count", where: "dear", atLeast: 1, score: 45},
		{id: "many", entity: 1, from: 2 * hour, agg: "count", atLeast: 4, score: 40},
		{id: "big", amount: 9500, verdict: "deny"},
	}}
}

func simSets(t testing.TB, schema *event.Schema) []*simSet {
	t.Helper()
	var out []*simSet
	for _, all := range simRules() {
		var b strings.Builder
		b.WriteString("rules:\n")
		for i := range all {
			b.WriteString(all[i].text())
		}
		set, err := rules.LoadFS(fstest.MapFS{"r.yaml": {Data: []byte(b.String())}}, "sim", schema)
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		if got := int64(set.Program.Plan().Retention); got != simRetention {
			t.Fatalf("retention %v", time.Duration(got))
		}
		out = append(out, &simSet{all, set})
	}
	return out
}
