package history

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"sluice/scoring/event"
)

const storedSchema = `
base_currency: EUR
rates: rates.csv
fields:
  id:       {type: string}
  time:     {type: timestamp, unit: s}
  card:     {type: string, entity: true, secret: true}
  shop:     {type: integer, entity: true}
  device:   {type: string, entity: true}
  amount:   {type: money, currency_from: currency}
  currency: {type: currency}
  ratio:    {type: number}
  pin:      {type: string, secret: true}
`

// storedRow is a stored transaction as it was filed under an entity.
type storedRow struct {
	entity int
	key    event.Key
	row    []byte
}

// TestStoredAndRestored takes transactions from their messages into a store, and
// by way of their stored form into another.
func TestStoredAndRestored(t *testing.T) {
	schema, err := event.ParseSchema("schema.yaml", []byte(storedSchema), func(string) ([]byte, error) {
		return []byte("date,currency,rate\n2026-03-20,USD,0.93\n"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := event.NewStoredReader(schema, schema.StoredLayout())
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(4, 4))
	first := New(schema)
	var rows []storedRow
	decoder := event.NewDecoder(schema)
	for i := range 500 {
		msg := fmt.Appendf(nil, `{"id":"t%d","time":%d,"card":"c%d","shop":%d,"device":"%s","amount":%d.5,"currency":"%s","ratio":%g,"pin":"1"}`,
			i, 1774000000+r.IntN(86400), r.IntN(20), r.IntN(5), []string{"", "a", "ü"}[r.IntN(3)], r.IntN(1000), []string{"EUR", "USD"}[r.IntN(2)], r.NormFloat64())
		var tx event.Transaction
		if err := decoder.Transaction(&tx, msg, 1774000000e9+r.Int64N(86400e9)); err != nil {
			t.Fatal(err)
		}
		if _, added := first.Remember(&tx); !added {
			t.Fatalf("%s was not added", msg)
		}
		for e, key := range tx.Entities {
			if key != (event.Key{}) {
				rows = append(rows, storedRow{e, key, tx.AppendStored(nil)})
			}
		}
	}
	second := New(schema)
	second.SetOutside(true)
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	var tx event.Transaction
	for _, row := range rows {
		if _, err := reader.Read(row.row, &tx); err != nil {
			t.Fatal(err)
		}
		second.Restore(row.entity, row.key, &tx, "")
		second.Admit(row.entity, row.key)
	}
	if !bytes.Equal(first.AppendSet(nil), second.AppendSet(nil)) {
		t.Error("the sets differ")
	}
	if a, b := first.Stats(), second.Stats(); a.Transactions != b.Transactions || a.References != b.References {
		t.Errorf("%+v and %+v", a, b)
	}
}
