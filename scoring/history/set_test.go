package history

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"sluice/scoring/event"
)

// happening is something that a store is told.
type happening struct {
	tx    *event.Transaction
	label *event.Label
}

// life makes transactions and labels over nearly twice the retention, so that
// some expire, and probes that ask afterwards.
func life(r *rand.Rand, m maker) (all []happening, ids []int64, probes []*event.Transaction) {
	start := int64(1e18) / tick * tick
	span := 2*int64(minRetention)/tick - 10
	for i := range int64(300) {
		t := start + r.Int64N(span)*tick
		if r.IntN(2) == 0 {
			t = start + (span-r.Int64N(30))*tick
		}
		all = append(all, happening{tx: m.random(r, i, t, 4, 3)})
		ids = append(ids, i)
		for range r.IntN(3) {
			all = append(all, happening{label: &event.Label{IDKey: idKeyOf(i), Time: t + r.Int64N(5)*tick, Fraud: r.IntN(2) == 0}})
		}
	}
	for i := range int64(10) {
		probes = append(probes, m.random(r, 1000+i, start+(span-i)*tick, 4, 3))
	}
	return all, ids, probes
}

// outcome is what a life ends in: the set, and the answers to the probes.
func outcome(s *Store, plan *Plan, all []happening, ids []int64, probes []*event.Transaction) ([]byte, string) {
	for _, h := range all {
		if h.tx != nil {
			s.Remember(h.tx)
		} else {
			s.Label(h.label)
		}
	}
	for i, id := range ids {
		s.SetVerdict(idKeyOf(id), verdictNames[1+i%3])
	}
	values, lists := make([]Value, len(plan.Queries)), make([]List, len(plan.Lists))
	var said []byte
	for _, tx := range probes {
		s.Observe(tx, values, lists)
		said = fmt.Appendf(said, "%v %v\n", values, lists)
	}
	return s.AppendSet(nil), string(said)
}

func TestOrderAndDuplicatesChangeNothing(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		m := maker{testSchema(r.IntN(2) == 0, r.IntN(2) == 0)}
		all, ids, probes := life(r, m)
		plan, _ := randomPlan(r, minRetention)
		o := defaults()
		if r.IntN(2) == 0 {
			o = tiny()
		}
		first := newStore(m.schema, o)
		first.Install(plan)
		set, said := outcome(first, plan, all, ids, probes)
		for range 4 {
			again := append([]happening{}, all...)
			for range r.IntN(100) {
				again = append(again, all[r.IntN(len(all))])
			}
			r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
			s := newStore(m.schema, o)
			if r.IntN(2) == 0 { // or later, so that all columns are filled in afterwards
				s.Install(plan)
			}
			set2, said2 := outcomeLate(s, plan, again, ids, probes)
			if !bytes.Equal(set, set2) {
				t.Fatalf("seed %d: another order, another set", seed)
			}
			if said != said2 {
				t.Fatalf("seed %d: another order, other answers", seed)
			}
		}
	}
}

func outcomeLate(s *Store, plan *Plan, all []happening, ids []int64, probes []*event.Transaction) ([]byte, string) {
	outcome(s, &Plan{}, all, ids, nil)
	s.Install(plan)
	return outcome(s, plan, nil, nil, probes)
}

func TestSetDiffers(t *testing.T) {
	m := maker{testSchema(false, false)}
	make3 := func(change func(s *Store)) []byte {
		r := rand.New(rand.NewPCG(3, 3))
		s := New(m.schema)
		for i := range int64(3) {
			s.Remember(m.random(r, i, 1e18+i*tick, 1, 1))
		}
		change(s)
		return s.AppendSet(nil)
	}
	base := make3(func(*Store) {})
	for name, change := range map[string]func(s *Store){
		"verdict": func(s *Store) { s.SetVerdict(idKeyOf(1), "deny") },
		"label":   func(s *Store) { s.Label(&event.Label{IDKey: idKeyOf(1), Time: 5, Fraud: true}) },
		"event":   func(s *Store) { s.Remember(m.random(rand.New(rand.NewPCG(1, 1)), 9, 1e18, 1, 1)) },
	} {
		if bytes.Equal(base, make3(change)) {
			t.Errorf("the dump does not tell of another %s", name)
		}
	}
	if !bytes.Equal(base, make3(func(*Store) {})) {
		t.Error("the same set has two dumps")
	}
}

// one makes a transaction of card "c" alone.
func one(m maker, id, t int64) *event.Transaction {
	tx := m.tx(id, t)
	m.text(tx, fCard, "c")
	return tx
}

func TestExpiryEdges(t *testing.T) {
	for _, o := range []options{defaults(), {hotAt: 1, leafMax: 2, fan: 2, exact: 5, few: 5, asked: 100, scan: 100, waiting: 10, sweep: 10}} {
		m := maker{testSchema(false, false)}
		s := newStore(m.schema, o)
		ret := int64(minRetention)
		base := int64(1e18)
		has := func(id int64) bool {
			_, ok := s.Find(idKeyOf(id))
			return ok
		}
		for id := int64(1); id <= 5; id++ {
			s.Remember(one(m, id, base+id-1))
		}
		s.Remember(one(m, 10, base+ret))
		if !has(1) {
			t.Error("an event exactly as old as the retention is gone")
		}
		s.Remember(one(m, 11, base+ret+2))
		if has(1) || has(2) || !has(3) {
			t.Errorf("kept %v %v %v, want only the third", has(1), has(2), has(3))
		}
		old := one(m, 12, base+1)
		if _, added := s.Remember(old); added {
			t.Error("an event older than the history reaches was added")
		}
		old = one(m, 12, base+2)
		if _, added := s.Remember(old); !added {
			t.Error("an event at the edge of the history was refused")
		}
		late := one(m, 13, base)
		late.Arrival = base + ret + 1
		m.text(late, fShop, "s")
		if _, added := s.Remember(late); added {
			t.Error("a late event was added")
		}
		late.Arrival--
		if _, added := s.Remember(late); !added {
			t.Error("an event at the edge of being late was refused")
		}
		if got := s.Stats(); got.References != 7 || got.Transactions != 7 {
			t.Errorf("%+v, want 7 of each", got)
		}
	}
}

// An id that nobody sees any more is free again, whether or not its memory was
// given back.
func TestForgottenIDs(t *testing.T) {
	for _, sweeps := range []int{0, 3000} {
		m := maker{testSchema(false, false)}
		s := New(m.schema)
		base := int64(1e18)
		s.Remember(one(m, 1, base))
		again := one(m, 1, base+2*int64(minRetention))
		if _, added := s.Remember(again); added {
			t.Error("an id within twice the retention was taken again")
		}
		for range sweeps {
			s.Reclaim(again.Time + 1)
		}
		again = one(m, 1, again.Time+1)
		m.text(again, fCard, "other")
		ref, added := s.Remember(again)
		if !added {
			t.Errorf("%d sweeps: an id that nobody sees any more was refused", sweeps)
		}
		s.Remember(one(m, 2, again.Time)) // lets the first row go
		if got, ok := s.Find(idKeyOf(1)); !ok || got != ref {
			t.Error("the id was lost with the earlier row")
		}
	}
}

func TestReclaimGivesBackAll(t *testing.T) {
	for _, o := range []options{defaults(), tiny()} {
		m := maker{testSchema(true, false)}
		r := rand.New(rand.NewPCG(5, 5))
		s := newStore(m.schema, o)
		plan, _ := randomPlan(r, minRetention)
		s.Install(plan)
		base := int64(1e18)
		for i := range int64(30000) {
			tx := m.random(r, i, base+i*int64(time.Second), 300, 5)
			s.Remember(tx)
			s.Label(&event.Label{IDKey: tx.IDKey, Time: tx.Time, Fraud: true})
		}
		full := s.Stats()
		end := base + 29980*int64(time.Second) // cards and shops of the last 20 seconds are certain to be there
		for range 5000 {
			s.Reclaim(end + 2*int64(minRetention))
		}
		if got := s.Stats(); got.References == 0 {
			t.Fatal("what is still seen was given back")
		}
		for range 5000 {
			s.Reclaim(end + 2*int64(minRetention) + int64(time.Minute))
		}
		got := s.Stats()
		if got.Transactions != 0 || got.References != 0 || got.Entities[0] != 0 || got.Entities[1] != 0 {
			t.Errorf("left over: %+v", got)
		}
		for i := range s.ids.parts {
			if n := s.ids.parts[i].used; n != 0 {
				t.Fatalf("%d ids are left over", n)
			}
		}
		if got.Bytes > full.Bytes/3 {
			t.Errorf("%d of %d bytes are still taken", got.Bytes, full.Bytes)
		}
	}
}

func TestTextsSurvive(t *testing.T) {
	m := maker{testSchema(false, false)}
	s := New(m.schema)
	s.Install(&Plan{
		Queries:   []Query{{Span: spans[3], Agg: Last, Column: name}},
		Lists:     []ListQuery{{Span: spans[3], Columns: []event.Column{name}}},
		Retention: minRetention,
	})
	values, lists := make([]Value, 1), make([]List, 1)
	base := int64(1e18)
	var kept []string
	for i := range int64(3000) {
		tx := one(m, i, base+i*int64(minRetention)/4)
		m.text(tx, fName, fmt.Sprintf("name %d", i))
		probe := one(m, 1e6+i, tx.Time+1)
		s.Remember(tx)
		s.Observe(probe, values, lists)
		kept = append(kept, values[0].Text, lists[0].Values[0].Text)
	}
	for i, text := range kept {
		if want := fmt.Sprintf("name %d", i/2); text != want {
			t.Fatalf("text %d is now %q", i, text)
		}
	}
}

func TestWaitingLabels(t *testing.T) {
	m := maker{testSchema(false, false)}
	o := defaults()
	o.waiting = 100
	s := newStore(m.schema, o)
	base := int64(1e18)
	for id := range int64(250) {
		for n := range int64(2) {
			s.Label(&event.Label{IDKey: idKeyOf(id), Time: base + n, Fraud: n == 0})
		}
	}
	if got := s.Stats(); got.WaitingLabels != 100 || got.DroppedLabels != 400 {
		t.Fatalf("%+v, want 100 waiting, 400 dropped", got)
	}
	ref, _ := s.Remember(one(m, 249, base))
	r := s.rows.at(handle(ref))
	if labelCount(r) != 2 || !s.fraudAt(r, base) || s.fraudAt(r, base+1) || s.fraudAt(r, base-1) {
		t.Error("a label that waited was not applied as it should be")
	}
	ref, _ = s.Remember(one(m, 3, base))
	if labelCount(s.rows.at(handle(ref))) != 0 {
		t.Error("a dropped label was applied")
	}
	if got := s.Stats().WaitingLabels; got != 98 {
		t.Errorf("%d labels wait, want 98", got)
	}
	far := base + 2*int64(minRetention) + 2
	s.Remember(one(m, 1000, far)) // its clock may be wrong
	if got := s.Stats().WaitingLabels; got != 98 {
		t.Errorf("%d labels wait after a payment from afar, want 98", got)
	}
	s.Reclaim(far)
	if got := s.Stats().WaitingLabels; got != 0 {
		t.Errorf("%d labels wait after a long time, want none", got)
	}
}

func TestObserveAllocatesNothing(t *testing.T) {
	for name, o := range map[string]options{"small": defaults(), "hot": tiny()} {
		r := rand.New(rand.NewPCG(9, 9))
		m := maker{testSchema(true, true)}
		s := newStore(m.schema, o)
		plan := &Plan{Retention: minRetention}
		all := predicates()
		for _, span := range spans {
			for a := Count; a <= Last; a++ {
				q := Query{Span: span, Agg: a, Column: items}
				if p := all[r.IntN(12)]; p != nil {
					q.Filter = &p.Filter
				}
				plan.Queries = append(plan.Queries, q)
			}
		}
		plan.Lists = []ListQuery{{Span: spans[3], Columns: []event.Column{amount, items}}}
		s.Install(plan)
		for i := range int64(200) {
			tx := m.random(r, i, 1e18+i*tick, 2, 2)
			s.Remember(tx)
			if i%10 == 0 {
				s.Label(&event.Label{IDKey: tx.IDKey, Time: tx.Time, Fraud: true})
			}
		}
		tx := m.random(r, 1000, 1e18+200*tick, 1, 1)
		m.text(tx, fCard, "card 0")
		values, lists := make([]Value, len(plan.Queries)), make([]List, len(plan.Lists))
		if n := testing.AllocsPerRun(100, func() { s.Observe(tx, values, lists) }); n > 0.9 { // now and then an arena of texts
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// Beyond the scan limit only the newest events are looked at one by one, and
// the value says so.
func TestScanLimit(t *testing.T) {
	o := tiny()
	o.asked, o.scan = 30, 30
	m := maker{testSchema(false, false)}
	s := newStore(m.schema, o)
	recent := &Filter{Source: "all", Now: true, Match: func(Past, *event.Transaction) bool { return true }}
	early := &Filter{Source: "early", Now: true, Match: func(p Past, _ *event.Transaction) bool { return p.Word(items) == 0 }, Columns: []event.Column{items}}
	plan := &Plan{Retention: minRetention}
	for _, n := range []int{10, 30, 80} {
		for _, q := range []Query{
			{Agg: Count, Filter: recent},
			{Agg: Sum, Column: ratio},
			{Agg: Any, Filter: recent},
			{Agg: Last, Column: items, Filter: recent},
			{Agg: First, Column: items, Filter: early},
			{Agg: Count},
		} {
			q.Span.From = time.Duration(n) * time.Duration(tick)
			plan.Queries = append(plan.Queries, q)
		}
	}
	s.Install(plan)
	base := int64(1e18)
	for i := range int64(100) {
		tx := one(m, i, base+i*tick)
		tx.Words[fItems], tx.Words[fRatio] = uint64(i), math.Float64bits(1)
		s.Remember(tx)
	}
	values := make([]Value, len(plan.Queries))
	s.Observe(one(m, 1000, base+99*tick), values, nil)
	for i, w := range []struct{ seen, all int64 }{{10, 10}, {30, 30}, {30, 80}} {
		v, cut := values[6*i:], w.seen != w.all
		if int64(v[0].Bits) != w.seen || plain(v[1]) != float64(w.seen) || v[0].Approx != cut || v[1].Approx != cut || cut && v[0].Error != 1 {
			t.Errorf("window of %d: count %+v, sum %+v", w.all, v[0], v[1])
		}
		if v[2].Bits != 1 || v[2].Approx || v[3].Bits != 99 || v[3].Approx {
			t.Errorf("window of %d: what was found is certain, not %+v and %+v", w.all, v[2], v[3])
		}
		if v[4].Why != NoEvents || v[4].Approx != cut {
			t.Errorf("window of %d: first %+v", w.all, v[4])
		}
		if int64(v[5].Bits) != w.all || v[5].Approx {
			t.Errorf("window of %d: plain count %+v", w.all, v[5])
		}
	}
}
