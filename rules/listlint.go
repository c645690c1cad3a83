package rules

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"time"

	"sluice/configs/strict"
)

// maxListTold bounds the lines of one list that are warned of one by one.
const maxListTold = 10

// listWarnings tells the lines of list files that hold no value any more, since
// their end has passed, and those that hold another one than is meant.
func (l *loader) listWarnings(files []File, now time.Time) (out strict.Faults) {
	for _, f := range files {
		name, _ := listName(path.Base(f.Name))
		// As few do, and a million lines take their time.
		if bytes.Contains(f.Data, []byte("until")) || bytes.ContainsAny(f.Data, `,;"'`) || dated(f.Data) || l.lists.picky(name) {
			out = append(out, l.warningsOf(f, now)...)
		}
	}
	return out
}

// warningsOf tells those of one list.
func (l *loader) warningsOf(file File, now time.Time) strict.Faults {
	name, _ := listName(path.Base(file.Name))
	reader := &listFile{file: l.path(file.Name)}
	more, number := 0, 0
	for source := range strings.Lines(strings.TrimPrefix(string(file.Data), "\uFEFF")) {
		number++
		source = strings.TrimRight(source, "\r\n")
		line, ok := reader.line(number, source)
		if !ok {
			continue
		}
		message, at := l.hardlyMeant(name, line, now), columnOf(source, line.value)
		if ended(line.until, now.UnixNano()) {
			at = columnOf(source, "until")
		}
		switch {
		case message == "":
		case len(reader.faults) == maxListTold:
			more++
		default:
			reader.fault(number, at, source, message)
		}
	}
	if more > 0 {
		reader.faults[maxListTold-1].Message += fmt.Sprintf(" (and %d more lines of this list, not shown)", more)
	}
	return reader.faults
}

// hardlyMeant says what is the matter with a line, "": nothing.
func (l *loader) hardlyMeant(list string, line listLine, now time.Time) string {
	v := line.value
	switch {
	case ended(line.until, now.UnixNano()):
		if until, ok := l.lists.Filed(list, v); ok && !ended(until, now.UnixNano()) {
			return fmt.Sprintf("this line has ended, and another one holds %q still; remove this one", clip(v))
		}
		return fmt.Sprintf("the entry %q has ended: since %s it counts no more; remove the line, or give it a later date", clip(v), endWords(line.until))
	}
	if odd := Odd(v); odd != "" || !l.lists.picky(list) {
		return odd
	}
	if misfit := l.lists.Misfit(list, v); misfit != "" {
		return fmt.Sprintf("%q: %s", clip(v), misfit)
	}
	return ""
}

// Odd says why a value of a list is hardly meant as it is written, "": it may be.
func Odd(v string) string {
	quoted := len(v) > 1 && strings.ContainsRune(`"'`, rune(v[0])) && v[0] == v[len(v)-1]
	switch {
	case quoted:
		return fmt.Sprintf("the quotes are a part of the value %s; without them it would be %s", clip(v), clip(v[1:len(v)-1]))
	case strings.ContainsAny(v, ",;"):
		return fmt.Sprintf("%q is one value: a line holds one; write several on lines of their own", clip(v))
	case dated([]byte(v)):
		words := strings.Fields(v)
		if _, err := ParseUntil(words[len(words)-1]); err == nil {
			return fmt.Sprintf("%q is one value, which always counts: an end stands behind the word `until`, as in `… until %s`", clip(v), words[len(words)-1])
		}
	}
	return ""
}

// dated reports whether a date may stand behind a blank somewhere in a text.
func dated(text []byte) bool {
	const year = 5 // characters, with the blank
	for at := 0; ; at++ {
		next := bytes.IndexByte(text[at:], '-')
		if next < 0 {
			return false
		}
		if at += next; at < year || text[at-year] != ' ' && text[at-year] != '\t' {
			continue
		}
		if len(bytes.Trim(text[at-year+1:at], "0123456789")) == 0 {
			return true
		}
	}
}

// endWords writes an end as it is written in a list.
func endWords(ns int64) string {
	t := time.Unix(0, ns).UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}
