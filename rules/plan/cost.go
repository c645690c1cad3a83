package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sluice/rules/interp"
	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// MaxSteps bounds what a condition may cost a transaction. A step is about a
// nanosecond, so the most expensive condition that is accepted adds about 0.6 ms
// where all its windows hold as many events as are looked at one by one
// (history.MaxList). BenchmarkCost of package rules measures that. It allows each
// function of the language once over a full window: most_common takes 0.58 million.
const MaxSteps = 600_000

// Cost is what a condition costs a transaction at most, in steps.
type Cost struct {
	Steps int
	// Of one that is too expensive: what it is made of, the most expensive first,
	// and where that stands in the condition's text.
	parts []expense
	pos   int
}

// expense is a part of a cost, in the analyst's words.
type expense struct {
	steps int
	on    string
	pos   int // in the condition's text, or nowhere
}

// Cost gives what a condition costs at most, as if it were alone: what it shares
// with others counts whole.
func (p *Program) Cost(condition int) Cost { return p.conditions[condition].cost }

// Total is what all conditions together cost a transaction at most.
func (p *Program) Total() int { return p.total }

// Fault says why a condition is too expensive, and what to do; ok is false if
// it is not.
func (c Cost) Fault() (f lang.Fault, ok bool) {
	if c.Steps <= MaxSteps {
		return f, false
	}
	const shown = 3
	var parts []string
	for _, e := range c.parts[:min(shown, len(c.parts))] {
		if e.steps > 0 {
			parts = append(parts, millions(e.steps)+" "+e.on)
		}
	}
	return lang.Fault{Pos: c.pos, Message: fmt.Sprintf("the condition is too expensive: it may take %s steps for one transaction, and %s are allowed; "+
		"most of it goes here: %s. Look at fewer transactions (`newest(100)` in place of `last`), ask fewer different questions, "+
		"compare fields as they are instead of calculating with each, or put many constants into a list",
		millions(c.Steps), millions(MaxSteps), strings.Join(parts, ", "))}, true
}

// millions writes a number of steps for people.
func millions(steps int) string {
	return fmt.Sprintf("%.2f million", float64(max(steps, 10_000))/1e6)
}

// cost gives what the condition at hand costs.
func (b *builder) cost(tree *lang.Node, slow int) Cost {
	c := Cost{Steps: b.steps}
	for _, q := range b.read {
		c.Steps += b.windows.steps(q)
	}
	var vm interp.Cost
	if slow >= 0 {
		vm = b.program.slow[slow].program.Cost()
		c.Steps += vm.Steps
	}
	if c.Steps > MaxSteps {
		c.parts = b.expenses(tree, vm)
		c.pos = slices.MaxFunc(c.parts, func(x, y expense) int { return cmp.Compare(x.placed(), y.placed()) }).pos
	}
	return c
}

// expenses lists what the condition at hand spends, most first.
func (b *builder) expenses(tree *lang.Node, vm interp.Cost) []expense {
	parts := []expense{
		{vm.Ready, "for getting the transactions of its windows ready", nowhere},
		{vm.Explaining, "for finding out what is missing, where it ends unknown", nowhere},
		{b.steps, "for comparisons", 0},
	}
	for _, q := range b.read {
		parts = append(parts, expense{b.windows.steps(q), "for `" + clip(b.windows.texts[q]) + "`", b.windows.position(tree, q)})
	}
	for _, p := range vm.Parts {
		parts = append(parts, expense{p.Steps, "for `" + clip(b.windows.text(p.Node)) + "`", p.Node.Pos})
	}
	slices.SortStableFunc(parts, func(x, y expense) int { return cmp.Compare(y.steps, x.steps) })
	return parts
}

// nowhere is the position of what stands nowhere in a condition's text.
const nowhere = -1

// placed is the steps of an expense that stands somewhere.
func (e expense) placed() int {
	if e.pos == nowhere {
		return nowhere
	}
	return e.steps
}

// clip shortens the text of a part.
func clip(text string) string {
	const most = 70
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// steps is what a window value costs, all events of the window looked at.
func (w *windows) steps(query int) int {
	q := &w.queries[query]
	each := aggregateSteps(q.Agg)
	if q.Column.Form == event.SecondsAgo { // which no entry keeps
		each += 5
	}
	if q.Filter != nil {
		each += w.matching[q.Filter]
	} else if q.Agg == history.Count || q.Agg == history.First || q.Agg == history.Last {
		each = 0 // found by its place
	}
	const once = 100
	return once + each*lang.Longest(q.Span)
}

// aggregateSteps is what an aggregate costs an event.
func aggregateSteps(a history.Agg) int {
	switch a {
	case history.Median, history.Distinct:
		return 20
	case history.Sum, history.Mean, history.Min, history.Max:
		return 10
	}
	return 2
}

// matchSteps is what a filter costs an event: a look at a bit, or where it can't
// be evaluated ahead, the predicate.
func (w *windows) matchSteps(f *history.Filter, p *lang.Node) int {
	fraud := slices.ContainsFunc(f.Columns, func(c event.Column) bool { return c.Form == event.Fraud })
	if !f.Now && !fraud {
		return 2
	}
	const match = 15
	return match + w.scalars(p)
}

// scalars is what the scalar operations of a tree cost, lists left out.
func (w *windows) scalars(n *lang.Node) int {
	steps := 0
	lang.Walk(n, func(n *lang.Node) bool {
		switch {
		case n.Op == lang.Const:
			steps += 3
		case n.Op == lang.Past || n.Op == lang.Tx:
			steps += w.columnSteps(n)
		case n.Op == lang.Array || n.Op == lang.Call && len(n.Args) > 0 && n.Args[0].Kind.IsList():
			return false
		default:
			steps += 8 + lang.Steps(n)
		}
		return true
	})
	return steps
}

// columnSteps is what reading a column costs. Amounts whose currency the event
// says take longer.
func (w *windows) columnSteps(n *lang.Node) int {
	if n.Kind == lang.Float && n.Column.Field >= 0 {
		if r, _ := readingOf(w.schema, n.Column); r == indirect && n.Op == lang.Past {
			return 45
		}
	}
	return 12
}

// position finds the innermost place in a condition that asks for a query.
func (w *windows) position(tree *lang.Node, query int) int {
	pos := 0
	lang.Walk(tree, func(n *lang.Node) bool {
		t := w.terms[w.text(n)]
		if t == nil {
			return true
		}
		found := false
		t.eachQuery(func(q int) { found = found || q == query })
		if found {
			pos = n.Pos
		}
		return found
	})
	return pos
}

// sum is what all conditions together cost: window values and lists that they
// share count once.
func (b *builder) sum() int {
	steps := 0
	for q := range b.windows.queries {
		steps += b.windows.steps(q)
	}
	for i := range b.program.slow {
		steps += b.program.slow[i].program.Cost().Steps
	}
	return steps + b.scalar
}
