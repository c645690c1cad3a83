// Package naive decides conditions in the most obvious way: a recursive walk
// over the tree, three truth values, integers without bounds. Tests hold the real
// evaluators against it, and it shares no code with them. It is also what shows
// people the values of a condition's parts (package scoring/explanation).
package naive

import (
	"fmt"
	"math/big"

	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Input is what a condition is decided on.
type Input struct {
	Schema  *event.Schema
	Lists   lang.Lists
	Arrival int64 // ns
	Tx      func(event.Column) event.Value
	Window  func(history.ListQuery) history.List
}

// Decide decides a condition.
func Decide(in Input, tree *lang.Node) lang.Tri {
	v := (&walker{in: in}).scalar(tree)
	switch {
	case v.kind == event.None:
		return lang.Unknown
	case v.yes:
		return lang.True
	}
	return lang.False
}

// Value gives the value of a scalar part of a condition that stands in no predicate.
func Value(in Input, n *lang.Node) event.Value {
	return (&walker{in: in}).scalar(n).value()
}

// walker holds what .field and # mean in the predicate that is being walked.
type walker struct {
	in   Input
	item *item
}

// scalar is a value; its kind is None if it is missing.
type scalar struct {
	kind event.Kind
	yes  bool     // of a Bool
	n    *big.Int // of an Int and a Time
	f    float64  // of a Float
	s    string   // of a String
}

// past is an event of a list.
type past struct {
	columns  map[event.Column]event.Value
	currency uint64
}

// item is an element of a list: an event, or a scalar, which may be a column of
// an event just as it is.
type item struct {
	event  *past
	column *event.Column
	scalar scalar
}

// list is a list; nil if missing.
type list struct {
	items  []item
	column *event.Column // of the items, where they are columns of events
}

func missing() scalar          { return scalar{} }
func boolean(yes bool) scalar  { return scalar{kind: event.Bool, yes: yes} }
func text(s string) scalar     { return scalar{kind: event.String, s: s} }
func whole(n int64) scalar     { return scalar{kind: event.Int, n: big.NewInt(n)} }
func small(n int) scalar       { return whole(int64(n)) }
func (v scalar) missing() bool { return v.kind == event.None }

// integer gives n, missing if int64 can't hold it.
func integer(n *big.Int) scalar {
	if !n.IsInt64() {
		return missing()
	}
	return scalar{kind: event.Int, n: n}
}

// scalar walks a node that is a single value.
func (w *walker) scalar(n *lang.Node) scalar {
	switch n.Op {
	case lang.Const:
		return fromValue(n.Value)
	case lang.Tx:
		return fromValue(w.in.Tx(n.Column))
	case lang.Past:
		return fromValue(w.item.event.columns[n.Column])
	case lang.Item:
		return w.item.scalar
	case lang.Member:
		if e := w.event(n.Args[0]); e != nil {
			return fromValue(e.columns[n.Column])
		}
		return missing()
	case lang.Not:
		return not(w.scalar(n.Args[0]))
	case lang.And:
		return and(w.scalar(n.Args[0]), w.scalar(n.Args[1]))
	case lang.Or:
		return not(and(not(w.scalar(n.Args[0])), not(w.scalar(n.Args[1]))))
	case lang.IsNil:
		return boolean(w.isMissing(n.Args[0]))
	case lang.Coalesce:
		if v := w.scalar(n.Args[0]); !v.missing() {
			return v
		}
		return w.scalar(n.Args[1])
	case lang.Cond:
		switch c := w.scalar(n.Args[0]); {
		case c.missing():
			return missing()
		case c.yes:
			return w.scalar(n.Args[1])
		}
		return w.scalar(n.Args[2])
	case lang.In:
		return w.among(n)
	case lang.Call:
		return w.call(n)
	case lang.Neg:
		return negative(w.scalar(n.Args[0]))
	}
	return binary(n, w.scalar(n.Args[0]), w.scalar(n.Args[1]))
}

func (w *walker) isMissing(n *lang.Node) bool {
	if n.Kind == lang.Event {
		return w.event(n) == nil
	}
	return w.scalar(n).missing()
}

func not(v scalar) scalar {
	if v.missing() {
		return v
	}
	return boolean(!v.yes)
}

func and(a, b scalar) scalar {
	switch {
	case !a.missing() && !a.yes, !b.missing() && !b.yes:
		return boolean(false)
	case a.missing() || b.missing():
		return missing()
	}
	return boolean(true)
}

// among walks `a in b`.
func (w *walker) among(n *lang.Node) scalar {
	a, right := w.scalar(n.Args[0]), n.Args[1]
	var items []scalar
	switch right.Op {
	case lang.ListName:
		if a.missing() {
			return a
		}
		return boolean(w.in.Lists.Contains(right.Name, a.text(), w.in.Arrival))
	case lang.Array:
		for _, c := range right.Args {
			items = append(items, fromValue(c.Value))
		}
	default:
		l := w.list(right)
		if l == nil {
			return missing()
		}
		for _, it := range l.items {
			items = append(items, it.scalar)
		}
	}
	if a.missing() {
		return a
	}
	for _, b := range items {
		if !b.missing() && compare(a, b) == 0 {
			return boolean(true)
		}
	}
	return boolean(false)
}

// event walks a node that is an event; nil if missing.
func (w *walker) event(n *lang.Node) *past {
	if it := w.element(n); it != nil {
		return it.event
	}
	return nil
}

// element walks first, last and find; nil if there is none.
func (w *walker) element(n *lang.Node) *item {
	l := w.list(n.Args[0])
	if l == nil {
		return nil
	}
	items := l.items
	if n.Name == "find" {
		items = w.matching(items, n.Args[1])
	}
	switch {
	case len(items) == 0:
		return nil
	case n.Name == "last":
		return &items[len(items)-1]
	}
	return &items[0]
}

// list walks a node that is a list.
func (w *walker) list(n *lang.Node) *list {
	if n.Op == lang.WindowOf {
		return w.window(n)
	}
	l := w.list(n.Args[0])
	if l == nil {
		return nil
	}
	switch n.Name {
	case "filter":
		return &list{w.matching(l.items, n.Args[1]), l.column}
	case "reverse":
		turned := &list{column: l.column}
		for _, it := range l.items {
			turned.items = append([]item{it}, turned.items...)
		}
		return turned
	case "map":
		return w.project(l, n.Args[1])
	}
	panic(fmt.Sprintf("naive: no list: %s", n.Name))
}

// window asks for all columns that there are.
func (w *walker) window(n *lang.Node) *list {
	q := history.ListQuery{Entity: n.Entity, Span: n.Span, Columns: Columns(w.in.Schema)}
	h := w.in.Window(q)
	if h.Why == history.NoEntity {
		return nil
	}
	l := &list{}
	for i := range h.N {
		e := &past{columns: make(map[event.Column]event.Value), currency: h.Currencies[i]}
		for k, c := range q.Columns {
			e.columns[c] = h.Values[i*len(q.Columns)+k]
		}
		l.items = append(l.items, item{event: e})
	}
	return l
}

// Columns lists every column of a past event.
func Columns(s *event.Schema) []event.Column {
	columns := []event.Column{
		{Field: -1, Form: event.Hour},
		{Field: -1, Form: event.Weekday},
		{Field: -1, Form: event.SecondsAgo},
		{Field: -1, Form: event.Fraud},
		{Field: -1, Form: event.Verdict},
	}
	for i, f := range s.Fields {
		if f.Secret {
			continue
		}
		columns = append(columns, event.Column{Field: i})
		if f.Type == event.TypeMoney {
			columns = append(columns, event.Column{Field: i, Form: event.Minor})
		}
	}
	return columns
}

// of walks a node in the scope of an item.
func (w *walker) of(it item, n *lang.Node) scalar {
	inner := walker{in: w.in, item: &it}
	return inner.scalar(n)
}

// matching gives the items that a predicate is true of.
func (w *walker) matching(items []item, p *lang.Node) []item {
	var found []item
	for _, it := range items {
		if w.of(it, p).yes {
			found = append(found, it)
		}
	}
	return found
}

// project walks map(l, f).
func (w *walker) project(l *list, f *lang.Node) *list {
	mapped := &list{}
	switch f.Op {
	case lang.Past:
		mapped.column = &f.Column
	case lang.Item:
		mapped.column = l.column
	}
	for _, it := range l.items {
		v := item{scalar: w.of(it, f)}
		if mapped.column != nil {
			v.event, v.column = it.event, mapped.column
		}
		mapped.items = append(mapped.items, v)
	}
	return mapped
}
