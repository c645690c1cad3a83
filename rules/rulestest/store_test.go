package rulestest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sluice/rules/interp/naive"
	"sluice/rules/lang"
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
			{From: time.Minute},
			{From: 10 * time.Minute},
			{From: 24 * time.Hour},
			{From: Retention},
			{From: time.Hour, To: 10 * time.Minute},
			{Newest: 1},
			{Newest: 3},
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

// TestStoreAggregatesTheSame holds the values of package history against the
// naive evaluator, bit by bit.
func TestStoreAggregatesTheSame(t *testing.T) {
	aggregates := map[string]history.Agg{
		"sum": history.Sum, "mean": history.Mean, "min": history.Min, "max": history.Max, "median": history.Median,
		"distinct": history.Distinct, "first": history.First, "last": history.Last,
	}
	fields := []string{"amount", "fee", "amount_minor", "items", "risk"}
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(11, seed))
		c := Case{Schema: schema(r)}
		c.events(r)
		plan := &history.Plan{Retention: Retention}
		var parts []*lang.Node
		for name, agg := range aggregates {
			for _, field := range fields {
				source := fmt.Sprintf("%s(map(card.last(\"1d\"), .%s)) == nil", name, field)
				tree, faults := lang.Check(source, c.Schema, nil)
				if tree == nil {
					t.Fatal(source, faults)
				}
				part := tree.Args[0]
				column := part.Args[len(part.Args)-1]
				if len(part.Args) == 1 { // first(map(…))
					column = part.Args[0].Args[1]
				}
				parts = append(parts, part)
				plan.Queries = append(plan.Queries, history.Query{
					Entity: 0, Span: history.Span{From: 24 * time.Hour}, Agg: agg, Column: column.Column,
				})
			}
		}
		store := history.New(c.Schema)
		store.Install(plan)
		c.Remember(store)
		values := make([]history.Value, len(plan.Queries))
		store.Observe(c.Transaction(&c.Now), values, nil)
		in := naive.Input{Schema: c.Schema, Tx: c.Tx, Window: c.List}
		for i, part := range parts {
			if want := naive.Value(in, part); values[i].Value != want {
				t.Errorf("seed %d: %s\ngot  %+v\nwant %+v", seed, lang.Text(part, c.Schema), values[i], want)
			}
		}
		if t.Failed() {
			return
		}
	}
}
