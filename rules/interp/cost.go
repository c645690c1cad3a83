package interp

import "sluice/rules/lang"

// What runs on the VM costs, in steps of about a nanosecond (measured, see
// BenchmarkCost of package rules).
const (
	nodeSteps   = 7  // an operation of the VM
	loopSteps   = 10 // an event that a function with a predicate passes over
	eventSteps  = 10 // an event made ready for the VM
	columnSteps = 20 // and each of its columns
)

// Cost is what a condition costs at most on the VM: where it ends unknown, all
// its windows are full, and what is missing has to be found.
type Cost struct {
	Steps      int
	Ready      int    // of these: making the windows' events ready
	Explaining int    // and finding what is missing
	Parts      []Part // and the functions of lists, as often as they are calculated
}

// Part is a function of a list, and what it costs.
type Part struct {
	Node  *lang.Node
	Steps int
}

// Cost gives what the condition costs at most.
func (p *Program) Cost() Cost { return p.cost }

// meter counts the steps of a condition's programs while they are written: what
// stands in a predicate counts for each event of the window that it is about.
// Nothing else is repeated: predicates hold no further ones, and a window in
// one, as in count(card.last("1h"), .amount > count(card.last("1d"))), is a list
// that lies ready.
type meter struct {
	layout *layout
	fixed  load
	each   []load // an event of a window
	in     int    // the window whose events are passed over, or nowhere
	nodes  map[*lang.Node]int
}

// load is work: steps, and steps a byte of the texts that it looks at.
type load struct{ steps, bytes int }

func newMeter(l *layout) *meter {
	return &meter{layout: l, each: make([]load, len(l.windows)), in: nowhere, nodes: map[*lang.Node]int{}}
}

// at gives where work counts that is done now.
func (m *meter) at() *load {
	if m.in == nowhere {
		return &m.fixed
	}
	return &m.each[m.in]
}

// spend counts steps.
func (m *meter) spend(steps int) { m.at().steps += steps }

// over counts steps for each event of a window.
func (m *meter) over(window, steps int) {
	if window != nowhere {
		m.each[window].steps += steps
	}
}

// operation counts what n does, its arguments left out.
func (m *meter) operation(n *lang.Node) {
	at := m.at()
	at.steps += lang.Steps(n)
	at.bytes += textSteps(n)
}

// textSteps is what an operation costs a byte of its texts.
func textSteps(n *lang.Node) int {
	switch n.Op {
	case lang.Matches:
		return max(1, lang.Steps(n)/10)
	case lang.Contains, lang.StartsWith, lang.EndsWith, lang.In, lang.Eq, lang.Ne:
		return 1
	case lang.Call:
		switch n.Name {
		case "lower", "upper", "trim", "len":
			return 3
		}
	}
	return 0
}

// aggregateSteps is what an aggregate costs an event.
func aggregateSteps(name string) int {
	switch name {
	case "distinct", "most_common":
		return 110
	case "median":
		return 100
	}
	return 25
}

// total is the steps with all windows full.
func (m *meter) total() int {
	steps := m.fixed.steps
	for i := range m.each {
		steps += m.each[i].steps * lang.Longest(m.layout.windows[i].query.Span)
	}
	return steps
}

// note counts what was written for n since the total was before. What stands in
// predicates is no part of its own.
func (m *meter) note(n *lang.Node, before int) {
	if m.in == nowhere {
		m.nodes[n] += m.total() - before
	}
}

// ready counts what making the windows ready costs.
func (m *meter) ready() int {
	steps := 0
	for i := range m.layout.windows {
		q := &m.layout.windows[i].query
		steps += lang.Longest(q.Span) * (eventSteps + columnSteps*len(q.Columns))
	}
	return steps
}

// cost gives the cost of a condition once its programs are written.
func (m *meter) cost(tree *lang.Node) Cost {
	c := Cost{Ready: m.ready(), Explaining: m.explaining(tree)}
	c.Steps = c.Ready + m.total() + c.Explaining
	lang.Walk(tree, func(n *lang.Node) bool {
		if overList(n) {
			c.Parts = append(c.Parts, Part{n, m.nodes[n]})
			return false
		}
		return true
	})
	return c
}

// explaining is the cost of finding what is missing: on each level of the
// condition its arguments are asked again (see explainer).
func (m *meter) explaining(n *lang.Node) int {
	if overList(n) {
		return m.explainingList(n)
	}
	steps, deepest := 0, 0
	for _, a := range n.Args {
		steps += m.asking(a)
		deepest = max(deepest, m.explaining(a))
	}
	return steps + deepest
}

// asking is the cost of asking whether n is missing. What was written for n
// stands in both programs; a truth value needs both, another value is
// calculated once.
func (m *meter) asking(n *lang.Node) int {
	if n.Kind == lang.Bool && compound(n) {
		return m.nodes[n]
	}
	return m.nodes[n] / 2
}

// explainingList is the cost of saying why a function of a list is missing: some
// can't be, others look at the list again, averages and the like twice.
func (m *meter) explainingList(n *lang.Node) int {
	switch n.Name {
	case "count", "any", "none", "all", "streak", "distinct":
		return 0
	case "first", "last", "find", "sum":
		return m.nodes[n] / 2
	}
	return m.nodes[n]
}
