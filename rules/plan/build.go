package plan

import (
	"fmt"
	"slices"

	"sluice/rules/interp"
	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// builder makes a program.
type builder struct {
	windows  *windows
	features *features
	program  *Program
	scalar   int // what all comparisons cost

	// Of the condition at hand.
	read  []int      // queries
	parts []*term    // what is compared
	steps int        // what comparing that costs
	rest  *lang.Node // for the VM, nil: nothing
}

// Compile compiles conditions.
func Compile(schema *event.Schema, conditions []Condition, lists lang.Lists) (*Program, error) {
	c := &compiler{schema: schema, lists: lists}
	b := &builder{
		windows: &windows{
			compiler: c,
			index:    map[shape]int{},
			filters:  map[string]*history.Filter{},
			matching: map[*history.Filter]int{},
			terms:    map[string]*term{},
			uses:     map[string]int{},
		},
		features: &features{index: map[featureKey]*draft{}},
		program:  &Program{schema: schema},
	}
	c.windows = b.windows
	for _, cond := range conditions {
		b.windows.tally(cond.Tree)
	}
	p := b.program
	p.all = make([]uint64, (len(conditions)+63)/64)
	for i, cond := range conditions {
		p.all[i/64] |= 1 << (i % 64)
		if err := b.condition(i, cond); err != nil {
			return nil, err
		}
	}
	b.finish()
	return p, nil
}

func (b *builder) condition(i int, c Condition) error {
	p := b.program
	b.read, b.parts, b.rest, b.steps = nil, nil, nil, 0
	b.conjuncts(i, c.Tree, true)
	cond := condition{parts: b.parts, slow: -1}
	if b.rest != nil {
		program, err := interp.Compile(b.windows.schema, b.rest, b.windows.lists)
		if err != nil {
			return fmt.Errorf("condition %s: %w", c.Source, err)
		}
		for _, q := range program.Lists() {
			cond.lists = append(cond.lists, b.list(q))
		}
		cond.slow = len(p.slow)
		p.slow = append(p.slow, slow{condition: i, program: program, tree: b.rest, lists: cond.lists})
	}
	slices.Sort(b.read)
	cond.queries = b.read
	cond.cost = b.cost(c.Tree, cond.slow)
	b.scalar += b.steps
	p.conditions = append(p.conditions, cond)
	p.verdicts = p.verdicts || readsVerdicts(c.Tree)
	return nil
}

// conjuncts takes apart what must hold, or must not (want false), for
// condition i to hold: what can be compiled becomes a comparison, the rest is
// left for the VM.
func (b *builder) conjuncts(i int, n *lang.Node, want bool) {
	switch {
	case n.Op == lang.Not:
		b.conjuncts(i, n.Args[0], !want)
		return
	case n.Op == lang.And && want, n.Op == lang.Or && !want:
		b.conjuncts(i, n.Args[0], want)
		b.conjuncts(i, n.Args[1], want)
		return
	}
	a, ok := attempt(b.windows, func() (atom, bool) { return b.part(n) })
	if !ok {
		b.leave(n, want)
		return
	}
	if !want {
		a.first = !a.first
	}
	b.features.add(i, a)
	b.parts = append(b.parts, a.term)
	b.steps += b.windows.scalars(n)
	a.term.eachQuery(b.reads)
}

// leave adds a part to what the VM decides of the condition at hand.
func (b *builder) leave(n *lang.Node, want bool) {
	if !want {
		n = &lang.Node{Op: lang.Not, Kind: lang.Bool, Pos: n.Pos, Args: []*lang.Node{n}}
	}
	if b.rest != nil {
		n = &lang.Node{Op: lang.And, Kind: lang.Bool, Pos: n.Pos, Args: []*lang.Node{b.rest, n}}
	}
	b.rest = n
}

// part compiles a part of a condition.
func (b *builder) part(n *lang.Node) (a atom, ok bool) {
	if a, ok = b.windows.atom(n); ok {
		return a, true
	}
	t := b.windows.term(n)
	return atom{term: t, domain: byInt, cuts: []int64{1}}, t != nil
}

// reads notes that the condition at hand reads a query.
func (b *builder) reads(query int) {
	if !slices.Contains(b.read, query) {
		b.read = append(b.read, query)
	}
}

func (t *term) eachQuery(do func(query int)) {
	if t.query >= 0 {
		do(t.query)
	}
	for _, a := range t.args {
		a.eachQuery(do)
	}
}

// list gives the index of a list query in the plan; equal ones are one.
func (b *builder) list(q history.ListQuery) int {
	lists := b.program.plan.Lists
	for i := range lists {
		if lists[i].Entity == q.Entity && lists[i].Span == q.Span && slices.Equal(lists[i].Columns, q.Columns) {
			return i
		}
	}
	b.program.plan.Lists = append(lists, q)
	return len(lists)
}

func (b *builder) finish() {
	p := b.program
	p.plan.Queries, p.texts = b.windows.queries, b.windows.texts
	p.plan.Retention = minRetention
	for _, q := range p.plan.Queries {
		p.plan.Retention = max(p.plan.Retention, q.Span.From)
	}
	for _, l := range p.plan.Lists {
		p.plan.Retention = max(p.plan.Retention, l.Span.From)
	}
	p.features, p.direct = b.features.build()
	p.slots = b.windows.slots
	p.total = b.sum()
}
