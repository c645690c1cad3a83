package plan

import (
	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// text gives the canonical form of a tree: equal texts are equal trees.
func (c *compiler) text(n *lang.Node) string { return lang.Text(n, c.schema) }

// tally notes where each scalar stands, so that what stands in several places
// is calculated once.
func (w *windows) tally(n *lang.Node) {
	if n.Op == lang.Const {
		return
	}
	key := w.text(n)
	w.uses[key]++
	if w.uses[key] > 1 {
		return // and so what it consists of
	}
	if n.Op == lang.Call && n.Args[0].Kind.IsList() {
		return
	}
	for _, a := range n.Args {
		if a.Kind.IsScalar() {
			w.tally(a)
		}
	}
}

// term compiles a scalar outside of predicates; equal ones are one term.
func (w *windows) term(n *lang.Node) *term {
	key := w.text(n)
	if t, known := w.terms[key]; known {
		return t
	}
	t := w.make(n)
	if t != nil && w.uses[key] > 1 && len(t.args) > 0 && !t.constant && t.word != nil {
		w.slots++
		t.word = kept(t.word, w.slots-1)
	}
	w.terms[key] = t
	w.log = append(w.log, key)
	return t
}

// attempt compiles something whole or, asking nothing of the histories, not at all.
func attempt[T any](w *windows, compile func() (T, bool)) (result T, ok bool) {
	queries, log := len(w.queries), len(w.log)
	if result, ok = compile(); ok {
		return result, true
	}
	for _, key := range w.log[log:] {
		delete(w.terms, key)
	}
	for key, i := range w.index {
		if i >= queries {
			delete(w.index, key)
		}
	}
	w.log, w.queries, w.texts = w.log[:log], w.queries[:queries], w.texts[:queries]
	w.values = w.values[:queries]
	return result, false
}

func (w *windows) make(n *lang.Node) *term {
	if n.Op == lang.Tx {
		return txColumn(w.schema, n)
	}
	if t := w.window(n); t != nil {
		return t
	}
	return w.operation(n)
}

// kept makes a word that is evaluated at most once a transaction.
func kept(inner word, slot int) word {
	return func(e env) (uint64, bool) {
		k := &e.frame.kept[slot]
		if k.state == 0 {
			bits, ok := inner(e)
			*k = keep{bits: bits, state: 1 + uint8(bit(ok))}
		}
		return k.bits, k.state == 2
	}
}

// keep is a result in a frame.
type keep struct {
	bits  uint64
	state uint8 // 0: not evaluated, 1: missing, 2: present
}

// describe writes a window value as an analyst would.
func (w *windows) describe(s stretch, agg history.Agg, column event.Column) string {
	list := s.window
	call := func(name string, args ...*lang.Node) *lang.Node {
		return &lang.Node{Op: lang.Call, Name: name, Args: args}
	}
	switch {
	case agg > history.Any && s.filter != nil:
		list = call("filter", list, s.filter)
	case s.filter != nil:
		return w.text(call(named(agg), list, s.filter))
	}
	switch agg {
	case history.Count:
		return w.text(call("count", list))
	case history.First, history.Last:
		return w.text(&lang.Node{Op: lang.Member, Column: column, Args: []*lang.Node{call(named(agg), list)}})
	}
	return w.text(call(named(agg), list, &lang.Node{Op: lang.Past, Column: column}))
}
