// Package hostile makes rule directories that are meant to hurt: to kill the
// process that reads them, to keep it busy or to fill its memory. Whoever loads
// one must end, soon, in a rule set or in faults. Tests use it.
//
// All of it is made, and is the same in every run; a file of a million lines
// lies nowhere on a disk.
package hostile

import (
	"strconv"
	"strings"
	"testing/fstest"
)

// Case is a rule directory under the name of what it tries.
type Case struct {
	Name string
	// Make gives the files, by their names. Some are large: keep one at a time.
	Make func() fstest.MapFS
}

// Cases gives all directories, in the order in which they are told apart here.
// They are written for the schema of configs/schema.yaml, as far as they mean
// anything at all.
func Cases() []Case {
	var out []Case
	for _, c := range Conditions() {
		out = append(out, Case{"condition: " + c.Name, rules(block(c.When))})
	}
	return append(append(append(append(out, yamls()...), lists()...), examples()...), directories()...)
}

// rules is a directory of one rule file.
func rules(text string) func() fstest.MapFS { return files("a.yaml", text) }

// files is a directory of files, given as name and text in turn.
func files(pairs ...string) func() fstest.MapFS {
	return func() fstest.MapFS {
		fsys := fstest.MapFS{}
		for i := 0; i < len(pairs); i += 2 {
			fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
		}
		return fsys
	}
}

// block is a rule file whose only condition stands in a block of its own, where
// YAML takes every character for itself.
func block(when string) string {
	return "rules:\n  - id: a\n    when: |\n      " + strings.ReplaceAll(when, "\n", "\n      ") + "\n"
}

// many repeats a text, its @ numbered from 1.
func many(n int, text string) string {
	parts := strings.Split(text, "@")
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Join(parts, strconv.Itoa(i+1)))
	}
	return b.String()
}

// nest puts n pairs of brackets around a text.
func nest(open, middle, end string, n int) string {
	return strings.Repeat(open, n) + middle + strings.Repeat(end, n)
}
