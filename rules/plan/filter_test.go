package plan

import (
	"testing"
)

// TestShares: which filters may be answered by the history of another entity.
func TestShares(t *testing.T) {
	s := payments(t)
	entity := func(name string) int { return s.Fields[s.Field(name)].EntityIndex + 1 }
	for source, want := range map[string]int{
		`count(merchant.last("30d"), .card == tx.card) > 3`:                                entity("card"),
		`count(merchant.last("30d"), tx.card == .card and .amount > 5) > 3`:                entity("card"),
		`count(merchant.last("30d"), .amount > 5 and (.ip == tx.ip and .amount < 90)) > 3`: entity("ip"),
		`count(merchant.last("30d"), .card == tx.card or .amount > 5) > 3`:                 0,
		`count(merchant.last("30d"), not (.card == tx.card)) > 3`:                          0,
		`count(merchant.last("30d"), .card != tx.card) > 3`:                                0,
		`count(merchant.last("30d"), .card == tx.device) > 3`:                              0,
		`count(merchant.last("30d"), .channel == tx.channel) > 3`:                          0,
		`count(merchant.last("30d"), .card == "c") > 3`:                                    0,
	} {
		queries := compileAll(t, s, nil, source).Plan().Queries
		if len(queries) != 1 || queries[0].Filter == nil {
			t.Errorf("%s: not one filtered query", source)
			continue
		}
		if got := queries[0].Filter.Shares; got != want {
			t.Errorf("%s: %d, not %d", source, got, want)
		}
	}
}
