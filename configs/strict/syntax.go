package strict

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var errorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntaxFault turns an error of the YAML parser into a fault. The parser says
// where the surrounding block began rather than where it stumbled, so the lines
// from there to where it stopped reading are looked through for what usually
// is the matter.
func (d *Document) syntaxFault(err error, source []byte) Fault {
	message := err.Error()
	from := 1
	if m := errorLine.FindStringSubmatch(message); m != nil {
		if n, convErr := strconv.Atoi(m[1]); convErr == nil {
			from = n
		}
		message = message[len(m[0]):]
	}
	to := max(stopped(source), from)
	if name, ok := strings.CutPrefix(message, "unknown anchor '"); ok {
		name, _, _ = strings.Cut(name, "'")
		return d.aliasFault(name)
	}
	for line := max(from-1, 1); line <= to && line <= len(d.lines); line++ {
		if column, advice := bite(d.lines[line-1]); advice != "" {
			return d.Fault(line, column, advice)
		}
	}
	line := min(max(from, 1), len(d.lines))
	switch {
	case strings.Contains(message, "end of stream"):
		line = d.opened(line, len(d.lines), `"'`)
	case strings.Contains(message, "did not find expected ',' or"):
		line = d.opened(line, to, "[{")
	}
	if strings.Contains(message, "did not find expected '-' indicator") || strings.Contains(message, "did not find expected key") {
		if odd := d.misindented(line, to+1); odd > 0 {
			return d.Fault(odd, indent(d.lines[odd-1])+1, "this line is indented like none of those that it could belong to; begin it below the first letter of its neighbours")
		}
	}
	text := d.lines[line-1]
	column := len(text) - len(strings.TrimLeft(text, " \t")) + 1
	return d.Fault(line, column, "near here this is not YAML: "+plainWords(message))
}

// misindented finds the first line whose indentation is that of nothing open, 0:
// there is none.
func (d *Document) misindented(from, to int) int {
	var open []int
	for line := from; line <= min(to, len(d.lines)); line++ {
		text := d.lines[line-1]
		at := indent(text)
		if rest := text[at:]; rest == "" || rest[0] == '#' {
			continue
		}
		deeper := len(open) == 0 || at > open[len(open)-1]
		for len(open) > 0 && open[len(open)-1] > at {
			open = open[:len(open)-1]
		}
		if !deeper && (len(open) == 0 || open[len(open)-1] != at) {
			return line
		}
		if deeper {
			open = append(open, at)
		}
		for strings.HasPrefix(text[at:], "- ") { // what stands behind it begins a block, too
			rest := strings.TrimLeft(text[at+1:], " ")
			at = len(text) - len(rest)
			open = append(open, at)
		}
	}
	return 0
}

func indent(text string) int { return len(text) - len(strings.TrimLeft(text, " ")) }

// lineReader hands a text out line by line, so that it shows how far the
// parser came.
type lineReader struct {
	rest  []byte
	lines int
}

func (r *lineReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	end := bytes.IndexByte(r.rest, '\n') + 1
	if end == 0 {
		end = len(r.rest)
	}
	n := copy(p, r.rest[:end])
	if r.rest[n-1] == '\n' {
		r.lines++
	}
	r.rest = r.rest[n:]
	return n, nil
}

// stopped gives the number of lines that the parser reads before it fails.
func stopped(source []byte) int {
	r := &lineReader{rest: source}
	decoder := yaml.NewDecoder(r)
	for {
		var n yaml.Node
		if err := decoder.Decode(&n); err != nil {
			if errors.Is(err, io.EOF) {
				return 1
			}
			return r.lines
		}
	}
}

func (d *Document) aliasFault(name string) Fault {
	for i, text := range d.lines {
		if at := strings.Index(text, "*"+name); at >= 0 {
			return d.Fault(i+1, len([]rune(text[:at]))+1,
				"YAML takes text that begins with * as an alias, and aliases are not allowed here; "+insteadOf)
		}
	}
	return d.Fault(1, 1, "YAML takes text that begins with * as an alias, and aliases are not allowed here; "+insteadOf)
}

// opened finds the last line up to one whose value begins with one of the
// openers and does not end with a closer.
func (d *Document) opened(line, to int, openers string) int {
	for i := min(to, len(d.lines)); i >= 1; i-- {
		m := keyed.FindStringSubmatch(d.lines[i-1])
		if m != nil && strings.Contains(openers, m[3][:1]) && !strings.HasSuffix(m[3], "]") && !strings.HasSuffix(m[3], "}") {
			return i
		}
	}
	return line
}

// keyed takes a line `  - key: value` apart.
var keyed = regexp.MustCompile(`^(\s*(?:- +)*)([A-Za-z_][\w.-]*|"[^"]*"|'[^']*')\s*:\s+(\S.*)$`)

// bite finds in a line with a value what YAML takes otherwise than a person
// would, with advice.
func bite(line string) (column int, advice string) {
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	if at := strings.IndexByte(indent, '\t'); at >= 0 {
		return at + 1, "YAML does not allow tabs before text; use spaces"
	}
	m := keyed.FindStringSubmatchIndex(line)
	if m == nil {
		return 0, ""
	}
	key, value := line[m[4]:m[5]], line[m[6]:m[7]]
	instead := "write `" + key + ": |` and the text on the next line"
	column = len([]rune(line[:m[6]])) + 1
	switch value[0] {
	case '@', '`', '%':
		return column, "a value can't begin with " + value[:1] + " in YAML; " + instead
	case '!':
		return column, "YAML takes text that begins with ! as a tag; " + instead
	case '"', '\'':
		if after := behindQuotes(value); after > 0 {
			return column + len([]rune(value[:after])),
				"YAML takes the quotes as the whole value and does not expect text behind them; " + instead
		}
		return 0, ""
	case '{', '[':
		if strings.Contains(value, "${") {
			return column, "inside [ ] and { } put ${…} in quotes"
		}
		return 0, ""
	case '|', '>', '#', '&', '*':
		return 0, ""
	}
	if strings.HasPrefix(value, "- ") {
		return column, "YAML takes \"- \" as the beginning of a list; " + instead
	}
	text, _, _ := strings.Cut(value, " #")
	if at := strings.Index(text+" ", ": "); at >= 0 {
		return column + len([]rune(text[:at])), "YAML takes \": \" inside a value as another key; " + instead
	}
	return 0, ""
}

// behindQuotes gives the offset of text behind a quoted value in the same
// line, 0 if there is none.
func behindQuotes(value string) int {
	q := value[0]
	for i := 1; i < len(value); i++ {
		switch {
		case q == '"' && value[i] == '\\':
			i++
		case value[i] != q:
		case q == '\'' && i+1 < len(value) && value[i+1] == q:
			i++
		default:
			rest := strings.TrimLeft(value[i+1:], " \t")
			if rest == "" || rest[0] == '#' || rest[0] == ':' {
				return 0
			}
			return len(value) - len(rest)
		}
	}
	return 0
}

// plainWords says what the parser says so that it helps somebody.
func plainWords(message string) string {
	for _, w := range [][2]string{
		{"did not find expected key", "a key (`name: value`) was expected; is the line indented like its neighbours?"},
		{"did not find expected '-' indicator", "a list item (`- …`) was expected; is the line indented like its neighbours?"},
		{"could not find expected ':'", "a key without `:`; is the line before complete?"},
		{"mapping values are not allowed", "a `:` where none can be; is the line indented like its neighbours?"},
		{"did not find expected ',' or", "a [ or { that is not closed, or a comma missing"},
		{"did not find expected node content", "a value was expected"},
		{"end of stream", "quotes that are not closed"},
		{"unknown escape", `a \ in "…" begins an escape; use '…' or write two`},
		{"exceeded max depth", "it is nested too deeply"},
	} {
		if strings.Contains(message, w[0]) {
			return w[1]
		}
	}
	return message
}
