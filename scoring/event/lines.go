package event

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Lines cuts a CSV file into records (RFC 4180: cells in quotes may hold
// commas, line ends and doubled quotes). It copies no cell that has no quotes,
// and is several times as fast as encoding/csv for it.
type Lines struct {
	in     *bufio.Reader
	long   []byte // the record, if it has quotes
	ahead  []byte // lines behind the first of a record, kept to be read again
	at     int    // how much of ahead was read
	behind int    // at, behind the record's first line
	cells  [][]byte
	plain  []byte // text of cells in quotes
	width  int    // cells of the header; 0: it was not read
	Number int    // of the line where the record last read begins, from 1
	next   int
}

var quote = []byte{'"'}

// maxRecord bounds a CSV record.
const maxRecord = 1 << 20

// NewLines reads from r.
func NewLines(r io.Reader) *Lines {
	l := &Lines{in: bufio.NewReaderSize(r, 1<<16), next: 1}
	if bom, err := l.in.Peek(3); err == nil && string(bom) == "\uFEFF" {
		_, _ = l.in.Discard(3) // peeked
	}
	return l
}

// Read gives the next record; its cells are valid until the next Read. Empty
// lines are left out. The error is io.EOF at the end, a *Fault for a record that
// can't be cut into cells, or the reader's. After a *Fault reading goes on at the
// line behind Number: a stray quote costs its own line, not those that it seems
// to hold. So does a record of several lines that has not as many cells as the
// header.
func (l *Lines) Read() ([][]byte, error) {
	for {
		line, err := l.line()
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			continue
		}
		if bytes.IndexByte(line, '"') < 0 {
			l.split(line)
			return l.cells, nil
		}
		err = l.quoted(line)
		if err == nil && l.next > l.Number+1 && l.width > 0 && len(l.cells) != l.width {
			err = l.fault(fmt.Sprintf("the record of %d lines has %d columns and the first line %d; is a quote missing or too many?",
				l.next-l.Number, len(l.cells), l.width))
		}
		if err != nil {
			l.again()
			return nil, err
		}
		return l.cells, nil
	}
}

// Header reads the first record as text.
func (l *Lines) Header() ([]string, error) {
	cells, err := l.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty; the first line of a CSV file names its columns")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the CSV file's first line: %w", err)
	}
	l.width = len(cells)
	header := make([]string, len(cells))
	for i, c := range cells {
		header[i] = string(c)
	}
	return header, nil
}

// line reads a record's lines: one, or more while a quote is open.
func (l *Lines) line() ([]byte, error) {
	l.Number = l.next
	line, err := l.physical()
	if err == nil && len(line) > maxRecord {
		return nil, l.fault("the record is too long")
	}
	if err != nil || bytes.IndexByte(line, '"') < 0 {
		return bytes.TrimSuffix(line, []byte("\r")), err
	}
	l.long = append(l.long[:0], line...)
	if l.at == len(l.ahead) { // all of it was read again
		l.ahead, l.at = l.ahead[:0], 0
	}
	l.behind = l.at
	for open := opens(l.long, false); open; {
		more, err := l.more()
		if errors.Is(err, io.EOF) {
			l.again()
			return nil, l.fault("a quote is not closed")
		}
		if err != nil {
			return nil, err
		}
		if len(l.long)+len(more) > maxRecord {
			l.again()
			return nil, l.fault("the record is too long, or a quote is not closed")
		}
		l.long = append(append(bytes.TrimSuffix(l.long, []byte("\r")), '\n'), more...)
		open = opens(more, true)
	}
	return bytes.TrimSuffix(l.long, []byte("\r")), nil
}

// more reads a record's next line, and keeps it for again.
func (l *Lines) more() ([]byte, error) {
	kept := l.at < len(l.ahead)
	line, err := l.physical()
	if err == nil && !kept {
		l.ahead = append(append(l.ahead, line...), '\n')
		l.at = len(l.ahead)
	}
	return line, err
}

// again goes back to the line behind the first of the record. No line is read
// more than twice by that: a record that has taken in lines ends at the latest
// with the first of them that would itself leave a quote open.
func (l *Lines) again() { l.at, l.next = l.behind, l.Number+1 }

// opens reports whether a line ends inside a cell in quotes; inside says whether
// it begins in one. Where the line can't be cut into cells, no other can mend it:
// the record ends there, and quoted says what is wrong.
func opens(line []byte, inside bool) bool {
	for {
		if !inside && (len(line) == 0 || line[0] != '"') {
			cell, rest, more := bytes.Cut(line, []byte{','})
			if !more || bytes.Contains(cell, quote) {
				return false
			}
			line = rest
			continue
		}
		if !inside {
			line = line[1:]
		}
		inside = false
		for closed := false; !closed; {
			i := bytes.IndexByte(line, '"')
			if i < 0 {
				return true
			}
			line = line[i+1:]
			if closed = len(line) == 0 || line[0] != '"'; !closed {
				line = line[1:]
			}
		}
		if len(line) == 0 || line[0] != ',' {
			return false
		}
		line = line[1:]
	}
}

// physical reads up to a line end, which it leaves out. Of a line longer than
// maxRecord it gives that much and a little more.
func (l *Lines) physical() ([]byte, error) {
	if l.at < len(l.ahead) {
		line, _, _ := bytes.Cut(l.ahead[l.at:], []byte{'\n'})
		l.at += len(line) + 1
		l.next++
		return line, nil
	}
	line, err := l.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.rest(line)
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
		return nil, err
	}
	l.next++
	return bytes.TrimSuffix(line, []byte("\n")), nil
}

// rest reads a line that is longer than the reader's buffer.
func (l *Lines) rest(line []byte) ([]byte, error) {
	whole := append([]byte(nil), line...)
	for {
		line, err := l.in.ReadSlice('\n')
		if len(whole) <= maxRecord { // what is beyond is read and forgotten
			whole = append(whole, line...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return whole, err
		}
	}
}

func (l *Lines) fault(message string) error {
	return &Fault{Code: Malformed, Message: message}
}

// split cuts a line without quotes.
func (l *Lines) split(line []byte) {
	l.cells = l.cells[:0]
	for {
		i := bytes.IndexByte(line, ',')
		if i < 0 {
			l.cells = append(l.cells, line)
			return
		}
		l.cells = append(l.cells, line[:i])
		line = line[i+1:]
	}
}

// quoted cuts a record with quotes.
func (l *Lines) quoted(line []byte) error {
	l.cells, l.plain = l.cells[:0], l.plain[:0]
	if cap(l.plain) < len(line) { // cells point into it: it must not move
		l.plain = make([]byte, 0, len(line))
	}
	for {
		var cell, rest []byte
		var more bool
		if len(line) > 0 && line[0] == '"' {
			var ok bool
			if cell, rest, ok = l.unquote(line[1:]); !ok {
				return l.fault("a quote is not closed")
			}
			if more = len(rest) > 0; more && rest[0] != ',' {
				return l.fault("a cell goes on behind its closing quote")
			}
			rest = rest[min(1, len(rest)):]
		} else if cell, rest, more = bytes.Cut(line, []byte{','}); bytes.Contains(cell, quote) {
			return l.fault("a quote stands inside a cell that does not begin with one")
		}
		l.cells = append(l.cells, cell)
		if !more {
			return nil
		}
		line = rest
	}
}

// unquote reads a cell from behind its opening quote on.
func (l *Lines) unquote(line []byte) (cell, rest []byte, ok bool) {
	start := len(l.plain)
	for {
		i := bytes.IndexByte(line, '"')
		if i < 0 {
			return nil, nil, false
		}
		l.plain = append(l.plain, line[:i]...)
		if line = line[i+1:]; len(line) == 0 || line[0] != '"' {
			return l.plain[start:len(l.plain):len(l.plain)], line, true
		}
		l.plain = append(l.plain, '"')
		line = line[1:]
	}
}
