package report

import (
	"encoding/json"
	"io"

	"sluice/scoring/tally"
)

// writeJSON writes the report as it is: package tally says what its members are.
func writeJSON(w io.Writer, r *tally.Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
