package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// findingFormats are the ways in which check tells what it found.
var findingFormats = map[string]func(io.Writer, *checked) error{
	"text": writeText, "json": writeJSON, "github": writeGitHub,
}

// writeText is for people.
func writeText(w io.Writer, c *checked) error {
	note := ""
	for i := range c.Findings {
		f := &c.Findings[i]
		if note == "" {
			note = f.note
		}
		if f.Line == 0 {
			fmt.Fprintf(w, "%s: %s%s\n", f.File, mark(f.Severity), f.Message)
			continue
		}
		fault := f.fault
		fault.Message = mark(f.Severity) + fault.Message
		fmt.Fprintln(w, fault.Error())
	}
	wrong := c.faults()
	warnings := len(c.Findings) - wrong
	for _, s := range c.Sets {
		fmt.Fprintf(w, "%s: %s (%d live, %d shadow, %d off), no faults; rule set %s\n",
			s.Path, counted(s.Live+s.Shadow+s.Off, "rule"), s.Live, s.Shadow, s.Off, s.RuleSet)
	}
	switch {
	case wrong > 0 && warnings > 0:
		fmt.Fprintf(w, "%s, %s\n", counted(wrong, "fault"), counted(warnings, "warning"))
	case wrong > 0:
		fmt.Fprintln(w, counted(wrong, "fault"))
	case warnings > 0:
		fmt.Fprintln(w, counted(warnings, "warning"))
	}
	if note != "" {
		fmt.Fprintln(w, note)
	}
	return nil
}

// mark tells a warning from a fault.
func mark(severity string) string {
	if severity == isWarning {
		return "warning: "
	}
	return ""
}

// writeJSON is for editors and other programs: one object.
func writeJSON(w io.Writer, c *checked) error {
	out := *c
	if out.Sets == nil {
		out.Sets = []checkedSet{}
	}
	if out.Findings == nil {
		out.Findings = []finding{}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// writeGitHub writes commands that GitHub Actions shows beside the lines of a
// pull request.
func writeGitHub(w io.Writer, c *checked) error {
	for i := range c.Findings {
		f := &c.Findings[i]
		properties := "file=" + githubProperty.Replace(f.File)
		if f.Line > 0 {
			properties += fmt.Sprintf(",line=%d,col=%d", f.Line, f.Column)
		}
		if _, err := fmt.Fprintf(w, "::%s %s,title=Sluice::%s\n", f.Severity, properties, githubData.Replace(f.Message)); err != nil {
			return err
		}
	}
	return nil
}

// What commands of GitHub Actions want escaped.
var (
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
