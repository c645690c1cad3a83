package scoring_test

import (
	"testing"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

// One payment of a clock that is decades ahead does not throw away the labels that
// wait for theirs.
func TestLabelsOutliveAWildClock(t *testing.T) {
	schema := testSchema(t)
	core := scoring.New(schema, testSet(t, schema, `fraud: count(terminal.last("2h"), .fraud) >= 1 => verdict: deny`), scoring.Options{Workers: 1})
	early := payment(t, schema, 1, 0, "a", "t", "1")
	core.Label(&event.Label{IDKey: early.IDKey, Time: early.Time, Fraud: true})
	decide := func(tx *event.Transaction) rules.Verdict {
		return core.Decide([]scoring.Input{{Tx: tx}}, 0)[0].Outcome.Verdict
	}
	const decades = 30 * 365 * 24 * 3600
	decide(payment(t, schema, 2, decades, "b", "u", "1"))
	decide(early)
	if v := decide(payment(t, schema, 3, 60, "c", "t", "1")); v != rules.Deny {
		t.Errorf("%v: the label of a terminal's payment is lost", v)
	}
}
