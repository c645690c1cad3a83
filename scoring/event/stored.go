package event

import (
	"encoding/binary"
	"strconv"
)

// A stored transaction is a byte of flags, how long after the event time it
// arrived, the body, and the currency where the body can't tell it. The body is
// a bit for each field of the layout, set where the field has a value, and then
// these values: integers, times and amounts as varints, numbers as 8 bytes, and
// text as its length and its bytes, without the length where every value has
// the same. Nothing in it depends on the process.

// The flags of a stored transaction.
const (
	storedFuture   = 1 << iota // Transaction.Future
	storedCurrency             // the code of Transaction.Currency follows, since its field is secret
	storedKnown    = storedFuture | storedCurrency
)

// AppendStored appends what outlives the process of a transaction: all but its
// secret fields, in the layout of its schema. A StoredReader reads it.
func (t *Transaction) AppendStored(b []byte) []byte {
	b, _, _ = t.AppendStoredWithBody(b)
	return b
}

// AppendStoredWithBody does the same, and tells where in out the bytes of
// AppendStoredBody lie.
func (t *Transaction) AppendStoredWithBody(b []byte) (out []byte, from, to int) {
	flags := byte(0)
	if t.Future {
		flags |= storedFuture
	}
	hidden := t.hiddenCurrency()
	if hidden != 0 {
		flags |= storedCurrency
	}
	b = append(b, flags)
	b = appendSpan(b, t.Arrival-int64(t.Words[t.Schema.Time]))
	from = len(b)
	b = t.AppendStoredBody(b)
	to = len(b)
	if hidden != 0 {
		b = append(b, byte(hidden>>16), byte(hidden>>8), byte(hidden))
	}
	return b, from, to
}

// AppendStoredBody appends what Body is the hash of: two transactions of one
// schema have the same Body where they have the same bytes here, in every
// process. Neither the arrival nor secret fields are in it.
func (t *Transaction) AppendStoredBody(b []byte) []byte {
	fields := t.Schema.Fields
	start, stored, money := len(b), 0, -1
	for i := range fields {
		if !fields[i].Secret {
			stored++
		}
	}
	for range (stored + 7) / 8 {
		b = append(b, 0)
	}
	bit := -1
	for i := range fields {
		f := &fields[i]
		if f.Type == TypeMoney {
			money++
		}
		if f.Secret {
			continue
		}
		bit++
		w := t.Words[i]
		if w == Missing {
			continue
		}
		b[start+bit/8] |= 1 << (bit % 8)
		b = appendStoredWord(b, f.Type, w, t.Text)
		if f.Type == TypeMoney && len(t.Original) > 0 {
			b = binary.AppendVarint(b, int64(t.Original[money]-w)) // one byte where nothing was converted
		}
	}
	return b
}

// hiddenCurrency gives the currency of the transaction if a secret field names it.
func (t *Transaction) hiddenCurrency() uint64 {
	s := t.Schema
	if s.BaseCurrency != "" {
		return 0
	}
	for i := range s.Fields {
		if f := &s.Fields[i]; f.Type == TypeMoney && f.CurrencyFrom >= 0 && s.Fields[f.CurrencyFrom].Secret {
			return t.Currency
		}
	}
	return 0
}

func appendStoredWord(b []byte, t Type, w uint64, text []byte) []byte {
	switch t {
	case TypeInteger:
		return binary.AppendVarint(b, int64(w))
	case TypeMoney:
		return binary.AppendUvarint(b, w)
	case TypeNumber:
		return binary.LittleEndian.AppendUint64(b, w)
	case TypeBool:
		return append(b, byte(w))
	case TypeTimestamp:
		return appendSpan(b, int64(w))
	case TypeString, TypeIP:
		b = binary.AppendUvarint(b, w&0xffffffff)
	}
	return append(b, text[w>>32:w>>32+w&0xffffffff]...)
}

// spanUnits returns the units, in nanoseconds, that a stored time may be in.
func spanUnits() [4]int64 { return [...]int64{1, 1e3, 1e6, 1e9} }

// appendSpan appends a time or a length of time (ns) in the largest unit that
// it is a whole number of; which one is in the lowest two bits.
func appendSpan(b []byte, ns int64) []byte {
	n, unit := ns, 0
	switch { // divisors that the compiler knows cost a tenth of others
	case ns%1e9 == 0:
		n, unit = ns/1e9, 3
	case ns%1e6 == 0:
		n, unit = ns/1e6, 2
	case ns%1e3 == 0:
		n, unit = ns/1e3, 1
	}
	zigzag := uint64(n)<<1 ^ uint64(n>>63)
	if unit == 0 && zigzag>>62 != 0 { // nothing is left of it if it is shifted
		return binary.LittleEndian.AppendUint64(binary.AppendUvarint(b, spanWhole), uint64(ns))
	}
	return binary.AppendUvarint(b, zigzag<<2|uint64(unit))
}

// spanWhole stands before a span that is written as 8 bytes: nobody writes 0 in
// the smallest unit.
const spanWhole = 0

// AppendEntityValue appends the value of an entity (index into Schema.Entities):
// HashKey of it is its key in every process. ok is false where the transaction
// has none.
func (t *Transaction) AppendEntityValue(b []byte, entity int) (out []byte, ok bool) {
	field := t.Schema.Entities[entity]
	before := len(b)
	b = appendWord(b, t.Schema.Fields[field].Type, t.Words[field], t.Text)
	return b, len(b) > before
}

// The first byte of an id's value: the integer 7 is not the text "7".
const (
	idInteger = 'i'
	idText    = 't'
)

// AppendIDValue appends what IDKey is the hash of, the same in every process.
func (t *Transaction) AppendIDValue(b []byte) []byte {
	return t.appendText(append(b, t.Schema.idTag()), t.Schema.ID)
}

// AppendIDValue appends the same for an id written as text; ok is false if it
// can't be an id of this schema.
func (s *Schema) AppendIDValue(b []byte, text string) (out []byte, ok bool) {
	if s.Fields[s.ID].Type != TypeInteger {
		return append(append(b, idText), text...), text != ""
	}
	v, ok := integerID(text)
	if !ok {
		return b, false
	}
	return strconv.AppendInt(append(b, idInteger), v, 10), true
}

func (s *Schema) idTag() byte {
	if s.Fields[s.ID].Type == TypeInteger {
		return idInteger
	}
	return idText
}
