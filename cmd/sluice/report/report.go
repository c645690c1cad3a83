// Package report writes what a backtest came to, for people and for programs:
// one file a format. text, markdown and html show the same tables.
package report

import (
	"fmt"
	"io"
	"strings"

	"sluice/scoring/tally"
)

// formats in the order in which they are named to people.
var formats = []struct {
	name  string
	write func(io.Writer, *tally.Report) error
}{
	{"text", writeText},
	{"json", writeJSON},
	{"csv", writeCSV},
	{"markdown", writeMarkdown},
	{"html", writeHTML},
}

// Formats names the formats: "text, json, …".
func Formats() string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

// Known tells whether there is a format.
func Known(format string) bool {
	for _, f := range formats {
		if f.name == format {
			return true
		}
	}
	return false
}

// Write writes a report in a format.
func Write(w io.Writer, format string, r *tally.Report) error {
	for _, f := range formats {
		if f.name == format {
			return f.write(w, r)
		}
	}
	return fmt.Errorf("there is no format %q; the formats are %s", format, Formats())
}
