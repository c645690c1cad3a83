package explanation

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"sluice/rules"
	"sluice/rules/interp/naive"
	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

func floatOf(v event.Value) float64 { return math.Float64frombits(v.Bits) }

// trees gives the conditions of the rules, checked anew.
func (x *explainer) trees() ([]*lang.Node, error) {
	var out []*lang.Node
	for i := range x.Set.Rules {
		tree, faults := lang.Check(strings.TrimRight(x.Set.Rules[i].When, "\n"), x.schema, x.Set.Lists)
		if len(faults) > 0 {
			return nil, fmt.Errorf("the rule %s: %s", x.Set.Rules[i].ID, faults[0].Message)
		}
		out = append(out, tree)
	}
	return out, nil
}

// listsOf names the lists that the condition of a rule asks.
func listsOf(set *rules.Set, i int) (names []string) {
	tree, faults := lang.Check(strings.TrimRight(set.Rules[i].When, "\n"), set.Schema, set.Lists)
	if len(faults) > 0 {
		return nil // trees says so
	}
	lang.Walk(tree, func(n *lang.Node) bool {
		if n.Op == lang.ListName && !slices.Contains(names, n.Name) {
			names = append(names, n.Name)
		}
		return true
	})
	return names
}

// walk holds the past transactions of all windows of the rules.
type walk struct {
	*explainer
	windows []history.ListQuery
	lists   []history.List
	columns []event.Column // of the lists
	queries map[string]int // text of a window value: index in the plan
	only    int            // the one event that windows hold, -1: all of them
}

// newWalk reads the past transactions of all windows. It leaves a plan of its own in
// the histories.
func (x *explainer) newWalk(trees []*lang.Node) *walk {
	w := &walk{explainer: x, queries: map[string]int{}, only: -1}
	for q := range x.plan.Queries {
		w.queries[x.Set.Program.Describe(q)] = q
	}
	for i := range x.schema.Fields {
		if f := &x.schema.Fields[i]; !f.Secret {
			w.columns = append(w.columns, event.Column{Field: i})
			if f.Type == event.TypeMoney {
				w.columns = append(w.columns, event.Column{Field: i, Form: event.Minor})
			}
		}
	}
	for form := event.Hour; form <= event.Verdict; form++ {
		w.columns = append(w.columns, event.Column{Field: -1, Form: form})
	}
	for _, tree := range trees {
		lang.Walk(tree, func(n *lang.Node) bool {
			if n.Op == lang.WindowOf && w.window(n.Entity, n.Span) < 0 {
				w.windows = append(w.windows, history.ListQuery{Entity: n.Entity, Span: n.Span, Columns: w.columns})
			}
			return true
		})
	}
	w.lists = make([]history.List, len(w.windows))
	x.Store.Install(&history.Plan{Lists: w.windows, Retention: x.plan.Retention})
	x.Store.Observe(x.Tx, nil, w.lists)
	return w
}

func (w *walk) window(entity int, span history.Span) int {
	return slices.IndexFunc(w.windows, func(q history.ListQuery) bool { return q.Entity == entity && q.Span == span })
}

// numbers gives the numbers in the past transactions, by field: rules may ask for
// one that was there before.
func (w *walk) numbers() map[int][]float64 {
	out := map[int][]float64{}
	for l := range w.lists {
		for i, v := range w.lists[l].Values {
			c := w.columns[i%len(w.columns)]
			if c.Form != event.Plain {
				continue
			}
			switch v.Kind {
			case event.Int:
				out[c.Field] = append(out[c.Field], float64(int64(v.Bits)))
			case event.Float:
				out[c.Field] = append(out[c.Field], floatOf(v))
			}
		}
	}
	for field := range out {
		slices.Sort(out[field])
		out[field] = slices.Compact(out[field])
	}
	return out
}

// input is what conditions are walked on.
func (w *walk) input() naive.Input {
	return naive.Input{Schema: w.schema, Lists: w.Set.Lists, Arrival: w.Tx.Arrival, Tx: w.Tx.Value, Window: w.list}
}

// list gives the columns that are asked for of a window's events.
func (w *walk) list(q history.ListQuery) history.List {
	from := &w.lists[w.window(q.Entity, q.Span)]
	out := history.List{Why: from.Why, Approx: from.Approx}
	for i := range from.N {
		if w.only >= 0 && w.only != i {
			continue
		}
		for _, c := range q.Columns {
			out.Values = append(out.Values, from.Values[i*len(w.columns)+slices.Index(w.columns, c)])
		}
		out.Currencies = append(out.Currencies, from.Currencies[i])
		out.N++
	}
	return out
}

// parts takes a rule's condition apart.
func (w *walk) parts(rule int, tree *lang.Node) []Part {
	var out []Part
	for _, n := range conjuncts(tree) {
		p := Part{Text: lang.Text(n, w.schema), Truth: "unknown", Values: []Window{}}
		if v := w.value(n); v.Kind == event.Bool {
			p.Truth = fmt.Sprint(v.Bits != 0)
		}
		w.leaves(n, func(leaf *lang.Node) {
			v := w.leaf(leaf)
			if !slices.ContainsFunc(p.Values, func(have Window) bool { return have.Name == v.Name }) {
				p.Values = append(p.Values, v)
			}
		})
		out = append(out, p)
	}
	return out
}

// conjuncts gives what must hold for a condition to hold.
func conjuncts(n *lang.Node) []*lang.Node {
	if n.Op == lang.And {
		return append(conjuncts(n.Args[0]), conjuncts(n.Args[1])...)
	}
	return []*lang.Node{n}
}

// value gives the value of a part of a condition: the engine's, where it has one.
func (w *walk) value(n *lang.Node) event.Value {
	if q, ok := w.queries[lang.Text(n, w.schema)]; ok {
		return w.values[q].Value
	}
	return naive.Value(w.input(), n)
}

// leaves gives the values that a part reads: columns of the transaction, and what
// is made of past ones.
func (w *walk) leaves(n *lang.Node, each func(*lang.Node)) {
	switch {
	case n.Op == lang.Tx, pastList(n) != nil:
		each(n)
		if n.Op == lang.Tx {
			return
		}
		lang.Walk(n, func(below *lang.Node) bool { // what a predicate compares with
			if below.Op == lang.Tx {
				each(below)
			}
			return true
		})
		return
	}
	for _, a := range n.Args {
		w.leaves(a, each)
	}
}

// pastList gives the list that a value is made of, with a predicate if it has one:
// as a call whose value is how many of the events count. nil: it is made of none.
func pastList(n *lang.Node) *lang.Node {
	switch {
	case n.Op == lang.Member || n.Op == lang.IsNil && n.Args[0].Kind == lang.Event:
		return pastList(n.Args[0])
	case n.Op == lang.In && n.Args[1].Kind.IsList() && n.Args[1].Op != lang.Array && n.Args[1].Op != lang.ListName:
		return counting(n.Args[1])
	case n.Op != lang.Call || len(n.Args) == 0 || !n.Args[0].Kind.IsList():
		return nil
	}
	switch n.Name {
	case "count", "any", "none", "find", "filter":
		return counting(n.Args...)
	}
	return counting(n.Args[0])
}

func counting(args ...*lang.Node) *lang.Node {
	return &lang.Node{Op: lang.Call, Kind: lang.Int, Name: "count", Args: args}
}

// leaf shows one value.
func (w *walk) leaf(n *lang.Node) Window {
	out := Window{Value: Value{Name: lang.Text(n, w.schema)}}
	var column event.Column
	column.Field = -1
	if n.Op == lang.Tx || n.Op == lang.Member {
		column = n.Column
	}
	out.Value.Value = shown(w.value(n), w.schema, column)
	if column.Field >= 0 && w.schema.Fields[column.Field].Secret && out.Value.Value != "" {
		out.Value.Value = "***" // conditions can only compare it, so nothing else is made of it
	}
	list := pastList(n)
	if list == nil {
		return out
	}
	out.Window, out.Past = true, []Past{}
	var window *lang.Node
	read := map[event.Column]bool{}
	lang.Walk(n, func(below *lang.Node) bool {
		if below.Op == lang.WindowOf && window == nil {
			window = below
		}
		if below.Op == lang.Past || below.Op == lang.Member {
			read[below.Column] = true
		}
		return true
	})
	if window == nil {
		return out
	}
	out.Maturity = w.maturity(window.Span)
	if q, ok := w.queries[out.Name]; ok {
		out.Approx = w.values[q].Approx
	}
	w.behind(&out, list, window, read)
	return out
}

// behind names the past transactions that a value is made of: each is asked for by
// itself, whether it counts.
func (w *walk) behind(out *Window, list, window *lang.Node, read map[event.Column]bool) {
	defer func() { w.only = -1 }()
	events := &w.lists[w.window(window.Entity, window.Span)]
	for i := events.N - 1; i >= 0; i-- {
		w.only = i
		if v := naive.Value(w.input(), list); v.Kind != event.Int || v.Bits == 0 {
			continue
		}
		if out.Behind++; len(out.Past) < maxPast {
			out.Past = append(out.Past, w.past(events, i, read))
		}
	}
}

// past shows an event of a window: its id, amounts, and what is read of it.
func (w *walk) past(events *history.List, i int, read map[event.Column]bool) Past {
	var p Past
	for j, c := range w.columns {
		v := events.Values[i*len(w.columns)+j]
		if v.Kind == event.None {
			continue
		}
		if c.Field == w.schema.Time {
			p.Time = at(int64(v.Bits))
			continue
		}
		money := c.Form == event.Plain && c.Field >= 0 && w.schema.Fields[c.Field].Type == event.TypeMoney
		fraud := c.Form == event.Fraud && v.Bits != 0
		if c.Field == w.schema.ID || money || fraud || read[c] && c.Form != event.Minor {
			p.Fields = append(p.Fields, Value{lang.ColumnName(c, w.schema), shown(v, w.schema, c)})
		}
	}
	return p
}
