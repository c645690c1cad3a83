package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"sluice/rules"
	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/example"
)

// testCommand runs the examples of rule files.
func testCommand(ctx context.Context, args []string, c console) error {
	f := flags("test", "[--schema FILE] [--coverage] [--watch] RULES...", c)
	schemaFile := f.String("schema", "", "event schema that the rules are written for (default: the card and wallet payment that comes with Sluice)")
	coverage := f.Bool("coverage", false, "tell the rules, and the parts of their conditions, that no example shows")
	watch := f.Bool("watch", false, "run again whenever the files change, until Ctrl-C")
	paths, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return misused(f, "give at least one directory of rule files, or one of its files")
	}
	if *watch && len(paths) > 1 {
		return misused(f, "--watch looks at one directory or file, not at %d", len(paths))
	}
	t := &tester{console: c, schemaFile: *schemaFile, coverage: *coverage}
	if t.schema, err = loadSchema(*schemaFile); err != nil {
		return faults(c.out, err)
	}
	if *watch {
		return t.watch(ctx, paths[0])
	}
	for _, path := range paths {
		if err = errors.Join(err, t.test(ctx, path)); err != nil && !errors.Is(err, errFaults) {
			return err
		}
	}
	return err
}

// tester runs examples and tells how they went.
type tester struct {
	console
	schema     *event.Schema
	schemaFile string
	coverage   bool
}

// watch tests at once and whenever the files change, until ctx ends.
func (t *tester) watch(ctx context.Context, path string) error {
	at, err := chosenOf(path)
	if err != nil {
		return err
	}
	again := false
	return rules.Watch(ctx, at.dir, func() {
		if again {
			fmt.Fprintln(t.out, "\nchanged:")
		}
		again = true
		if err := t.test(ctx, path); err != nil && !errors.Is(err, errFaults) {
			fmt.Fprintln(t.out, err)
		}
	}, func(err error) { fmt.Fprintln(t.err, err) })
}

// chosen is a rule directory, or a file of one.
type chosen struct {
	dir  string
	file string // "" for all
}

func chosenOf(path string) (chosen, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return chosen{}, fmt.Errorf("there is no directory or file %s; give the directory of rule files, or one of its files", path)
	case err != nil:
		return chosen{}, fmt.Errorf("rules: %w", err)
	case info.IsDir():
		return chosen{dir: path}, nil
	}
	if ext := filepath.Ext(path); ext != ".yaml" && ext != ".yml" {
		return chosen{}, fmt.Errorf("%s is no rule file: those end in .yaml or .yml", path)
	}
	return chosen{filepath.Dir(path), filepath.Clean(path)}, nil
}

// holds reports whether a file is meant.
func (t chosen) holds(file string) bool { return t.file == "" || t.file == file }

// test runs the examples of a directory or file.
func (t *tester) test(ctx context.Context, path string) error {
	at, err := chosenOf(path)
	if err != nil {
		return err
	}
	set, err := rules.Load(at.dir, t.schema)
	if err != nil {
		return ruleFaults(t.out, err, t.schemaFile)
	}
	runner := example.New(set)
	var covered *example.Coverage
	if t.coverage {
		if covered, err = runner.Cover(); err != nil {
			return err
		}
	}
	ran, failed, off := 0, 0, 0
	for i := range set.Examples {
		e := &set.Examples[i]
		if !at.holds(e.Place.File) {
			continue
		}
		result, asked, err := runner.Run(ctx, e)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return faults(t.out, err)
		case !asked:
			off++
			continue
		}
		if ran++; len(result.Wrong) > 0 {
			failed++
			writeFailure(t.out, &result)
		}
	}
	t.sum(path, ran, failed, off)
	if covered != nil {
		writeCoverage(t.out, covered, at)
	}
	if failed > 0 {
		return errFaults
	}
	return nil
}

// sum tells how many examples went how.
func (t *tester) sum(path string, ran, failed, off int) {
	switch {
	case failed > 0:
		fmt.Fprintf(t.out, "%s: %d of %s failed", path, failed, counted(ran, "example"))
	case ran == 0:
		fmt.Fprintf(t.out, "%s: no examples; write some below `examples:` of a rule, as rules/README.md shows", path)
	default:
		fmt.Fprintf(t.out, "%s: %s, all as expected", path, counted(ran, "example"))
	}
	if off > 0 {
		fmt.Fprintf(t.out, "; not run, as their rules are off: %d", off)
	}
	fmt.Fprintln(t.out)
}

// counted gives a number with what it counts.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// writeFailure tells what came out otherwise than an example says, and what the
// parts of the condition were.
func writeFailure(w io.Writer, r *example.Result) {
	fault := r.Example.Place
	fault.Message = fmt.Sprintf("the example %q of %s fails", r.Example.Name, r.Example.RuleID)
	fmt.Fprintln(w, fault.Error())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, d := range r.Wrong {
		fmt.Fprintf(t, "    expected\t%s: %s\n    got\t%s: %s\n", d.What, d.Want, d.What, d.Got)
	}
	_ = t.Flush()
	fired := "none"
	if len(r.Got.Fired) > 0 {
		fired = strings.Join(r.Got.Fired, ", ")
	}
	fmt.Fprintf(w, "    all rules together: %s, score %d; fired: %s\n", r.Got.Verdict, r.Got.Score, fired)
	writeParts(w, r.Parts)
	fmt.Fprintln(w)
}

// writeParts lists the parts of a condition, what they were, and why.
func writeParts(w io.Writer, parts []example.Part) {
	if len(parts) == 0 {
		return
	}
	fmt.Fprintln(w, "    the parts of the condition:")
	for _, p := range parts {
		word := [...]string{lang.False: "false  ", lang.True: "true   ", lang.Unknown: "missing"}[p.Truth]
		fmt.Fprintf(w, "      %s  %s\n", word, p.Text)
		for _, v := range p.Values {
			fmt.Fprintf(w, "                 %s\n", v)
		}
	}
}

// writeCoverage tells what no example has shown.
func writeCoverage(w io.Writer, c *example.Coverage, at chosen) {
	gaps, reached, all := c.Gaps()
	fmt.Fprintf(w, "coverage of all rules: %d of the %d ways that the parts of conditions can go\n", reached, all)
	for _, g := range gaps {
		if !at.holds(g.Rule.File) {
			continue
		}
		fmt.Fprintf(w, "%s:%d: %s: %s\n", g.Rule.File, g.Rule.Line, g.Rule.ID, strings.Join(gapWords(&g), ", "))
		for _, h := range g.Parts {
			fmt.Fprintf(w, "    never %s: %s\n", holeWords(h), h.Text)
		}
	}
}

func gapWords(g *example.Gap) []string {
	switch {
	case g.None:
		return []string{"no example"}
	case !g.Fires:
		return []string{"no example in which it fires"}
	case !g.Quiet:
		return []string{"no example in which it does not fire"}
	}
	return []string{"parts that went one way only"}
}

func holeWords(h example.Hole) string {
	switch {
	case h.True:
		return "false"
	case h.False:
		return "true"
	}
	return "true or false (something was missing)"
}
