package example

import (
	"sluice/rules"
	"sluice/rules/lang"
)

// Coverage gathers what the examples of a set have reached.
type Coverage struct {
	set   *rules.Set
	parts *parts
	rules []reach // what the examples of a rule have seen of it
	seen  []reach // by part, whatever the rule of the example
}

// reach says which ways something went at least once.
type reach struct{ yes, no bool }

// Cover gathers, from now on, what examples reach.
func (r *Runner) Cover() (*Coverage, error) {
	p, err := r.taken()
	if err != nil {
		return nil, err
	}
	r.coverage = &Coverage{set: r.set, parts: p, rules: make([]reach, len(r.set.Rules)), seen: make([]reach, len(p.trees))}
	return r.coverage, nil
}

// add takes in what an example's rule, and the parts of it, came to. Examples of
// other rules do not count: they may pass by without anybody having meant it.
func (c *Coverage) add(res *Result, truth []lang.Tri) {
	rule := res.Example.Rule
	c.rules[rule].yes = c.rules[rule].yes || res.Got.Rule == rules.Fires
	c.rules[rule].no = c.rules[rule].no || res.Got.Rule != rules.Fires
	for i := c.parts.from[rule]; i < c.parts.from[rule+1]; i++ {
		c.seen[i].yes = c.seen[i].yes || truth[i] == lang.True
		c.seen[i].no = c.seen[i].no || truth[i] == lang.False
	}
}

// Gap is a rule that its examples do not show whole.
type Gap struct {
	Rule  *rules.Rule
	None  bool   // no example at all; Parts is empty then
	Fires bool   // one of its examples fires
	Quiet bool   // one of its examples does not
	Parts []Hole // that were never true, or never false
}

// Hole is a part of a condition that never went one of its two ways.
type Hole struct {
	Text        string
	True, False bool // it was so in an example
}

// Gaps gives the rules that are not covered, in the order of the set, and how many
// ways of how many parts were reached: two for each, true and false.
func (c *Coverage) Gaps() (gaps []Gap, reached, all int) {
	for i := range c.set.Rules {
		r := c.rules[i]
		gap := Gap{Rule: &c.set.Rules[i], None: !r.yes && !r.no, Fires: r.yes, Quiet: r.no}
		for k := c.parts.from[i]; k < c.parts.from[i+1]; k++ {
			s := c.seen[k]
			all += 2
			reached += count(s.yes) + count(s.no)
			if !gap.None && (!s.yes || !s.no) {
				gap.Parts = append(gap.Parts, Hole{c.parts.set.Rules[k].When, s.yes, s.no})
			}
		}
		if gap.None || !gap.Fires || !gap.Quiet || len(gap.Parts) > 0 {
			gaps = append(gaps, gap)
		}
	}
	return gaps, reached, all
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
