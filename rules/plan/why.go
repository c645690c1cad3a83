package plan

import (
	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Why says, after Evaluate, what was missing for a condition that is Unknown,
// or the error of one that failed on the VM (err).
func (f *Frame) Why(condition int) (why string, err error) {
	c := &f.program.conditions[condition]
	if c.slow >= 0 && f.errs[c.slow] != nil {
		return "", f.errs[c.slow]
	}
	for _, part := range c.parts {
		if part.missing(env{tx: f.tx, frame: f}) {
			return f.explain(part), nil
		}
	}
	if c.slow < 0 {
		return "", nil
	}
	return f.whys[c.slow], nil
}

// explain names the first thing that a missing term misses.
func (f *Frame) explain(t *term) string {
	e := env{tx: f.tx, frame: f}
	if t.query >= 0 {
		return f.explainValue(t)
	}
	switch t.node.Op {
	case lang.Tx:
		return f.text(t.node) + " is missing"
	case lang.Cond:
		return f.explainChoice(t, e)
	case lang.Coalesce:
		return f.explain(t.args[1])
	}
	for _, a := range t.args {
		if a.missing(e) {
			return f.explain(a)
		}
	}
	return f.text(t.node) + f.failure(t, e)
}

// failure says what is wrong with an operation that has all it needs.
func (f *Frame) failure(t *term, e env) string {
	switch t.node.Op {
	case lang.Div, lang.Mod:
		if isZero(t.args[1], e) {
			return " is missing: division by zero"
		}
	case lang.Call:
		return " has no value"
	case lang.Const:
		return " is missing"
	}
	return " is out of range"
}

func isZero(t *term, e env) bool {
	bits, ok := t.word(e)
	return ok && (bits == 0 || t.kind != lang.Int && bits == event.Missing)
}

func (f *Frame) explainChoice(t *term, e env) string {
	yes, ok := t.args[0].word(e)
	switch {
	case !ok:
		return f.explain(t.args[0])
	case yes == 1:
		return f.explain(t.args[1])
	}
	return f.explain(t.args[2])
}

// explainValue says why a window value is missing.
func (f *Frame) explainValue(t *term) string {
	q := &f.program.plan.Queries[t.query]
	text := f.program.texts[t.query]
	switch f.values[t.query].Why {
	case history.NoEntity:
		s := f.program.schema
		window := &lang.Node{Op: lang.WindowOf, Kind: lang.Events, Entity: q.Entity, Span: q.Span}
		return f.text(window) + " is missing: the transaction has no " + s.Fields[s.Entities[q.Entity]].Name
	case history.NoEvents:
		return text + " has no events"
	case history.MixedCurrencies:
		return text + " has amounts in several currencies"
	case history.OutOfRange:
		return text + " is out of range"
	}
	return text + " is missing"
}

func (f *Frame) text(n *lang.Node) string { return lang.Text(n, f.program.schema) }
