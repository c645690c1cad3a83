package rulestest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sluice/rules/interp/naive"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// TestStoreListsTheSame holds the lists of package history against the obvious
// windows of this one, every column of them.
func TestStoreListsTheSame(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(10, seed))
		c := Case{Schema: schema(r)}
		c.events(r)
		spans := []history.Span{
			{From: time.Minute}, {From: 10 * time.Minute}, {From: 24 * time.Hour}, {From: Retention},
			{From: time.Hour, To: 10 * time.Minute}, {Newest: 1}, {Newest: 3},
		}
		plan := &history.Plan{Retention: Retention}
		for _, span := range spans {
			for entity := range c.Schema.Entities {
				plan.Lists = append(plan.Lists, history.ListQuery{Entity: entity, Span: span, Columns: naive.Columns(c.Schema)})
			}
		}
		store := history.New(c.Schema)
		store.Install(plan)
		c.Remember(store)
		lists := make([]history.List, len(plan.Lists))
		store.Observe(c.Transaction(&c.Now), nil, lists)
		for i, q := range plan.Lists {
			if want := c.List(q); !sameList(lists[i], want) {
				t.Fatalf("seed %d: %+v\ngot  %+v\nwant %+v", seed, q.Span, lists[i], want)
			}
		}
	}
}

func sameList(a, b history.List) bool {
	return a.Why == b.Why && a.N == b.N && slices.Equal(a.Values, b.Values) &&
		slices.EqualFunc(a.Currencies, b.Currencies, func(x, y uint64) bool { return x == y || event.CurrencyName(x) == "" && event.CurrencyName(y) == "" })
}
