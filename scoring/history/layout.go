package history

import (
	"slices"

	"sluice/scoring/event"
)

// currencyForm marks the column that holds an event's currency.
const currencyForm event.Form = 255

var currencyColumn = event.Column{Field: -1, Form: currencyForm}

// layout says what the entries of the histories of one kind of entity keep
// beside the reference, and what the nodes of hot ones sum up. Two plans with
// equal layouts share what is kept.
type layout struct {
	version  uint32
	columns  []event.Column // kept a word each
	floats   []bool         // of columns: the words are floats
	foreign  []bool         // of columns: money in a currency that each event says
	where    []int16        // index into columns by field and form, -1
	filters  []*Filter      // whose results are kept a bit each
	bits     []bit          // where
	fraud    []bool         // of filters: it reads labels, so the bit is what holds while there are none
	runs     []event.Column // integers kept as running sums, a word each; missing ones as 0
	currency int            // index of the currency's column, -1
	words    int            // an entry: time, meta, columns, runs, bits that meta has no room for

	sums     []sumKey
	sketches []sketchKey
}

// The words of an entry. Each has an array of its own in the block of a leaf.
const (
	timeWord = 0
	metaWord = 1 // handle of the row, then bits
	firstCol = 2
)

const (
	labelledBit = 1 << 32 // in meta: the transaction has labels
	firstBit    = 33      // of filters in meta
)

// bit says where the result of a filter lies in an entry.
type bit struct {
	word  int
	shift uint8
}

// sumKey names what the nodes of hot histories keep sums of: the entries that
// pass a filter (-1: all), and their values of a column (-1: none), or of a
// run (the index of the run added to runKey).
type sumKey struct{ filter, column int }

const runKey = 1 << 16

// sketchKey names what inner nodes keep sketches of.
type sketchKey struct {
	sumKey
	histogram bool // else distinct values
}

func whereIndex(c event.Column) int { return (c.Field+1)*4 + int(c.Form) }

// kept reports whether entries can keep a column: it does not depend on the
// time of asking, nor change.
func kept(c event.Column) bool { return c.Form <= event.Weekday }

// stored gives the column whose word serves c: money has one for both forms.
func stored(c event.Column) event.Column {
	if c.Form == event.Minor {
		c.Form = event.Plain
	}
	return c
}

func newLayout(fields int) *layout {
	l := &layout{currency: -1, words: firstCol, where: make([]int16, (fields+1)*4)}
	for i := range l.where {
		l.where[i] = -1
	}
	return l
}

// column gives the index of a column, adding it if need be.
func (l *layout) column(c event.Column, floats, foreign bool) int {
	c = stored(c)
	for i, have := range l.columns {
		if have == c {
			return i
		}
	}
	i := len(l.columns)
	l.columns = append(l.columns, c)
	l.floats = append(l.floats, floats)
	l.foreign = append(l.foreign, foreign)
	if c == currencyColumn {
		l.currency = i
		return i
	}
	l.where[whereIndex(c)] = int16(i)
	if c.Form == event.Plain && c.Field >= 0 {
		c.Form = event.Minor
		l.where[whereIndex(c)] = int16(i)
	}
	return i
}

// run gives the index of a column's running sum.
func (l *layout) run(c event.Column) int {
	i := slices.Index(l.runs, c)
	if i < 0 {
		i = len(l.runs)
		l.runs = append(l.runs, c)
	}
	return i
}

// firstRun is the word of the first running sum.
func (l *layout) firstRun() int { return firstCol + len(l.columns) }

// firstOver is the first word of bits that meta has no room for.
func (l *layout) firstOver() int { return l.firstRun() + len(l.runs) }

// filter gives the index of a filter that can be evaluated ahead.
func (l *layout) filter(f *Filter) int {
	for i, have := range l.filters {
		if have.Source == f.Source {
			l.filters[i] = f
			return i
		}
	}
	l.filters = append(l.filters, f)
	l.fraud = append(l.fraud, reads(f, event.Fraud))
	return len(l.filters) - 1
}

func reads(f *Filter, form event.Form) bool {
	for _, c := range f.Columns {
		if c.Form == form {
			return true
		}
	}
	return false
}

// sees reports whether a filter whose results are kept reads labels or verdicts.
func (l *layout) sees(form event.Form) bool {
	return slices.ContainsFunc(l.filters, func(f *Filter) bool { return reads(f, form) })
}

// sum gives the index of a sum that nodes keep.
func (l *layout) sum(k sumKey) int {
	for i, have := range l.sums {
		if have == k {
			return i
		}
	}
	l.sums = append(l.sums, k)
	return len(l.sums) - 1
}

// sketch gives the index of a sketch that inner nodes keep.
func (l *layout) sketch(k sketchKey) int {
	for i, have := range l.sketches {
		if have == k {
			return i
		}
	}
	l.sketches = append(l.sketches, k)
	return len(l.sketches) - 1
}

// place gives every filter its bit, once all columns are known.
func (l *layout) place() {
	l.words = l.firstOver()
	for i := range l.filters {
		at := bit{metaWord, uint8(firstBit + i)}
		if firstBit+i >= 64 {
			over := firstBit + i - 64
			at = bit{l.words + over/64, uint8(over % 64)}
		}
		l.bits = append(l.bits, at)
	}
	if over := firstBit + len(l.filters) - 64; over > 0 {
		l.words += (over + 63) / 64
	}
}

// same reports whether what is kept under l serves under m.
func (l *layout) same(m *layout) bool {
	return slices.Equal(l.columns, m.columns) && slices.Equal(l.runs, m.runs) &&
		slices.Equal(l.sums, m.sums) && slices.Equal(l.sketches, m.sketches) &&
		slices.EqualFunc(l.filters, m.filters, func(a, b *Filter) bool { return a.Source == b.Source })
}
