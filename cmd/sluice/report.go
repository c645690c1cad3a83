package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/files"
)

// report counts what a backtest found. A positive is a verdict other than allow.
type report struct {
	schema *event.Schema
	set    *rules.Set
	amount int // field index of the money field, -1 if there is none

	total, labelled, fraud      int64
	invalid, repeats, conflicts int64
	verdicts                    [rules.Deny + 1]tally
	positive                    tally
	rules                       []tally
	skipped                     []int64
	fraudMoney                  money
}

// tally counts transactions and what is known of them.
type tally struct {
	hits, fraud, good int64 // good and fraud: of those with a label
	stopped           money // amounts of the fraud among them
}

// money sums minor units by currency.
type money map[uint64]int64

func newReport(schema *event.Schema, set *rules.Set) *report {
	r := &report{schema: schema, set: set, amount: -1, fraudMoney: money{}}
	for i := range schema.Fields {
		if schema.Fields[i].Type == event.TypeMoney && r.amount < 0 {
			r.amount = i
		}
	}
	r.rules = make([]tally, len(set.Rules))
	r.skipped = make([]int64, len(set.Rules))
	return r
}

// add counts a decision.
func (r *report) add(d *scoring.Decision, item *files.Item) {
	r.total++
	if item.Label {
		r.labelled++
		if item.Fraud {
			r.fraud++
			r.pay(&r.fraudMoney, d.Tx)
		}
	}
	r.count(&r.verdicts[d.Outcome.Verdict], d, item)
	if d.Outcome.Verdict != rules.Allow {
		r.count(&r.positive, d, item)
	}
	for _, fired := range [...][]int{d.Outcome.Fired, d.Outcome.Shadow} {
		for _, rule := range fired {
			r.count(&r.rules[rule], d, item)
		}
	}
	for _, skips := range [...][]rules.Skip{d.Outcome.Skipped, d.Outcome.Errors} {
		for _, s := range skips {
			r.skipped[s.Rule]++
		}
	}
}

func (r *report) count(t *tally, d *scoring.Decision, item *files.Item) {
	t.hits++
	switch {
	case item.Label && item.Fraud:
		t.fraud++
		r.pay(&t.stopped, d.Tx)
	case item.Label:
		t.good++
	}
}

func (r *report) pay(m *money, tx *event.Transaction) {
	if r.amount < 0 || tx.Words[r.amount] == event.Missing {
		return
	}
	if *m == nil {
		*m = money{}
	}
	(*m)[tx.Currency] += int64(tx.Words[r.amount])
}

// print writes the tables.
func (r *report) print(w io.Writer) {
	noun := "transactions"
	if r.total == 1 {
		noun = "transaction"
	}
	fmt.Fprintf(w, "%s %s, rule set %s\n", thousands(r.total), noun, r.set.Hash)
	for _, n := range []struct {
		count int64
		what  string
	}{
		{r.invalid, "lines were not valid transactions and left out"},
		{r.repeats, "repeats of an id were decided once"},
		{r.conflicts, "conflicting repeats of an id: the first one stands"},
	} {
		if n.count > 0 {
			fmt.Fprintf(w, "%s %s\n", thousands(n.count), n.what)
		}
	}
	fmt.Fprintln(w)
	r.printVerdicts(w)
	fmt.Fprintln(w)
	r.printRules(w)
	if r.labelled > 0 {
		fmt.Fprintf(w, "\n%s transactions have a label, %s of them fraud (%s).\nReview and deny together: precision %s, recall %s, money stopped %s.\n",
			thousands(r.labelled), thousands(r.fraud), r.fraudMoney,
			share(r.positive.fraud, r.positive.fraud+r.positive.good), share(r.positive.fraud, r.fraud), r.positive.stopped)
	}
}

func (r *report) printVerdicts(w io.Writer) {
	t := table(w, "VERDICT", "COUNT", "SHARE")
	for _, v := range []rules.Verdict{rules.Allow, rules.Review, rules.Deny} {
		n := r.verdicts[v].hits
		row(t, v.String(), thousands(n), percent(n, r.total))
	}
	_ = t.Flush()
}

func (r *report) printRules(w io.Writer) {
	head := []string{"RULE", "MODE", "HITS", "SHARE", "SKIPPED"}
	if r.labelled > 0 {
		head = append(head, "FRAUD", "PRECISION", "RECALL", "MONEY STOPPED")
	}
	t := table(w, head...)
	for i := range r.rules {
		rule, n := &r.set.Rules[i], &r.rules[i]
		cells := []string{rule.ID, rule.Mode.String(), thousands(n.hits), percent(n.hits, r.total), thousands(r.skipped[i])}
		if r.labelled > 0 {
			cells = append(cells, thousands(n.fraud), share(n.fraud, n.fraud+n.good), share(n.fraud, r.fraud), n.stopped.String())
		}
		row(t, cells...)
	}
	_ = t.Flush()
}

// table begins a table whose first two columns are left-aligned text.
func table(w io.Writer, head ...string) *tabwriter.Writer {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row(t, head...)
	return t
}

func row(w io.Writer, cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) }

func percent(n, of int64) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f %%", 100*float64(n)/float64(of))
}

// share writes a ratio with four digits, - where there is nothing to divide by.
func share(n, of int64) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.4f", float64(n)/float64(of))
}

// String writes the sums, by the currencies' codes.
func (m money) String() string {
	if len(m) == 0 {
		return "0"
	}
	parts := make([]string, 0, len(m))
	for currency, minor := range m {
		parts = append(parts, event.FormatMoney(minor, currency))
	}
	slices.Sort(parts)
	return strings.Join(parts, " + ")
}
