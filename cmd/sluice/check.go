package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sluice/configs/strict"
	"sluice/rules"
	"sluice/scoring/event"
)

// checkCommand tells everything that is wrong with rule files, and what is
// allowed and hardly meant.
func checkCommand(_ context.Context, args []string, c console) error {
	f := flags("check", "[--schema FILE] [--format text|json|github] RULES...", c)
	schemaFile := f.String("schema", "", "event schema that the rules are written for (default: the card and wallet payment that comes with Sluice)")
	format := f.String("format", "text", "how to tell: text for people, json for editors, github for annotations of a pull request")
	paths, err := parse(f, args)
	if err != nil {
		return err
	}
	write, ok := findingFormats[*format]
	switch {
	case !ok:
		return misused(f, "there is no format %q; write text, json or github%s", *format, meant(*format))
	case len(paths) == 0:
		return misused(f, "give at least one directory of rule files, or one of its files")
	}
	var all checked
	schema, err := loadSchema(*schemaFile)
	if err == nil {
		for _, path := range paths {
			if err := all.unread(all.check(path, schema, *schemaFile), path, *format); err != nil {
				return err
			}
		}
	} else if err = all.unread(all.faulty(err, chosen{}), *schemaFile, *format); err != nil {
		return err
	}
	if err := write(c.out, &all); err != nil {
		return err
	}
	if all.faults() > 0 {
		return errFaults
	}
	return nil
}

func meant(format string) string {
	if s := strict.Suggest(format, []string{"text", "json", "github"}); s != "" {
		return fmt.Sprintf(", did you mean %q?", s)
	}
	return ""
}

// checked is what check has found.
type checked struct {
	Sets     []checkedSet `json:"sets"`
	Findings []finding    `json:"findings"`
}

// checkedSet is a rule set without faults.
type checkedSet struct {
	Path    string `json:"path"` // as the command line says it
	RuleSet string `json:"rule_set"`
	Live    int    `json:"live"`
	Shadow  int    `json:"shadow"`
	Off     int    `json:"off"`
}

// finding is one thing to change, or to look at.
type finding struct {
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`   // from 1 on; 0: the whole
	Column   int    `json:"column,omitempty"` // from 1 on, in characters
	Severity string `json:"severity"`         // error or warning
	Message  string `json:"message"`
	fault    strict.Fault
	note     string // for people, behind the last finding
}

const (
	isError   = "error"
	isWarning = "warning"
)

func (c *checked) faults() int {
	n := 0
	for i := range c.Findings {
		if c.Findings[i].Severity == isError {
			n++
		}
	}
	return n
}

func (c *checked) add(severity string, f strict.Fault) {
	c.Findings = append(c.Findings, finding{File: f.File, Line: f.Line, Column: f.Column, Severity: severity, Message: f.Message, fault: f})
}

// check looks a directory or one of its files over.
func (c *checked) check(path string, schema *event.Schema, schemaFile string) error {
	at, err := chosenOf(path)
	if err != nil {
		return err
	}
	set, warnings, err := rules.Check(at.dir, schema, time.Now())
	if err != nil {
		if err = c.faulty(err, at); err == nil && schemaFile == "" {
			c.explainSchema()
		}
		return err
	}
	shadow := 0
	for i := range set.Rules {
		if set.Rules[i].Mode == rules.Shadow {
			shadow++
		}
	}
	c.Sets = append(c.Sets, checkedSet{path, set.Hash, len(set.Rules) - shadow, shadow, len(set.Off)})
	for _, w := range warnings {
		if at.holds(w.File) {
			c.add(isWarning, w)
		}
	}
	if w := set.Warning(); w != "" {
		c.add(isWarning, strict.Fault{File: at.dir, Message: w})
	}
	return nil
}

// faulty takes the faults of files in; those of other files than the one that
// was asked for are told as one.
func (c *checked) faulty(err error, at chosen) error {
	var all strict.Faults
	if !errors.As(err, &all) {
		return err
	}
	elsewhere := 0
	for _, f := range all {
		if !at.holds(f.File) {
			elsewhere++
			continue
		}
		c.add(isError, f)
	}
	if elsewhere > 0 {
		c.add(isError, strict.Fault{File: at.dir, Message: fmt.Sprintf("other files of the directory have %s: the rules are taken only as a whole", counted(elsewhere, "fault"))})
	}
	return nil
}

// unread takes in that a path could not be looked over at all. People are told
// as by every other command; a program waits for its own format.
func (c *checked) unread(err error, path, format string) error {
	if err == nil || format == "text" {
		return err
	}
	c.add(isError, strict.Fault{File: path, Message: err.Error()})
	return nil
}

// explainSchema says by which schema where the rules seem to be written for
// another one.
func (c *checked) explainSchema() {
	if slices.ContainsFunc(c.Findings, func(f finding) bool { return isOfSchema(f.Message) }) {
		c.Findings[len(c.Findings)-1].note = otherSchema
	}
}

const otherSchema = "The fields and entities are those of the schema that comes with Sluice; --schema FILE names another."

func isOfSchema(message string) bool {
	return strings.Contains(message, "; the entities are ") || strings.Contains(message, "; the fields are ")
}

// ruleFaults is faults, and explains the schema as check does.
func ruleFaults(w io.Writer, err error, schemaFile string) error {
	wrong := faults(w, err)
	var all strict.Faults
	if schemaFile == "" && errors.As(err, &all) && slices.ContainsFunc(all, func(f strict.Fault) bool { return isOfSchema(f.Message) }) {
		fmt.Fprintln(w, otherSchema)
	}
	return wrong
}

// faults prints what is wrong with files and how many faults there are.
func faults(w io.Writer, err error) error {
	var all strict.Faults
	if !errors.As(err, &all) {
		return err
	}
	fmt.Fprintln(w, all.Error())
	fmt.Fprintln(w, counted(len(all), "fault"))
	return errFaults
}
