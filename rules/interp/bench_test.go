package interp_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"sluice/rules/interp"
	"sluice/rules/lang"
	"sluice/rules/rulestest"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// BenchmarkSlowRule runs a condition that no fast path knows on windows of 100
// and of 1,000 events. The transactions alternate, so that no value of the last
// run serves the next.
func BenchmarkSlowRule(b *testing.B) {
	const source = `streak(filter(card.last("1d"), .merchant != nil), .amount < 2 * tx.amount and .country == tx.country) >= 3
		and sum(card.last("1d"), .amount * .risk) > 100`
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := rulestest.NewSchema(event.TypeInteger, "EUR", "")
			tree, faults := lang.Check(source, s, nil)
			if tree == nil {
				b.Fatal(faults)
			}
			p, err := interp.Compile(s, tree, nil)
			if err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 1))
			lists := [2][]history.List{{fill(r, p, n)}, {fill(r, p, n)}}
			c := rulestest.Case{Schema: s, Now: rulestest.Event{Values: make([]event.Value, len(s.Fields))}}
			c.Now.Values[s.Field("amount")] = event.Value{Kind: event.Int, Bits: 500}
			c.Now.Values[s.Field("country")] = event.Value{Kind: event.String, Text: "DE"}
			tx := c.Transaction(&c.Now)
			m := new(interp.Machine)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, _, err := p.Run(m, tx, lists[i%2]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// fill makes a list of n events for the only window of p.
func fill(r *rand.Rand, p *interp.Program, n int) history.List {
	list := history.List{N: n, Currencies: make([]uint64, n)}
	q := p.Lists()[0]
	s := rulestest.NewSchema(event.TypeInteger, "EUR", "")
	c := rulestest.Case{Schema: s}
	for range n {
		e := rulestest.Event{Values: make([]event.Value, len(s.Fields))}
		e.Values[s.Field("amount")] = event.Value{Kind: event.Int, Bits: r.Uint64N(100_000)}
		e.Values[s.Field("merchant")] = event.Value{Kind: event.String, Text: fmt.Sprint("m", r.IntN(1000))}
		e.Values[s.Field("country")] = event.Value{Kind: event.String, Text: []string{"DE", "FR"}[r.IntN(2)]}
		c.Now = e
		for _, column := range q.Columns {
			list.Values = append(list.Values, c.Tx(column))
		}
	}
	return list
}

// BenchmarkCompile compiles the two programs of a condition.
func BenchmarkCompile(b *testing.B) {
	s := rulestest.NewSchema(event.TypeInteger, "EUR", "")
	tree, faults := lang.Check(`count(card.last("10m"), .amount < 5) >= 4 and distinct(map(card.last("10m"), .merchant)) >= 3`, s, nil)
	if tree == nil {
		b.Fatal(faults)
	}
	for b.Loop() {
		if _, err := interp.Compile(s, tree, nil); err != nil {
			b.Fatal(err)
		}
	}
}
