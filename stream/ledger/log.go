package ledger

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"time"
)

// MaxChanges bounds the changes that hold at a time.
const MaxChanges = 100_000

// ErrFull is given where no more changes are kept.
var ErrFull = fmt.Errorf("%d changes are kept already; put entries into the files of the lists", MaxChanges)

// ErrDamaged is given for a file that holds what was never written so.
var ErrDamaged = errors.New("the kept changes are damaged")

// log is the file of changes, and what they come to. A change is a line at its
// end. Now and then, and after any trouble, the file is written anew, as a whole
// and under another name, with the newest changes and what the older ones have
// come to. It is not safe for concurrent use.
type log struct {
	disk     Disk
	name     string
	most     int // changes
	revision int64
	held     map[subject]Change
	past     past
	torn     *torn // nil: the file is whole

	file  File // nil: the next change writes the file anew
	lines int  // of the file
	kept  int  // lines when it was written
}

// slack is how many lines may pile up before the file is written anew, besides
// as many as it had.
const slack = 1000

// changesFile is its name.
const changesFile = "changes"

// openLog reads the file, if there is one.
func openLog(d Disk, name string) (*log, error) {
	l := &log{disk: d, name: name, most: MaxChanges, held: map[subject]Change{}, past: past{floor: map[subject]Change{}}}
	data, err := d.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the kept changes: %w", err)
	}
	return l, l.read(data)
}

// torn is the beginning of a change that a file ends with: a process died, or the
// file was cut off.
type torn struct{ offset, bytes int }

// read takes the lines of a file in. A process that died in the middle of a line
// leaves a part of it at the end, and a power cut perhaps zeros in place of what
// was not written yet; neither was ever told to be done. A file that was cut off
// later looks the same, so it is noted. The first two lines were written as a
// whole: of these nothing can be missing.
func (l *log) read(data []byte) error {
	damaged := func(line int, why error) error {
		return fmt.Errorf("%w: %s, line %d: %w; bring an earlier copy back, or put the file aside to go on without these changes", ErrDamaged, l.name, line, why)
	}
	size, number := len(data), 0
	for len(data) > 0 {
		line, rest, ended := bytes.Cut(data, []byte{'\n'})
		number++
		c, err := parseLine(line)
		switch {
		case err == nil && number == 1 && c.Do != base:
			return damaged(number, errors.New("it is not the first line of such a file"))
		case err == nil: // also without the line's end, which is all that it lacks
			l.take(c)
		case number <= 2 || len(rest) > 0 || ended && bytes.IndexByte(line, 0) < 0:
			return damaged(number, err)
		default:
			l.torn = &torn{size - len(data), len(data)}
		}
		data = rest
	}
	switch number {
	case 0:
		return damaged(1, errors.New("the file is empty"))
	case 1:
		return damaged(2, errors.New("the file ends before it"))
	}
	return nil
}

// take folds a change in.
func (l *log) take(c Change) {
	l.revision = max(l.revision, c.Revision)
	l.past.take(c)
	if c.Do != base {
		fold(l.held, c)
	}
}

// fold lets what is held follow a change.
func fold(held map[subject]Change, c Change) {
	if c.Do == Forget {
		delete(held, c.subject())
	} else {
		held[c.subject()] = c
	}
}

// append keeps a change under the next revision. After an error nothing has
// changed; should the change be on the disk all the same, the next one that is
// kept takes it back.
func (l *log) append(c *Change, now time.Time) error {
	c.Revision, c.At = l.revision+1, now.UTC()
	if l.torn != nil { // the number of what was lost may stand in verdicts
		c.Revision++
	}
	if _, replaced := l.held[c.subject()]; !replaced && c.Do != Forget && len(l.held) >= l.most {
		if l.sweep(now); len(l.held) >= l.most {
			return ErrFull
		}
	}
	if l.file == nil || l.lines > 2*l.kept+slack {
		l.sweep(now)
		l.past.shorten(now)
		if err := l.rewrite(c); err != nil {
			return unwritten(err)
		}
	} else if err := l.write(c); err != nil {
		l.close()
		return unwritten(err)
	}
	l.take(*c)
	return nil
}

// write appends a line.
func (l *log) write(c *Change) error {
	if _, err := l.file.Write(appendLine(nil, c)); err != nil {
		return err
	}
	l.lines++
	return l.file.Sync()
}

// rewrite writes the file anew, with c behind all that is known.
func (l *log) rewrite(c *Change) error {
	l.close()
	if err := l.disk.MkdirAll(filepath.Dir(l.name)); err != nil {
		return err
	}
	var b []byte
	before := l.past.lines()
	for i := range before {
		b = appendLine(b, &before[i])
	}
	b = appendLine(b, c)
	if err := replace(l.disk, l.name, b); err != nil {
		return err
	}
	// Should it not open, the change is kept, and the next one writes it anew again.
	l.file, _ = l.disk.Append(l.name)
	l.lines = len(before) + 1
	l.kept = l.lines
	l.torn = nil
	return nil
}

// sweep forgets what ended long ago.
func (l *log) sweep(now time.Time) {
	maps.DeleteFunc(l.held, func(_ subject, c Change) bool { return c.over(now) })
}

// close ends the writing to the file; it goes on in one that is made anew.
func (l *log) close() {
	if l.file != nil {
		_ = l.file.Close() // what must be on the disk was synced
		l.file = nil
	}
}

// all gives what holds, in the order in which it was changed.
func (l *log) all() []Change { return inOrder(l.held) }

// inOrder gives changes in the order in which they were made.
func inOrder(held map[subject]Change) []Change {
	return slices.SortedFunc(maps.Values(held), func(a, b Change) int { return cmp.Compare(a.Revision, b.Revision) })
}
