package main

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"sluice/rules"
	"sluice/scoring/event"
	"sluice/scoring/tally"
)

// verdictRows writes every verdict of a backtest as CSV.
type verdictRows struct {
	out *bufio.Writer
	set *rules.Set
	row []byte
}

func newVerdictRows(w io.Writer, set *rules.Set) *verdictRows {
	v := &verdictRows{out: bufio.NewWriterSize(w, 256<<10), set: set}
	fmt.Fprintln(v.out, "transaction_id,verdict,score,rules")
	return v
}

// write writes a verdict. A rule id never needs quotes, a transaction id may.
func (v *verdictRows) write(tx *event.Transaction, o *rules.Outcome) {
	r := append(v.row[:0], csvText(idText(tx))...)
	r = append(append(r, ','), o.Verdict.String()...)
	r = strconv.AppendInt(append(r, ','), o.Score, 10)
	r = append(r, ',')
	r = appendIDs(r, v.set, o.Fired)
	v.row = append(r, '\n')
	_, _ = v.out.Write(v.row) // Flush returns what failed
}

func appendIDs(b []byte, set *rules.Set, fired []int) []byte {
	for i, rule := range fired {
		if i > 0 {
			b = append(b, '|')
		}
		b = append(b, set.Rules[rule].ID...)
	}
	return b
}

// csvText quotes a text where CSV wants it.
func csvText(s string) string {
	if !strings.ContainsAny(s, ",\"\n\r") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// flipRows writes every verdict that flips as CSV.
type flipRows struct {
	out      *csv.Writer
	set, was *rules.Set
}

func newFlipRows(w io.Writer, set, was *rules.Set) *flipRows {
	f := &flipRows{csv.NewWriter(w), set, was}
	f.row("transaction_id", "time", "from", "to", "score_from", "score_to", "rules_from", "rules_to", "label")
	return f
}

func (f *flipRows) row(cells ...string) { _ = f.out.Write(cells) } // flush returns what failed

func (f *flipRows) write(c *tally.Case) {
	if c.Was.Verdict == c.Now.Verdict {
		return
	}
	label := map[tally.Label]string{tally.Good: "good", tally.Fraud: "fraud"}[c.Label]
	f.row(idText(c.Tx), string(event.AppendTime(nil, c.Tx.Time)), c.Was.Verdict.String(), c.Now.Verdict.String(),
		strconv.FormatInt(c.Was.Score, 10), strconv.FormatInt(c.Now.Score, 10),
		string(appendIDs(nil, f.was, c.Was.Fired)), string(appendIDs(nil, f.set, c.Now.Fired)), label)
}

func (f *flipRows) flush() error {
	f.out.Flush()
	return f.out.Error()
}
