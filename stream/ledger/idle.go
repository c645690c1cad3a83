package ledger

import (
	"fmt"
	"maps"
	"slices"

	"sluice/rules"
	"sluice/scoring/event"
)

// Doubt says why what was added to a list may not be what was meant, "": nothing
// speaks against it.
func (d *Desk) Doubt(c *Change) string {
	switch lists := d.rules.Current().Lists; {
	case c.Do != Add:
		return ""
	case !lists.Asked(c.List):
		return fmt.Sprintf("no rule that is not off asks lists.%s: this has no effect until one does", c.List)
	}
	return event.Mask(rules.Odd(c.Value))
}

// Idle tells the changes that hold and have no effect under a rule set, since no
// rule of it asks their list, or their rule is not in it.
func (d *Desk) Idle(set *rules.Set) []string {
	_, held := d.Held()
	now, idle := d.o.Now(), map[string]int{}
	for _, c := range held {
		switch {
		case !c.Until.IsZero() && !now.Before(c.Until):
		case c.Do == Snooze && known(set, c.Rule) != nil:
			idle[fmt.Sprintf("snoozes of %s, which is no rule of it", c.Rule)]++
		case c.Do != Snooze && !set.Lists.Asked(c.List):
			idle[fmt.Sprintf("changes of the list %s, which no rule of it asks", c.List)]++
		}
	}
	out := []string{}
	for _, what := range slices.Sorted(maps.Keys(idle)) {
		out = append(out, fmt.Sprintf("%s: %d", what, idle[what]))
	}
	return out
}
