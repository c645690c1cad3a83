// Package rules turns a directory of rule files into an immutable, compiled Set,
// decides transactions with it, and takes a new one in when the files change.
//
// What a rule file may say is in README.md, beside this file.
package rules

import (
	"sluice/rules/plan"
	"sluice/scoring/event"
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
	Rollout     Rollout
	Breaker     Breaker
	Hash        string // of all of the above: two rules with the same are the same
	File        string
	Line        int
}

// Policy holds the thresholds of the score.
type Policy struct{ Review, Deny int64 }

// DefaultPolicy holds where no rule file has a policy.
func DefaultPolicy() Policy { return Policy{Review: 50, Deny: 80} }

// verdict gives what a score alone amounts to.
func (p Policy) verdict(score int64) Verdict {
	switch {
	case score >= p.Deny:
		return Deny
	case score >= p.Review:
		return Review
	}
	return Allow
}

// Set is a compiled rule set. It is immutable, and safe for concurrent use.
type Set struct {
	Rules   []Rule // live and shadow ones, by file name, then position; off ones are left out
	Off     []Rule // checked like the others, and no part of Program
	Policy  Policy
	Hash    string // of the files' names and content
	Schema  *event.Schema
	Program *plan.Program // condition i is that of Rules[i]
	Lists   *Lists
	// Examples are those of the files, in their order; what is expected of them
	// has not been looked at (package scoring/example does).
	Examples []Example

	rollouts rollouts
}
