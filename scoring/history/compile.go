package history

import (
	"cmp"
	"slices"

	"sluice/scoring/event"
)

// family says how a group of queries is answered.
type family uint8

const (
	famCount   family = iota // Count, Any
	famFold                  // Sum and Mean of integers and money; Min, Max
	famOrdered               // Sum and Mean of floats, added oldest to newest
	famSet                   // Distinct
	famMedian
	famFind // First, Last
)

// mode says how an entry is matched.
type mode uint8

const (
	all   mode = iota
	ahead      // the bit says
	fraud      // the bit says while the entry has no labels
	now        // ask the filter
)

// program is what a plan asks of one kind of entity.
type program struct {
	*layout
	edges  []int64 // the distinct distances of window bounds, ascending
	groups []group
	lists  []listing
	asked  []int // indexes of all queries
}

// group is a set of queries over windows that end at the same bound, with the
// same filter and column: what the entries of a window add serves the wider ones.
type group struct {
	family   family
	mode     mode
	bit      bit
	filter   *Filter
	column   event.Column
	index    int  // word of the column in an entry, -1 if it is not kept
	run      int  // word of its running sum in an entry, which then serves alone; -1
	floats   bool // the column's words are floats
	currency bool // the column is money in currencies of its own
	sumsOnly bool // no Min nor Max
	means    bool // Mean: values must be counted

	scanned bool // nothing kept in nodes serves it
	limit   int  // of the newest events that are then looked at
	sum     int  // index into layout.sums, -1
	sketch  int  // index into layout.sketches, -1

	entity int    // whose histories these are
	other  int    // an entity that matching events share with the current one
	across *group // the same group, to be answered from that one's histories; nil

	newest  bool // windows of the newest n
	to      int  // index into edges
	windows []window
}

// window is one window of a group; they come in ascending order.
type window struct {
	edge  int // index into edges
	count int // of newest
	asks  []ask
}

type ask struct {
	query int
	agg   Agg
}

type listing struct {
	index int // into Plan.Lists
	query *ListQuery
	newest,
	from, to int
	columns []int // index in an entry, -1
}

// compiler turns a plan into programs.
type compiler struct {
	s *Store
	p *program
}

// compile makes the program for a kind of entity.
func (s *Store) compile(plan *Plan, entity int) *program {
	c := compiler{s: s, p: &program{layout: newLayout(len(s.schema.Fields))}}
	c.edges(plan, entity)
	for i := range plan.Queries {
		if plan.Queries[i].Entity == entity {
			c.query(i, &plan.Queries[i])
		}
	}
	for i := range plan.Lists {
		if plan.Lists[i].Entity == entity {
			c.list(i, &plan.Lists[i])
		}
	}
	for i := range c.p.groups {
		c.column(&c.p.groups[i])
	}
	c.p.place()
	for i := range c.p.groups {
		c.bind(&c.p.groups[i])
		c.p.groups[i].share()
	}
	return c.p
}

// edges collects the distances of all bounds.
func (c *compiler) edges(plan *Plan, entity int) {
	add := func(span Span) {
		if span.Newest > 0 {
			span.From, span.To = plan.Retention, 0
		}
		c.p.edges = append(c.p.edges, int64(span.From), int64(span.To))
	}
	for i := range plan.Queries {
		if plan.Queries[i].Entity == entity {
			add(plan.Queries[i].Span)
		}
	}
	for i := range plan.Lists {
		if plan.Lists[i].Entity == entity {
			add(plan.Lists[i].Span)
		}
	}
	slices.Sort(c.p.edges)
	c.p.edges = slices.Compact(c.p.edges)
}

func (c *compiler) edge(d int64) int {
	i, _ := slices.BinarySearch(c.p.edges, d)
	return i
}

// bounds gives the edges of a span, From first.
func (c *compiler) bounds(span Span) (from, to int) {
	if span.Newest > 0 {
		return c.edge(c.s.retention), c.edge(0)
	}
	return c.edge(int64(span.From)), c.edge(int64(span.To))
}

func familyOf(a Agg, floats bool) family {
	switch a {
	case Count, Any:
		return famCount
	case Sum, Mean:
		if floats {
			return famOrdered
		}
		return famFold
	case Min, Max:
		return famFold
	case Distinct:
		return famSet
	case Median:
		return famMedian
	}
	return famFind
}

// query puts a query into the group that it shares work with.
func (c *compiler) query(i int, q *Query) {
	c.p.asked = append(c.p.asked, i)
	from, to := c.bounds(q.Span)
	g := group{entity: q.Entity, column: q.Column, index: -1, run: -1, sum: -1, sketch: -1, to: to, newest: q.Span.Newest > 0}
	if q.Agg > Any {
		g.column = stored(q.Column)
		g.floats = c.floats(q.Column)
		g.currency = c.s.foreign(q.Column)
	}
	g.family = familyOf(q.Agg, g.floats)
	if g.family == famCount {
		g.column = event.Column{}
	}
	c.match(&g, q.Filter)
	g.sumsOnly = q.Agg == Sum || q.Agg == Mean
	into := c.group(&g)
	into.sumsOnly = into.sumsOnly && g.sumsOnly
	into.means = into.means || q.Agg == Mean
	into.add(from, q.Span.Newest, ask{i, q.Agg})
}

// column makes entries keep what a group reads. Plain sums of everything are
// the difference of two running sums, and need nothing else.
func (c *compiler) column(g *group) {
	switch {
	case g.family == famCount:
	case g.family == famFold && g.mode == all && g.sumsOnly && !g.currency && kept(g.column) && (!g.means || c.always(g.column)):
		g.run = c.p.run(g.column) // the first word is added once all columns are known
	default:
		g.index = c.keep(g.column)
	}
}

// always reports whether every event has a column.
func (c *compiler) always(col event.Column) bool {
	return col.Field < 0 || c.s.schema.Fields[col.Field].Required && !c.s.lacks[col.Field]
}

// keep makes entries keep a column, and gives the index of its word: -1 if
// they can't. Money in many currencies is kept with its currency.
func (c *compiler) keep(col event.Column) int {
	if !kept(col) {
		return -1
	}
	foreign := c.s.foreign(col)
	if foreign {
		c.p.column(currencyColumn, false, false)
	}
	return firstCol + c.p.column(col, c.floats(col), foreign)
}

// floats reports whether the words of a column are floats.
func (c *compiler) floats(col event.Column) bool {
	if col.Form == event.SecondsAgo {
		return true
	}
	return col.Form == event.Plain && col.Field >= 0 && c.s.schema.Fields[col.Field].Type == event.TypeNumber
}

func (c *compiler) match(g *group, f *Filter) {
	g.filter = f
	if f == nil {
		return
	}
	for _, col := range f.Columns {
		c.keep(col)
	}
	switch {
	case f.Now:
		g.mode = now
	case reads(f, event.Fraud):
		g.mode = fraud
		c.p.filter(f)
	default:
		g.mode = ahead
		c.p.filter(f)
	}
}

// group finds the group that g belongs to, or makes it.
func (c *compiler) group(g *group) *group {
	for i := range c.p.groups {
		have := &c.p.groups[i]
		if have.family == g.family && sameFilter(have.filter, g.filter) && have.column == g.column &&
			have.to == g.to && have.newest == g.newest {
			return have
		}
	}
	c.p.groups = append(c.p.groups, *g)
	return &c.p.groups[len(c.p.groups)-1]
}

func sameFilter(a, b *Filter) bool {
	return a == b || a != nil && b != nil && a.Source == b.Source
}

func (g *group) add(edge, count int, a ask) {
	for i := range g.windows {
		if w := &g.windows[i]; w.edge == edge && w.count == count {
			w.asks = append(w.asks, a)
			return
		}
	}
	g.windows = append(g.windows, window{edge, count, []ask{a}})
	slices.SortFunc(g.windows, func(a, b window) int {
		return cmp.Or(cmp.Compare(a.edge, b.edge), cmp.Compare(a.count, b.count))
	})
}

// bind tells a group where its bits and sums are.
func (c *compiler) bind(g *group) {
	l := c.p.layout
	filter := -1
	if g.mode == ahead || g.mode == fraud {
		filter = l.filter(g.filter)
		g.bit = l.bits[filter]
	}
	if g.run >= 0 {
		g.sum = l.sum(sumKey{filter, runKey + g.run})
		g.run += l.firstRun()
		return
	}
	g.scanned = g.mode == now || g.family == famOrdered || g.family != famCount && g.family != famFind && g.index < 0
	if g.scanned {
		g.limit = c.s.options.scan
		if g.mode == now {
			g.limit = c.s.options.asked
		}
		return
	}
	k := sumKey{filter, -1}
	if g.family == famFold {
		k.column = g.index - firstCol
	}
	switch g.family {
	case famCount, famFind:
		if filter < 0 {
			return // places say it all
		}
	case famSet, famMedian:
		k.column = g.index - firstCol
		g.sketch = l.sketch(sketchKey{k, g.family == famMedian})
	}
	g.sum = l.sum(k)
}

// share prepares the group to be answered from the histories of another entity,
// whose entries have other columns.
func (g *group) share() {
	if g.mode != now || g.newest || g.filter.Shares == 0 || g.filter.Shares-1 == g.entity {
		return
	}
	across := *g
	across.index = -1
	g.other, g.across = g.filter.Shares-1, &across
}

func (c *compiler) list(i int, q *ListQuery) {
	out := listing{index: i, query: q, newest: q.Span.Newest}
	out.from, out.to = c.bounds(q.Span)
	for _, col := range q.Columns {
		out.columns = append(out.columns, c.keep(col))
	}
	if c.s.multi {
		c.p.column(currencyColumn, false, false)
	}
	c.p.lists = append(c.p.lists, out)
}
