package history

import (
	"testing"

	"sluice/scoring/event"
)

// cards counts and sums what a card did at a shop, which its own history tells.
func cards(queries ...Query) *Plan {
	same := &Filter{
		Source: "same card", Now: true, Shares: 1, Columns: []event.Column{{Field: fCard}},
		Match: func(p Past, now *event.Transaction) bool {
			w := p.Word(event.Column{Field: fCard})
			return w != event.Missing && w == now.Hashes[fCard]
		},
	}
	plan := &Plan{Retention: minRetention}
	for _, q := range queries {
		q.Entity, q.Filter, q.Span.From = 1, same, minRetention
		plan.Queries = append(plan.Queries, q)
	}
	return plan
}

// at makes a transaction of a card at a shop.
func at(m maker, id, t int64, card, shop string) *event.Transaction {
	tx := m.tx(id, t)
	m.text(tx, fCard, card)
	m.text(tx, fShop, shop)
	return tx
}

func TestJoinIsExact(t *testing.T) {
	o := tiny()
	o.asked, o.exact, o.join = 30, 20, 16
	m := maker{testSchema(false, true)}
	s := newStore(m.schema, o)
	s.Install(cards(Query{Agg: Count}, Query{Agg: Sum, Column: amount}, Query{Agg: Median, Column: items}))
	base := int64(1e18)
	for i := range int64(500) {
		card := "other"
		if i%100 == 0 {
			card = "c"
		}
		tx := at(m, i, base+i, card, "s")
		tx.Words[fAmount], tx.Words[fItems], tx.Currency = 100, uint64(i), 'E'<<16|'U'<<8|'R'
		s.Remember(tx)
	}
	values := make([]Value, 3)
	s.Observe(at(m, 1000, base+500, "c", "s"), values, nil)
	if v := values[0]; v.Bits != 5 || v.Approx {
		t.Errorf("count %+v", v)
	}
	if v := values[1]; plain(v) != 5 || v.Approx {
		t.Errorf("sum %+v", v)
	}
	if v := values[2]; plain(v) != 200 || v.Approx {
		t.Errorf("median %+v", v)
	}
	s.Observe(at(m, 1000, base+500, "other", "s"), values, nil)
	if v := values[0]; v.Bits != 30 || !v.Approx {
		t.Errorf("count of what is as large: %+v", v)
	}
	s.Observe(at(m, 1000, base+500, "new", "s"), values, nil)
	if v := values[0]; v.Bits != 0 || v.Approx {
		t.Errorf("count of a new card: %+v", v)
	}
}

// The two histories forget at different times.
func TestJoinOfDifferentReach(t *testing.T) {
	ret, base := int64(minRetention), int64(1e18)
	for name, c := range map[string]struct {
		card, shop string // of a later event
		want       uint64
	}{
		"neither":      {"other", "elsewhere", 1},
		"the shop's":   {"other", "s", 0},
		"the card's":   {"c", "elsewhere", 1},
		"an empty one": {"other", "elsewhere", 1},
	} {
		m := maker{testSchema(false, false)}
		o := defaults()
		o.join = 0
		s := newStore(m.schema, o)
		s.Install(cards(Query{Agg: Count}))
		card := "c"
		if name == "an empty one" {
			card = ""
		}
		s.Remember(at(m, 1, base, card, "s"))
		for id := range int64(5) { // so that the shop's is larger
			s.Remember(at(m, 10+id, base+15, "other", "s"))
		}
		s.Remember(at(m, 2, base+ret+10, c.card, c.shop))
		values := make([]Value, 1)
		s.Observe(at(m, 3, base+20, card, "s"), values, nil)
		if values[0].Bits != c.want {
			t.Errorf("%s forgot: count %d, want %d", name, values[0].Bits, c.want)
		}
	}
}

// A history that answers for another one is as good as observed.
func TestJoinTouches(t *testing.T) {
	s, m := outside(tiny())
	s.Install(cards(Query{Agg: Count}))
	if !s.Asks(0) || !s.Asks(1) {
		t.Error("a kind is not asked")
	}
	tx := at(m, 1, 1e18, "c", "s")
	for e, key := range tx.Entities {
		s.Admit(e, key)
	}
	s.Admit(0, event.HashKey([]byte("other")))
	s.Remember(tx)
	for id := range int64(5) {
		s.Remember(at(m, 10+id, 1e18, "other", "s"))
	}
	s.SetCut(2)
	s.Observe(at(m, 2, 1e18, "c", "s"), make([]Value, 1), nil)
	if evictAll(s, 1); !s.Resident(0, cardKey) {
		t.Error("a history left after it was looked at")
	}
	s.Install(&Plan{Retention: minRetention})
	if s.Asks(0) {
		t.Error("a kind is still asked")
	}
}
