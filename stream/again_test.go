package stream

import (
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

// An id that comes again with another body, after the time that decided ids are
// kept, is a conflict, also where its payment left memory in the run that decided
// it. Decided once more, it would keep that payment from ever coming back.
func TestForgottenIDsAreInTheJournal(t *testing.T) {
	schema, err := event.ParseSchema("schema.yaml", []byte(simSchemaText), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.LoadFS(fstest.MapFS{"r.yaml": {Data: []byte(coldRules)}}, "cold", schema)
	if err != nil {
		t.Fatal(err)
	}
	c := &coldShop{t: t, schema: schema, set: set, keep: time.Hour, decoder: event.NewDecoder(schema), seen: func(*scoring.Decision) {}}
	c.open(t.TempDir(), 1<<20)
	defer c.close()
	pay := func(tx *event.Transaction, id, at int, entity string) {
		ms := int64(1_700_000_000_000) + int64(at)*coldStep.Milliseconds()
		msg := fmt.Sprintf(`{"id":"p%07d","time":%d,"shop":%q,"card":%q,"amount":"1.00"}`, id, ms, entity, entity)
		if err := c.decoder.Transaction(tx, []byte(msg), ms*1e6); err != nil {
			t.Fatal(err)
		}
	}
	const n, batch = 12_000, 250
	for next := 0; next < n; next += batch {
		txs := make([]event.Transaction, batch)
		for i := range txs {
			pay(&txs[i], next+i, next+i, "s")
		}
		c.decide(txs)
		c.cut()
	}
	again := make([]event.Transaction, 1)
	for id := range n {
		pay(&again[0], id, n, "another")
		if _, there := c.e.core.Store().Find(again[0].IDKey); !there {
			break
		}
	}
	c.bring(again)
	if d := c.e.core.Decide([]scoring.Input{{Tx: &again[0]}}, 0); d[0].Status != scoring.Conflict {
		t.Errorf("status %d, want that of a conflict", d[0].Status)
	}
}
