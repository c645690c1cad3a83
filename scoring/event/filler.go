package event

import (
	"strconv"
	"unicode/utf8"
)

// filler turns the texts and numbers of one message into words. The decoders
// of JSON and of CSV share it.
type filler struct {
	layout  *layout
	words   []uint64
	text    []byte
	amounts []amount // of the money fields, by layout.numbers
	scratch []byte

	// The currency seen last: most messages are in the same.
	code  uint64
	scale int
}

// begin clears the words.
func (f *filler) begin(words []uint64, text []byte) {
	n := len(f.layout.fields)
	if cap(words) < n {
		words = make([]uint64, n)
	}
	f.words, f.text = words[:n], text[:0]
	for i := range f.words {
		f.words[i] = Missing
	}
	if f.amounts == nil {
		f.amounts = make([]amount, len(f.layout.money))
	}
}

// put files a text.
func (f *filler) put(field int, text []byte) {
	f.words[field] = uint64(len(f.text))<<32 | uint64(len(text))
	f.text = append(f.text, text...)
}

// get gives the text of a field that has one.
func (f *filler) get(field int) []byte {
	w := f.words[field]
	return f.text[w>>32 : w>>32+w&0xffffffff]
}

// fromText files what is written as text in JSON as in CSV.
func (f *filler) fromText(i int, text []byte, offset int) Code {
	switch f.layout.fields[i].Type {
	case TypeString:
		f.put(i, text)
	case TypeIP:
		return f.ip(i, text)
	case TypeCountry:
		if !isCountry(text) {
			return UnknownCountry
		}
		f.put(i, text)
	case TypeCurrency:
		if !f.currency(text) {
			return UnknownCurrency
		}
		f.put(i, text)
	case TypeTimestamp:
		ns, code := parseTime(text)
		f.words[i] = uint64(ns)
		return code
	case TypeMoney:
		n, ok := scanNumber(text, 0)
		if !ok || n.end != len(text) {
			return BadValue
		}
		return f.amount(i, &n, offset)
	default:
		return WrongType
	}
	return ""
}

// fromCell files a CSV cell: text, where JSON has types of its own.
func (f *filler) fromCell(i int, text []byte, offset int) Code {
	field := &f.layout.fields[i]
	switch field.Type {
	case TypeBool, typeFlag:
		value, ok := parseFlag(text)
		if !ok {
			return BadValue
		}
		f.words[i] = value
		return ""
	case TypeInteger, TypeNumber:
	case TypeTimestamp:
		if field.Unit == 0 || len(text) > 4 && text[4] == '-' {
			return f.fromText(i, text, offset)
		}
	default:
		if !utf8.Valid(text) {
			return BadUTF8
		}
		return f.fromText(i, text, offset)
	}
	n, ok := scanNumber(text, 0)
	if !ok || n.end != len(text) {
		return BadValue
	}
	return f.fromNumber(i, &n, text, offset)
}

// parseFlag reads a truth value as programs write it into CSV files.
func parseFlag(text []byte) (value uint64, ok bool) {
	switch string(text) {
	case "1", "true", "True", "TRUE":
		return 1, true
	case "0", "false", "False", "FALSE":
		return 0, true
	}
	return 0, false
}

// fromNumber files a number. b is what the number was scanned from.
func (f *filler) fromNumber(i int, n *number, b []byte, offset int) Code {
	field := &f.layout.fields[i]
	switch field.Type {
	case TypeString:
		if !n.integer {
			return WrongType
		}
		if n.neg && n.digits == 0 && !n.wide { // -0 is 0
			n.start++
		}
		f.put(i, b[n.start:n.end])
	case TypeInteger:
		v, ok := n.int()
		switch {
		case !n.integer:
			return WrongType
		case !ok:
			return OutOfRange
		}
		f.words[i] = uint64(v)
	case TypeNumber:
		v, ok := n.float(b)
		if !ok {
			return OutOfRange
		}
		f.words[i] = floatWord(v)
	case TypeMoney:
		return f.amount(i, n, offset)
	case TypeTimestamp:
		return f.unixTime(i, field.Unit, n)
	case typeFlag:
		if !n.integer || n.neg || n.wide || n.digits > 1 {
			return WrongType
		}
		f.words[i] = n.digits
	default:
		return WrongType
	}
	return ""
}

func (f *filler) unixTime(i int, unit int64, n *number) Code {
	if unit == 0 || !n.integer {
		return WrongType
	}
	v, ok := n.int()
	if !ok || v < 0 || v > MaxTime/unit {
		return OutOfRange
	}
	f.words[i] = uint64(v * unit)
	return ""
}

// amount keeps an amount until its currency is known.
func (f *filler) amount(i int, n *number, offset int) Code {
	if n.neg && (n.digits != 0 || n.wide) {
		return OutOfRange
	}
	f.amounts[f.layout.numbers[i]] = amount{digits: n.digits, exp: n.exp, wide: n.wide, offset: offset}
	f.words[i] = 0 // there is one
	return ""
}

func (f *filler) ip(i int, text []byte) Code {
	if _, ok := parseIPv4(text); ok { // its only spelling
		f.put(i, text)
		return ""
	}
	addr, ok := parseIP(text)
	if !ok {
		return BadValue
	}
	start := len(f.text)
	f.text = addr.AppendTo(f.text)
	f.words[i] = uint64(start)<<32 | uint64(len(f.text)-start)
	return ""
}

// currency looks a currency up and remembers it.
func (f *filler) currency(text []byte) bool {
	if len(text) != 3 {
		return false
	}
	code := uint64(text[0])<<16 | uint64(text[1])<<8 | uint64(text[2])
	if code == f.code {
		return true
	}
	at := currencyAt(code)
	if at < 0 {
		return false
	}
	f.code, f.scale = code, int(currencies[at+3]-'0')
	return true
}

// fill completes a transaction of which the words are read. field is that of a fault.
func (f *filler) fill(dst *Transaction, s *Schema) (field, offset int, code Code) {
	for _, i := range f.layout.must {
		if f.words[i] == Missing {
			return i, -1, MissingField
		}
	}
	dst.Schema, dst.Words, dst.Text = s, f.words, f.text
	if field, offset, code = f.money(dst); code != "" {
		return field, offset, code
	}
	f.hash(dst)
	if s.Fields[s.ID].Type == TypeString && dst.Words[s.ID]&0xffffffff == 0 {
		return s.ID, -1, BadValue
	}
	f.scratch = dst.appendText(f.scratch[:0], s.ID)
	dst.IDKey = idKey(s.Fields[s.ID].Type, f.scratch)
	dst.Body, f.scratch = dst.bodyKey(f.scratch)
	return 0, 0, ""
}

// idKey gives the key of a transaction's id as far as it is read, zero where it is not.
func (f *filler) idKey(s *Schema) Key {
	if len(f.words) <= s.ID || f.words[s.ID] == Missing {
		return Key{}
	}
	t := s.Fields[s.ID].Type
	f.scratch = appendWord(f.scratch[:0], t, f.words[s.ID], f.text)
	return idKey(t, f.scratch)
}

// money turns amounts into minor units, of the base currency if there is one.
func (f *filler) money(dst *Transaction) (field, offset int, code Code) {
	s := dst.Schema
	dst.Currency, dst.Original = 0, dst.Original[:0]
	for k, i := range f.layout.money {
		currency, scale := f.currencyOf(&s.Fields[i])
		if s.BaseCurrency == "" {
			dst.Currency = currency
		} else {
			dst.Currency = s.rates.base
			dst.Original = append(dst.Original, Missing)
		}
		if f.words[i] == Missing {
			continue
		}
		if currency == 0 {
			return s.Fields[i].CurrencyFrom, -1, MissingField
		}
		a := &f.amounts[k]
		minor, code := a.minor(scale)
		if code == "" && s.BaseCurrency != "" {
			dst.Original[k] = uint64(minor)
			minor, code = s.rates.convert(minor, currency, int64(f.words[s.Time]))
		}
		if code != "" {
			return i, a.offset, code
		}
		f.words[i] = uint64(minor)
	}
	return 0, 0, ""
}

// currencyOf gives the currency of a money field in this message, 0 if it has none.
func (f *filler) currencyOf(field *Field) (code uint64, scale int) {
	if from := field.CurrencyFrom; from < 0 {
		f.currency([]byte(field.Currency))
	} else if f.words[from] == Missing {
		return 0, 0
	} else {
		f.currency(f.get(from))
	}
	return f.code, f.scale
}

func (f *filler) hash(dst *Transaction) {
	s := dst.Schema
	n := len(s.Fields)
	if cap(dst.Hashes) < n {
		dst.Hashes = make([]uint64, n)
	}
	dst.Hashes = dst.Hashes[:n]
	for i := range dst.Hashes {
		dst.Hashes[i] = Missing
	}
	for _, i := range f.layout.text {
		if f.words[i] != Missing {
			dst.Hashes[i] = Hash(f.get(i))
		}
	}
	dst.Entities = f.entities(dst.Entities, s.Entities, dst.Hashes)
}

// entities hashes the values of the entities, which stand in the given fields.
func (f *filler) entities(keys []Key, fields []int, hashes []uint64) []Key {
	if cap(keys) < len(fields) {
		keys = make([]Key, len(fields))
	}
	keys = keys[:len(fields)]
	for e, i := range fields {
		keys[e] = f.entity(i, hashes)
	}
	return keys
}

func (f *filler) entity(i int, hashes []uint64) Key {
	switch {
	case i < 0 || f.words[i] == Missing:
		return Key{}
	case f.layout.fields[i].Type == TypeInteger:
		f.scratch = strconv.AppendInt(f.scratch[:0], int64(f.words[i]), 10)
		return HashKey(f.scratch)
	case hashes == nil:
		return HashKey(f.get(i))
	case f.words[i]&0xffffffff == 0:
		return Key{}
	}
	return keyOf(hashes[i], f.get(i))
}
