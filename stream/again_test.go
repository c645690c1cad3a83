package stream

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

// An id that comes again with another body, after the time that decided ids are
// kept, is a conflict, also where its payment left memory in the run that decided
// it. Decided once more, it would keep that payment from ever coming back.
func TestForgottenIDsAreInTheJournal(t *testing.T) {
	schema, sets := coldSets(t, coldRules)
	c := newColdShop(t, schema, sets[0])
	c.keep = time.Hour
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

// What the verdicts topic says of an id goes to the journal with its transaction,
// also where the id is forgotten at the end of the very batch.
func TestForgottenInItsBatch(t *testing.T) {
	schema, sets := coldSets(t, coldRules)
	c := newColdShop(t, schema, sets[0])
	c.most = 2
	c.open(t.TempDir(), 1<<20)
	defer c.close()
	const ms = int64(1_700_000_000_000)
	txs := make([]event.Transaction, 3)
	for i := range txs {
		msg := fmt.Sprintf(`{"id":"p%d","time":%d,"shop":"s","card":"c","amount":"1.00"}`, i, ms)
		if err := c.decoder.Transaction(&txs[i], []byte(msg), ms*1e6); err != nil {
			t.Fatal(err)
		}
	}
	c.e.core.Restore(txs[0].IDKey, scoring.Earlier{Verdict: rules.Deny, Score: 7, Arrival: ms*1e6 - 1e9, Partition: 0, Offset: 9})
	c.decide(txs)
	c.cut()
	c.cut()
	d, ok, err := c.journal.Find(txs[0].AppendIDValue(nil))
	if err != nil || !ok || d.Verdict != rules.Deny || d.Score != 7 || d.Arrival != ms*1e6-1e9 || d.Offset != 9 || !d.Taken {
		t.Errorf("the journal knows %+v %v %v", d, ok, err)
	}
}

// A repeat whose id is forgotten while it waits for the verdict has no place, not
// the first one of the first partition: whoever answers looks it up.
func TestForgottenWhileWaiting(t *testing.T) {
	schema, sets := coldSets(t, coldRules)
	e := newEngine(scoring.New(schema, sets[0], scoring.Options{}), 0, 1, slog.New(slog.DiscardHandler))
	e.out = &outputs{verdicts: &echo[token]{}}
	id, c := event.HashKey([]byte("1")), &call{open: new(atomic.Int64), done: make(chan struct{})}
	e.waiting[id] = []token{{id: id, call: c}}
	e.release()
	if !c.again || !c.ended.Load() || c.place.offset >= 0 {
		t.Errorf("a repeat: %v, ended: %v, at %d/%d", c.again, c.ended.Load(), c.place.partition, c.place.offset)
	}
}
