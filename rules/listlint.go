package rules

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"time"

	"sluice/configs/strict"
)

// maxEndedTold bounds the ended lines of one list that are told one by one.
const maxEndedTold = 10

// endedLines tells the lines of list files that hold no value any more, since
// their end has passed: harmless, and yet somebody may count on them.
func (l *loader) endedLines(files []File, now time.Time) (out strict.Faults) {
	for _, f := range files {
		if bytes.Contains(f.Data, []byte("until")) { // as few do, and a million lines take their time
			out = append(out, l.endedOf(f, now)...)
		}
	}
	return out
}

// endedOf tells those of one list.
func (l *loader) endedOf(file File, now time.Time) strict.Faults {
	name, _ := listName(path.Base(file.Name))
	reader := &listFile{file: l.path(file.Name)}
	more, number := 0, 0
	for source := range strings.Lines(strings.TrimPrefix(string(file.Data), "\uFEFF")) {
		number++
		source = strings.TrimRight(source, "\r\n")
		line, ok := reader.line(number, source)
		if !ok || !ended(line.until, now.UnixNano()) {
			continue
		}
		if len(reader.faults) == maxEndedTold {
			more++
			continue
		}
		message := fmt.Sprintf("the entry %q has ended: since %s it counts no more; remove the line, or give it a later date", clip(line.value), endWords(line.until))
		if until, ok := l.lists.Filed(name, line.value); ok && !ended(until, now.UnixNano()) {
			message = fmt.Sprintf("this line has ended, and another one holds %q still; remove this one", clip(line.value))
		}
		reader.fault(number, columnOf(source, "until"), source, message)
	}
	if more > 0 {
		reader.faults[maxEndedTold-1].Message += fmt.Sprintf(" (and %d more lines of this list, not shown)", more)
	}
	return reader.faults
}

// endWords writes an end as it is written in a list.
func endWords(ns int64) string {
	t := time.Unix(0, ns).UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}
