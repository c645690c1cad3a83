package event

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// StoredReader reads stored transactions of one layout as transactions of a
// schema, which may be another than they were stored under. A field that is not
// in the layout, or is there with another type, is missing, even if the schema
// requires it; an amount is missing, too, if it can't be had in the currency
// that the schema asks for. A StoredReader is scratch space: one goroutine uses it.
type StoredReader struct {
	filler
	schema *Schema
	fields []storedField
	prices []storedAmount // of the schema's money fields
	id     int            // index into fields
	time   int

	// Of the transaction at hand, by field of the layout.
	values    []uint64
	originals []uint64
	codes     []uint64 // of currency fields; 0: missing
	hidden    uint64   // the currency, where the field that names it is secret
	rest      []byte
	fault     string
}

// storedField is a field of the layout.
type storedField struct {
	kind  Type
	field int  // of the schema, -1 if it has none such
	base  bool // an amount that was converted: its original follows
}

// storedAmount says where a money field of the schema comes from.
type storedAmount struct {
	field    int    // of the schema
	stored   int    // index into fields, -1: it is missing
	currency uint64 // its own one where that is constant
	from     int    // index into fields of the one that names it, -1
	base     uint64 // what it was converted to, 0: nothing
}

// NewStoredReader makes a reader of transactions that were stored in a layout.
// The error says why none of them can be read under the schema.
func NewStoredReader(s *Schema, from Layout) (*StoredReader, error) {
	r := &StoredReader{filler: filler{layout: s.layout()}, schema: s, id: -1, time: -1}
	places := make([]int, len(s.Fields))
	for i := range places {
		places[i] = -1
	}
	for j, f := range from {
		if slices.ContainsFunc(from[:j], func(g LayoutField) bool { return g.Name == f.Name }) {
			return nil, fmt.Errorf("the layout of stored transactions has the field %s twice: it is damaged", f.Name)
		}
		i := s.Field(f.Name)
		if i >= 0 && (s.Fields[i].Type != f.Type || s.Fields[i].Secret) {
			i = -1
		}
		if i >= 0 {
			places[i] = j
		}
		r.fields = append(r.fields, storedField{kind: f.Type, field: i, base: f.Type == TypeMoney && f.Base != ""})
	}
	r.id, r.time = places[s.ID], places[s.Time]
	for _, i := range []int{s.ID, s.Time} {
		if f := &s.Fields[i]; places[i] < 0 {
			return nil, fmt.Errorf("stored transactions have no %s of type %s, so that none of them can be read; give the field the type back that it had, or begin with an empty journal", f.Name, f.Type)
		}
	}
	for _, i := range r.layout.money {
		a, err := newStoredAmount(i, places[i], from)
		if err != nil {
			return nil, err
		}
		r.prices = append(r.prices, a)
	}
	r.values = make([]uint64, len(from))
	r.originals = make([]uint64, len(from))
	r.codes = make([]uint64, len(from))
	return r, nil
}

func newStoredAmount(field, place int, from Layout) (storedAmount, error) {
	a := storedAmount{field: field, stored: place, from: -1}
	if place < 0 {
		return a, nil
	}
	f, ok := &from[place], true
	if f.Currency != "" {
		a.currency, ok = CurrencyCode([]byte(f.Currency))
	} else {
		a.from = slices.IndexFunc(from, func(g LayoutField) bool { return g.Name == f.CurrencyFrom && g.Type == TypeCurrency })
	}
	if f.Base != "" && ok {
		a.base, ok = CurrencyCode([]byte(f.Base))
	}
	if !ok {
		return a, fmt.Errorf("the layout of stored transactions has the amounts %s in an unknown currency (%s %s): it is damaged", f.Name, f.Currency, f.Base)
	}
	return a, nil
}

// Read reads the transaction at the front of b into t, whose slices are used
// again, as the decoder would have in this process; it gives the bytes behind
// it. Secret fields are missing and the keys of secret entities zero. An error
// says what is wrong with damaged bytes, and then t holds nothing of use.
func (r *StoredReader) Read(b []byte, t *Transaction) (rest []byte, err error) {
	r.rest, r.fault = b, ""
	r.begin(t.Words, t.Text)
	flags := r.byte()
	if flags&^storedKnown != 0 {
		r.fail("it has flags that mean nothing")
	}
	waited := r.span()
	r.body()
	r.hidden = 0
	if flags&storedCurrency != 0 {
		if c := r.take(3); r.fault == "" {
			r.hidden = uint64(c[0])<<16 | uint64(c[1])<<8 | uint64(c[2])
		}
	}
	if r.fault == "" {
		r.finish(t)
	}
	if r.fault != "" {
		return nil, errors.New("a stored transaction is damaged: " + r.fault)
	}
	t.Arrival = int64(t.Words[r.schema.Time]) + waited
	t.Future = flags&storedFuture != 0
	t.Time = int64(t.Words[r.schema.Time])
	if t.Future {
		t.Time = t.Arrival
	}
	rest, r.rest = r.rest, nil
	return rest, nil
}

// body reads the values.
func (r *StoredReader) body() {
	bits := r.take((len(r.fields) + 7) / 8)
	if r.fault != "" {
		return
	}
	if n := len(r.fields); n%8 != 0 && bits[n/8]>>(n%8) != 0 {
		r.fail("it has more fields than its layout")
	}
	for j := range r.fields {
		f := &r.fields[j]
		r.values[j], r.originals[j], r.codes[j] = Missing, Missing, 0
		if bits[j/8]>>(j%8)&1 == 0 {
			continue
		}
		w := r.word(j, f)
		if w == Missing {
			r.fail("a value is out of range")
		}
		if r.fault != "" {
			return
		}
		r.values[j] = w
		if f.base {
			r.originals[j] = w + uint64(r.varint())
			if int64(r.originals[j]) < 0 {
				r.fail("an amount is out of range")
			}
		}
		if f.field >= 0 && f.kind != TypeMoney {
			r.words[f.field] = w
		}
	}
}

// word reads a value; that of a text which nobody wants is 0.
func (r *StoredReader) word(j int, f *storedField) uint64 {
	switch f.kind {
	case TypeInteger:
		return uint64(r.varint())
	case TypeMoney:
		return min(r.uvarint(), Missing)
	case TypeNumber:
		return r.number()
	case TypeBool:
		if v := r.byte(); v <= 1 {
			return uint64(v)
		}
		return Missing
	case TypeTimestamp:
		return uint64(r.span())
	case TypeCountry:
		return r.string(f.field, r.take(2))
	case TypeCurrency:
		text := r.take(3)
		if r.fault == "" {
			r.codes[j] = uint64(text[0])<<16 | uint64(text[1])<<8 | uint64(text[2])
		}
		return r.string(f.field, text)
	}
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.fail("it is cut off")
		return 0
	}
	return r.string(f.field, r.take(int(n)))
}

// string files a text.
func (r *StoredReader) string(field int, text []byte) uint64 {
	if field < 0 || r.fault != "" {
		return 0
	}
	r.put(field, text)
	return r.words[field]
}

func (r *StoredReader) number() uint64 {
	b := r.take(8)
	if r.fault != "" {
		return Missing
	}
	w := binary.LittleEndian.Uint64(b)
	if v := math.Float64frombits(w); math.IsNaN(v) || math.IsInf(v, 0) {
		return Missing
	}
	return w
}

// finish makes a transaction of the values.
func (r *StoredReader) finish(t *Transaction) {
	s := r.schema
	if r.values[r.id] == Missing || r.values[r.time] == Missing {
		r.fail("it has no id or no time")
		return
	}
	t.Schema, t.Words, t.Text = s, r.words, r.text
	r.money(t)
	r.hash(t)
	if isText(s.Fields[s.ID].Type) && t.Words[s.ID]&0xffffffff == 0 {
		r.fail("its id is empty")
		return
	}
	r.scratch = t.appendText(r.scratch[:0], s.ID)
	t.IDKey = idKey(s.Fields[s.ID].Type, r.scratch)
	t.Body, r.scratch = t.bodyKey(r.scratch)
}

// money fills in the amounts.
func (r *StoredReader) money(t *Transaction) {
	s := r.schema
	t.Currency, t.Original = 0, t.Original[:0]
	for k := range r.prices {
		a := &r.prices[k]
		f := &s.Fields[a.field]
		own := r.own(a)
		want, _ := r.currencyOf(f)
		if f.CurrencyFrom >= 0 && s.Fields[f.CurrencyFrom].Secret {
			want = own
		}
		word, original := Missing, Missing
		if own == want && a.stored >= 0 && r.values[a.stored] != Missing {
			word, original = r.amount(a, own)
		}
		r.words[a.field] = word
		if s.BaseCurrency == "" {
			t.Currency = want
			continue
		}
		t.Currency = s.rates.base
		t.Original = append(t.Original, original)
	}
}

// own gives the currency of an amount before any conversion, 0 if nobody knows it.
func (r *StoredReader) own(a *storedAmount) uint64 {
	switch {
	case a.currency != 0:
		return a.currency
	case a.from >= 0:
		return r.codes[a.from]
	}
	return r.hidden
}

// amount gives an amount in the currency of the schema, and what it was before
// a conversion to it.
func (r *StoredReader) amount(a *storedAmount, own uint64) (word, original uint64) {
	word, original = r.values[a.stored], r.originals[a.stored]
	if a.base == 0 {
		original = word
	}
	s := r.schema
	switch {
	case s.BaseCurrency != "" && a.base == s.rates.base:
		return word, original
	case own == 0 && (a.base != 0 || s.BaseCurrency != ""):
		return Missing, Missing
	case s.BaseCurrency == "":
		return original, Missing
	}
	minor, code := s.rates.convert(int64(original), own, int64(r.values[r.time]))
	if code != "" {
		return Missing, Missing
	}
	return uint64(minor), original
}

// fail notes the first thing that is wrong.
func (r *StoredReader) fail(why string) {
	if r.fault == "" {
		r.fault = why
	}
}

// take cuts off n bytes.
func (r *StoredReader) take(n int) []byte {
	if n > len(r.rest) {
		r.fail("it is cut off")
	}
	if r.fault != "" {
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *StoredReader) byte() byte {
	if b := r.take(1); r.fault == "" {
		return b[0]
	}
	return 0
}

func (r *StoredReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail("it is cut off, or a number in it is too long")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *StoredReader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// span reads what appendSpan wrote.
func (r *StoredReader) span() int64 {
	u := r.uvarint()
	if u == spanWhole && r.fault == "" {
		if b := r.take(8); r.fault == "" {
			return int64(binary.LittleEndian.Uint64(b))
		}
		return 0
	}
	unit := spanUnits()[u&3]
	n := int64(u>>3) ^ -int64(u>>2&1)
	if ns := n * unit; ns/unit == n {
		return ns
	}
	r.fail("a time in it is out of range")
	return 0
}
