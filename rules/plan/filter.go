package plan

import (
	"math"
	"slices"

	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// match tells whether a predicate is definitely true, or definitely false, of
// a past event.
type match func(past history.Past, now *event.Transaction) bool

// compileFilter compiles a predicate over past events; nil if it asks
// something of a window itself.
func compileFilter(s *event.Schema, lists lang.Lists, source string, p *lang.Node) *history.Filter {
	c := &compiler{schema: s, lists: lists, past: true}
	m := c.match(p, true)
	if m == nil {
		return nil
	}
	f := &history.Filter{Source: source, Match: m, Same: c.same(p)}
	survey(p, f)
	f.Shares = shared(s, p) + 1
	return f
}

// shared gives the entity that the past event and the current one must have in
// common for a predicate to hold, -1 if it asks for none: the history of the
// smaller one then answers.
func shared(s *event.Schema, n *lang.Node) int {
	switch n.Op {
	case lang.And:
		if e := shared(s, n.Args[0]); e >= 0 {
			return e
		}
		return shared(s, n.Args[1])
	case lang.Eq:
		past, tx := n.Args[0], n.Args[1]
		if past.Op == lang.Tx {
			past, tx = tx, past
		}
		same := past.Op == lang.Past && tx.Op == lang.Tx && past.Column == tx.Column && past.Column.Form == event.Plain
		if same && (past.Kind == lang.String || past.Kind == lang.Int) {
			return s.Fields[past.Column.Field].EntityIndex
		}
	}
	return -1
}

// survey notes what a predicate looks at. A list may be changed between two
// transactions, so a filter with one can't be evaluated ahead either.
func survey(n *lang.Node, f *history.Filter) {
	switch n.Op {
	case lang.Past:
		if !slices.Contains(f.Columns, n.Column) {
			f.Columns = append(f.Columns, n.Column)
		}
		f.Now = f.Now || n.Column.Form == event.SecondsAgo
	case lang.Tx, lang.ListName:
		f.Now = true
	}
	for _, a := range n.Args {
		survey(a, f)
	}
}

// match compiles a predicate to the test that it is definitely `want`. Of
// three-valued logic only this is left: a conjunction is definitely true if all
// of it is, and definitely false if one part is.
func (c *compiler) match(n *lang.Node, want bool) match {
	switch n.Op {
	case lang.Not:
		return c.match(n.Args[0], !want)
	case lang.And, lang.Or:
		a, b := c.match(n.Args[0], want), c.match(n.Args[1], want)
		if a == nil || b == nil {
			return nil
		}
		if (n.Op == lang.And) == want {
			return func(p history.Past, now *event.Transaction) bool { return a(p, now) && b(p, now) }
		}
		return func(p history.Past, now *event.Transaction) bool { return a(p, now) || b(p, now) }
	}
	if m := c.columnMatch(n, want); m != nil {
		return m
	}
	t := c.term(n)
	if t == nil {
		return nil
	}
	w, bits := t.as(lang.Bool), bit(want)
	return func(p history.Past, now *event.Transaction) bool {
		got, ok := w(env{tx: now, past: p})
		return ok && got == bits
	}
}

// columnMatch compiles the common predicates, on one column of the past event,
// to a test of its word; nil for others.
func (c *compiler) columnMatch(n *lang.Node, want bool) match {
	if m := c.sameMatch(n, want); m != nil {
		return m
	}
	a, ok := c.atom(n)
	if !ok || a.term.node.Op != lang.Past {
		return nil
	}
	if !want {
		a.first = !a.first
	}
	column := a.term.node.Column
	switch r, pow := readingOf(c.schema, column); {
	case a.domain == byHash, a.domain == byInt && r == direct:
		return wordMatch(column, a)
	case r == minor:
		a.cuts = minorCuts(a.cuts, pow)
		return wordMatch(column, a)
	case r == direct && a.domain == byFloat && a.term.kind == lang.Float:
		return numberMatch(column, a)
	}
	return nil
}

// wordMatch tests a word as an int64. An interval needs one look: Missing is
// the smallest int64, below every interval.
func wordMatch(column event.Column, a atom) match {
	if lo, hi, ok := a.interval(); ok {
		return func(p history.Past, _ *event.Transaction) bool {
			w := int64(p.Word(column))
			return lo <= w && w <= hi
		}
	}
	return func(p history.Past, _ *event.Transaction) bool {
		w := p.Word(column)
		return w != event.Missing && a.truth(int64(w))
	}
}

func numberMatch(column event.Column, a atom) match {
	return func(p history.Past, _ *event.Transaction) bool {
		w := p.Word(column)
		return w != event.Missing && a.truth(sortable(math.Float64frombits(w)))
	}
}

// sameMatch compiles .column == tx.column, of words or of hashes.
func (c *compiler) sameMatch(n *lang.Node, want bool) match {
	if n.Op != lang.Eq && n.Op != lang.Ne {
		return nil
	}
	same := c.sides(n)
	if same == nil {
		return nil
	}
	column, field := same.Column, same.Field
	equal := (n.Op == lang.Eq) == want
	if same.Text {
		return func(p history.Past, now *event.Transaction) bool {
			w, h := p.Word(column), now.Hashes[field]
			return w != event.Missing && h != event.Missing && (w == h) == equal
		}
	}
	return func(p history.Past, now *event.Transaction) bool {
		w, h := p.Word(column), now.Words[field]
		return w != event.Missing && h != event.Missing && (w == h) == equal
	}
}

// same recognises a predicate that is .column == tx.column alone.
func (c *compiler) same(n *lang.Node) *history.Same {
	if n.Op != lang.Eq {
		return nil
	}
	return c.sides(n)
}

// sides gives the column and the field of a comparison of the past event with
// the current transaction, if their words say all; else nil.
func (c *compiler) sides(n *lang.Node) *history.Same {
	past, tx := n.Args[0], n.Args[1]
	if past.Op == lang.Tx {
		past, tx = tx, past
	}
	if past.Op != lang.Past || tx.Op != lang.Tx || past.Kind != tx.Kind ||
		past.Column.Form != event.Plain || tx.Column.Form != event.Plain {
		return nil
	}
	same := &history.Same{Column: past.Column, Field: tx.Column.Field, Text: past.Kind == lang.String}
	of := c.schema.Fields[same.Field].Type
	if !same.Text && (of != c.schema.Fields[past.Column.Field].Type || same.Field == c.schema.Time || of == event.TypeMoney) {
		return nil
	}
	return same
}
