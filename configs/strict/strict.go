// Package strict reads a YAML document into a Go value and reports every fault
// at once, with file, line, column, source line and caret.
//
// It takes the plain part of YAML that people write by hand: one document of
// mappings, lists and scalars. Anchors, aliases, merge keys, tags, repeated and
// unknown keys are faults. Go values are filled by reflection: struct fields
// carry the key as `yaml:"name"`, or `yaml:"name,required"`; what the document
// does not mention keeps the value that it had, so defaults go in before.
//
//	faults := strict.Read("sluice.yaml", source, &config, os.LookupEnv)
//	if err := faults.Err(); err != nil { … }
//
// Into fit strings, truth values, numbers, time.Duration ("1h30m"), Bytes
// ("64KiB"), Secret, Text (which remembers where it stood), Map (in the order
// of the file), encoding.TextUnmarshaler, slices, structs and pointers to them;
// whatever else implements Unmarshaler. A struct that implements Checker looks
// over its values once they are read.
package strict

import (
	"fmt"
	"sort"
	"strings"
)

// Fault is one thing wrong in a file.
type Fault struct {
	File    string
	Line    int    // 1-based
	Column  int    // 1-based, in runes
	Source  string // the line's text, for the caret, or of a long line what is around it
	Cut     int    // runes of the line that stand before Source
	Message string
}

// Error gives "file:line:column: message", the source line and a caret under the column.
func (f Fault) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
	if f.Source == "" {
		return s
	}
	source, column := f.excerpt()
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string(source[:min(max(column-1, 0), len(source))]))
	return s + "\n    " + string(source) + "\n    " + pad + "^"
}

// excerptRunes bounds the source line that a fault shows.
const excerptRunes = 160

// excerpt gives the part of a long source line around the fault, and the
// fault's column in it.
func (f Fault) excerpt() ([]rune, int) {
	source, column := []rune(f.Source), f.Column-f.Cut
	if len(source) <= excerptRunes {
		return source, column
	}
	start := max(0, min(column-1-excerptRunes/2, len(source)-excerptRunes))
	return source[start : start+excerptRunes], column - start
}

// Faults is all that is wrong, in the order of file, line and column.
type Faults []Fault

// Error joins the faults, one after another.
func (f Faults) Error() string {
	var b strings.Builder
	for i := range f {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(f[i].Error())
	}
	return b.String()
}

// Err gives the faults as an error, nil if there are none.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// Sort puts the faults in the order of file, line and column.
func (f Faults) Sort() {
	sort.SliceStable(f, func(i, j int) bool {
		a, b := &f[i], &f[j]
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
}

// Env looks a variable of the environment up; os.LookupEnv is one.
type Env func(name string) (value string, ok bool)

// Read parses a document and decodes it into what into points at. With env,
// ${NAME} and ${NAME:default} in values are replaced; without (nil) they stand
// for themselves.
func Read(file string, source []byte, into any, env Env) Faults {
	doc, faults := Parse(file, source)
	if len(faults) > 0 {
		return faults
	}
	return doc.Decode(into, env)
}
