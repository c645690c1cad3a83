package plan

import (
	"math"

	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// env is what an expression is evaluated in: a predicate over past events has
// past, a condition has frame.
type env struct {
	tx    *event.Transaction
	past  history.Past
	frame *Frame
}

// word evaluates to the bits of a scalar, as in event.Value; ok is false if it
// is missing. A Bool's missing is the third truth value, unknown.
type word func(e env) (bits uint64, ok bool)

// text evaluates to a string, which is good until the transaction is reused.
type text func(e env) (s string, ok bool)

// term is a compiled scalar expression.
type term struct {
	node *lang.Node
	kind lang.Kind
	args []*term

	word word // of every kind but String
	text text // of String
	// hash gives a text as event.Hash does, where that is cheaper than reading
	// it; nil elsewhere.
	hash word

	constant bool
	value    event.Value // of a constant; None: nil, or what can't be calculated

	query int // index of the window value that this is, else -1

	load loader // where the bits lie, and at which index
	at   int
	pow  float64 // of loadMoney: 10^scale, or 0 if the currency says
}

// bit gives a truth value as bits.
func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// number gives a float's bits; what is not finite is missing.
func number(f float64) (uint64, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, false
	}
	return math.Float64bits(f), true
}

// float gives a term of kind Int, Float or Seconds as a word of float64 bits.
func (t *term) float() word {
	if t.kind != lang.Int {
		return t.word
	}
	if t.constant && t.value.Kind != event.None {
		return always(math.Float64bits(float64(int64(t.value.Bits))))
	}
	inner := t.word
	return func(e env) (uint64, bool) {
		bits, ok := inner(e)
		return math.Float64bits(float64(int64(bits))), ok
	}
}

// as gives the word of a term where one of kind is expected: integers become
// floats among floats.
func (t *term) as(kind lang.Kind) word {
	if t.kind == lang.Int && (kind == lang.Float || kind == lang.Seconds) {
		return t.float()
	}
	if t.kind == lang.Nil {
		return never
	}
	return t.word
}

// missing tells whether a term has no value.
func (t *term) missing(e env) bool {
	if t.text != nil {
		_, ok := t.text(e)
		return !ok
	}
	_, ok := t.word(e)
	return !ok
}

func always(bits uint64) word {
	return func(env) (uint64, bool) { return bits, true }
}

func never(env) (uint64, bool) { return 0, false }

func neverText(env) (string, bool) { return "", false }

// constantTerm makes the term of a known value.
func constantTerm(n *lang.Node, kind lang.Kind, v event.Value) *term {
	t := &term{node: n, kind: kind, constant: true, value: v, query: -1}
	switch {
	case kind == lang.String && v.Kind == event.None:
		t.text, t.hash = neverText, never
	case kind == lang.String:
		t.text = func(env) (string, bool) { return v.Text, true }
		t.hash = always(event.Hash([]byte(v.Text)))
	case v.Kind == event.None:
		t.word = never
	default:
		t.word = always(v.Bits)
	}
	return t
}

// fold turns a term whose arguments are all constant into its value.
func fold(t *term) *term {
	for _, a := range t.args {
		if !a.constant {
			return t
		}
	}
	v := event.Value{}
	if t.text != nil {
		if s, ok := t.text(env{}); ok {
			v = event.Value{Kind: event.String, Text: s}
		}
	} else if bits, ok := t.word(env{}); ok {
		v = event.Value{Kind: scalar(t.kind), Bits: bits}
	}
	folded := constantTerm(t.node, t.kind, v)
	folded.args = t.args
	return folded
}

// scalar gives the kind of value of an expression of a kind.
func scalar(k lang.Kind) event.Kind {
	switch k {
	case lang.Bool:
		return event.Bool
	case lang.Int:
		return event.Int
	case lang.Float, lang.Seconds:
		return event.Float
	case lang.String:
		return event.String
	case lang.Time:
		return event.Time
	}
	return event.None
}
