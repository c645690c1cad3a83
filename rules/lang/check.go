package lang

import "sluice/scoring/event"

// Fault is one thing wrong with a condition, in the analyst's words.
type Fault struct {
	Pos     int    // 0-based rune offset in the condition's text
	Message string // what is wrong and what was expected, with "did you mean" where it helps
}

// Check parses and checks a condition (which must be a Bool) against the
// schema. It returns the tree, or all faults in the order of their positions.
func Check(source string, schema *event.Schema, lists Lists) (*Node, []Fault) { panic("unbuilt") }
