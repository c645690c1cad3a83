// Package rulestest makes random cases for the tests of the rule language: a
// schema, a condition, what entities did before, and the current transaction,
// with the nasty parts (ties, edges of windows, missing fields, several
// currencies, late labels, overflow) far more frequent than in life.
//
// A case holds everything as plain structs. What a history answers is worked
// out here in the most obvious way, by looking at all events; the same case
// can be turned into what the real packages take.
package rulestest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Retention is how far back the windows of a case reach: no less than any
// window that a condition names.
const Retention = 30 * 24 * time.Hour

// Case is one condition, and one transaction to decide it for.
type Case struct {
	Schema *event.Schema
	Lists  Names
	Source string // of the condition
	Tree   *lang.Node
	Past   []Event // in order of arrival
	Now    Event
}

// Event is a transaction, and what became of it.
type Event struct {
	Time   int64         // ns
	Values []event.Value // by schema field; of money the minor units, an Int
	// Currency names that of the money fields.
	Currency string
	Labels   []Label
	Verdict  string // "" while there is none
}

// Label says that an event turned out to be fraud or not.
type Label struct {
	Time  int64
	Fraud bool
}

// Names are the lists that a condition may ask with `in`.
type Names map[string][]string

// Has reports whether there is a list of that name.
func (n Names) Has(name string) bool { return n[name] != nil }

// Contains reports whether a list holds a text. An entry may be written with
// the arrival at which it ends, in ns: `text until 1234`.
func (n Names) Contains(name, text string, at int64) bool {
	return slices.ContainsFunc(n[name], func(entry string) bool {
		value, until, ends := strings.Cut(entry, " until ")
		end, _ := strconv.ParseInt(until, 10, 64)
		return value == text && (!ends || at < end)
	})
}

// Names gives the names of the lists.
func (n Names) Names() []string {
	var names []string
	for name := range n {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Tx gives a column of the current transaction.
func (c *Case) Tx(column event.Column) event.Value { return c.column(&c.Now, column) }

// column gives a column of an event, as the current transaction sees it.
func (c *Case) column(e *Event, column event.Column) event.Value {
	switch column.Form {
	case event.Hour:
		return whole(int64(c.local(e).Hour()))
	case event.Weekday:
		day := c.local(e).Weekday()
		if day == time.Sunday {
			return whole(7)
		}
		return whole(int64(day))
	case event.SecondsAgo:
		return number(float64(c.Now.Time-e.Time) / 1e9)
	case event.Fraud:
		return boolean(e.fraudAt(c.Now.Time))
	case event.Verdict:
		if e.Verdict == "" {
			return event.Value{}
		}
		return text(e.Verdict)
	}
	v := e.Values[column.Field]
	f := &c.Schema.Fields[column.Field]
	if v.Kind == event.None || f.Type != event.TypeMoney || column.Form == event.Minor {
		return v
	}
	return number(float64(int64(v.Bits)) / math.Pow10(c.scale(e, f)))
}

func (c *Case) scale(e *Event, f *event.Field) int {
	if f.CurrencyFrom >= 0 && c.Schema.BaseCurrency == "" {
		return event.CurrencyScale(code(e.Currency))
	}
	return f.Scale
}

func (c *Case) local(e *Event) time.Time { return time.Unix(0, e.Time).In(c.Schema.Zone) }

// fraudAt is what the labels with a time <= t say: the latest of them does, and
// of several at once one that says fraud.
func (e *Event) fraudAt(t int64) bool {
	latest, fraud := int64(math.MinInt64), false
	for _, l := range e.Labels {
		switch {
		case l.Time > t || l.Time < latest:
		case l.Time > latest:
			latest, fraud = l.Time, l.Fraud
		default:
			fraud = fraud || l.Fraud
		}
	}
	return fraud
}

// List gives the window that a query asks for, by looking at every event.
func (c *Case) List(q history.ListQuery) history.List {
	events, given := c.Window(q.Entity, q.Span)
	if !given {
		return history.List{Why: history.NoEntity}
	}
	list := history.List{N: len(events)}
	if list.N > history.MaxList {
		events = events[list.N-history.MaxList:]
		list.N, list.Approx = history.MaxList, true
	}
	for _, e := range events {
		for _, column := range q.Columns {
			list.Values = append(list.Values, c.column(e, column))
		}
		list.Currencies = append(list.Currencies, code(e.Currency))
	}
	return list
}

// Window gives the past events that a span holds for the current transaction,
// oldest first; given is false if it has no such entity.
func (c *Case) Window(entity int, span history.Span) (events []*Event, given bool) {
	field := c.Schema.Entities[entity]
	of := c.Now.Values[field]
	if of.Text == "" {
		return nil, false
	}
	for i := range c.Past {
		if e := &c.Past[i]; e.Values[field] == of && c.within(e, span) {
			events = append(events, e)
		}
	}
	slices.SortFunc(events, c.compare)
	events = slices.CompactFunc(events, func(a, b *Event) bool { return c.compare(a, b) == 0 })
	if n := span.Newest; n > 0 && len(events) > n {
		events = events[len(events)-n:]
	}
	return events, true
}

// within reports whether a span of the current transaction holds an event.
func (c *Case) within(e *Event, span history.Span) bool {
	from := span.From
	if span.Newest > 0 {
		from = Retention
	}
	t := c.Now.Time
	return c.compare(e, &c.Now) != 0 && e.Time > t-int64(from) && e.Time <= t-int64(span.To)
}

// compare orders events by time, then id.
func (c *Case) compare(a, b *Event) int {
	if a.Time != b.Time {
		return cmp.Compare(a.Time, b.Time)
	}
	x, y := a.Values[c.Schema.ID], b.Values[c.Schema.ID]
	if x.Kind == event.Int {
		return cmp.Compare(int64(x.Bits), int64(y.Bits))
	}
	return strings.Compare(x.Text, y.Text)
}

// Transaction turns an event into what a decoder makes of it.
func (c *Case) Transaction(e *Event) *event.Transaction {
	s := c.Schema
	n := len(s.Fields)
	tx := &event.Transaction{Schema: s, Words: make([]uint64, n), Hashes: make([]uint64, n), Currency: code(e.Currency)}
	for i, v := range e.Values {
		tx.Words[i], tx.Hashes[i] = event.Missing, event.Missing
		switch v.Kind {
		case event.None:
		case event.String:
			tx.Words[i] = uint64(len(tx.Text))<<32 | uint64(len(v.Text))
			tx.Text = append(tx.Text, v.Text...)
			tx.Hashes[i] = event.Hash([]byte(v.Text))
		default:
			tx.Words[i] = v.Bits
		}
		if s.BaseCurrency != "" && s.Fields[i].Type == event.TypeMoney {
			tx.Original = append(tx.Original, tx.Words[i])
		}
	}
	for _, field := range s.Entities {
		tx.Entities = append(tx.Entities, event.HashKey([]byte(e.Values[field].Text)))
	}
	tx.IDKey = c.idKey(e)
	tx.Body = event.HashKey(bodyOf(tx))
	tx.Arrive(e.Time)
	return tx
}

func bodyOf(tx *event.Transaction) []byte {
	var b bytes.Buffer
	for i, w := range tx.Words {
		if tx.Hashes[i] != event.Missing {
			w = tx.Hashes[i]
		}
		b.Write(binary.LittleEndian.AppendUint64(nil, w))
	}
	return b.Bytes()
}

func (c *Case) id(e *Event) string {
	v := e.Values[c.Schema.ID]
	if v.Kind == event.Int {
		return strconv.FormatInt(int64(v.Bits), 10)
	}
	return v.Text
}

func (c *Case) idKey(e *Event) event.Key { return event.HashKey([]byte(c.id(e))) }

// Remember tells a store everything about the past, labels and verdicts
// included, in the order of arrival.
func (c *Case) Remember(s *history.Store) {
	for i := range c.Past {
		e := &c.Past[i]
		tx := c.Transaction(e)
		s.Remember(tx)
		for _, l := range e.Labels {
			s.Label(&event.Label{IDKey: tx.IDKey, ID: c.id(e), Time: l.Time, Fraud: l.Fraud, TxTime: e.Time, Entities: tx.Entities})
		}
		if e.Verdict != "" {
			s.SetVerdict(tx.IDKey, e.Verdict)
		}
	}
}

// code packs a currency as transactions hold it, 0 for "".
func code(currency string) uint64 {
	c, _ := event.CurrencyCode([]byte(currency))
	return c
}

func whole(n int64) event.Value  { return event.Value{Kind: event.Int, Bits: uint64(n)} }
func moment(n int64) event.Value { return event.Value{Kind: event.Time, Bits: uint64(n)} }
func text(s string) event.Value  { return event.Value{Kind: event.String, Text: s} }

func number(f float64) event.Value {
	if f == 0 {
		f = 0 // not -0
	}
	return event.Value{Kind: event.Float, Bits: math.Float64bits(f)}
}

func boolean(yes bool) event.Value {
	if yes {
		return event.Value{Kind: event.Bool, Bits: 1}
	}
	return event.Value{Kind: event.Bool}
}
