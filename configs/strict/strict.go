// Package strict reads a YAML document into a Go value and reports every fault
// at once, with file, line, column, source line and caret.
package strict

import (
	"fmt"
	"strings"
)

// Fault is one thing wrong in a file.
type Fault struct {
	File    string
	Line    int    // 1-based
	Column  int    // 1-based, in runes
	Source  string // the line's text, for the caret
	Message string
}

// Error gives "file:line:column: message", the source line and a caret under the column.
func (f Fault) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
	if f.Source == "" {
		return s
	}
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string([]rune(f.Source)[:min(max(f.Column-1, 0), len([]rune(f.Source)))]))
	return s + "\n    " + f.Source + "\n    " + pad + "^"
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
