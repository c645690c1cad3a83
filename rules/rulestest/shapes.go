package rulestest

import "fmt"

// The shapes that real rules are made of, and that the fast path recognises:
// an aggregate of a window, over a filter or not, against a limit.

// rule writes one to three shapes.
func (w *writer) rule() string {
	s := w.shape()
	for range w.IntN(3) {
		s = fmt.Sprintf("%s %s %s", s, w.one("and", "and", "or"), w.one(w.shape(), w.plainCompare(), w.shape()))
		if w.IntN(3) == 0 {
			s = "not (" + s + ")"
		} else {
			s = "(" + s + ")"
		}
	}
	return s
}

// shape writes one comparison, or question, about a window.
func (w *writer) shape() string {
	op := w.one("==", "!=", "<", "<=", ">", ">=", ">", ">=")
	switch w.IntN(8) {
	case 0:
		return call(w.one("any", "none", "all"), w.filtered(), w.match())
	case 1:
		return fmt.Sprintf("%s.%s %s %s", w.oneEvent(), w.one("merchant", "country", "card"), op, w.one("tx.merchant", "tx.country", `"m1"`))
	case 2:
		return fmt.Sprintf("tx.time - %s.time < %s", w.oneEvent(), w.one("1", "60", "600", "3600"))
	case 3:
		return fmt.Sprintf("%s %s nil", w.one(w.oneEvent(), w.measure()), w.one("==", "!="))
	case 4:
		return fmt.Sprintf("%s %s %s", w.measure(), op, w.measure())
	case 5:
		return fmt.Sprintf("%s %s %s * %s", w.column("amount", "risk", "items"), op, w.one("3", "0.5", "2"), w.measure())
	}
	return fmt.Sprintf("%s %s %s", w.measure(), op, w.one("0", "1", "2", "3", "4", "2.5", "10", "50", "tx.amount", "tx.items", w.constant()))
}

// measure writes an aggregate of a window.
func (w *writer) measure() string {
	list := w.filtered()
	switch w.IntN(9) {
	case 0:
		return call("count", list)
	case 1:
		return call("count", list, w.match())
	case 2:
		return call("distinct", list, w.projection(w.one("text", "text", "int", "float"), 0))
	case 3:
		return call("distinct", call("map", list, w.projection("text", 0)))
	case 4:
		return w.oneEvent() + w.projection(w.one("float", "int"), 0)
	case 5:
		return call("count", list, w.match()) + " / " + call("count", list)
	}
	name := w.one("sum", "mean", "min", "max", "median", "sum", "mean", "stddev", "most_common")
	return call(name, list, w.projection(w.one("float", "float", "int"), 0))
}

// filtered writes a window, often with a filter.
func (w *writer) filtered() string {
	if w.IntN(3) > 0 {
		return w.window()
	}
	return call("filter", w.window(), w.match())
}

func (w *writer) oneEvent() string {
	switch w.IntN(4) {
	case 0:
		return call("find", w.window(), w.match())
	case 1:
		return call("last", call("filter", w.window(), w.match()))
	}
	return call(w.one("first", "last"), w.window())
}

// match writes a predicate of past events, which may look at the current one.
func (w *writer) match() string {
	return w.inside("event", func() string {
		p := w.part()
		for range w.IntN(3) {
			p = fmt.Sprintf("(%s %s %s)", p, w.one("and", "or"), w.part())
		}
		return p
	})
}

func (w *writer) part() string {
	field := w.one("merchant", "country", "card")
	op := w.one("<", "<=", ">", ">=", "==", "!=")
	switch w.IntN(9) {
	case 0:
		return ".fraud"
	case 1:
		return fmt.Sprintf(".%s %s tx.%s", field, w.one("==", "!="), field)
	case 2:
		return fmt.Sprintf(".%s %s %s", field, w.one("==", "!="), w.one("tx.merchant", `"m1"`, `"DE"`))
	case 3:
		return fmt.Sprintf(".%s %s %s", w.one("amount", "risk", "fee", "items"), op, w.one("tx.amount", "tx.risk", "2 * tx.amount"))
	case 4:
		return fmt.Sprintf(".%s in [%s]", field, w.one(`"m1", "DE"`, `"m2"`))
	case 5:
		return fmt.Sprintf(".%s %s nil", w.one("merchant", "amount", "verdict", "chip"), w.one("==", "!="))
	case 6:
		return fmt.Sprintf(".seconds_ago %s %s", op, w.one("0", "60", "600", "599.5"))
	case 7:
		return w.one(`.verdict == "deny"`, ".chip", "not .chip", ".hour < 6", ".weekday == tx.weekday", ".verdict != \"allow\"")
	}
	return fmt.Sprintf(".%s %s %s", w.one("amount", "amount", "amount", "risk", "amount_minor", "items"), op, w.one("0", "1", "2.5", "5", "50", "100"))
}
