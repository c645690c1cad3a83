package plan

import (
	"math"
	"unsafe"

	"sluice/rules/lang"
	"sluice/scoring/event"
)

// loader says where a term's bits lie, for those that comparisons read
// without a call.
type loader uint8

const (
	loadTerm    loader = iota // call the term
	loadWord                  // tx.Words[at]
	loadHash                  // tx.Hashes[at]
	loadNumber                // tx.Words[at], float bits
	loadTime                  // tx.Time
	loadMoney                 // tx.Words[at], minor units of the transaction's currency
	loadInteger               // values[at], int64
	loadFloat                 // values[at], float bits
)

// constantScale gives 10^scale of a money field whose scale is known ahead.
func constantScale(s *event.Schema, field int) (pow float64, ok bool) {
	f := &s.Fields[field]
	if f.Scale < 0 {
		return 0, false
	}
	return pow10(f.Scale), true
}

func pow10(scale int) float64 {
	pow := 1.0
	for range scale {
		pow *= 10
	}
	return pow
}

// txColumn gives the term of tx.column.
func txColumn(s *event.Schema, n *lang.Node) *term {
	t := &term{node: n, kind: n.Kind, query: -1}
	field := n.Column.Field
	switch n.Column.Form {
	case event.Hour:
		t.word = func(e env) (uint64, bool) { return uint64(s.Hour(e.tx.Time)), true }
		return t
	case event.Weekday:
		t.word = func(e env) (uint64, bool) { return uint64(s.Weekday(e.tx.Time)), true }
		return t
	case event.Minor:
		t.word, t.load, t.at = plainWord(field), loadWord, field
		return t
	}
	switch s.Fields[field].Type {
	case event.TypeMoney:
		txMoney(t, s, field)
	case event.TypeNumber:
		t.word, t.load, t.at = plainWord(field), loadNumber, field
	case event.TypeTimestamp:
		if field == s.Time { // the arrival where the event time lay too far ahead
			t.word, t.load = func(e env) (uint64, bool) { return uint64(e.tx.Time), true }, loadTime
			return t
		}
		t.word, t.load, t.at = plainWord(field), loadWord, field
	case event.TypeInteger, event.TypeBool:
		t.word, t.load, t.at = plainWord(field), loadWord, field
	default:
		txText(t, field)
	}
	return t
}

func plainWord(field int) word {
	return func(e env) (uint64, bool) {
		w := e.tx.Words[field]
		return w, w != event.Missing
	}
}

func txMoney(t *term, s *event.Schema, field int) {
	t.at = field
	if pow, ok := constantScale(s, field); ok {
		t.load, t.pow = loadMoney, pow
		t.word = func(e env) (uint64, bool) {
			w := e.tx.Words[field]
			return math.Float64bits(float64(int64(w)) / pow), w != event.Missing
		}
		return
	}
	t.load = loadMoney
	t.word = func(e env) (uint64, bool) {
		w := e.tx.Words[field]
		if w == event.Missing {
			return 0, false
		}
		return math.Float64bits(float64(int64(w)) / e.scale()), true
	}
}

// scale gives 10^scale of the transaction's currency.
func (e env) scale() float64 {
	if e.frame != nil {
		return e.frame.scale(e.tx.Currency)
	}
	return pow10(event.CurrencyScale(e.tx.Currency))
}

func txText(t *term, field int) {
	t.load, t.at = loadHash, field
	t.hash = func(e env) (uint64, bool) {
		h := e.tx.Hashes[field]
		return h, h != event.Missing
	}
	t.text = func(e env) (string, bool) {
		b, ok := e.tx.String(field)
		return view(b), ok
	}
}

// view gives bytes as a string that changes with them.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// pastColumn gives the term of .column of the event that a predicate looks at.
func pastColumn(s *event.Schema, n *lang.Node) *term {
	t := &term{node: n, kind: n.Kind, query: -1}
	c := n.Column
	if n.Kind == lang.String {
		t.text = func(e env) (string, bool) {
			v := e.past.Value(c)
			return v.Text, v.Kind != event.None
		}
		if c.Form == event.Plain {
			t.hash = pastWord(c)
		}
		return t
	}
	r, pow := readingOf(s, c)
	switch r {
	case direct:
		t.word = pastWord(c)
	case minor:
		t.word = func(e env) (uint64, bool) {
			w := e.past.Word(c)
			return math.Float64bits(float64(int64(w)) / pow), w != event.Missing
		}
	default:
		t.word = func(e env) (uint64, bool) {
			v := e.past.Value(c)
			return v.Bits, v.Kind != event.None
		}
	}
	return t
}

func pastWord(c event.Column) word {
	return func(e env) (uint64, bool) {
		w := e.past.Word(c)
		return w, w != event.Missing
	}
}

// reading says how Past.Word holds a column that is no text.
type reading uint8

const (
	direct   reading = iota // the word is the value's bits
	minor                   // minor units of a known scale
	indirect                // minor units of the event's currency: ask Past.Value
)

func readingOf(s *event.Schema, c event.Column) (r reading, pow float64) {
	if c.Form != event.Plain || s.Fields[c.Field].Type != event.TypeMoney {
		return direct, 0
	}
	if pow, ok := constantScale(s, c.Field); ok {
		return minor, pow
	}
	return indirect, 0
}
