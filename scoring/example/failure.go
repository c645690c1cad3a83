package example

import (
	"context"
	"fmt"
	"strings"

	"sluice/configs/strict"
	"sluice/rules"
	"sluice/rules/lang"
)

// Failure is an example that came out otherwise than expected.
type Failure struct {
	Rule, Example string
	Why           string // in a line
	Place         strict.Fault
}

// Failures is why a rule set is not taken. As strict.Faults it says where the
// examples stand.
type Failures []Failure

// Error gives the failures as faults of the files.
func (f Failures) Error() string { return f.faults().Error() }

// Unwrap gives the failures as strict.Faults.
func (f Failures) Unwrap() error { return f.faults() }

func (f Failures) faults() strict.Faults {
	out := make(strict.Faults, len(f))
	for i := range f {
		out[i] = f[i].Place
		out[i].Message = fmt.Sprintf("the example %q of %s fails: %s", f[i].Example, f[i].Rule, f[i].Why)
	}
	return out
}

// maxFailures is after how many the rest is not looked at any more.
const maxFailures = 100

// Check runs all examples of a set. Its error is Failures, or where ctx ends
// before all are run, says which one that was.
func Check(ctx context.Context, set *rules.Set) error {
	r := New(set)
	var failures Failures
	for i := range set.Examples {
		res, _, err := r.Run(ctx, &set.Examples[i])
		if err != nil {
			return err
		}
		if len(res.Wrong) > 0 {
			failures = append(failures, res.failure())
		}
		if len(failures) == maxFailures {
			break
		}
	}
	if len(failures) > 0 {
		return failures
	}
	return nil
}

func (r *Result) failure() Failure {
	var why []string
	for _, d := range r.Wrong {
		why = append(why, fmt.Sprintf("%s: expected %s, got %s", d.What, d.Want, d.Got))
	}
	if blame := r.blame(); blame != "" {
		why[0] += " (" + blame + ")"
	}
	return Failure{Rule: r.Example.RuleID, Example: r.Example.Name, Place: r.Example.Place, Why: strings.Join(why, "; ")}
}

// blame names the first part of a condition that kept its rule from firing, as
// far as one is.
func (r *Result) blame() string {
	if r.Wrong[0].What != "rule" || r.Got.Rule != rules.Quiet {
		return ""
	}
	for _, p := range r.Parts {
		if p.Truth == lang.False {
			return strings.Join(append([]string{"`" + p.Text + "` is false"}, p.Values...), ", ")
		}
	}
	return ""
}
