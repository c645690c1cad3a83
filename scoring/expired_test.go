package scoring_test

import (
	"testing"

	"sluice/scoring"
)

// Payments that expire before their batch is settled have left the histories, with
// the memory that they took.
func TestExpiredWithinABatch(t *testing.T) {
	schema := testSchema(t)
	const month = 31 * 24 * 3600
	for n := range int64(40) {
		core := scoring.New(schema, testSet(t, schema, `many: count(customer.last("10m")) >= 3 => score: 30`), scoring.Options{Workers: 1})
		var batch []scoring.Input
		for i := range n {
			batch = append(batch, scoring.Input{Tx: payment(t, schema, i, i, "c", "t", "1")})
		}
		batch = append(batch, scoring.Input{Tx: payment(t, schema, n, month, "c", "t", "1")})
		core.Decide(batch, 0)
	}
}
