package strict

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// place is where a rune of a decoded scalar stands in the file.
type place struct{ line, column int }

// Position maps an offset (0-based, in runes) in the decoded text of a scalar
// to the line and column (1-based) where it stands in the file, through quotes,
// escapes and folding. An offset at or past the end gives the place behind the
// last rune. What can't be followed gives the beginning of the scalar.
func (d *Document) Position(n *yaml.Node, offset int) (line, column int) {
	places := d.places(n)
	switch {
	case len(places) == 0:
		return max(n.Line, 1), max(n.Column, 1)
	case offset < len(places):
		p := places[max(offset, 0)]
		return p.line, p.column
	}
	p := places[len(places)-1]
	return p.line, p.column + 1
}

// places gives the place of each rune of a scalar, or nil.
func (d *Document) places(n *yaml.Node) []place {
	if d.walked.node != n {
		d.walked = walkedNode{n, d.walk(n)}
	}
	return d.walked.places
}

// walk finds the places.
func (d *Document) walk(n *yaml.Node) []place {
	if n.Kind != yaml.ScalarNode || n.Line < 1 || n.Line > len(d.lines) {
		return nil
	}
	w := &walker{document: d, lines: d.lines, line: n.Line - 1, want: []rune(n.Value)}
	w.runes = d.runesOf(w.line)
	w.column = n.Column - 1
	if w.column > len(w.runes) {
		return nil
	}
	w.skipProperties(n)
	var ok bool
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		ok = w.block(false)
	case n.Style&yaml.FoldedStyle != 0:
		ok = w.block(true)
	case n.Style&yaml.SingleQuotedStyle != 0:
		w.column++
		ok = w.flow(single)
	case n.Style&yaml.DoubleQuotedStyle != 0:
		w.column++
		ok = w.flow(double)
	default:
		ok = w.flow(plain)
	}
	if !ok {
		return nil
	}
	return w.places
}

// walker reads a scalar a second time, beside its decoded text.
type walker struct {
	document *Document
	lines    []string // of it
	line     int      // 0-based
	runes    []rune
	column   int // 0-based, into runes
	want     []rune
	places   []place
}

// skipProperties steps over a tag before the scalar.
func (w *walker) skipProperties(n *yaml.Node) {
	for n.Style&yaml.TaggedStyle != 0 && w.column < len(w.runes) && strings.ContainsRune("!&", w.runes[w.column]) {
		for w.column < len(w.runes) && !blank(w.runes[w.column]) {
			w.column++
		}
		for w.column < len(w.runes) && blank(w.runes[w.column]) {
			w.column++
		}
	}
}

func blank(r rune) bool { return r == ' ' || r == '\t' }

// take places the next wanted rune at the current column if it is r.
func (w *walker) take(r rune) bool {
	if len(w.places) >= len(w.want) || w.want[len(w.places)] != r {
		return false
	}
	w.places = append(w.places, place{w.line + 1, w.column + 1})
	return true
}

func (w *walker) done() bool { return len(w.places) == len(w.want) }

// next goes to the next line.
func (w *walker) next() bool {
	if w.line+1 >= len(w.lines) {
		return false
	}
	w.line++
	w.runes, w.column = w.document.runesOf(w.line), 0
	return true
}

func (w *walker) restIsBlank() bool {
	for _, r := range w.runes[w.column:] {
		if !blank(r) {
			return false
		}
	}
	return true
}

type quote uint8

const (
	plain quote = iota
	single
	double
)

// flow walks a plain or quoted scalar.
func (w *walker) flow(q quote) bool {
	for !w.done() {
		if w.restIsBlank() {
			if !w.foldFlow() {
				return false
			}
			continue
		}
		if !w.flowRune(q) {
			return false
		}
	}
	return true
}

// foldFlow walks over line ends: one is a space, each further one a newline.
func (w *walker) foldFlow() bool {
	line, column := w.line, w.column
	breaks := 0
	for w.restIsBlank() {
		if !w.next() {
			return false
		}
		breaks++
	}
	for w.column < len(w.runes) && blank(w.runes[w.column]) {
		w.column++
	}
	fold := place{line + 1, column + 1}
	r, n := '\n', breaks-1
	if breaks == 1 {
		r, n = ' ', 1
	}
	for range n {
		if w.done() || w.want[len(w.places)] != r {
			return false
		}
		w.places = append(w.places, fold)
	}
	return true
}

func (w *walker) flowRune(q quote) bool {
	r := w.runes[w.column]
	if q == double && r == '\\' {
		return w.escape()
	}
	if !w.take(r) {
		return false
	}
	w.column++
	if q == single && r == '\'' {
		w.column++
	}
	return true
}

// simpleEscapes are the one-letter escapes of a double-quoted scalar.
const simpleEscapes = "0\x00a\ab\bt\t\t\tn\nv\vf\fr\re\x1b  \"\"//\\\\''N\u0085_\u00a0L\u2028P\u2029"

// escape walks over an escape of a double-quoted scalar.
func (w *walker) escape() bool {
	if w.column+1 >= len(w.runes) { // a line end that does not count
		if !w.next() {
			return false
		}
		for w.column < len(w.runes) && blank(w.runes[w.column]) {
			w.column++
		}
		return true
	}
	letter := w.runes[w.column+1]
	if digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[letter]; digits > 0 {
		if w.column+2+digits > len(w.runes) {
			return false
		}
		code, err := strconv.ParseUint(string(w.runes[w.column+2:w.column+2+digits]), 16, 32)
		if err != nil || !w.take(rune(code)) {
			return false
		}
		w.column += 2 + digits
		return true
	}
	pairs := []rune(simpleEscapes)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == letter && w.take(pairs[i+1]) {
			w.column += 2
			return true
		}
	}
	return false
}

// block walks a literal or folded scalar.
func (w *walker) block(folded bool) bool {
	if !w.next() {
		return w.done()
	}
	indent := w.indent()
	for !w.done() {
		w.column = min(indent, len(w.runes))
		for w.column < len(w.runes) && !w.done() {
			if !w.take(w.runes[w.column]) {
				return false
			}
			w.column++
		}
		if w.done() {
			return true
		}
		if folded {
			if !w.foldBlock(indent) {
				return w.done()
			}
			continue
		}
		if !w.take('\n') {
			return false
		}
		if !w.next() {
			return w.done()
		}
	}
	return true
}

// indent gives the columns that a block scalar's lines are indented by: those
// of the first line with text, less the spaces that belong to the text.
func (w *walker) indent() int {
	source := 0
	for i := w.line; i < len(w.lines); i++ {
		if text := strings.TrimLeft(w.lines[i], " "); text != "" {
			source = len(w.lines[i]) - len(text)
			break
		}
	}
	own := 0
	for _, r := range w.want {
		if r != '\n' && r != ' ' {
			break
		}
		if own++; r == '\n' {
			own = 0
		}
	}
	return max(0, source-own)
}

// foldBlock walks over the line ends of a folded scalar: whatever of spaces and
// newlines they became is in the wanted text.
func (w *walker) foldBlock(indent int) bool {
	if w.want[len(w.places)] == ' ' {
		return w.take(' ') && w.next()
	}
	took := 0
	for {
		if !w.done() && w.take('\n') {
			took++
		}
		if !w.next() {
			return false
		}
		if len(w.runes) > indent {
			break
		}
	}
	return took > 0
}
