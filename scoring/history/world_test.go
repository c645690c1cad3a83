package history

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"sluice/scoring/event"
)

// The fields of the schema of the tests.
const (
	fID = iota
	fTime
	fCard
	fShop
	fAmount
	fCurrency
	fItems
	fRatio
	fFlag
	fSeen
	fName
	fPin
)

// testSchema has a field of every type; with many, amounts are in several currencies.
func testSchema(textIDs, many bool) *event.Schema {
	s := &event.Schema{
		Fields: []event.Field{
			fID:       {Name: "id", Type: event.TypeInteger, Required: true},
			fTime:     {Name: "time", Type: event.TypeTimestamp, Required: true},
			fCard:     {Name: "card", Type: event.TypeString, Entity: true},
			fShop:     {Name: "shop", Type: event.TypeString, Entity: true, EntityIndex: 1},
			fAmount:   {Name: "amount", Type: event.TypeMoney, Currency: "EUR", CurrencyFrom: -1, Scale: 2},
			fCurrency: {Name: "currency", Type: event.TypeCurrency},
			fItems:    {Name: "items", Type: event.TypeInteger},
			fRatio:    {Name: "ratio", Type: event.TypeNumber},
			fFlag:     {Name: "flag", Type: event.TypeBool},
			fSeen:     {Name: "seen", Type: event.TypeTimestamp},
			fName:     {Name: "name", Type: event.TypeString},
			fPin:      {Name: "pin", Type: event.TypeString, Secret: true},
		},
		Entities: []int{fCard, fShop}, ID: fID, Time: fTime, Key: fCard,
		Zone: time.FixedZone("east", 5*3600+1800),
	}
	if textIDs {
		s.Fields[fID].Type = event.TypeString
	}
	if many {
		s.Fields[fAmount].Currency = ""
		s.Fields[fAmount].CurrencyFrom = fCurrency
		s.Fields[fAmount].Scale = -1
	}
	return s
}

// maker makes transactions by hand.
type maker struct{ schema *event.Schema }

func (m maker) tx(id int64, t int64) *event.Transaction {
	tx := &event.Transaction{
		Schema: m.schema, Words: make([]uint64, len(m.schema.Fields)), Hashes: make([]uint64, len(m.schema.Fields)),
		Entities: make([]event.Key, len(m.schema.Entities)), Time: t, Arrival: t,
	}
	for i := range tx.Words {
		tx.Words[i], tx.Hashes[i] = event.Missing, event.Missing
	}
	text := strconv.FormatInt(id, 10)
	if m.schema.Fields[fID].Type == event.TypeString {
		m.text(tx, fID, text)
	} else {
		tx.Words[fID] = uint64(id)
	}
	tx.IDKey = idKeyOf(id)
	tx.Words[fTime] = uint64(t)
	return tx
}

func idKeyOf(id int64) event.Key { return event.HashKey(fmt.Appendf(nil, "id %d", id)) }

func (m maker) text(tx *event.Transaction, field int, text string) {
	tx.Words[field] = uint64(len(tx.Text))<<32 | uint64(len(text))
	tx.Text = append(tx.Text, text...)
	tx.Hashes[field] = event.Hash([]byte(text))
	for i, f := range m.schema.Entities {
		if f == field {
			tx.Entities[i] = event.HashKey([]byte(text))
		}
	}
}

// tick is the grid that times and windows lie on, so that edges are hit.
const tick = int64(time.Minute)

// random makes a transaction with missing fields now and then.
func (m maker) random(r *rand.Rand, id, t int64, cards, shops int) *event.Transaction {
	tx := m.tx(id, t)
	tx.Arrival = t + r.Int64N(3)*tick
	set := func(field int, w uint64) {
		if r.IntN(6) > 0 {
			tx.Words[field] = w
		}
	}
	if r.IntN(10) > 0 {
		m.text(tx, fCard, fmt.Sprintf("card %d", r.IntN(cards)))
	}
	if r.IntN(10) > 0 {
		m.text(tx, fShop, fmt.Sprintf("shop %d", r.IntN(shops)))
	}
	if r.IntN(6) > 0 {
		m.text(tx, fName, []string{"", "a", "bb", "12345678", "a rather long name, longer than a word"}[r.IntN(5)])
	}
	if m.schema.Fields[fAmount].Currency != "" {
		tx.Currency = 'E'<<16 | 'U'<<8 | 'R'
	} else {
		tx.Currency = []uint64{'E'<<16 | 'U'<<8 | 'R', 'J'<<16 | 'P'<<8 | 'Y'}[min(1, r.IntN(12)/11)]
	}
	set(fAmount, uint64(r.Int64N(2000)))
	items := r.Int64N(20) - 10
	if r.IntN(40) == 0 { // sums overflow, and come back
		items = math.MaxInt64 - r.Int64N(3)
		if r.IntN(3) == 0 {
			items = -items
		}
	}
	set(fItems, uint64(items))
	set(fRatio, math.Float64bits(float64(r.IntN(2000)-1000)/7+0.001))
	set(fFlag, uint64(r.IntN(2)))
	set(fSeen, uint64(t-r.Int64N(50)*tick))
	m.text(tx, fPin, "1234")
	return tx
}

// fact is a transaction as the twin knows it.
type fact struct {
	tx      *event.Transaction
	id      int64
	labels  map[int64]bool
	verdict string
	held    int
}

// fraud is what labels up to t say: the latest one.
func (f *fact) fraud(t int64) bool {
	best, out := int64(math.MinInt64), false
	for at, v := range f.labels {
		if at <= t && at >= best {
			best, out = at, v
		}
	}
	return out
}

// word reads a column the obvious way.
func (f *fact) word(c event.Column, now int64) uint64 {
	at := time.Unix(0, f.tx.Time).In(f.tx.Schema.Zone)
	switch c.Form {
	case event.Hour:
		return uint64(at.Hour())
	case event.Weekday:
		if at.Weekday() == time.Sunday {
			return 7
		}
		return uint64(at.Weekday())
	case event.SecondsAgo:
		return math.Float64bits(float64(now-f.tx.Time) / 1e9)
	case event.Fraud:
		if f.fraud(now) {
			return 1
		}
		return 0
	case event.Verdict:
		if f.verdict == "" {
			return event.Missing
		}
		return event.Hash([]byte(f.verdict))
	}
	if f.tx.Schema.Fields[c.Field].Secret {
		return event.Missing
	}
	if isText(f.tx.Schema.Fields[c.Field].Type) {
		return f.tx.Hashes[c.Field]
	}
	if c.Field == f.tx.Schema.Time {
		return uint64(f.tx.Time)
	}
	return f.tx.Words[c.Field]
}

func (f *fact) value(c event.Column, now int64) event.Value {
	w := f.word(c, now)
	if w == event.Missing {
		return event.Value{}
	}
	kind := f.tx.Schema.Kind(c)
	switch {
	case c.Form == event.Verdict:
		return event.Value{Kind: kind, Text: f.verdict}
	case kind == event.String:
		text, _ := f.tx.String(c.Field)
		return event.Value{Kind: kind, Text: string(text)}
	case c.Form == event.Plain && f.tx.Schema.Fields[c.Field].Type == event.TypeMoney:
		return event.Value{Kind: kind, Bits: math.Float64bits(float64(int64(w)) / scaleOf(f.tx))}
	}
	return event.Value{Kind: kind, Bits: w}
}

func scaleOf(tx *event.Transaction) float64 {
	return math.Pow10(event.CurrencyScale(tx.Currency))
}

// before is the order of events.
func (f *fact) before(g *fact) bool {
	if f.tx.Time != g.tx.Time {
		return f.tx.Time < g.tx.Time
	}
	if f.tx.Schema.Fields[fID].Type == event.TypeInteger {
		return f.id < g.id
	}
	return strconv.FormatInt(f.id, 10) < strconv.FormatInt(g.id, 10)
}

// predicate is a filter and its obvious twin.
type predicate struct {
	Filter
	twin func(f *fact, now *event.Transaction) bool
}

var (
	amount  = event.Column{Field: fAmount}
	minor   = event.Column{Field: fAmount, Form: event.Minor}
	items   = event.Column{Field: fItems}
	ratio   = event.Column{Field: fRatio}
	flag    = event.Column{Field: fFlag}
	seen    = event.Column{Field: fSeen}
	name    = event.Column{Field: fName}
	when    = event.Column{Field: fTime}
	shop    = event.Column{Field: fShop}
	pin     = event.Column{Field: fPin}
	hour    = event.Column{Field: -1, Form: event.Hour}
	weekday = event.Column{Field: -1, Form: event.Weekday}
	ago     = event.Column{Field: -1, Form: event.SecondsAgo}
	isFraud = event.Column{Field: -1, Form: event.Fraud}
	verdict = event.Column{Field: -1, Form: event.Verdict}
)

func less(a, b uint64) bool {
	return a != event.Missing && b != event.Missing && int64(a) < int64(b)
}

// predicates makes fresh filters, as every rule set brings its own.
func predicates() []*predicate {
	word := func(w uint64, c event.Column, f func(w uint64) bool) *predicate {
		return &predicate{
			Filter{Match: func(p Past, _ *event.Transaction) bool { return f(p.Word(c)) }, Columns: []event.Column{c}},
			func(p *fact, now *event.Transaction) bool { return f(p.word(c, now.Time)) },
		}
	}
	deny, bb := event.Hash([]byte("deny")), event.Hash([]byte("bb"))
	all := []*predicate{
		nil,
		word(0, amount, func(w uint64) bool { return less(w, 500) }),
		word(0, flag, func(w uint64) bool { return w == 1 }),
		word(0, name, func(w uint64) bool { return w == bb }),
		word(0, isFraud, func(w uint64) bool { return w == 1 }),
		word(0, isFraud, func(w uint64) bool { return w == 0 }),
		word(0, verdict, func(w uint64) bool { return w == deny }),
		word(0, hour, func(w uint64) bool { return w >= 3 && w < 14 }),
		{
			Filter{
				Match: func(p Past, now *event.Transaction) bool {
					return p.Word(isFraud) == 0 && less(p.Word(items), 3)
				},
				Columns: []event.Column{isFraud, items},
			},
			func(p *fact, now *event.Transaction) bool {
				return !p.fraud(now.Time) && less(p.word(items, 0), 3)
			},
		},
		{
			Filter{
				Match:   func(p Past, now *event.Transaction) bool { return less(p.Word(minor), now.Words[fAmount]) },
				Columns: []event.Column{minor}, Now: true,
			},
			func(p *fact, now *event.Transaction) bool { return less(p.word(amount, 0), now.Words[fAmount]) },
		},
		{
			Filter{
				Match: func(p Past, now *event.Transaction) bool {
					w := p.Word(items)
					return w != event.Missing && w == now.Words[fItems]
				},
				Columns: []event.Column{items}, Now: true, Same: &Same{Column: items, Field: fItems},
			},
			func(p *fact, now *event.Transaction) bool {
				w := p.word(items, 0)
				return w != event.Missing && w == now.Words[fItems]
			},
		},
		{
			Filter{
				Match:   func(p Past, now *event.Transaction) bool { return math.Float64frombits(p.Word(ago)) < 1200 },
				Columns: []event.Column{ago}, Now: true,
			},
			func(p *fact, now *event.Transaction) bool { return now.Time-p.tx.Time < 1200*1e9 },
		},
		{
			Filter{
				Match: func(p Past, now *event.Transaction) bool {
					v := p.Value(name)
					return v.Kind == event.String && len(v.Text) > 2
				},
				Columns: []event.Column{name},
			},
			func(p *fact, now *event.Transaction) bool { return len(p.value(name, 0).Text) > 2 },
		},
	}
	for e, field := range []int{fCard, fShop} {
		c := event.Column{Field: field}
		same := func(w uint64, now *event.Transaction) bool { return w != event.Missing && w == now.Hashes[field] }
		all = append(all, &predicate{
			Filter{
				Match:   func(p Past, now *event.Transaction) bool { return same(p.Word(c), now) },
				Columns: []event.Column{c}, Now: true, Shares: e + 1, Same: &Same{Column: c, Field: field, Text: true},
			},
			func(p *fact, now *event.Transaction) bool { return same(p.word(c, 0), now) },
		}, &predicate{
			Filter{
				Match: func(p Past, now *event.Transaction) bool {
					return same(p.Word(c), now) && p.Word(isFraud) == 0 && p.Word(flag) == 1
				},
				Columns: []event.Column{c, flag, isFraud}, Now: true, Shares: e + 1,
			},
			func(p *fact, now *event.Transaction) bool {
				return same(p.word(c, 0), now) && !p.fraud(now.Time) && p.word(flag, 0) == 1
			},
		})
	}
	for i := range 40 { // more than the bits of one word
		n := int64(i - 20)
		all = append(all, word(0, items, func(w uint64) bool { return w != event.Missing && int64(w) > n }))
	}
	for i, p := range all {
		if p != nil {
			p.Source = fmt.Sprintf("predicate %d", i)
		}
	}
	return all
}
