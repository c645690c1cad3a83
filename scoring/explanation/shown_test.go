package explanation_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/scoring/explanation"
)

// TestAmountsAreShownWhole: an amount has the decimals that its currency has, and a
// large sum is not rounded up to a limit that it does not reach.
func TestAmountsAreShownWhole(t *testing.T) {
	schema, err := event.ParseSchema("schema.yaml", []byte(`
fields:
  id: {type: string, required: true}
  time: {type: timestamp, required: true}
  card: {type: string, entity: true}
  amount: {type: money, currency_from: currency, required: true}
  currency: {type: currency, required: true}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.LoadFS(fstest.MapFS{"a.yaml": {Data: []byte(`rules:
  - {id: one, when: tx.amount > 1.233, score: 1}
  - {id: sum, when: 'sum(card.last("1h"), .amount) >= 1000000', score: 1}
`)}}, "test", schema)
	if err != nil {
		t.Fatal(err)
	}
	core := scoring.New(schema, set, scoring.Options{})
	pay := func(body string) *event.Transaction {
		tx := new(event.Transaction)
		if err := event.NewDecoder(schema).Transaction(tx, []byte(body), start.UnixNano()); err != nil {
			t.Fatal(err)
		}
		return tx
	}
	at := start.Format(time.RFC3339)
	core.Decide([]scoring.Input{{Tx: pay(`{"id":"a","time":"` + at + `","card":"c","amount":999999.996,"currency":"BHD"}`)}}, 0)
	core.Decide([]scoring.Input{{Tx: pay(`{"id":"b","time":"` + at + `","card":"c","amount":0.001,"currency":"BHD"}`)}}, 0)
	e, err := explanation.Explain(explanation.Subject{Set: set, Store: core.Store(), Tx: pay(`{"id":"c","time":"` + at + `","card":"c","amount":1.234,"currency":"BHD"}`)})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, f := range e.Fields {
		told = append(told, f.Value)
	}
	for _, r := range e.Rules {
		for _, p := range r.Parts {
			for _, v := range p.Values {
				told = append(told, v.Value.Value)
			}
		}
	}
	if text := strings.Join(told, " "); text != "c 1.234 BHD 1.234 999999.997" {
		t.Error(text)
	}
}
