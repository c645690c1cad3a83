package scoring_test

import (
	"strings"
	"testing"

	"sluice/scoring"
)

// TestDemotedRecord shows what records say of rules that fire and must not act.
func TestDemotedRecord(t *testing.T) {
	schema := testSchema(t)
	set := testSet(t, schema,
		`tried: tx.amount > 5 => verdict: deny, score: 90, reason: TRIED, rollout: 50%`,
		`quiet: tx.amount > 5 => mode: shadow`,
		`more: count(customer.last("1h")) == 0 => score: 7, rollout: 1%`,
		`acts: tx.amount > 5 => score: 1, reason: ACTS`)
	core := scoring.New(schema, set, scoring.Options{Run: "r"})
	const (
		more    = `{"rule":"more","by":"rollout","why":"it is live for 1% by customer, and not for this one"}`
		inside  = `"verdict":"deny","score":91,"rules":["tried","acts"],"reasons":["TRIED","ACTS"],"shadow":["quiet","more"],"demoted":[` + more + `],"skipped":[]`
		outside = `"verdict":"allow","score":1,"rules":["acts"],"reasons":["ACTS"],"shadow":["tried","quiet","more"],"demoted":[` +
			`{"rule":"tried","by":"rollout","why":"it is live for 50% by customer, and not for this one"},` + more + `],"skipped":[]`
		nobody = `"shadow":["tried","quiet"],"demoted":[{"rule":"tried","by":"rollout","why":"it is live for 50% by customer, and there is none here"}],"skipped":[{"rule":"more"`
		none   = `"shadow":[],"skipped":[]`
	)
	for i, c := range []struct{ customer, amount, want string }{
		{"c2", "6.00", inside}, {"c3", "6.00", outside}, {"", "6.00", nobody}, {"c3", "1.00", none},
	} {
		d := decideOne(core, payment(t, schema, int64(i), 1, c.customer, "1", c.amount))
		if !strings.Contains(string(d.Record), c.want) {
			t.Errorf("%q: want %s\nin %s", c.customer, c.want, d.Record)
		}
	}
}
