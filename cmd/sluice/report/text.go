package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"sluice/scoring/tally"
)

// writeText writes tables for a terminal.
func writeText(w io.Writer, r *tally.Report) error {
	var err error
	line := func(s string) {
		if err == nil {
			_, err = fmt.Fprintln(w, s)
		}
	}
	for i, p := range parts(r) {
		if i > 0 {
			line("")
		}
		for _, s := range p.before {
			line(s)
		}
		if len(p.table) > 0 && err == nil {
			err = textTable(w, p.table)
		}
		if len(p.after) > 0 {
			line("")
		}
		for _, s := range p.after {
			line(s)
		}
	}
	return err
}

func textTable(w io.Writer, rows [][]string) error {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, cells := range rows {
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for row := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(row, " \n")); err != nil {
			return err
		}
	}
	return nil
}
