package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"sluice/configs/strict"
	"sluice/scoring/event"
)

// The bounds of examples. They are run before rules are taken, so they too must
// not take long, whoever wrote them.
const (
	maxExamplePayments = 1000   // of one example
	maxPayments        = 20_000 // of all examples of a directory
)

// exampleEntry is what an example may say.
type exampleEntry struct {
	Mark        strict.Mark   `yaml:"-"`
	Name        string        `yaml:"name"`                 // for people; without one its number
	History     []paymentText `yaml:"history"`              // earlier payments: the fields that matter, and ago, times, every, fraud, verdict
	Transaction paymentText   `yaml:"transaction,required"` // the payment that is decided: the fields that matter
	Expect      expectEntry   `yaml:"expect,required"`      // fires, does not fire or skipped; or {rule: fires, verdict: deny, score: 60, fired: [this-rule, another]}
}

// paymentText is a payment as it is written: fields by name, and for a past one
// what pastKeys says.
type paymentText = strict.Map[strict.Raw]

// pastKeys are the keys of past payments beside the fields.
var pastKeys = []string{"ago", "times", "every", "fraud", "verdict"}

// expectEntry is a word for the rule's reaction, or a mapping.
type expectEntry struct {
	node  *yaml.Node
	value expectKeys
}

type expectKeys struct {
	Rule    Reaction       `yaml:"rule"`
	Verdict Verdict        `yaml:"verdict"`
	Score   *int64         `yaml:"score"`
	Fired   *[]strict.Text `yaml:"fired"`
}

// UnmarshalStrict reads the word or the mapping.
func (e *expectEntry) UnmarshalStrict(d *strict.Decoder, n *yaml.Node) {
	e.node = n
	if n.Kind != yaml.ScalarNode {
		d.Decode(n, &e.value)
		return
	}
	if slices.Contains([]string{"allow", "review", "deny"}, n.Value) {
		d.Fault(n, "a verdict is that of all rules together; write it as `expect: {verdict: %s}`", n.Value)
		return
	}
	d.Decode(n, &e.value.Rule)
}

// Check wants something to be expected.
func (e *expectKeys) Check(report func(key, message string)) {
	if e.Rule == NoReaction && e.Verdict == NoVerdict && e.Score == nil && e.Fired == nil {
		report("", "nothing is expected here; write what must happen, as `fires`, or {rule: fires, verdict: deny, score: 60, fired: [this-rule, another]}")
	}
}

// exampleReader reads the examples of one rule.
type exampleReader struct {
	l        *loader
	doc      *strict.Document
	decoder  *PaymentDecoder
	base     time.Time // when the transaction is, unless it says otherwise
	payments int       // of the example at hand
	tx       event.Transaction
}

// readExamples reads the examples of a rule; rule is its index in l.rules.
func (l *loader) readExamples(doc *strict.Document, r *ruleEntry, rule int) {
	x := &exampleReader{l: l, doc: doc, base: exampleTime(l.schema, r.Expires.ns)}
	if len(r.Examples) > 0 {
		x.decoder = NewPaymentDecoder(l.schema)
	}
	for i := range r.Examples {
		if l.payments > maxPayments { // reported; the rest would be no different
			return
		}
		e := &r.Examples[i]
		before := len(l.faults)
		if e.Expect.value.Fired != nil {
			l.fired = append(l.fired, firedRef{doc, *e.Expect.value.Fired})
		}
		out, ok := x.read(e)
		if !ok || len(l.faults) > before {
			continue
		}
		if out.Name = e.Name; out.Name == "" {
			out.Name = strconv.Itoa(i + 1)
		}
		out.RuleID, out.Rule = r.ID.Value, rule
		l.examples = append(l.examples, out)
	}
}

func (x *exampleReader) fault(n *yaml.Node, format string, args ...any) {
	x.l.faults = append(x.l.faults, x.doc.Fault(max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...)))
}

func (x *exampleReader) read(e *exampleEntry) (Example, bool) {
	if e.Expect.node == nil { // reported as missing
		return Example{}, false
	}
	out := Example{
		Place:  x.doc.Fault(max(e.Expect.node.Line, 1), max(e.Expect.node.Column, 1), ""),
		Expect: e.Expect.expectation(),
	}
	x.payments = 1
	now := &draft{cells: x.defaults(), at: x.base, id: x.id(0)}
	x.fields(now, e.Transaction, false)
	out.Transaction = now.payment(1, now.at)
	x.try(e.Mark, now, &out.Transaction)
	for i := range e.History {
		x.past(&out, now, e.History[i], e.Mark, i)
	}
	slices.SortStableFunc(out.History, func(a, b Payment) int { return cmp.Compare(a.Time, b.Time) })
	if x.payments > maxExamplePayments {
		x.l.faults = append(x.l.faults, x.doc.Fault(e.Mark.Line, e.Mark.Column, fmt.Sprintf(
			"the example has more than %d payments", maxExamplePayments)))
		return out, false
	}
	if x.l.payments += x.payments; x.l.payments > maxPayments && x.l.payments-x.payments <= maxPayments {
		x.l.faults = append(x.l.faults, x.doc.Fault(e.Mark.Line, e.Mark.Column, fmt.Sprintf(
			"all examples together have more than %d payments", maxPayments)))
	}
	return out, true
}

func (e *expectEntry) expectation() Expectation {
	v := e.value
	out := Expectation{Rule: v.Rule, Verdict: v.Verdict, Score: v.Score}
	if v.Fired != nil {
		out.Fired = []string{}
		for _, id := range *v.Fired {
			out.Fired = append(out.Fired, id.Value)
		}
	}
	return out
}

// firedRef remembers the rules that an example names, until all are known.
type firedRef struct {
	doc *strict.Document
	ids []strict.Text
}

// maxHints bounds the unknown names that known ones are told to: more do not help,
// and one file holds tens of thousands.
const maxHints = 100

// hint tells whether known names are told to one more that is unknown.
func (l *loader) hint() bool {
	l.hints++
	return l.hints <= maxHints
}

// nameFired reports names of rules that there are not, in expectations.
func (l *loader) nameFired() {
	var known []string
	for _, f := range l.fired {
		for _, id := range f.ids {
			if id.Node == nil {
				continue
			}
			if _, ok := l.ids[id.Value]; ok {
				continue
			}
			hint := ""
			if l.hint() {
				if known == nil {
					known = slices.Sorted(maps.Keys(l.ids))
				}
				if s := strict.Suggest(id.Value, known); s != "" {
					hint = fmt.Sprintf(", did you mean %q?", s)
				}
			}
			l.faults = append(l.faults, f.doc.Fault(id.Node.Line, id.Node.Column, fmt.Sprintf("there is no rule %q%s", clip(id.Value), hint)))
		}
	}
}
