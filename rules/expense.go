package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sluice/rules/plan"
)

// maxTotal is the cost of a whole set, in steps, from which on it is worth a
// warning: some milliseconds for a transaction all of whose windows are full.
const maxTotal = 5 * plan.MaxSteps

// Warning says that the rules together are expensive, and which of them most;
// "" if they are not. Each of them by itself is within its bound.
func (s *Set) Warning() string {
	total := s.Program.Total()
	if total <= maxTotal {
		return ""
	}
	order := make([]int, len(s.Rules))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(s.Program.Cost(b).Steps, s.Program.Cost(a).Steps)
	})
	const shown = 5
	var most []string
	for _, i := range order[:min(shown, len(order))] {
		most = append(most, fmt.Sprintf("%s (%.2f million)", s.Rules[i].ID, float64(s.Program.Cost(i).Steps)/1e6))
	}
	return fmt.Sprintf("all rules together may take %.1f million steps for one transaction, about %.0f ms, where its windows are full; the most expensive are %s",
		float64(total)/1e6, float64(total)/1e6, strings.Join(most, ", "))
}
