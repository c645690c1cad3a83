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
	Secret   bool // decoded, never stored, shown or passed on

	// Of a money field, one of the two: a constant currency or the field that names it.
	Currency     string
	CurrencyFrom int // index of the currency field, -1 if Currency is set
	Scale        int // decimal digits of minor units once decoded; with several currencies and no base: that of the event's currency
	EntityIndex  int // index into Schema.Entities, -1 if not an entity
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
