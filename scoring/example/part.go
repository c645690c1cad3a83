package example

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"sluice/rules"
	"sluice/rules/lang"
	"sluice/rules/plan"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Part is a part of a condition that is true or false by itself, between its
// and, or and not.
type Part struct {
	Text   string
	Truth  lang.Tri
	Values []string // of the windows that it looks at: `count(card.last("1h")) is 3`
}

// parts is a rule set whose rules are the parts of another's conditions.
type parts struct {
	set   *rules.Set
	trees []*lang.Node
	from  []int // the first part of each rule, and the end
	eval  *rules.Evaluator

	values []history.Value
	lists  []history.List
	out    rules.Outcome
}

// newParts takes the conditions of a set apart.
func newParts(set *rules.Set) (*parts, error) {
	p := &parts{set: &rules.Set{Schema: set.Schema, Lists: set.Lists, Policy: set.Policy, Hash: set.Hash}}
	var conditions []plan.Condition
	for i := range set.Rules {
		p.from = append(p.from, len(conditions))
		tree, faults := lang.Check(strings.TrimRight(set.Rules[i].When, "\n"), set.Schema, set.Lists)
		if tree == nil {
			return nil, fmt.Errorf("the condition of %s: %+v", set.Rules[i].ID, faults) // it was read before
		}
		for _, n := range split(tree) {
			text := lang.Text(n, set.Schema)
			p.trees = append(p.trees, n)
			conditions = append(conditions, plan.Condition{Tree: n, Source: text})
			p.set.Rules = append(p.set.Rules, rules.Rule{ID: set.Rules[i].ID, When: text, Mode: rules.Shadow})
		}
	}
	p.from = append(p.from, len(conditions))
	var err error
	if p.set.Program, err = plan.Compile(set.Schema, conditions, set.Lists); err != nil {
		return nil, err
	}
	p.eval = p.set.NewEvaluator()
	p.values = make([]history.Value, len(p.set.Program.Plan().Queries))
	p.lists = make([]history.List, len(p.set.Program.Plan().Lists))
	return p, nil
}

// split gives the parts of a condition: what stands between and, or and not, and
// the questions of its choices (? :).
func split(n *lang.Node) []*lang.Node {
	switch n.Op {
	case lang.And, lang.Or, lang.Not:
		var out []*lang.Node
		for _, a := range n.Args {
			out = append(out, split(a)...)
		}
		return out
	case lang.Cond:
		out := split(n.Args[0])
		if n.Kind == lang.Bool {
			return append(append(out, split(n.Args[1])...), split(n.Args[2])...)
		}
		return append(append(out, choices(n.Args[1])...), choices(n.Args[2])...)
	}
	out := choices(n)
	if n.Op == lang.Const {
		return out
	}
	return append(out, n)
}

// choices gives the questions of the choices within n, which is no truth value
// that could be split. What stands in the second part of a function is about
// past payments and no part by itself.
func choices(n *lang.Node) []*lang.Node {
	var out []*lang.Node
	lang.Walk(n, func(n *lang.Node) bool {
		switch {
		case n.Op == lang.Cond:
			out = append(out, split(n.Args[0])...)
			out = append(append(out, choices(n.Args[1])...), choices(n.Args[2])...)
			return false
		case n.Op == lang.Call && len(n.Args) > 1 && n.Args[0].Kind.IsList():
			out = append(out, choices(n.Args[0])...)
			return false
		}
		return true
	})
	return out
}

// taken gives the parts of the set.
func (r *Runner) taken() (*parts, error) {
	var err error
	if r.parts == nil {
		r.parts, err = newParts(r.set)
	}
	return r.parts, err
}

// take asks all parts about a transaction that core has decided.
func (r *Runner) take(core *scoring.Core, tx *event.Transaction, res *Result) error {
	p, err := r.taken()
	if err != nil {
		return err
	}
	core.Swap(p.set) // histories answer new questions about what they hold
	core.Store().Observe(tx, p.values, p.lists)
	p.eval.Evaluate(tx, p.values, p.lists, &p.out)
	truth := p.truth()
	if r.coverage != nil {
		r.coverage.add(res, truth)
	}
	if len(res.Wrong) > 0 {
		res.Parts = p.describe(res.Example.Rule, truth, tx)
	}
	return nil
}

// truth gives what each part is.
func (p *parts) truth() []lang.Tri {
	truth := make([]lang.Tri, len(p.set.Rules))
	for _, i := range p.out.Shadow {
		truth[i] = lang.True
	}
	for _, skips := range [...][]rules.Skip{p.out.Skipped, p.out.Errors} {
		for _, s := range skips {
			truth[s.Rule] = lang.Unknown
		}
	}
	return truth
}

// describe tells the parts of a rule and the values behind them.
func (p *parts) describe(rule int, truth []lang.Tri, tx *event.Transaction) []Part {
	var out []Part
	for i := p.from[rule]; i < p.from[rule+1]; i++ {
		part := Part{Text: p.set.Rules[i].When, Truth: truth[i]}
		add := func(text string, v event.Value) {
			if text != part.Text {
				part.Values = append(part.Values, text+" is "+written(v))
			}
		}
		lang.Walk(p.trees[i], func(n *lang.Node) bool {
			if n.Op == lang.Tx {
				v := tx.Value(n.Column)
				if f := n.Column.Field; f >= 0 && tx.Schema.Fields[f].Secret {
					v = event.Value{Kind: event.String, Text: "***"}
				}
				add(lang.Text(n, tx.Schema), v)
			}
			return true
		})
		for _, q := range p.set.Program.Queries(i) {
			add(p.set.Program.Describe(q), p.values[q].Value)
		}
		slices.Sort(part.Values)
		part.Values = slices.Compact(part.Values)
		out = append(out, part)
	}
	return out
}

// written gives a value as conditions have it.
func written(v event.Value) string {
	switch v.Kind {
	case event.Bool:
		return strconv.FormatBool(v.Bits != 0)
	case event.Int:
		return strconv.FormatInt(int64(v.Bits), 10)
	case event.Float:
		return event.FormatNumber(math.Float64frombits(v.Bits))
	case event.String:
		return strconv.Quote(event.Mask(v.Text))
	case event.Time:
		return string(event.AppendTime(nil, int64(v.Bits)))
	}
	return "missing"
}
