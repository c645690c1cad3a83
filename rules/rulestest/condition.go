package rulestest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"sluice/scoring/event"
)

// Condition makes the text of a condition for the schemas of this package. Few
// of them are refused by lang.Check, and then for their size.
func Condition(r *rand.Rand, s *event.Schema) string {
	w := &writer{Rand: r, schema: s, left: 60}
	if r.IntN(2) == 0 {
		return w.rule()
	}
	return w.boolean(1 + r.IntN(4))
}

// writer writes expressions. Depth is how much deeper they may go.
type writer struct {
	*rand.Rand
	schema *event.Schema
	left   int // parts that may still be written
	// element is what the predicate that is being written looks at: "" outside
	// of any, "event", or the kind of a scalar: "bool", "int", "float", "text".
	element string
}

func (w *writer) pick(options ...func() string) string { return options[w.IntN(len(options))]() }

func (w *writer) one(words ...string) string { return words[w.IntN(len(words))] }

// stop reports whether only simple things should be written from here on.
func (w *writer) stop(depth int) bool {
	w.left--
	return depth <= 0 || w.left <= 0
}

// boolean writes what is true or false.
func (w *writer) boolean(depth int) string {
	if w.stop(depth) {
		return w.pick(w.plainBool, w.plainCompare, w.plainCompare, w.ask)
	}
	d := depth - 1
	return w.pick(
		w.plainCompare,
		func() string { return w.compare(d) },
		func() string { return w.compare(d) },
		func() string { return w.compare(d) },
		func() string { return fmt.Sprintf("(%s and %s)", w.boolean(d), w.boolean(d)) },
		func() string { return fmt.Sprintf("(%s or %s)", w.boolean(d), w.boolean(d)) },
		func() string { return fmt.Sprintf("not (%s)", w.boolean(d)) },
		func() string { return fmt.Sprintf("(%s ? %s : %s)", w.boolean(d), w.boolean(d), w.boolean(d)) },
		func() string { return fmt.Sprintf("((%s) ?? (%s))", w.boolean(d), w.boolean(d)) },
		func() string { return fmt.Sprintf("((%s) == (%s))", w.boolean(d), w.boolean(d)) },
		func() string { return w.texts(d) },
		func() string { return w.times(d) },
		func() string { return w.among(d) },
		func() string { return w.ask() },
		func() string { return w.quantifier(d) },
		func() string { return w.quantifier(d) },
		func() string { return w.fieldOf("bool", d) },
	)
}

// quantifier writes any, none and all.
func (w *writer) quantifier(depth int) string {
	if w.element != "" {
		return w.plainCompare()
	}
	list, element := w.list(depth)
	return fmt.Sprintf("%s(%s, %s)", w.one("any", "none", "all"), list, w.inside(element, func() string { return w.boolean(depth) }))
}

// inside writes a part that looks at the elements of a list.
func (w *writer) inside(element string, write func() string) string {
	outer := w.element
	w.element = element
	s := write()
	w.element = outer
	return s
}

func (w *writer) compare(depth int) string {
	op := w.one("==", "!=", "<", "<=", ">", ">=")
	return fmt.Sprintf("(%s %s %s)", w.number(depth), op, w.number(depth))
}

// plainCompare writes the kind of comparison that real rules are full of.
func (w *writer) plainCompare() string {
	op := w.one("==", "!=", "<", "<=", ">", ">=")
	if w.IntN(2) == 0 {
		return fmt.Sprintf("(%s %s %s)", w.plainText(), w.one("==", "!=", op), w.one(w.plainText(), `"m1"`, `"DE"`))
	}
	return fmt.Sprintf("(%s %s %s)", w.plainNumber(), op, w.one(w.plainNumber(), w.constant()))
}

// column writes a column of the current or of the past event.
func (w *writer) column(names ...string) string {
	if w.element == "event" && w.IntN(3) > 0 {
		return "." + w.one(names...)
	}
	return "tx." + w.one(names...)
}

func (w *writer) plainBool() string {
	switch {
	case w.element == "bool":
		return "#"
	case w.element == "event" && w.IntN(2) == 0:
		return "." + w.one("fraud", "chip")
	}
	return w.one(w.column("chip"), "true", "false", w.column("chip"))
}

func (w *writer) plainText() string {
	if w.element == "text" && w.IntN(2) == 0 {
		return "#"
	}
	if w.element == "event" && w.IntN(5) == 0 {
		return ".verdict"
	}
	return w.column("card", "merchant", "country", "currency")
}

func (w *writer) plainNumber() string { return w.one(w.plainInteger(), w.plainFloat()) }

func (w *writer) plainInteger() string {
	if w.element == "int" && w.IntN(2) == 0 {
		return "#"
	}
	return w.column("items", "items", "amount_minor", "fee_minor", "hour", "weekday")
}

func (w *writer) plainFloat() string {
	if w.element == "float" && w.IntN(2) == 0 {
		return "#"
	}
	if w.element == "event" && w.IntN(4) == 0 {
		return ".seconds_ago"
	}
	return w.column("amount", "amount", "fee", "risk")
}

func (w *writer) constant() string {
	return w.one("0", "1", "2", "3", "5", "10", "0.5", "2.5", "50", "100", "999", "-1", "9223372036854775807", "1e308", "600")
}

// ask writes a question for something missing.
func (w *writer) ask() string {
	if w.IntN(4) == 0 {
		return fmt.Sprintf("((%s) == nil)", w.plainCompare())
	}
	what := w.one(w.plainText(), w.plainNumber(), w.plainBool(), w.event(0), w.event(1))
	if what == "true" || what == "false" {
		what = "tx.chip"
	}
	return fmt.Sprintf("(%s %s nil)", what, w.one("==", "!="))
}

// texts writes a test of texts.
func (w *writer) texts(depth int) string {
	a, b := w.text(depth), w.text(depth)
	switch op := w.one("contains", "startsWith", "endsWith", "matches", "==", "<", ">=", "not contains"); op {
	case "matches":
		return fmt.Sprintf("(%s matches %s)", a, w.one(`"^m[0-9]$"`, `"(?i)^M"`, `"n"`, `""`))
	default:
		return fmt.Sprintf("(%s %s %s)", a, op, b)
	}
}

// times writes a test of times.
func (w *writer) times(depth int) string {
	a, b := w.time(depth), w.time(depth)
	if w.IntN(2) == 0 {
		return fmt.Sprintf("(%s %s %s)", a, w.one("<", ">=", "==", "!="), b)
	}
	return fmt.Sprintf("(%s - %s %s %s)", a, b, w.one("<", ">=", "=="), w.one("600", "0", "86400.5"))
}

func (w *writer) time(depth int) string {
	if w.element == "time" && w.IntN(2) == 0 {
		return "#"
	}
	if depth > 0 && w.IntN(3) == 0 {
		return w.fieldOf("time", depth-1)
	}
	return w.column("time", "opened")
}

// among writes `x in …`.
func (w *writer) among(depth int) string {
	in := w.one("in", "in", "not in")
	switch w.IntN(6) {
	case 0:
		return fmt.Sprintf("(%s %s [%s])", w.text(depth), in, w.one(`"m1"`, `"m1", "DE"`, `"", "m2", "ünï"`))
	case 1:
		return fmt.Sprintf("(%s %s [%s])", w.number(depth), in, w.one("1", "1, 2.5, 10", "0, 999, 9223372036854775807", "-1, 0.1"))
	case 2:
		return fmt.Sprintf("(%s %s lists.%s)", w.text(depth), in, w.one("bad", "good"))
	case 3:
		return fmt.Sprintf("(%s %s lists.%s)", w.integer(depth), in, w.one("bad", "good"))
	}
	if w.element != "" {
		return w.plainCompare()
	}
	if w.IntN(2) == 0 {
		return fmt.Sprintf("(%s %s %s)", w.text(depth), in, w.values("text", depth))
	}
	return fmt.Sprintf("(%s %s %s)", w.number(depth), in, w.values(w.one("int", "float"), depth))
}

// call writes a call.
func call(name string, args ...string) string { return name + "(" + strings.Join(args, ", ") + ")" }
