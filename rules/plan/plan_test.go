package plan

import (
	"testing"
	"time"

	"sluice/rules/lang"
	"sluice/scoring/event"
)

// handbook is a small schema: two entities, an amount in one currency.
func handbook(tb testing.TB) *event.Schema {
	tb.Helper()
	return &event.Schema{
		Fields: []event.Field{
			{Name: "id", Type: event.TypeInteger, Required: true, CurrencyFrom: -1, EntityIndex: -1},
			{Name: "time", Type: event.TypeTimestamp, Required: true, CurrencyFrom: -1, EntityIndex: -1},
			{Name: "customer", Type: event.TypeString, Entity: true, CurrencyFrom: -1, EntityIndex: 0},
			{Name: "terminal", Type: event.TypeString, Entity: true, CurrencyFrom: -1, EntityIndex: 1},
			{Name: "amount", Type: event.TypeMoney, Currency: "EUR", CurrencyFrom: -1, Scale: 2, EntityIndex: -1},
		},
		Entities: []int{2, 3},
		Time:     1,
		Key:      2,
		Zone:     time.UTC,
	}
}

// blank makes a transaction that says nothing.
func blank(s *event.Schema) *event.Transaction {
	tx := &event.Transaction{
		Schema:   s,
		Words:    make([]uint64, len(s.Fields)),
		Hashes:   make([]uint64, len(s.Fields)),
		Entities: make([]event.Key, len(s.Entities)),
	}
	for i := range tx.Words {
		tx.Words[i], tx.Hashes[i] = event.Missing, event.Missing
	}
	return tx
}

// compileAll compiles conditions that must be right.
func compileAll(tb testing.TB, s *event.Schema, lists lang.Lists, sources ...string) *Program {
	tb.Helper()
	var conditions []Condition
	for _, source := range sources {
		tree, faults := lang.Check(source, s, lists)
		if len(faults) > 0 {
			tb.Fatalf("%s: %v", source, faults)
		}
		conditions = append(conditions, Condition{Tree: tree, Source: source})
	}
	p, err := Compile(s, conditions, lists)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}
