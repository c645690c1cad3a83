// Package rules turns a directory of rule files into an immutable, compiled Set.
package rules

import (
	"sluice/rules/plan"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Verdict is what a gateway is told, in the order of severity.
type Verdict uint8

// The verdicts. NoVerdict is a rule's that only scores or reports.
const (
	NoVerdict Verdict = iota
	Allow
	Review
	Deny
)

// Mode says what a rule's firing does.
type Mode uint8

// The modes.
const (
	Live Mode = iota
	Shadow
	Off
)

// Rule is one rule of a Set.
type Rule struct {
	ID          string
	Description string
	When        string
	Verdict     Verdict
	Score       int64
	Reason      string
	Mode        Mode
	Alert       string // "", "ticket" or "page"
	Owner       string
	Expires     int64 // ns; 0: never. Not evaluated for arrivals at or after it
	File        string
	Line        int
}

// Policy holds the thresholds of the score.
type Policy struct{ Review, Deny int64 }

// Set is a compiled rule set. It is immutable, and safe for concurrent use.
type Set struct {
	Rules   []Rule // live and shadow ones, by file name, then position; off ones are left out
	Off     []Rule
	Policy  Policy
	Hash    string // of the files' content
	Schema  *event.Schema
	Program *plan.Program // condition i is that of Rules[i]
}

// Load reads a directory of rule files. Its error lists every fault of every file.
func Load(dir string, schema *event.Schema) (*Set, error) { panic("unbuilt") }

// Skip is a rule that could not be decided.
type Skip struct {
	Rule int
	Why  string
}

// Outcome is what a rule set says of one transaction. Its slices are reused.
type Outcome struct {
	Verdict Verdict
	Score   int64
	Fired   []int // live rules, indexes into Set.Rules
	Shadow  []int // shadow rules that fired
	Skipped []Skip
	Errors  []Skip // rules that failed on the VM; they count as skipped
}

// Evaluator is the scratch space of one goroutine for one set.
type Evaluator struct{}

// NewEvaluator makes an evaluator.
func (s *Set) NewEvaluator() *Evaluator { panic("unbuilt") }

// Evaluate decides tx.
func (e *Evaluator) Evaluate(tx *event.Transaction, values []history.Value, lists []history.List, out *Outcome) {
	panic("unbuilt")
}

// String gives the verdict as it stands in files and records.
func (v Verdict) String() string { return [...]string{"", "allow", "review", "deny"}[v] }

// String gives the mode as it stands in rule files.
func (m Mode) String() string { return [...]string{"live", "shadow", "off"}[m] }
