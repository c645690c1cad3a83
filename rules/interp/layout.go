package interp

import (
	"slices"

	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// layout says where a condition's inputs lie: which columns of the current
// transaction it reads, which windows, and which columns of their events.
type layout struct {
	schema  *event.Schema
	tx      []event.Column
	windows []window
	// columns of past events, over all windows: the cells of a row
	columns []event.Column
	named   bool // it asks lists, whose entries may end before the transaction arrived
}

// arrival is the slot behind the columns of the current transaction.
func (l *layout) arrival() int { return len(l.tx) }

// window is one list that a condition reads.
type window struct {
	query history.ListQuery
	cells []int // of each of the query's columns, nowhere if it is not looked at
}

func newLayout(schema *event.Schema, tree *lang.Node) *layout {
	l := &layout{schema: schema}
	l.collect(tree, nowhere)
	return l
}

// nowhere is the window of what is in no predicate, and the cell of what is not
// looked at.
const nowhere = -1

// collect notes what n reads. Root is the window that the event of the
// enclosing predicate comes from.
func (l *layout) collect(n *lang.Node, root int) {
	switch {
	case n.Op == lang.Tx:
		if !slices.Contains(l.tx, n.Column) {
			l.tx = append(l.tx, n.Column)
		}
	case n.Op == lang.WindowOf:
		l.window(n)
	case n.Op == lang.ListName:
		l.named = true
	case n.Op == lang.Past:
		l.read(n.Column, root)
	case n.Op == lang.Member:
		l.collect(n.Args[0], root)
		l.read(n.Column, l.root(n.Args[0]))
	case overList(n):
		l.collect(n.Args[0], root)
		root = l.root(n.Args[0])
		for _, a := range n.Args[1:] {
			l.collect(a, root)
			if a.Op == lang.Past && l.money(a.Column) {
				l.read(event.Column{Field: a.Column.Field, Form: event.Minor}, root)
			}
		}
	default:
		for _, a := range n.Args {
			l.collect(a, root)
		}
	}
}

// overList reports whether n is a function of a list.
func overList(n *lang.Node) bool {
	return n.Op == lang.Call && len(n.Args) > 0 && n.Args[0].Kind.IsList()
}

// root gives the window that the events of a list, or an event, come from.
func (l *layout) root(n *lang.Node) int {
	for n.Op == lang.Call {
		n = n.Args[0]
	}
	if n.Op != lang.WindowOf {
		return nowhere
	}
	return l.window(n)
}

// window finds or adds a window.
func (l *layout) window(n *lang.Node) int {
	for i := range l.windows {
		if q := &l.windows[i].query; q.Entity == n.Entity && q.Span == n.Span {
			return i
		}
	}
	l.windows = append(l.windows, window{query: history.ListQuery{Entity: n.Entity, Span: n.Span}})
	return len(l.windows) - 1
}

// read notes that a column of the events of a window is looked at. A money
// column is asked for with both of its forms.
func (l *layout) read(c event.Column, root int) {
	if root == nowhere {
		return
	}
	w := &l.windows[root]
	w.cells[w.ask(c)] = l.cell(c)
	if l.money(c) {
		w.ask(event.Column{Field: c.Field, Form: event.Minor})
		w.ask(event.Column{Field: c.Field, Form: event.Plain})
	}
}

// ask finds or adds a column of the query.
func (w *window) ask(c event.Column) int {
	i := slices.Index(w.query.Columns, c)
	if i < 0 {
		i = len(w.query.Columns)
		w.query.Columns = append(w.query.Columns, c)
		w.cells = append(w.cells, nowhere)
	}
	return i
}

// cell finds or adds the cell of a column in a row.
func (l *layout) cell(c event.Column) int {
	i := slices.Index(l.columns, c)
	if i < 0 {
		i = len(l.columns)
		l.columns = append(l.columns, c)
	}
	return i
}

// money reports whether a column is a money field's, in either form.
func (l *layout) money(c event.Column) bool {
	return c.Field >= 0 && (c.Form == event.Plain || c.Form == event.Minor) &&
		l.schema.Fields[c.Field].Type == event.TypeMoney
}
