package event

import (
	"bytes"
	"cmp"
	"math"
	"strconv"
	"unsafe"
)

// Scale gives the number of decimal digits of a money field's minor units in
// this transaction.
func (t *Transaction) Scale(field int) int {
	if s := t.Schema.Fields[field].Scale; s >= 0 {
		return s
	}
	return CurrencyScale(t.Currency)
}

// Money gives minor units of a scale as a float64: the same as parsing the decimal.
func Money(minor int64, scale int) float64 { return float64(minor) / tens[scale] }

// Value gives a column as a scalar of the rule language. The forms that exist
// only for past events are missing.
func (t *Transaction) Value(c Column) Value {
	v := t.View(c)
	if v.Kind == String {
		v.Text = string([]byte(v.Text))
	}
	return v
}

// View is Value without a copy of the text: it lies in the transaction, and is
// something else once that is decoded into again.
func (t *Transaction) View(c Column) Value {
	switch c.Form {
	case Hour:
		return Value{Kind: Int, Bits: uint64(t.Schema.Hour(t.Time))}
	case Weekday:
		return Value{Kind: Int, Bits: uint64(t.Schema.Weekday(t.Time))}
	case Plain, Minor:
	default:
		return Value{}
	}
	w := t.Words[c.Field]
	if w == Missing {
		return Value{}
	}
	switch t.Schema.Fields[c.Field].Type {
	case TypeInteger:
		return Value{Kind: Int, Bits: w}
	case TypeNumber:
		return Value{Kind: Float, Bits: w}
	case TypeMoney:
		if c.Form == Minor {
			return Value{Kind: Int, Bits: w}
		}
		return Value{Kind: Float, Bits: math.Float64bits(Money(int64(w), t.Scale(c.Field)))}
	case TypeBool:
		return Value{Kind: Bool, Bits: w}
	case TypeTimestamp:
		if c.Field == t.Schema.Time {
			w = uint64(t.Time) // the one that decides, which may be the arrival
		}
		return Value{Kind: Time, Bits: w}
	}
	text, _ := t.String(c.Field)
	return Value{Kind: String, Text: unsafe.String(unsafe.SliceData(text), len(text))}
}

// AppendText appends a field's value as plain text: nothing where it is
// missing, *** for a secret one. Card numbers are not masked here (see Mask).
func (t *Transaction) AppendText(dst []byte, field int) []byte {
	if t.Schema.Fields[field].Secret && t.Words[field] != Missing {
		return append(dst, "***"...)
	}
	return t.appendText(dst, field)
}

// ID gives the text of the transaction's id.
func (t *Transaction) ID() string { return string(t.appendText(nil, t.Schema.ID)) }

// AppendID appends the transaction's id as JSON, of the type that the schema gives it.
func (t *Transaction) AppendID(dst []byte) []byte {
	id := t.Schema.ID
	if t.Schema.Fields[id].Type == TypeInteger {
		return strconv.AppendInt(dst, int64(t.Words[id]), 10)
	}
	text, _ := t.String(id)
	return AppendString(dst, text)
}

// AppendMaskedID is AppendID for what people see: an id that is a card number is a
// text with its last four digits.
func (t *Transaction) AppendMaskedID(dst []byte) []byte {
	if id := t.ID(); Mask(id) != id {
		return AppendString(dst, Mask(id))
	}
	return t.AppendID(dst)
}

func (t *Transaction) appendText(dst []byte, field int) []byte {
	w := t.Words[field]
	if f := &t.Schema.Fields[field]; f.Type != TypeMoney {
		return appendWord(dst, f.Type, w, t.Text)
	}
	if w == Missing {
		return dst
	}
	return appendMinor(dst, w, t.Scale(field))
}

// appendWord appends the text of any word but an amount's.
func appendWord(dst []byte, t Type, w uint64, text []byte) []byte {
	if w == Missing {
		return dst
	}
	switch t {
	case TypeInteger:
		return strconv.AppendInt(dst, int64(w), 10)
	case TypeNumber:
		return strconv.AppendFloat(dst, math.Float64frombits(w), 'g', -1, 64)
	case TypeBool:
		return strconv.AppendBool(dst, w == 1)
	case TypeTimestamp:
		return AppendTime(dst, int64(w))
	}
	return append(dst, text[w>>32:w>>32+w&0xffffffff]...)
}

// appendMinor appends an amount as a decimal number: 57.16.
func appendMinor(dst []byte, minor uint64, scale int) []byte {
	one := wholeTens[scale]
	dst = strconv.AppendUint(dst, minor/one, 10)
	if scale == 0 {
		return dst
	}
	dst = append(dst, '.')
	rest := minor % one
	for one /= 10; one > 0; one /= 10 {
		dst = append(dst, byte('0'+rest/one%10))
	}
	return dst
}

// CompareID orders two transactions of one schema by their ids: integers by
// value, text by its bytes.
func CompareID(a, b *Transaction) int {
	id := a.Schema.ID
	if a.Schema.Fields[id].Type == TypeInteger {
		return cmp.Compare(int64(a.Words[id]), int64(b.Words[id]))
	}
	x, _ := a.String(id)
	y, _ := b.String(id)
	return bytes.Compare(x, y)
}

// IDKey gives the key of an id written as text, as Transaction.IDKey and
// Label.IDKey have it; ok is false if it can't be an id of this schema.
func (s *Schema) IDKey(text string) (key Key, ok bool) {
	if s.Fields[s.ID].Type != TypeInteger {
		return idKey(TypeString, []byte(text)), text != ""
	}
	v, ok := integerID(text)
	if !ok {
		return Key{}, false
	}
	return idKey(TypeInteger, strconv.AppendInt(nil, v, 10)), true
}

// integerID reads an id of a schema whose ids are integers.
func integerID(text string) (v int64, ok bool) {
	n, ok := scanNumber([]byte(text), 0)
	v, fits := n.int()
	return v, ok && fits && n.integer && n.end == len(text)
}
