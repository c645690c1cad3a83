package rules

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"sluice/rules/lang"
	"sluice/rules/plan"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// payments makes n payments of one card, account, device, address and merchant,
// a second apart, and two more to decide, whose values share nothing.
func payments(tb testing.TB, schema *event.Schema, n int) (past, now []*event.Transaction) {
	tb.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	for i := range n + 2 {
		at := time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)
		message := fmt.Sprintf(`{"id":"t%d","time":%q,"type":"purchase","amount":%d.%02d,"currency":"EUR","account":"a","card":"c","device":"d",`+
			`"ip":"10.0.0.1","merchant":"m","mcc":"%04d","country":"%s","channel":"channel-%d","lat":%.4f,"lon":%.4f}`,
			i, at.Format(time.RFC3339), r.IntN(1000), r.IntN(100), r.IntN(10000), []string{"DE", "FR"}[r.IntN(2)], r.IntN(1000), 90*r.Float64(), 90*r.Float64())
		tx := new(event.Transaction)
		if err := event.NewDecoder(schema).Transaction(tx, []byte(message), at.UnixNano()); err != nil {
			tb.Fatal(err)
		}
		if i < n {
			past = append(past, tx)
		} else {
			now = append(now, tx)
		}
	}
	return past, now
}

func BenchmarkCost(b *testing.B) {
	schema, err := event.LoadSchema("../configs/schema.yaml")
	if err != nil {
		b.Fatal(err)
	}
	past, now := payments(b, schema, 1000)
	for _, c := range costly() {
		b.Run(c.name, func(b *testing.B) {
			when := c.when
			tree, faults := lang.Check(when, schema, nil)
			if tree == nil {
				b.Fatal(faults)
			}
			program, err := plan.Compile(schema, []plan.Condition{{Tree: tree, Source: when}}, nil)
			if err != nil {
				b.Fatal(err)
			}
			set := &Set{Rules: []Rule{{ID: "a", When: when}}, Schema: schema, Program: program}
			cost := program.Cost(0)
			store := history.New(schema)
			plan := program.Plan()
			store.Install(plan)
			for _, tx := range past {
				store.Remember(tx)
			}
			values, lists := make([]history.Value, len(plan.Queries)), make([]history.List, len(plan.Lists))
			e := set.NewEvaluator()
			var out Outcome
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				tx := now[i%2]
				store.Observe(tx, values, lists)
				e.Evaluate(tx, values, lists, &out)
			}
			b.ReportMetric(float64(cost.Steps), "steps")
			b.ReportMetric(float64(cost.Steps)/(float64(b.Elapsed().Nanoseconds())/float64(b.N)), "steps/ns")
			b.ReportMetric(float64(len(out.Fired)), "fired")
			b.ReportMetric(float64(len(out.Skipped)), "skipped")
		})
	}
}
