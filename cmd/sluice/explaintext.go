package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"sluice/scoring/explanation"
)

// writeExplained writes an explanation for a terminal.
func writeExplained(w io.Writer, x *explained) {
	fmt.Fprintf(w, "Transaction %s of %s: %s, score %d (review from %d, deny from %d), rule set %s\n",
		x.ID, x.Time.Format(time.RFC3339Nano), x.Verdict, x.Score, x.Review, x.Deny, x.RuleSet)
	fmt.Fprintf(w, "  %s\n", pairs(x.Fields))
	if len(x.Flags) > 0 {
		fmt.Fprintf(w, "  flags: %s\n", strings.Join(x.Flags, ", "))
	}
	if words := x.People.words(); words != "" {
		fmt.Fprintf(w, "  %s\n", words)
	}
	for i := range x.Rules {
		writeRule(w, &x.Rules[i])
	}
	writeChanges(w, x.Explanation)
	if x.Recorded != nil {
		writeRecorded(w, x)
	}
}

// pairs writes values in a row.
func pairs(values []explanation.Value) string {
	var out []string
	for _, v := range values {
		out = append(out, v.Name+" "+printable(v.Value))
	}
	return strings.Join(out, ", ")
}

// printable shows a value that may be missing, or hold anything.
func printable(s string) string {
	if s == "" {
		return "missing"
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return '\uFFFD'
		}
		return c
	}, s)
}

// shownPast bounds the past transactions shown for a rule that did not fire.
const shownPast = 3

func writeRule(w io.Writer, r *explanation.Rule) {
	about := r.Mode
	if r.Verdict != "" {
		about += ", " + r.Verdict
	}
	if r.Score != 0 {
		about += fmt.Sprintf(", score %+d", r.Score)
	}
	fmt.Fprintf(w, "\n%s %s (%s; %s:%d)\n", r.ID, r.Outcome, about, r.File, r.Line)
	if r.Why != "" {
		fmt.Fprintf(w, "  because %s\n", printable(r.Why))
	}
	past := shownPast
	if r.Outcome != explanation.Not && r.Outcome != explanation.Expired {
		past = 10
	}
	seen := map[string]bool{}
	for _, p := range r.Parts {
		fmt.Fprintf(w, "  %-7s  %s\n", p.Truth, p.Text)
		for i := range p.Values {
			writeValue(w, &p.Values[i], past, seen)
		}
	}
}

// writeValue writes a value and the past transactions behind it, which are left out
// where they were seen before.
func writeValue(w io.Writer, v *explanation.Window, past int, seen map[string]bool) {
	fmt.Fprintf(w, "           %s is %s", v.Name, printable(v.Value.Value))
	if v.Window && (v.Behind > 0 || v.Value.Value != "") {
		writeWindow(w, v)
	}
	fmt.Fprintln(w)
	var rows strings.Builder
	for i, p := range v.Past {
		if i == past {
			break
		}
		fmt.Fprintf(&rows, "             %s  %s\n", p.Time.Format(time.RFC3339Nano), pairs(p.Fields))
	}
	if more := v.Behind - min(past, len(v.Past)); more > 0 {
		fmt.Fprintf(&rows, "             and %s before\n", thousands(int64(more)))
	}
	if !seen[rows.String()] {
		fmt.Fprint(w, rows.String())
	}
	seen[rows.String()] = true
}

func writeWindow(w io.Writer, v *explanation.Window) {
	noun := "past transactions"
	if v.Behind == 1 {
		noun = "past transaction"
	}
	fmt.Fprintf(w, ", from %s %s", thousands(int64(v.Behind)), noun)
	if v.Maturity != nil && *v.Maturity < 1 {
		fmt.Fprintf(w, "; %.1f %% of the window has been watched", 100**v.Maturity)
	}
	if v.Approx {
		fmt.Fprint(w, "; approximate")
	}
}

func writeChanges(w io.Writer, x *explanation.Explanation) {
	if len(x.Changes) == 0 {
		fmt.Fprintln(w, "\nNo change of a single value was found that would have changed the verdict.")
		return
	}
	fmt.Fprintln(w, "\nWhat would have changed the verdict, each by itself, the smallest change first:")
	for _, c := range x.Changes {
		fmt.Fprintf(w, "  %s %s instead of %s: %s, score %d\n", c.Name, printable(c.To), printable(c.From), c.Verdict, c.Score)
	}
}

// writeRecorded says what the record holds, and whether it follows.
func writeRecorded(w io.Writer, x *explained) {
	r := x.Recorded
	fmt.Fprintf(w, "\nRecorded: %s, score %d, rule set %s.\n", r.Verdict, r.Score, r.RuleSet)
	if r.Verdict != x.Verdict || r.Score != x.Score {
		fmt.Fprintln(w, "That is not what is said above: other rules decided, or the past looked otherwise when it did (late records, labels).")
	}
	v := x.Verification
	if v == nil {
		return
	}
	for _, s := range v.Wrong {
		fmt.Fprintf(w, "Wrong: %s.\n", s)
	}
	for _, s := range v.Open {
		fmt.Fprintf(w, "Not verified: %s.\n", s)
	}
	if len(v.Wrong)+len(v.Open) == 0 {
		fmt.Fprintln(w, "Verified: by its recorded window values and this rule set it is the same.")
	}
}
