package rulestest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"sluice/rules/lang"
	"sluice/scoring/event"
)

// Generate makes a case. The condition is one that lang.Check takes.
func Generate(r *rand.Rand) Case {
	c := Case{Schema: schema(r)}
	c.events(r)
	end := c.Now.Time + int64(r.IntN(2)) // of some entries: just now, or a moment later
	ends := func(text string) string { return fmt.Sprintf("%s until %d", text, end) }
	c.Lists = Names{"bad": {"m1", ends("DE"), "7"}, "good": {ends("m2"), "1", ends("0")}}
	for {
		c.Source = Condition(r, c.Schema)
		if c.Tree, _ = lang.Check(c.Source, c.Schema, c.Lists); c.Tree != nil {
			return c
		}
	}
}

// With makes a case of a condition of the caller's over random events. It
// panics if the condition is faulty.
func With(r *rand.Rand, source string) Case {
	c := Case{Schema: schema(r), Lists: Names{}, Source: source}
	c.events(r)
	tree, faults := lang.Check(source, c.Schema, c.Lists)
	if tree == nil {
		panic(fmt.Sprintf("%s: %v", source, faults))
	}
	c.Tree = tree
	return c
}

// schema makes one of the kinds of schemas.
func schema(r *rand.Rand) *event.Schema {
	constant, base := "", ""
	switch r.IntN(3) {
	case 0:
		constant = []string{"EUR", "JPY", "KWD"}[r.IntN(3)]
	case 1:
		base = "EUR"
	}
	id := []event.Type{event.TypeString, event.TypeInteger}[r.IntN(2)]
	s := NewSchema(id, constant, base)
	s.Zone = zone(r)
	s.Fields[s.Field("amount")].Required = r.IntN(2) == 0
	return s
}

// NewSchema makes the schema of this package's conditions. Money is in the
// constant currency, or converted to the base currency, or if both are "" in
// the currency of each event.
func NewSchema(id event.Type, constant, base string) *event.Schema {
	s := &event.Schema{Key: -1, Zone: time.UTC, BaseCurrency: base}
	add := func(name string, t event.Type, required, entity bool) {
		f := event.Field{Name: name, From: name, Type: t, Required: required, Entity: entity, CurrencyFrom: -1, EntityIndex: -1}
		if entity {
			f.EntityIndex = len(s.Entities)
			s.Entities = append(s.Entities, len(s.Fields))
		}
		s.Fields = append(s.Fields, f)
	}
	add("id", id, true, false)
	add("time", event.TypeTimestamp, true, false)
	add("currency", event.TypeCurrency, true, false)
	add("amount", event.TypeMoney, false, false)
	add("fee", event.TypeMoney, false, false)
	add("card", event.TypeString, false, true)
	add("merchant", event.TypeString, false, true)
	add("country", event.TypeCountry, false, false)
	add("items", event.TypeInteger, false, false)
	add("risk", event.TypeNumber, false, false)
	add("lat", event.TypeNumber, false, false)
	add("lon", event.TypeNumber, false, false)
	add("chip", event.TypeBool, false, false)
	add("opened", event.TypeTimestamp, false, false)
	s.ID, s.Time = s.Field("id"), s.Field("time")
	for _, name := range []string{"amount", "fee"} {
		money(s, &s.Fields[s.Field(name)], constant)
	}
	return s
}

// money says where a money field has its currency from.
func money(s *event.Schema, f *event.Field, constant string) {
	f.Currency = constant
	switch {
	case constant != "":
		f.Scale = event.CurrencyScale(code(constant))
		return
	case s.BaseCurrency != "":
		f.Scale = event.CurrencyScale(code(s.BaseCurrency))
	default:
		f.Scale = -1
	}
	f.CurrencyFrom = s.Field("currency")
}

func zone(r *rand.Rand) *time.Location {
	return []*time.Location{time.UTC, time.FixedZone("", 3600), time.FixedZone("", -9*3600-1800)}[r.IntN(3)]
}

// events makes the current transaction and what came before it.
func (c *Case) events(r *rand.Rand) {
	start := time.Date(2020, 1, 15, r.IntN(24), 0, 0, 0, time.UTC).UnixNano()
	c.Now = c.event(r, start, 1)
	for i := range r.IntN(30) {
		e := c.event(r, start-ago(r), 2+i)
		c.outcome(r, &e)
		c.Past = append(c.Past, e)
	}
	switch r.IntN(8) {
	case 0, 1: // it was remembered before, and must not see itself
		c.Past = append(c.Past, c.Now)
	case 2: // another one has its id, which does not make it the same
		c.Past = append(c.Past, c.event(r, start-1-r.Int64N(600e9), 1))
	}
	r.Shuffle(len(c.Past), func(i, j int) { c.Past[i], c.Past[j] = c.Past[j], c.Past[i] })
	if len(c.Past) > 0 && r.IntN(4) == 0 { // a repeat
		c.Past = append(c.Past, c.Past[r.IntN(len(c.Past))])
	}
}

// ago is how long before the current transaction a past one was, in
// nanoseconds: often just at the edge of a window, sometimes in its future.
func ago(r *rand.Rand) int64 {
	edges := []int64{0, 0, 1, 59, 60, 61, 300, 599, 600, 601, 3600, 3601, 86399, 86400, 2 * 86400, 7 * 86400, 14 * 86400, -1, -600}
	at := edges[r.IntN(len(edges))] * 1e9
	switch r.IntN(6) {
	case 0:
		at += int64(r.IntN(3)) - 1
	case 1:
		at = r.Int64N(600e9)
	}
	return at
}

// event makes the fields of one transaction.
func (c *Case) event(r *rand.Rand, t int64, serial int) Event {
	e := Event{Time: t, Values: make([]event.Value, len(c.Schema.Fields))}
	currency := []string{"EUR", "EUR", "EUR", "JPY", "KWD"}[r.IntN(5)]
	alike := r.IntN(3) > 0 // most are in one currency
	if alike {
		currency = "EUR"
	}
	e.Currency = currency
	for i := range c.Schema.Fields {
		f := &c.Schema.Fields[i]
		switch {
		case f.Currency != "":
			e.Currency = f.Currency
		case c.Schema.BaseCurrency != "":
			e.Currency = c.Schema.BaseCurrency
		}
		if !f.Required && r.IntN(6) == 0 {
			continue
		}
		e.Values[i] = value(r, f)
	}
	e.Values[c.Schema.Time] = moment(t)
	e.Values[c.Schema.Field("currency")] = text(currency)
	if id := &e.Values[c.Schema.ID]; id.Kind == event.Int {
		*id = whole(int64(serial))
	} else {
		*id = text(fmt.Sprint("t", serial))
	}
	return e
}

// value makes the value of a field, from so few that many are equal.
func value(r *rand.Rand, f *event.Field) event.Value {
	switch f.Type {
	case event.TypeInteger:
		return whole(integer(r))
	case event.TypeNumber:
		return number(float(r))
	case event.TypeMoney:
		return whole(minor(r))
	case event.TypeBool:
		return boolean(r.IntN(2) == 0)
	case event.TypeTimestamp:
		return moment(time.Date(2020, 1, 1+r.IntN(14), 0, 0, 0, 0, time.UTC).UnixNano())
	case event.TypeCountry:
		return text([]string{"DE", "FR", "US"}[r.IntN(3)])
	}
	if r.IntN(15) == 0 {
		return text("")
	}
	return text([]string{"m1", "m1", "m2", "M2 ", "ünï"}[r.IntN(5)])
}

func integer(r *rand.Rand) int64 {
	if r.IntN(25) == 0 {
		return []int64{math.MaxInt64, math.MinInt64 + 1, math.MaxInt64 - 1, 1 << 62, 1<<53 + 1}[r.IntN(5)]
	}
	return r.Int64N(9) - 2
}

func float(r *rand.Rand) float64 {
	if r.IntN(25) == 0 {
		return []float64{math.MaxFloat64, -math.MaxFloat64, 1e300, 5e-324, 1 << 63}[r.IntN(5)]
	}
	return float64(r.IntN(41)-10) / 10
}

func minor(r *rand.Rand) int64 {
	if r.IntN(60) == 0 {
		return []int64{math.MaxInt64, 1 << 62, 1<<53 + 1}[r.IntN(3)]
	}
	return []int64{0, 1, 10, 99, 100, 101, 250, 333, 500, 999, 1000, 4999, 5000}[r.IntN(13)]
}

// outcome makes the labels and the verdict of a past event.
func (c *Case) outcome(r *rand.Rand, e *Event) {
	e.Verdict = []string{"", "", "allow", "review", "deny"}[r.IntN(5)]
	for r.IntN(3) == 0 {
		at := c.Now.Time + (r.Int64N(5)-2)*1e9
		if r.IntN(3) == 0 {
			at = c.Now.Time
		}
		e.Labels = append(e.Labels, Label{Time: at, Fraud: r.IntN(3) > 0})
	}
}
