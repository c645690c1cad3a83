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
	windows
	features
	program *Program
	read    []int // queries that the condition at hand reads
}

// Compile compiles conditions.
func Compile(schema *event.Schema, conditions []Condition, lists lang.Lists) (*Program, error) {
	c := &compiler{schema: schema, lists: lists}
	b := &builder{
		windows: windows{
			compiler: c,
			index:    map[shape]int{},
			filters:  map[string]*history.Filter{},
			terms:    map[string]*term{},
			uses:     map[string]int{},
		},
		features: features{index: map[featureKey]*draft{}},
		program:  &Program{schema: schema},
	}
	c.windows = &b.windows
	for _, cond := range conditions {
		b.tally(cond.Tree)
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
	cond := condition{slow: -1}
	b.read = nil
	b.conjuncts(i, c.Tree, true)
	whole, ok := attempt(&b.windows, func() (*term, bool) { t := b.term(c.Tree); return t, t != nil })
	if ok {
		cond.term = whole
		whole.eachQuery(b.reads)
	} else {
		program, err := interp.Compile(b.schema, c.Tree, b.lists)
		if err != nil {
			return fmt.Errorf("condition %s: %w", c.Source, err)
		}
		cond.slow = len(p.slow)
		for _, q := range program.Lists() {
			cond.lists = append(cond.lists, b.list(q))
		}
		p.slow = append(p.slow, slow{condition: i, program: program, lists: cond.lists})
	}
	slices.Sort(b.read)
	cond.queries = b.read
	p.conditions = append(p.conditions, cond)
	p.verdicts = p.verdicts || readsVerdicts(c.Tree)
	return nil
}

// conjuncts takes apart what must hold, or must not (want false), for
// condition i to hold, and adds what can be compiled.
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
	a, ok := attempt(&b.windows, func() (atom, bool) { return b.part(n) })
	if !ok {
		return // the VM sees to it
	}
	if !want {
		a.first = !a.first
	}
	b.add(i, a)
	a.term.eachQuery(b.reads)
}

// part compiles a part of a condition.
func (b *builder) part(n *lang.Node) (a atom, ok bool) {
	if a, ok = b.atom(n); ok {
		return a, true
	}
	t := b.term(n)
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
	p.plan.Queries, p.texts = b.queries, b.windows.texts
	p.plan.Retention = minRetention
	for _, q := range p.plan.Queries {
		p.plan.Retention = max(p.plan.Retention, q.Span.From)
	}
	for _, l := range p.plan.Lists {
		p.plan.Retention = max(p.plan.Retention, l.Span.From)
	}
	p.features, p.direct = b.features.build()
	p.slots = b.slots
}
