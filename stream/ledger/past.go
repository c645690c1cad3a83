package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"sluice/rules"
)

// keptPast is how many changes are kept one by one, so that an earlier verdict
// can be explained by what held when it was made.
const keptPast = 10_000

// past is how what holds came about.
type past struct {
	floored int64              // revision
	lost    time.Time          // what had ended by then is not in floor
	floor   map[subject]Change // what held under that revision
	recent  []Change           // all changes since
}

// take adds the next line of the file.
func (p *past) take(c Change) {
	switch {
	case c.Do == base:
		p.floored, p.lost = c.Revision, c.Until
	case c.Revision <= p.floored:
		p.floor[c.subject()] = c
	default:
		p.recent = append(p.recent, c)
	}
}

// shorten folds the oldest changes, and forgets what ended long ago.
func (p *past) shorten(now time.Time) {
	if more := len(p.recent) - keptPast; more > 0 {
		for _, c := range p.recent[:more] {
			fold(p.floor, c)
		}
		p.floored = p.recent[more-1].Revision
		p.recent = slices.Clone(p.recent[more:])
	}
	maps.DeleteFunc(p.floor, func(_ subject, c Change) bool {
		if c.over(now) && c.Until.After(p.lost) {
			p.lost = c.Until
		}
		return c.over(now)
	})
}

// lines gives what the file holds.
func (p *past) lines() []Change {
	return slices.Concat([]Change{{Revision: p.floored, Do: base, Until: p.lost}}, inOrder(p.floor), p.recent)
}

// under gives what held under a revision.
func (p *past) under(revision int64) map[subject]Change {
	held := maps.Clone(p.floor)
	maps.DeleteFunc(held, func(_ subject, c Change) bool { return c.Revision > revision })
	for _, c := range p.recent {
		if c.Revision > revision {
			break
		}
		fold(held, c)
	}
	return held
}

// Past is what people changed and when, read from a directory that another
// process may be writing to.
type Past struct {
	past
	revision int64
}

// ErrNone is given for a directory in which nothing has been changed, or that is
// not there.
var ErrNone = errors.New("no changes by people are kept there")

// OpenPast reads the changes of a directory.
func OpenPast(d Disk, dir string) (*Past, error) {
	name := filepath.Join(dir, changesFile)
	if _, err := d.ReadFile(name); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNone)
	}
	l, err := openLog(d, name)
	if err != nil {
		return nil, err
	}
	return &Past{l.past, l.revision}, nil
}

// Revision is the number of the last change.
func (p *Past) Revision() int64 { return p.revision }

// Whole tells whether all is known that held under a revision for what arrived at
// a time: older changes are kept only as far as they hold still, and one that was
// lost leaves its number out.
func (p *Past) Whole(revision int64, arrival time.Time) bool {
	_, kept := slices.BinarySearchFunc(p.recent, revision, func(c Change, n int64) int { return cmp.Compare(c.Revision, n) })
	return (kept || revision == p.floored) && !arrival.Before(p.lost)
}

// Under gives what held under a revision.
func (p *Past) Under(revision int64) *rules.Changes {
	return compile(revision, inOrder(p.under(revision)))
}

// Changing gives the changes that are kept one by one, in their order.
func (p *Past) Changing() []Change { return p.recent }

// Between counts the changes of lists and snoozes that were in force at some time
// between two.
func (p *Past) Between(from, to time.Time) (n int) {
	began := maps.Clone(p.floor) // and holds still, as far as the loop has come
	end := func(c Change, over time.Time) {
		if !c.Until.IsZero() && c.Until.Before(over) {
			over = c.Until
		}
		if c.At.Before(to) && over.After(from) && over.After(c.At) {
			n++
		}
	}
	for _, c := range p.recent {
		if before, ok := began[c.subject()]; ok {
			end(before, c.At)
		}
		fold(began, c)
	}
	for _, c := range began {
		end(c, time.Unix(1<<40, 0))
	}
	return n
}
