package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/journal"
)

// TestReadFails: a journal that can't be read for a while is not an empty one.
// Who needs it waits, somebody is told, and what was read in the end is whole.
func TestReadFails(t *testing.T) {
	schema, err := event.ParseSchema("schema.yaml", []byte("fields: {id: {type: integer}, time: {type: timestamp}, card: {type: string, entity: true}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var broken atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsRead && strings.HasSuffix(op.Path, ".sst") {
			return syscall.EIO
		}
		return nil
	}))
	j := openJournal(t, schema, fs)
	var tx event.Transaction
	if err := event.NewDecoder(schema).Transaction(&tx, []byte(`{"id":1,"time":"2026-01-01T00:00:00Z","card":"c"}`), 1); err != nil {
		t.Fatal(err)
	}
	s := j.Segment()
	s.Decided(&tx, rules.Allow, 0, true)
	if err := errors.Join(j.Write([]*journal.Segment{s}, journal.Progress{}), j.Close()); err != nil {
		t.Fatal(err)
	}

	j = openJournal(t, schema, fs)
	broken.Store(true)
	var mu sync.Mutex
	var troubles []error
	trouble := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		troubles = append(troubles, err)
	}
	arrived := make(chan *load, 1)
	p := &prefetch{journal: j, wants: make(chan *load, 1), bound: readAtOnce}
	p.later = func(f func()) {
		f()
		arrived <- p.arrived[0]
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.runAll(ctx, trouble) }()
	l := &load{want: want{0, tx.Entities[0], whole}}
	l.value, _ = tx.AppendEntityValue(nil, 0)
	l.begin()
	p.wants <- l
	for told := 0; told < 3; time.Sleep(time.Millisecond) {
		mu.Lock()
		told = len(troubles)
		mu.Unlock()
		select {
		case <-arrived:
			t.Fatal("a past that could not be read has arrived")
		case err := <-ended:
			t.Fatalf("the loaders have ended: %v", err)
		default:
		}
	}
	broken.Store(false)
	if l = <-arrived; len(l.pasts.rows) != 1 {
		t.Errorf("%d rows have arrived, not 1", len(l.pasts.rows))
	}
	cancel()
	if err := errors.Join(<-ended, j.Close()); err != nil {
		t.Error(err)
	}
	last := len(troubles) - 1
	if troubles[last] != nil || !errors.Is(troubles[last-1], ErrJournalUnread) || !errors.Is(troubles[last-1], syscall.EIO) {
		t.Errorf("told of %v", troubles)
	}
}

// TestNothingLeavesWhileRead: what changes after a reading began is not in what
// comes of it. A label of then must not leave memory with the only history that
// was there, or the one that is being read counts a fraud too few.
func TestNothingLeavesWhileRead(t *testing.T) {
	schema, err := event.ParseSchema("schema.yaml", []byte("fields: {id: {type: integer}, time: {type: timestamp}, card: {type: string, entity: true}, shop: {type: string, entity: true}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.LoadFS(fstest.MapFS{"r.yaml": {Data: []byte("rules:\n  - {id: bad-shop, when: 'count(shop.last(\"30d\"), .fraud) >= 1', verdict: deny}\n")}}, "rules", schema)
	if err != nil {
		t.Fatal(err)
	}
	decoder := event.NewDecoder(schema)
	payment := func(id int, minute int, card, shop string) *event.Transaction {
		tx := new(event.Transaction)
		m := fmt.Sprintf(`{"id":%d,"time":"2026-01-01T00:%02d:00Z","card":%q,"shop":%q}`, id, minute, card, shop)
		if err := decoder.Transaction(tx, []byte(m), 1); err != nil {
			t.Fatal(err)
		}
		tx.Arrive(tx.Time)
		return tx
	}
	first := payment(1, 0, "a", "m")
	fs := vfs.NewMem()
	j := openJournal(t, schema, fs)
	s := j.Segment()
	s.Decided(first, rules.Allow, 0, true)
	if err := errors.Join(j.Write([]*journal.Segment{s}, journal.Progress{}), j.Close()); err != nil {
		t.Fatal(err)
	}
	j = openJournal(t, schema, fs)
	defer j.Close()
	core := scoring.New(schema, set, scoring.Options{Workers: 1})
	store := core.Store()
	store.SetOutside(true)
	store.SetCut(2)
	p := newPrefetch(j, schema, core)
	p.unhold = func(*held) {}
	p.durable.Store(1)
	// prepare reads what a payment needs, and keeps back what is read of its shop.
	prepare := func(tx *event.Transaction) (shop *load) {
		for p.need(tx, &held{}); len(p.wants) > 0; {
			l := <-p.wants
			if err := p.once(l); err != nil {
				t.Fatal(err)
			}
			if l.entity == 1 && l.key == first.Entities[1] {
				shop = l
				continue
			}
			p.arrived = append(p.arrived, l)
		}
		p.settle()
		return shop
	}
	another := payment(2, 2, "b", "m")
	shop := prepare(another) // what is read does not know of the label
	prepare(payment(3, 3, "a", "x"))
	core.Label(&event.Label{IDKey: first.IDKey, Time: first.Time, Fraud: true})
	p.durable.Store(2) // so is the cut with the label
	store.SetCut(3)
	for range 100 {
		store.Evict(p.floor())
	}
	p.arrived = append(p.arrived, shop)
	p.settle()
	if d := core.Decide([]scoring.Input{{Tx: another}}, 0); d[0].Outcome.Verdict != rules.Deny {
		t.Errorf("the shop's fraud is not counted: %s", d[0].Record)
	}
	for range 1200 { // each goes round a part of the tables
		store.Evict(p.floor())
	}
	if store.Departures() == 0 {
		t.Error("nothing leaves memory when all is read")
	}
}

func openJournal(t *testing.T, schema *event.Schema, fs vfs.FS) *journal.Journal {
	t.Helper()
	j, err := journal.Open(journal.Options{Dir: "/j", Schema: schema, FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	return j
}
