// Package explanation says why a transaction got its verdict: what each rule made
// of it, on which values, from which past transactions, and what would have made
// it another one.
//
// Whether a rule fires is what the engine says (rules.Evaluator). The values of the
// parts of its condition come from the same window values where the rule is decided
// by them, and else from a walk over the condition's tree and the past transactions
// of its windows (package naive, which tests hold the engine to).
package explanation

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Subject is a transaction, at the moment at which it is decided.
type Subject struct {
	Set   *rules.Set
	Store *history.Store // what was known before it
	Tx    *event.Transaction
	Late  bool
	Held  []rules.Held // rules in quarantine
	// Restraints keep live rules from acting.
	Restraints []rules.Restraint
}

// Explanation says why. It is made to be shown as it is, also as JSON.
type Explanation struct {
	ID      string          `json:"-"`
	JSONID  json.RawMessage `json:"transaction_id"` // of the type that the schema gives it
	Time    time.Time       `json:"time"`
	Arrival time.Time       `json:"arrival"`
	Fields  []Value         `json:"fields"` // of the transaction, secret ones left out
	Flags   []string        `json:"flags"`

	RuleSet string   `json:"rule_set"`
	Verdict string   `json:"verdict"`
	Score   int64    `json:"score"`
	Review  int64    `json:"review_from"`
	Deny    int64    `json:"deny_from"`
	Rules   []Rule   `json:"rules"`   // those that fired first
	Changes []Change `json:"changes"` // single values that would have changed the verdict, the smallest change first
}

// Value is something that a condition reads.
type Value struct {
	Name  string `json:"name"`
	Value string `json:"value"` // "" if it is missing
}

// The outcomes of a rule.
const (
	Fires     = "fires"
	Not       = "does not fire"
	Skipped   = "skipped"
	Expired   = "expired"
	Demoted   = "fires, demoted"
	Shadowing = "fires in shadow"
)

// Rule is what a rule made of the transaction.
type Rule struct {
	ID      string `json:"id"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Mode    string `json:"mode"`
	Verdict string `json:"verdict,omitempty"`
	Score   int64  `json:"score"`
	Outcome string `json:"outcome"`
	Why     string `json:"why,omitempty"` // it was skipped, demoted or expired
	Parts   []Part `json:"parts"`         // what must hold, all of it
	// Lists are those that the condition asks.
	Lists []string `json:"lists,omitempty"`
}

// Part is one of the conditions that a rule joins by `and`.
type Part struct {
	Text   string   `json:"text"`
	Truth  string   `json:"truth"` // true, false or unknown
	Values []Window `json:"values"`
}

// Window is a value that a part reads; one of past transactions says which.
type Window struct {
	Value
	Window   bool     `json:"window"`             // it is of past transactions
	Maturity *float64 `json:"maturity,omitempty"` // share of the window that has been watched
	Approx   bool     `json:"approx,omitempty"`
	Behind   int      `json:"behind"` // how many past transactions it is made of
	Past     []Past   `json:"past"`   // the newest of them, newest first
}

// Past is a past transaction.
type Past struct {
	Time   time.Time `json:"time"`
	Fields []Value   `json:"fields"`
}

// maxPast bounds the past transactions that are named for one value.
const maxPast = 10

// explainer is at work on one subject.
type explainer struct {
	Subject
	schema    *event.Schema
	plan      *history.Plan
	evaluator *rules.Evaluator
	values    []history.Value
	lists     []history.List
	outcome   rules.Outcome
}

// Explain explains a subject.
func Explain(s Subject) (*Explanation, error) {
	x := &explainer{Subject: s, schema: s.Set.Schema, plan: s.Set.Program.Plan(), evaluator: s.Set.NewEvaluator()}
	quarantine := new(rules.Quarantine)
	quarantine.Use(s.Set)
	quarantine.Hold(s.Held)
	x.evaluator.Under(quarantine, s.Restraints...)
	x.values = make([]history.Value, len(x.plan.Queries))
	x.lists = make([]history.List, len(x.plan.Lists))
	s.Store.Install(x.plan)
	x.outcome = x.decide(s.Tx)
	out := &Explanation{
		ID: event.Mask(s.Tx.ID()), JSONID: s.Tx.AppendMaskedID(nil), Time: at(s.Tx.Time), Arrival: at(s.Tx.Arrival), Fields: x.fields(), Flags: []string{},
		RuleSet: s.Set.Hash, Verdict: x.outcome.Verdict.String(), Score: x.outcome.Score,
		Review: s.Set.Policy.Review, Deny: s.Set.Policy.Deny,
	}
	if s.Late {
		out.Flags = append(out.Flags, "late")
	}
	if s.Tx.Future {
		out.Flags = append(out.Flags, "future_time")
	}
	trees, err := x.trees()
	if err != nil {
		return nil, err
	}
	w := x.newWalk(trees)
	s.Store.Install(x.plan)
	out.Changes = x.changes(trees, w.numbers())
	x.observe(s.Tx) // the values of the subject again
	for i := range s.Set.Rules {
		out.Rules = append(out.Rules, x.rule(i, w.parts(i, trees[i])))
	}
	slices.SortStableFunc(out.Rules, func(a, b Rule) int { return rank(a.Outcome) - rank(b.Outcome) })
	return out, nil
}

func at(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// rank orders outcomes: what decided first.
func rank(outcome string) int {
	return slices.Index([]string{Fires, Shadowing, Demoted, Skipped, Not, Expired}, outcome)
}

// observe fills the window values for a transaction.
func (x *explainer) observe(tx *event.Transaction) { x.Store.Observe(tx, x.values, x.lists) }

// decide decides a transaction as the engine does.
func (x *explainer) decide(tx *event.Transaction) rules.Outcome {
	x.observe(tx)
	return x.evaluate(tx)
}

// evaluate decides on the values as they are.
func (x *explainer) evaluate(tx *event.Transaction) (out rules.Outcome) {
	x.evaluator.Evaluate(tx, x.values, x.lists, &out)
	if tx.Future {
		out.Verdict = max(out.Verdict, rules.Review)
	}
	return out
}

// fields shows the transaction.
func (x *explainer) fields() []Value {
	var out []Value
	for i := range x.schema.Fields {
		f := &x.schema.Fields[i]
		if i != x.schema.ID && i != x.schema.Time && !f.Secret && x.Tx.Words[i] != event.Missing {
			out = append(out, Value{f.Name, shown(x.Tx.Value(event.Column{Field: i}), x.schema, event.Column{Field: i})})
		}
	}
	return out
}

func (x *explainer) rule(i int, parts []Part) Rule {
	r := &x.Set.Rules[i]
	out := Rule{ID: r.ID, File: r.File, Line: r.Line, Mode: r.Mode.String(), Score: r.Score, Outcome: Not, Parts: parts, Lists: listsOf(x.Set, i)}
	if r.Verdict != rules.NoVerdict {
		out.Verdict = r.Verdict.String()
	}
	switch {
	case slices.Contains(x.outcome.Fired, i):
		out.Outcome = Fires
	case slices.Contains(x.outcome.Shadow, i):
		out.Outcome = Shadowing
	case r.Expires != 0 && x.Tx.Arrival >= r.Expires:
		out.Outcome, out.Why = Expired, "since "+at(r.Expires).Format(time.DateOnly)
	}
	for _, d := range x.outcome.Demoted {
		if d.Rule == i {
			out.Outcome, out.Why = Demoted, d.Why
		}
	}
	for _, skips := range [...][]rules.Skip{x.outcome.Skipped, x.outcome.Errors} {
		for _, s := range skips {
			if s.Rule == i {
				out.Outcome, out.Why = Skipped, s.Why
			}
		}
	}
	return out
}

// maturity is the share of a window that has been watched.
func (x *explainer) maturity(s history.Span) *float64 {
	share := scoring.Maturity(s, int64(x.plan.Retention), x.Tx.Time, x.Store.Since())
	return &share
}

// shown writes a value as people read it, money with its decimals.
func shown(v event.Value, schema *event.Schema, c event.Column) string {
	switch v.Kind {
	case event.None:
		return ""
	case event.String:
		return event.Mask(v.Text)
	case event.Float:
		f := floatOf(v)
		if c.Field >= 0 && schema.Fields[c.Field].Type == event.TypeMoney && c.Form == event.Plain {
			return amount(f)
		}
		return event.FormatNumber(f)
	case event.Time:
		return string(event.AppendTime(nil, int64(v.Bits)))
	case event.Bool:
		return fmt.Sprint(v.Bits != 0)
	}
	return event.Mask(strconv.FormatInt(int64(v.Bits), 10)) // card numbers come as integers, too
}

// amount writes an amount with two decimals, or with as many more as its currency
// has and it needs: 1.234 dinars are not 1.23.
func amount(f float64) string {
	for decimals := 2; decimals <= 4; decimals++ {
		text := strconv.FormatFloat(f, 'f', decimals, 64)
		if exact, err := strconv.ParseFloat(text, 64); err == nil && exact == f {
			return text
		}
	}
	return strconv.FormatFloat(f, 'f', 2, 64)
}
