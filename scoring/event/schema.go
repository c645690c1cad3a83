// Package event turns bytes into typed transactions and labels, against an
// event schema that the user writes.
package event

import "time"

// Type is the type of a field in the event schema.
type Type uint8

// The field types. String, IP, Country and Currency are held as text.
const (
	TypeString    Type = iota + 1 // "string"; a JSON integer is taken as its decimal text
	TypeInteger                   // "integer": int64 but the smallest
	TypeNumber                    // "number": a finite float64
	TypeMoney                     // "money": integer minor units, never negative
	TypeBool                      // "bool"
	TypeTimestamp                 // "timestamp": RFC 3339, or an integer of Unix seconds or milliseconds as the field says
	TypeIP                        // "ip": canonical text of netip.Addr
	TypeCountry                   // "country": two upper-case letters, ISO 3166
	TypeCurrency                  // "currency": three upper-case letters, ISO 4217
)

// Field is one field of a transaction.
type Field struct {
	Name     string
	From     string // where in the JSON, dots between levels; column name in CSV
	Type     Type
	Required bool
	Entity   bool // has a history
	Secret   bool // compared by rules, never remembered or shown

	// Of a money field, one of the two: a constant currency or the field that names it.
	Currency     string
	CurrencyFrom int // index of the currency field, -1 if Currency is set or the field is not money
	// Scale is the number of decimal digits of minor units once decoded: 0 of other
	// fields than money, -1 where it is that of each event's currency
	// (Transaction.Scale knows it).
	Scale int

	EntityIndex int // index into Schema.Entities, -1 if not an entity

	// Unit is what an integer counts in a timestamp field, in nanoseconds; 0 if
	// only RFC 3339 text is taken.
	Unit int64
}

// Schema is the event schema: what a transaction and a label look like.
// It is immutable once built.
type Schema struct {
	Fields   []Field
	Entities []int // field indexes of the entities, in the schema's order

	ID   int // field index of the transaction's id: a string or an integer
	Time int // field index of the event time
	Key  int // field index of the partition key, -1: the id

	Zone         *time.Location // of tx.hour and tx.weekday
	BaseCurrency string         // "" if amounts are not converted

	Label *LabelMapping // nil if the schema has none

	offsets []zoneOffset // of Zone; nil: ask Zone
	reading *layout      // how a transaction is read and written
	rates   *rates       // nil without a base currency
}

// LabelMapping says where in a label's JSON what stands. The paths have dots
// between levels; "" where a label does not hold it.
type LabelMapping struct {
	ID              string
	Value           string // true and false, or 1 and 0
	Time            string // when it became known; else the record's timestamp
	TransactionTime string
	Entities        []LabelEntity // in the order of the file
	CSVValue        string        // column of a transactions file that carries the value

	reading *layout
	// Indexes of pseudo fields that a label is decoded into, -1 if there is none.
	txTime, value, time int
}

// LabelEntity says where a label names an entity of its transaction.
type LabelEntity struct {
	Entity int // index into Schema.Entities
	From   string
}

// Field finds a field by name; the index is -1 if there is none.
func (s *Schema) Field(name string) int {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

// Kind gives the kind that a rule sees when it reads column c.
func (s *Schema) Kind(c Column) Kind {
	switch c.Form {
	case Minor, Hour, Weekday:
		return Int
	case SecondsAgo:
		return Float
	case Fraud:
		return Bool
	case Verdict:
		return String
	}
	switch s.Fields[c.Field].Type {
	case TypeInteger:
		return Int
	case TypeNumber, TypeMoney:
		return Float
	case TypeBool:
		return Bool
	case TypeTimestamp:
		return Time
	}
	return String
}

// Takes reports whether a text can be the value of a text field, as far as its
// type says: a country is one of ISO 3166, an address is written as addresses
// are once decoded.
func (f *Field) Takes(text string) bool {
	switch f.Type {
	case TypeCountry:
		return isCountry([]byte(text))
	case TypeCurrency:
		_, ok := CurrencyCode([]byte(text))
		return ok
	case TypeIP:
		address, ok := parseIP([]byte(text))
		return ok && address.String() == text
	}
	return true
}
