package history

import (
	"math"

	"sluice/scoring/event"
)

// Ref names a stored transaction; it stays valid while a history holds it.
type Ref uint64

// Past is a past event as a Filter sees it.
type Past struct {
	s    *Store
	at   *cursor // nil: only the row
	row  handle
	time int64 // of asking: what labels say depends on it
}

// cursor is an entry of a history.
type cursor struct {
	layout *layout
	block  []uint64
	cap, i int
}

// never is a time of asking before all labels; always is one after them.
const (
	never  = math.MinInt64
	always = math.MaxInt64
)

// Word gives a column's word: as Transaction.Words, text as its 64-bit hash
// (equal to Transaction.Hashes of an equal text), Missing if there is none.
// The column of the event time is the one that windows go by: the arrival
// where the event time lay too far ahead.
func (p Past) Word(c event.Column) uint64 {
	if kept(c) {
		if p.at != nil {
			if i := p.at.layout.where[whereIndex(c)]; i >= 0 {
				return p.at.block[(firstCol+int(i))*p.at.cap+p.at.i]
			}
		}
		return p.s.storedWord(p.s.rows.at(p.row), c)
	}
	r := p.s.rows.at(p.row)
	switch c.Form {
	case event.SecondsAgo:
		if p.time == never || p.time == always {
			return event.Missing
		}
		return math.Float64bits(float64(p.time-int64(r[rowTime])) / 1e9)
	case event.Fraud:
		if p.s.fraudAt(r, p.time) {
			return 1
		}
		return 0
	case event.Verdict:
		return p.s.verdicts.word(verdictOf(r))
	}
	return event.Missing
}

// Value gives a column as a scalar of the rule language.
func (p Past) Value(c event.Column) event.Value {
	w := p.Word(c)
	if w == event.Missing {
		return event.Value{}
	}
	return p.s.value(p.row, c, w)
}

// value makes a scalar of a word that is not missing.
func (s *Store) value(row handle, c event.Column, w uint64) event.Value {
	kind := s.schema.Kind(c)
	switch {
	case kind == event.String && c.Form == event.Verdict:
		return event.Value{Kind: kind, Text: s.verdicts.text(verdictOf(s.rows.at(row)))}
	case kind == event.String:
		s.bytes = s.appendText(s.bytes[:0], s.rows.at(row), c.Field)
		return event.Value{Kind: kind, Text: s.texts.keep(s.bytes)}
	case c.Form == event.Plain && s.schema.Fields[c.Field].Type == event.TypeMoney:
		var currency uint64
		if s.foreign(c) {
			currency = s.rows.at(row)[rowCurrency]
		}
		return floatValue(float64(int64(w)) / s.unit(c.Field, currency))
	}
	return event.Value{Kind: kind, Bits: w}
}

// foreign reports whether a column is money whose currency each event says.
func (s *Store) foreign(c event.Column) bool {
	if c.Form > event.Minor || c.Field < 0 {
		return false
	}
	f := &s.schema.Fields[c.Field]
	return s.multi && f.Type == event.TypeMoney && f.Currency == ""
}

// unit gives how many minor units of a money field make one.
func (s *Store) unit(field int, currency uint64) float64 {
	f := &s.schema.Fields[field]
	scale := f.Scale
	if s.multi && f.Currency == "" {
		scale = event.CurrencyScale(currency)
	}
	return powers[scale]
}

// powers are the ones of ten that minor units go by.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

func floatValue(f float64) event.Value {
	if f == 0 {
		f = 0 // not -0
	}
	return event.Value{Kind: event.Float, Bits: math.Float64bits(f)}
}

func intValue(i int64) event.Value { return event.Value{Kind: event.Int, Bits: uint64(i)} }
