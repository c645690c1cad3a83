package plan

import (
	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// windows finds the window values in conditions. Equal ones are one query,
// whoever asks.
type windows struct {
	*compiler
	queries []history.Query
	texts   []string // of each query, as an analyst would write it
	values  []*term  // of each query
	index   map[shape]int
	filters map[string]*history.Filter // nil: a predicate that has no filter
	// matching is what a filter costs an event, in steps.
	matching map[*history.Filter]int

	terms map[string]*term
	log   []string       // the keys of terms, in the order that they came
	uses  map[string]int // how many places a scalar stands in
	slots int            // results that a frame keeps
}

// shape is what tells two queries apart.
type shape struct {
	entity int
	span   history.Span
	filter string
	agg    history.Agg
	column event.Column
}

// stretch is a list: the events of a window, or what is left of them, or
// scalars of them.
type stretch struct {
	window   *lang.Node // WindowOf
	filter   *lang.Node // merged predicates over events, nil: all
	element  *lang.Node // of a list of scalars: the scalar of an event
	reversed bool
}

// stretchOf follows filters, reversals and projections down to a window.
func stretchOf(n *lang.Node) (s stretch, ok bool) {
	if n.Op == lang.WindowOf {
		return stretch{window: n}, true
	}
	if n.Op != lang.Call || len(n.Args) == 0 || !n.Args[0].Kind.IsList() {
		return s, false
	}
	if s, ok = stretchOf(n.Args[0]); !ok {
		return s, false
	}
	switch n.Name {
	case "reverse":
		s.reversed = !s.reversed
	case "filter":
		s = s.where(n.Args[1])
	case "map":
		s.element = s.of(n.Args[1])
	default:
		return s, false
	}
	return s, true
}

// where narrows a stretch by a further predicate.
func (s stretch) where(p *lang.Node) stretch {
	p = s.of(p)
	if s.filter != nil {
		p = &lang.Node{Op: lang.And, Kind: lang.Bool, Pos: p.Pos, Args: []*lang.Node{s.filter, p}}
	}
	s.filter = p
	return s
}

// of turns an expression over the list's elements into one over its events.
func (s stretch) of(n *lang.Node) *lang.Node {
	if s.element == nil {
		return n
	}
	if n.Op == lang.Item {
		return s.element
	}
	copied := *n
	copied.Args = make([]*lang.Node, len(n.Args))
	for i, a := range n.Args {
		copied.Args[i] = s.of(a)
	}
	return &copied
}

// window compiles what asks something of a list; nil if it has no shape, or is
// no such thing.
func (w *windows) window(n *lang.Node) *term {
	switch n.Op {
	case lang.Member:
		return w.pick(n.Args[0], &lang.Node{Op: lang.Past, Kind: n.Kind, Column: n.Column})
	case lang.IsNil:
		return w.absent(n)
	case lang.In:
		return w.contained(n)
	case lang.Call:
		if len(n.Args) > 0 && n.Args[0].Kind.IsList() {
			return w.overList(n)
		}
	}
	return nil
}

// named gives the function that computes an aggregate.
func named(a history.Agg) string {
	return [...]string{
		history.Count:    "count",
		history.Any:      "any",
		history.Sum:      "sum",
		history.Mean:     "mean",
		history.Min:      "min",
		history.Max:      "max",
		history.Median:   "median",
		history.Distinct: "distinct",
		history.First:    "first",
		history.Last:     "last",
	}[a]
}

// overList compiles a scalar that a function makes of a list.
func (w *windows) overList(n *lang.Node) *term {
	s, ok := stretchOf(n.Args[0])
	if !ok {
		return nil
	}
	switch n.Name {
	case "len", "count":
		if len(n.Args) == 2 {
			s = s.where(n.Args[1])
		}
		return w.count(s)
	case "any":
		return w.any(s.where(n.Args[1]))
	case "none":
		return w.none(n, s.where(n.Args[1]))
	case "all":
		return w.all(n, s, s.where(n.Args[1]))
	case "first", "last", "find":
		if s.element != nil {
			return w.pick(n, s.element)
		}
		return nil
	}
	return w.aggregate(n, s)
}

// aggregate compiles sum(L, .column) and its like.
func (w *windows) aggregate(n *lang.Node, s stretch) *term {
	element := s.element
	if len(n.Args) == 2 {
		element = s.of(n.Args[1])
	}
	if element == nil || element.Op != lang.Past {
		return nil
	}
	for agg := history.Sum; agg <= history.Distinct; agg++ {
		if named(agg) != n.Name {
			continue
		}
		if s.reversed && (agg == history.Sum || agg == history.Mean) && w.inexact(element.Column) {
			return nil // floats are added in the list's order
		}
		return w.value(s, agg, element.Column)
	}
	return nil
}

// inexact reports whether a column's sum depends on the order.
func (w *windows) inexact(c event.Column) bool {
	return c.Form == event.SecondsAgo || c.Form == event.Plain && w.schema.Fields[c.Field].Type == event.TypeNumber
}

func (w *windows) count(s stretch) *term { return w.value(s, history.Count, event.Column{}) }

func (w *windows) any(s stretch) *term { return w.value(s, history.Any, event.Column{}) }

// none is `not any`.
func (w *windows) none(n *lang.Node, s stretch) *term {
	a := w.any(s)
	if a == nil {
		return nil
	}
	return &term{node: n, kind: lang.Bool, args: []*term{a}, word: not(a.word), query: -1}
}

// all holds if as many events match as there are: one whose predicate is
// unknown does not.
func (w *windows) all(n *lang.Node, s, matching stretch) *term {
	a, b := w.count(s), w.count(matching)
	if b == nil {
		return nil
	}
	return &term{node: n, kind: lang.Bool, args: []*term{a, b}, word: compare(lang.Eq, a, b), query: -1}
}

// contained compiles `a in list`: whether any element equals a, unknown if a is
// missing. A missing element equals nothing.
func (w *windows) contained(n *lang.Node) *term {
	if !n.Args[1].Kind.IsList() || n.Args[1].Op == lang.Array {
		return nil
	}
	s, ok := stretchOf(n.Args[1])
	if !ok || s.element == nil {
		return nil
	}
	a := w.term(n.Args[0])
	if a == nil {
		return nil
	}
	equal := &lang.Node{Op: lang.Eq, Kind: lang.Bool, Pos: n.Pos, Args: []*lang.Node{s.element, n.Args[0]}}
	s.element = nil
	found := w.any(s.where(equal))
	if found == nil {
		return nil
	}
	return &term{node: n, kind: lang.Bool, args: []*term{a, found}, query: -1, word: func(e env) (uint64, bool) {
		if a.missing(e) {
			return 0, false
		}
		return found.word(e)
	}}
}

// pick compiles a column of first(L), last(L) or find(L, predicate).
func (w *windows) pick(e, column *lang.Node) *term {
	if e.Op != lang.Call || len(e.Args) == 0 || !e.Args[0].Kind.IsList() || column.Op != lang.Past {
		return nil
	}
	s, ok := stretchOf(e.Args[0])
	if !ok {
		return nil
	}
	agg := history.First
	switch e.Name {
	case "last":
		agg = history.Last
	case "find":
		s = s.where(e.Args[1])
	case "first":
	default:
		return nil
	}
	if s.reversed {
		agg = history.First + history.Last - agg
	}
	return w.value(s, agg, column.Column)
}

// absent compiles `e == nil` of an event, which is whether it has no time.
func (w *windows) absent(n *lang.Node) *term {
	of := n.Args[0]
	if of.Kind != lang.Event {
		return nil
	}
	a := w.pick(of, &lang.Node{Op: lang.Past, Kind: lang.Time, Column: event.Column{Field: w.schema.Time}})
	if a == nil {
		return nil
	}
	return &term{node: n, kind: lang.Bool, args: []*term{a}, word: isNil(a), query: -1}
}

// value gives the term of a window value, and asks for it.
func (w *windows) value(s stretch, agg history.Agg, column event.Column) *term {
	key := shape{entity: s.window.Entity, span: s.window.Span, agg: agg, column: column}
	var filter *history.Filter
	if s.filter != nil {
		key.filter = w.text(s.filter)
		if filter = w.filter(key.filter, s.filter); filter == nil {
			return nil
		}
	}
	i, ok := w.index[key]
	if !ok {
		i = len(w.queries)
		w.index[key] = i
		w.queries = append(w.queries, history.Query{
			Entity: key.entity, Span: key.span, Filter: filter, Agg: agg, Column: column,
		})
		w.texts = append(w.texts, w.describe(s, agg, column))
		w.values = append(w.values, valueTerm(i, w.kind(agg, column)))
	}
	return w.values[i]
}

// kind gives the kind of a window value.
func (w *windows) kind(agg history.Agg, column event.Column) lang.Kind {
	switch agg {
	case history.Count, history.Distinct:
		return lang.Int
	case history.Any:
		return lang.Bool
	case history.Mean, history.Median:
		return lang.Float
	}
	switch w.schema.Kind(column) {
	case event.Bool:
		return lang.Bool
	case event.Int:
		return lang.Int
	case event.Float:
		return lang.Float
	case event.Time:
		return lang.Time
	}
	return lang.String
}

// valueTerm gives the term of values[i].
func valueTerm(i int, kind lang.Kind) *term {
	t := &term{node: &lang.Node{}, kind: kind, query: i, at: i}
	switch kind {
	case lang.String:
		t.text = func(e env) (string, bool) {
			v := &e.frame.values[i]
			return v.Text, v.Kind != event.None
		}
		return t
	case lang.Float:
		t.load = loadFloat
	default:
		t.load = loadInteger
	}
	t.word = func(e env) (uint64, bool) {
		v := &e.frame.values[i]
		return v.Bits, v.Kind != event.None
	}
	return t
}

// filter gives the compiled form of a predicate, nil if it has none.
func (w *windows) filter(source string, p *lang.Node) *history.Filter {
	f, known := w.filters[source]
	if !known {
		f = compileFilter(w.schema, w.lists, source, p)
		w.filters[source] = f
		if f != nil {
			w.matching[f] = w.matchSteps(f, p)
		}
	}
	return f
}
