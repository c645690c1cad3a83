package stream

import (
	"errors"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/journal"
)

// TestDecidedWaitsForNoHistory: of what an earlier run decided behind its last cut
// nobody looks at the histories. It waits for what is known of its id alone, and
// the next payment of the same shop counts it beside what the journal has.
func TestDecidedWaitsForNoHistory(t *testing.T) {
	schema, err := event.ParseSchema("schema.yaml", []byte("fields: {id: {type: integer}, time: {type: timestamp}, shop: {type: string, entity: true}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.LoadFS(fstest.MapFS{"r.yaml": {Data: []byte("rules:\n  - {id: two, when: 'count(shop.last(\"30d\")) == 2', verdict: deny}\n")}}, "rules", schema)
	if err != nil {
		t.Fatal(err)
	}
	decoder := event.NewDecoder(schema)
	payment := func(id int) *event.Transaction {
		tx := new(event.Transaction)
		m := fmt.Sprintf(`{"id":%d,"time":"2026-01-01T00:%02d:00Z","shop":"m"}`, id, id)
		if err := decoder.Transaction(tx, []byte(m), 1); err != nil {
			t.Fatal(err)
		}
		tx.Arrive(tx.Time)
		return tx
	}
	fs := vfs.NewMem()
	j := openJournal(t, schema, fs)
	s := j.Segment()
	s.Decided(payment(1), rules.Allow, 0, true)
	if err := errors.Join(j.Write([]*journal.Segment{s}, journal.Progress{}), j.Close()); err != nil {
		t.Fatal(err)
	}
	j = openJournal(t, schema, fs)
	defer j.Close()
	core := scoring.New(schema, set, scoring.Options{Workers: 1})
	core.Store().SetOutside(true)
	core.Store().SetCut(1)
	p := newPrefetch(j, schema, core)
	p.unhold = func(*held) {}
	// bring reads what a payment needs, and counts the histories among it.
	bring := func(tx *event.Transaction) (histories int, h *held) {
		h = &held{}
		for p.need(tx, h); len(p.wants) > 0; {
			l := <-p.wants
			if err := p.once(l); err != nil {
				t.Fatal(err)
			}
			if l.entity >= 0 {
				histories++
			}
			p.arrived = append(p.arrived, l)
		}
		p.settle()
		return histories, h
	}
	decided, next := payment(2), payment(3)
	core.Restore(decided.IDKey, scoring.Earlier{Verdict: rules.Allow})
	if n, h := bring(decided); n != 0 || !h.decided || h.missing != 0 {
		t.Errorf("%d histories are read for what is decided, %d are missing", n, h.missing)
	}
	if d := core.Decide([]scoring.Input{{Tx: decided}}, 0); len(d) != 1 || d[0].Status != scoring.Repeat || !d[0].Taken {
		t.Errorf("what was decided is not put aside: %+v", d)
	}
	if core.Store().Resident(0, next.Entities[0]) {
		t.Error("what was put aside is taken for the history")
	}
	if d := core.Decide([]scoring.Input{{Tx: next}}, 0); len(d) != 0 {
		t.Error("decided without the history")
	}
	if n, h := bring(next); n != 1 || h.decided {
		t.Errorf("%d histories are read for what is to be decided", n)
	}
	if d := core.Decide([]scoring.Input{{Tx: next}}, 0); d[0].Outcome.Verdict != rules.Deny {
		t.Errorf("it does not count what is in the journal and what was put aside: %s", d[0].Record)
	}
}
