package scoring

import (
	"slices"
	"strings"

	"sluice/rules"
	"sluice/scoring/history"
)

// Joint reports whether two rule sets can decide on one Core's histories, each as
// it would alone. Those that reach back differently forget differently; and what
// a rule that looks at verdicts sees depends on who gave them.
func Joint(a, b *rules.Set) bool {
	return a.Program.Plan().Retention == b.Program.Plan().Retention &&
		!a.Program.ReadsVerdicts() && !b.Program.ReadsVerdicts()
}

// join gives the plan that asks what a asks, and then what b asks. Equal
// questions are answered together (the histories see to that).
func join(a, b *history.Plan) *history.Plan {
	joined := &history.Plan{
		Queries: slices.Clone(a.Queries), Lists: slices.Concat(a.Lists, b.Lists), Retention: max(a.Retention, b.Retention),
	}
	for _, q := range b.Queries {
		if q.Filter != nil && strings.Contains(q.Filter.Source, "lists.") {
			// Filters with equal sources are taken for equal; but the same list may
			// hold other values in the other set.
			f := *q.Filter
			f.Source += " (the other set's list)"
			q.Filter = &f
		}
		joined.Queries = append(joined.Queries, q)
	}
	return joined
}
