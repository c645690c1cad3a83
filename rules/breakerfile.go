package rules

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"sluice/configs/strict"
)

// Breaker says when the breaker of a rule opens, and what then. See Breakers.
type Breaker struct {
	Times int  // the multiple of what is usual; 0: the rule has no breaker
	Fall  bool // to shadow, while it is open
}

// String gives the breaker for people.
func (b Breaker) String() string {
	switch {
	case b.Times == 0:
		return "off"
	case b.Fall:
		return fmt.Sprintf("%d times what is usual, falls to shadow", b.Times)
	}
	return fmt.Sprintf("%d times what is usual", b.Times)
}

// maxTimes is the largest multiple that a breaker may wait for.
const maxTimes = 1000

// breakerEntry is the word off, or a mapping.
type breakerEntry struct {
	off   bool
	value breakerKeys
}

type breakerKeys struct {
	Times *int64      `yaml:"times"`
	To    strict.Text `yaml:"fall_to"`
}

// UnmarshalStrict reads the word or the mapping.
func (e *breakerEntry) UnmarshalStrict(d *strict.Decoder, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		d.Decode(n, &e.value)
		return
	}
	text, _, ok := d.Scalar(n)
	if e.off = text == "off"; ok && !e.off {
		d.Fault(n, "%q is no breaker; write {times: 10}, {times: 10, fall_to: shadow} or off", clip(text))
	}
}

// Check looks over the values of a breaker.
func (k *breakerKeys) Check(report func(key, message string)) {
	if k.Times != nil && (*k.Times < 2 || *k.Times > maxTimes) {
		report("times", fmt.Sprintf("a breaker opens at 2 to %d times what is usual for the rule", maxTimes))
	}
	if k.To.Node != nil && k.To.Value != "shadow" {
		report("fall_to", fmt.Sprintf("a rule falls to shadow, and nowhere else; %q is not possible", clip(k.To.Value)))
	}
}

// breaker gives what the entry says, with the default for what it does not.
func (e *breakerEntry) breaker() Breaker {
	b := Breaker{Times: breakerTimes, Fall: e.value.To.Node != nil}
	if e.value.Times != nil {
		b.Times = int(*e.value.Times)
	}
	if e.off {
		return Breaker{}
	}
	return b
}

// checkBreaker refuses a rule that denies and falls.
func (l *loader) checkBreaker(doc *strict.Document, r *ruleEntry) {
	if at := r.Breaker.value.To.Node; at != nil && r.Verdict == Deny {
		l.faults = append(l.faults, doc.Fault(at.Line, at.Column,
			"a rule that denies does not fall to shadow: when it fires far more often than usual, that may be the very attack that it is there for; leave fall_to out, its owner is told all the same"))
	}
}
