package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The bounds of a document. The parser itself gives up at ten thousand levels
// and takes a third of a second for the worst mebibyte found.
const (
	MaxSize   = 1 << 20 // bytes
	MaxDepth  = 32      // levels of lists and mappings
	maxFaults = 100     // shown of one document
)

// Document is a parsed file.
type Document struct {
	File string
	// Root is the outermost value, nil in an empty document.
	Root *yaml.Node

	lines   []string
	refused map[*yaml.Node]bool // nodes that a fault was reported for
	faults  Faults              // of those
	secrets map[int]int         // line to the column from which it is not shown
	shown   shownLine
	runes   runeLine
	walked  walkedNode
}

// A file may be one line of a mebibyte, with a fault at each word. What is made of
// a line for one fault is kept for the next.
type (
	shownLine struct { // as line gives it
		line  int
		text  string
		runes []rune // of text, where it is long
	}
	runeLine struct { // lines[at] in runes
		at   int
		text []rune
	}
	walkedNode struct { // as places gives it
		node   *yaml.Node
		places []place
	}
)

// runesOf gives a line, 0-based, in runes.
func (d *Document) runesOf(at int) []rune {
	if d.runes.text == nil || d.runes.at != at {
		d.runes = runeLine{at, []rune(d.lines[at])}
	}
	return d.runes.text
}

// Parse reads the YAML of a file. Its faults are those that leave nothing to
// decode; the others come with Decode's.
func Parse(file string, source []byte) (doc *Document, faults Faults) {
	d := &Document{File: file, refused: map[*yaml.Node]bool{}, secrets: map[int]int{}}
	if len(source) > MaxSize {
		return nil, Faults{{
			File: file, Line: 1, Column: 1,
			Message: fmt.Sprintf("the file has %d bytes, more than the %d that are read; split it", len(source), MaxSize),
		}}
	}
	source = bytes.TrimPrefix(source, []byte("\uFEFF"))
	source = bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n"))
	d.lines = strings.Split(string(source), "\n")
	if at, message := badCharacter(source); message != "" {
		before := source[:at]
		line := bytes.Count(before, []byte("\n"))
		column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
		d.lines[line] = strings.ToValidUTF8(d.lines[line], "\uFFFD")
		return nil, Faults{d.Fault(line+1, column+1, message)}
	}
	root, fault := d.parse(source)
	if fault != nil {
		return nil, Faults{*fault}
	}
	d.Root = root
	d.refuse(root, 1)
	return d, nil
}

// badCharacter finds the first character that YAML, or a person reading line
// numbers, would trip over.
func badCharacter(source []byte) (at int, message string) {
	for i := 0; i < len(source); {
		r, size := utf8.DecodeRune(source[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return i, "this is not UTF-8 text; save the file as UTF-8"
		case r == '\r', r == '\u0085', r == '\u2028', r == '\u2029':
			return i, fmt.Sprintf("unusual line end %U; use ordinary ones", r)
		case r < ' ' && r != '\t' && r != '\n', r >= 0x7f && r <= 0x9f, r == '\uFEFF', r == '\uFFFE', r == '\uFFFF':
			return i, fmt.Sprintf("the character %U does not belong into a text file; remove it", r)
		}
		i += size
	}
	return 0, ""
}

// parse runs the YAML parser, which is hardened but not ours: a panic of it is
// a fault of the file, too.
func (d *Document) parse(source []byte) (root *yaml.Node, fault *Fault) {
	defer func() {
		if p := recover(); p != nil {
			f := d.Fault(1, 1, fmt.Sprintf("this can't be read as YAML: %v", p))
			root, fault = nil, &f
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(source))
	var first, second yaml.Node
	err := decoder.Decode(&first)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err == nil {
		err = decoder.Decode(&second)
		if err == nil {
			f := d.Fault(second.Line, second.Column, "a second document begins here; one file holds one document, so remove the ---")
			return nil, &f
		}
		if errors.Is(err, io.EOF) {
			return first.Content[0], nil
		}
	}
	f := d.syntaxFault(err, source)
	return nil, &f
}

// refuse reports what YAML allows and this package does not.
func (d *Document) refuse(n *yaml.Node, depth int) {
	if n == nil {
		return
	}
	message := ""
	switch {
	case depth > MaxDepth:
		message = fmt.Sprintf("this is nested deeper than %d levels", MaxDepth)
	case n.Kind == yaml.AliasNode:
		message = "YAML takes text that begins with * as an alias, and aliases are not allowed here; " + insteadOf
	case n.Anchor != "":
		message = "YAML takes text that begins with & as an anchor, and anchors are not allowed here; " + insteadOf
	case n.Style&yaml.TaggedStyle != 0:
		message = "YAML takes text that begins with ! as a tag, and tags are not allowed here; " + insteadOf
	}
	if message != "" {
		d.refused[n] = true
		d.faults = append(d.faults, d.at(n, message))
		return
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			d.refuseKey(c)
			continue
		}
		d.refuse(c, depth+1)
	}
}

const insteadOf = "put it in quotes, or write `key: |` and the text on the next line"

func (d *Document) refuseKey(key *yaml.Node) {
	message := ""
	switch {
	case key.Kind != yaml.ScalarNode:
		message = "a key is a word, not a list or a mapping"
	case key.Tag == "!!merge":
		message = "merge keys (<<) are not allowed here; write the keys out"
	case key.Anchor != "" || key.Style&yaml.TaggedStyle != 0:
		message = "a key carries no anchor and no tag"
	default:
		return
	}
	d.refused[key] = true
	d.faults = append(d.faults, d.at(key, message))
}

// Fault makes a fault of this file. Passwords in its source line are masked.
func (d *Document) Fault(line, column int, message string) Fault {
	source, cut := d.line(line), 0
	if runes := d.shown.runes; line == d.shown.line && runes != nil {
		cut = max(0, min(column-1-excerptRunes, len(runes)-2*excerptRunes))
		source = string(runes[cut:min(len(runes), cut+2*excerptRunes)])
	}
	return Fault{File: d.File, Line: line, Column: column, Source: source, Cut: cut, Message: message}
}

func (d *Document) at(n *yaml.Node, message string) Fault {
	return d.Fault(max(n.Line, 1), max(n.Column, 1), message)
}

var password = regexp.MustCompile(`(?i)^(.*?[\w-]*(?:pas+w|pwd)[\w-]*["']?\s*:\s*)\S.*$`)

// line gives a source line as it may be shown.
func (d *Document) line(line int) string {
	if line < 1 || line > len(d.lines) {
		return ""
	}
	if d.shown.line != line {
		d.shown = shownLine{line: line, text: d.masked(line)}
		if len(d.shown.text) > longLine {
			d.shown.runes = []rune(d.shown.text)
		}
	}
	return d.shown.text
}

// longLine is how many bytes a line has of which a fault shows a part alone.
const longLine = 4 << 10

func (d *Document) masked(line int) string {
	if column, ok := d.secrets[line]; ok {
		runes := d.runesOf(line - 1)
		return string(runes[:min(column-1, len(runes))]) + "***"
	}
	text := d.lines[line-1]
	if !strings.ContainsAny(text, "wW") { // as many have not, and there may be a million of them
		return text
	}
	return password.ReplaceAllString(text, "${1}***")
}

// hide keeps a scalar out of every fault's source line.
func (d *Document) hide(n *yaml.Node) {
	d.hideFrom(n.Line, n.Column)
	places := d.places(n)
	if len(places) == 0 && n.Value != "" { // not to be followed: hide what could be its lines
		places = []place{{line: n.Line + strings.Count(n.Value, "\n") + 1}}
	}
	for _, p := range places {
		if p.line > n.Line {
			d.hideFrom(p.line, 1)
		}
	}
}

func (d *Document) hideFrom(line, column int) {
	if old, ok := d.secrets[line]; !ok || column < old {
		d.secrets[line] = column
		d.shown = shownLine{}
	}
}
