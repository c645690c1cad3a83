// Package tally counts what rule sets made of past transactions: verdicts, flips
// from one set to the other, and what each rule found, was alone with, and was
// worth.
//
// A hit is a transaction that a rule fired for, live or in shadow. A positive is
// a verdict other than allow. Precision and recall are over all that is known:
// fraud/(fraud+good) of the hits, and the share of all fraud that was hit.
//
// What a rule was worth (Worth) is counted over settled transactions only: those
// before the young ones, whose fraud can't be known yet, since labels come late.
// A young one without a label looks good and may not be.
package tally

import (
	"sluice/rules"
	"sluice/scoring/event"
)

// Label says what is known of a transaction.
type Label uint8

// The labels.
const (
	Unknown Label = iota
	Good
	Fraud
)

// Case is a decided transaction.
type Case struct {
	Tx    *event.Transaction
	Label Label
	Now   *rules.Outcome
	Was   *rules.Outcome // what the other set says; nil if there is none
}

// Options of a Tally.
type Options struct {
	Now, Was *rules.Set // Was: to compare with, or nil
	// Lag is how long it takes at most until a fraud is known; 0: all is known.
	Lag int64 // ns
	// Horizon is the time up to which labels were read, ns; 0: that of the newest
	// transaction.
	Horizon int64
	// Presume counts transactions without a label as good once they are not young,
	// and labels of young ones not at all: where only frauds are ever labelled, as
	// by chargebacks.
	Presume bool
	// Unit names what transactions were read from: lines, records.
	Unit string
	// Cost is what a good transaction that is hit costs.
	Cost Cost
}

// Tally counts cases. It is not safe for concurrent use.
type Tally struct {
	o      Options
	schema *event.Schema
	amount int // field of the amount, -1: there is none

	// What could not be counted; whoever feeds the tally fills them in.
	Invalid, Repeats, Conflicts int64
	LeftOut                     int64  // changes by people
	NoLabels                    string // why there are none, should there be none; "": none are expected

	oldest, newest int64
	n              int64
	days           calendar
	now, was       *side
	examples       [flips][]string
}

// side is what is counted of one rule set, beside the cells.
type side struct {
	set     *rules.Set
	first   int // cell of the first rule's hits; those where it was alone follow
	skipped []int64
	demoted []int64
	pairs   []int64 // hits of two rules together, a row a rule; nil: too many rules
	scores  scores
	fired   []int // scratch: live and shadow
}

// maxPaired bounds the rules whose overlap is counted.
const maxPaired = 1000

// maxExamples bounds the transactions named for each flip.
const maxExamples = 5

// New makes an empty tally for transactions of a schema.
func New(schema *event.Schema, o Options) *Tally {
	t := &Tally{o: o, schema: schema, amount: -1}
	for i := range schema.Fields {
		if schema.Fields[i].Type == event.TypeMoney && t.amount < 0 {
			t.amount = i
		}
	}
	t.days.begin(schema.Zone, o.Lag)
	t.now = t.side(o.Now)
	if o.Was != nil {
		t.was = t.side(o.Was)
	}
	return t
}

func (t *Tally) side(set *rules.Set) *side {
	n := len(set.Rules)
	s := &side{set: set, first: t.days.size, skipped: make([]int64, n), demoted: make([]int64, n), scores: newScores()}
	if n <= maxPaired {
		s.pairs = make([]int64, n*n)
	}
	t.days.size += 2 * n
	return s
}

// Total is the number of cases.
func (t *Tally) Total() int64 { return t.n }

// Add counts a case.
func (t *Tally) Add(c *Case) {
	now, was := c.Now.Verdict, c.Now.Verdict
	if c.Was != nil {
		was = c.Was.Verdict
	}
	t.span(c.Tx.Time)
	d := t.days.of(c.Tx.Time, t.newest)
	d.chart.count(c.Label, now, was)
	unit := d.column(c.Tx.Currency, t.days.size)
	amount := int64(0)
	if t.amount >= 0 && c.Tx.Words[t.amount] != event.Missing {
		amount = int64(c.Tx.Words[t.amount])
	}
	flip := flipOf(was, now)
	unit[flip].add(c.Label, amount)
	if was != now && len(t.examples[flip]) < maxExamples {
		t.examples[flip] = append(t.examples[flip], event.Mask(c.Tx.ID()))
	}
	t.now.count(unit, c.Label, amount, c.Now)
	if c.Was != nil {
		t.was.count(unit, c.Label, amount, c.Was)
	}
}

func (t *Tally) span(at int64) {
	if t.n == 0 || at < t.oldest {
		t.oldest = at
	}
	if t.n == 0 || at > t.newest {
		t.newest = at
	}
	t.n++
}

// count counts what one set says of a case.
func (s *side) count(cells []cell, label Label, amount int64, o *rules.Outcome) {
	s.scores.add(o.Score, label)
	for _, skips := range [...][]rules.Skip{o.Skipped, o.Errors} {
		for _, skip := range skips {
			s.skipped[skip.Rule]++
		}
	}
	for _, d := range o.Demoted {
		s.demoted[d.Rule]++
	}
	if len(o.Fired) == 0 && len(o.Shadow) == 0 {
		return
	}
	alone := cells[s.first+len(s.set.Rules):]
	for _, rule := range o.Fired {
		cells[s.first+rule].add(label, amount)
		if len(o.Fired) == 1 {
			alone[rule].add(label, amount)
		}
	}
	for _, rule := range o.Shadow {
		cells[s.first+rule].add(label, amount)
		if len(o.Fired) == 0 {
			alone[rule].add(label, amount)
		}
	}
	if s.pairs != nil && len(o.Fired)+len(o.Shadow) > 1 {
		s.pair(o)
	}
}

// pair counts which rules fired together.
func (s *side) pair(o *rules.Outcome) {
	s.fired = append(append(s.fired[:0], o.Fired...), o.Shadow...)
	for _, a := range s.fired {
		row := s.pairs[a*len(s.set.Rules):]
		for _, b := range s.fired {
			row[b]++
		}
	}
}
