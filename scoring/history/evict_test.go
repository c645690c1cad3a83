package history

import (
	"testing"

	"sluice/scoring/event"
)

// outside makes a store of which histories may lie outside of memory.
func outside(o options) (*Store, maker) {
	m := maker{testSchema(false, false)}
	s := newStore(m.schema, o)
	s.SetOutside(true)
	s.SetCut(1)
	return s, m
}

// evictAll goes round all histories, more than once.
func evictAll(s *Store, upTo uint32) (n int) {
	for range 5 * len(s.kinds) * shards {
		n += s.Evict(upTo)
	}
	return n
}

var cardKey = event.HashKey([]byte("c"))

func TestWhatIsTouchedStays(t *testing.T) {
	label := &event.Label{IDKey: idKeyOf(1), Time: 5, Fraud: true}
	for name, touch := range map[string]func(s *Store, m maker){
		"observed":   func(s *Store, m maker) { s.Observe(one(m, 7, 1e18+9), make([]Value, 1), nil) },
		"remembered": func(s *Store, m maker) { s.Remember(one(m, 7, 1e18+9)) },
		"labelled":   func(s *Store, _ maker) { s.Label(label) },
		"labelled again": func(s *Store, _ maker) {
			s.Label(&event.Label{IDKey: idKeyOf(2), Time: 6, Fraud: true})
		},
		"judged":   func(s *Store, _ maker) { s.SetVerdict(idKeyOf(1), "deny") },
		"admitted": func(s *Store, _ maker) { s.Admit(0, cardKey) },
	} {
		s, m := outside(tiny())
		s.Install(&Plan{Queries: []Query{{Span: spans[1], Agg: Count}}, Retention: minRetention})
		s.Admit(0, cardKey)
		s.Remember(one(m, 1, 1e18))
		s.Remember(one(m, 2, 1e18))
		s.Label(&event.Label{IDKey: idKeyOf(2), Time: 5, Fraud: true})
		s.SetCut(2)
		touch(s, m)
		if evictAll(s, 1); !s.Resident(0, cardKey) {
			t.Errorf("what was %s after the cut left", name)
		}
		if n := evictAll(s, 2); n != 1 || s.Resident(0, cardKey) {
			t.Errorf("what was %s in the cut stays", name)
		}
	}
}

func TestEvictGivesBackAll(t *testing.T) {
	for _, o := range []options{defaults(), tiny()} {
		s, m := outside(o)
		shopKey := event.HashKey([]byte("s"))
		other := event.HashKey([]byte("other"))
		for e, key := range []event.Key{cardKey, shopKey} {
			s.Admit(e, key)
		}
		s.Admit(0, other)
		for i := range int64(3000) {
			tx := one(m, i, 1e18+i)
			m.text(tx, fShop, "s")
			s.Remember(tx)
			s.Label(&event.Label{IDKey: tx.IDKey, Time: tx.Time})
		}
		full := s.Stats()
		s.SetCut(2)
		s.Observe(probe(m), nil, nil) // asks nothing, and finds nothing
		s.Evict(0)
		if got := s.Stats(); got.References != full.References {
			t.Fatalf("%+v, want %+v", got, full)
		}
		s.Admit(1, shopKey) // as if touched
		for range 5000 {
			s.Evict(1)
		}
		if got := s.Stats(); got.Transactions != 3000 || got.References != 3000 || got.Entities[0] != 0 || got.Entities[1] != 1 {
			t.Errorf("left over: %+v", got)
		}
		for range 5000 {
			s.Evict(2)
		}
		got := s.Stats()
		if got.Transactions != 0 || got.References != 0 || got.Entities[1] != 0 || len(s.gone) != 0 {
			t.Errorf("left over: %+v", got)
		}
		if full.Used < full.Bytes/4 || got.Used > full.Used/10 || got.Used > got.Bytes || got.Bytes >= full.Bytes {
			t.Errorf("%d of %d bytes are used of what was %d of %d", got.Used, got.Bytes, full.Used, full.Bytes)
		}
		for _, h := range s.hots {
			if h != nil {
				t.Error("a tree is left over")
			}
		}
	}
}

func probe(m maker) *event.Transaction { return one(m, 1e6, 2e18) }

// A large history leaves at once, its memory bit by bit.
func TestEvictInPieces(t *testing.T) {
	s, m := outside(tiny())
	s.Admit(0, cardKey)
	for i := range int64(1000) {
		s.Remember(one(m, i, 1e18+i))
	}
	calls := 0
	for ; s.Resident(0, cardKey); calls++ {
		s.Evict(1)
	}
	if n := s.Stats().References; n < 1000-2*s.options.sweep || n == 1000 {
		t.Fatalf("%d are left after the first piece", n)
	}
	s.Admit(0, cardKey) // and is back before it is gone
	s.Restore(0, cardKey, one(m, 999, 1e18+999), "")
	for range 5000 {
		s.Evict(0)
	}
	if got := s.Stats(); got.References != 1 || got.Transactions != 1 {
		t.Errorf("left over: %+v", got)
	}
}

func TestRestoreKeepsWhatIsKnown(t *testing.T) {
	s, m := outside(defaults())
	tx := one(m, 1, 1e18)
	m.text(tx, fShop, "s")
	s.Admit(0, cardKey)
	s.Remember(tx)
	s.SetVerdict(tx.IDKey, "deny")
	shopKey := tx.Entities[1]
	s.Restore(1, shopKey, tx, "allow")
	if n := s.Stats(); n.Transactions != 1 || n.References != 2 {
		t.Errorf("%+v: the row is not shared", n)
	}
	if row := s.ids.find(tx.IDKey); verdictOf(s.rows.at(row)) != 3 {
		t.Error("the verdict in memory went")
	}
	other := one(m, 2, 1e18)
	m.text(other, fShop, "not s")
	s.Restore(1, shopKey, other, "")
	s.Restore(1, shopKey, one(m, 3, 1e18), "")
	s.Restore(1, event.Key{}, one(m, 3, 1e18), "")
	s.Admit(1, event.Key{})
	s.Restore(0, cardKey, one(m, 4, 1e18-1-int64(minRetention)), "")
	if n := s.Stats(); n.References != 2 || n.Entities[1] != 1 {
		t.Errorf("%+v: what belongs to others or is too old was restored", n)
	}
}

// A label may be there before its transaction, and that before any of its
// histories.
func TestLabelsBeforeTheirRows(t *testing.T) {
	s, m := outside(defaults())
	tx := one(m, 1, 1e18)
	s.Label(&event.Label{IDKey: tx.IDKey, Time: 1e18 + 7, Fraud: true})
	if ref, added := s.Remember(tx); !added || ref == 0 || s.Resident(0, cardKey) {
		t.Error("a transaction of a history that is not resident was not put aside for it")
	}
	s.RestoreLabel(tx.IDKey, 1e18+9, false)
	s.RestoreLabel(idKeyOf(2), 9, true) // of the past
	s.Restore(0, cardKey, tx, "")
	s.Admit(0, cardKey)
	r := s.rows.at(s.ids.find(tx.IDKey))
	if labelCount(r) != 2 || !s.fraudAt(r, 1e18+8) || s.fraudAt(r, 1e18+9) {
		t.Errorf("%d labels", labelCount(r))
	}
	if n := s.Stats().WaitingLabels; n != 0 || len(s.loose) != 0 {
		t.Errorf("%d labels wait, %d are loose", n, len(s.loose))
	}
}

// What comes once more while its history is being loaded, and has left that again
// meanwhile, is in it once.
func TestRememberedAgainWhileLoaded(t *testing.T) {
	s, m := outside(tiny())
	s.Install(&Plan{Queries: []Query{{Span: spans[len(spans)-1], Agg: Count}}, Retention: minRetention})
	const n = 40
	restore := func() {
		for i := range int64(n) {
			s.Restore(0, cardKey, one(m, i, 1e18+i), "")
		}
	}
	restore()
	s.SetCut(2)
	evictAll(s, 1)
	away := s.Stats().EntriesAway
	if away == 0 || s.Resident(0, cardKey) {
		t.Fatalf("%d entries have left", away)
	}
	for i := range int64(n) {
		s.Remember(one(m, i, 1e18+i))
	}
	if got := s.Stats(); got.References != n || got.EntriesAway != 0 {
		t.Errorf("%d are held and %d away, want %d and none", got.References, got.EntriesAway, n)
	}
	restore()
	s.Admit(0, cardKey)
	values := make([]Value, 1)
	if whole := s.Observe(one(m, n, 1e18+n), values, nil); !whole || values[0].Bits != n {
		t.Errorf("%d are counted, want %d; all is there: %v", values[0].Bits, n, whole)
	}
}

// A label of a payment of which only a history that has left holds a row, until its
// memory is given back, is one that waits: the row may be back before the journal
// has the label.
func TestLabelOfWhatIsBeingGivenBack(t *testing.T) {
	s, m := outside(tiny())
	const n = 200
	s.Admit(0, cardKey)
	for i := range int64(n) {
		s.Remember(one(m, i, 1e18+i))
	}
	s.SetCut(2)
	for s.Resident(0, cardKey) {
		s.Evict(1)
	}
	last := idKeyOf(n - 1)
	if !s.Label(&event.Label{IDKey: last, Time: 1e18 + n, Fraud: true}) {
		t.Fatal("all was given back at once")
	}
	evictAll(s, 1)
	for i := range int64(n) {
		s.Restore(0, cardKey, one(m, i, 1e18+i), "")
	}
	s.Admit(0, cardKey)
	if r := s.rows.at(s.ids.find(last)); labelCount(r) != 1 {
		t.Errorf("%d labels, want 1", labelCount(r))
	}
	if n := s.Stats().WaitingLabels; n != 0 {
		t.Errorf("%d labels wait", n)
	}
}

// A label goes on waiting for a payment that comes back for a history which does
// not want it any more: another one does.
func TestLabelOfWhatNobodyWants(t *testing.T) {
	s, m := outside(tiny())
	const n = 40
	s.Admit(0, cardKey)
	for i := range int64(n) {
		s.Remember(one(m, i, 1e18+i))
	}
	s.SetCut(2)
	s.Ease(0, cardKey, 1)
	old := one(m, n, 1e18-int64(minRetention))
	m.text(old, fShop, "s")
	s.Label(&event.Label{IDKey: old.IDKey, Time: 1e18, Fraud: true})
	s.Restore(0, cardKey, old, "")
	if _, held := s.Find(old.IDKey); held || s.Stats().EntriesAway == 0 {
		t.Fatalf("it is held: %v; %d are away", held, s.Stats().EntriesAway)
	}
	s.Restore(1, old.Entities[1], old, "")
	if r := s.rows.at(s.ids.find(old.IDKey)); !s.fraudAt(r, 1e18) || s.Stats().WaitingLabels != 0 {
		t.Errorf("%d labels, and %d wait", labelCount(r), s.Stats().WaitingLabels)
	}
}

// What was just admitted is there until it was asked about, past or not.
func TestReclaimSparesTheAdmitted(t *testing.T) {
	s, m := outside(defaults())
	s.Restore(0, cardKey, one(m, 1, 1e18), "")
	reclaim := func() {
		for range 3000 {
			s.Reclaim(1e18 + 3*int64(minRetention))
		}
	}
	reclaim()
	s.Restore(0, cardKey, one(m, 2, 1e18), "")
	if n := s.Stats().References; n != 2 {
		t.Fatalf("%d are held, want both shares", n)
	}
	s.Admit(0, cardKey)
	if reclaim(); !s.Resident(0, cardKey) {
		t.Error("an entity went before it was asked about")
	}
	s.SetCut(2)
	if reclaim(); s.Resident(0, cardKey) {
		t.Error("an entity of the past stays")
	}
	s.Admit(0, cardKey) // and nothing was restored
	s.SetCut(3)
	if reclaim(); s.Resident(0, cardKey) || s.Stats().Entities[0] != 0 {
		t.Error("an empty history stays")
	}
}

// A field that the schema came to require is missing in what was stored before.
func TestRequiredFieldsMayBeMissing(t *testing.T) {
	m := maker{testSchema(false, false)}
	m.schema.Fields[fItems].Required = true
	s := New(m.schema)
	s.SetOutside(true)
	s.Install(&Plan{Queries: []Query{{Span: spans[4], Agg: Mean, Column: items}, {Span: spans[4], Agg: Sum, Column: items}}, Retention: minRetention})
	s.Admit(0, cardKey)
	for id := range int64(3) {
		tx := one(m, id, 1e18)
		tx.Words[fItems] = 6
		s.Remember(tx)
	}
	s.Restore(0, cardKey, one(m, 3, 1e18), "")
	values := make([]Value, 2)
	s.Observe(one(m, 9, 1e18), values, nil)
	if plain(values[0]) != 6 || plain(values[1]) != 18 {
		t.Errorf("mean %v, sum %v", values[0], values[1])
	}
}

// A verdict that comes while no plan looks at verdicts is seen by the next one
// that does.
func TestVerdictsBetweenPlans(t *testing.T) {
	m := maker{testSchema(false, false)}
	s := New(m.schema)
	deny := predicates()[6]
	asks := &Plan{Queries: []Query{{Span: spans[4], Agg: Count, Filter: &deny.Filter}}, Retention: minRetention}
	s.Install(asks)
	s.Remember(one(m, 1, 1e18))
	s.Install(&Plan{Retention: minRetention})
	s.SetVerdict(idKeyOf(1), "deny")
	s.Install(asks)
	values := make([]Value, 1)
	if s.Observe(one(m, 9, 1e18), values, nil); values[0].Bits != 1 {
		t.Error("the verdict is not seen")
	}
}
