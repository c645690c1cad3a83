// Package history remembers what each entity (a card, an account, a merchant)
// did within the retention, and answers questions about windows of it.
//
// A history is a set: neither the order of arrival nor duplicates change it.
//
// How it is laid out. Nothing here holds a pointer per event, so that the
// garbage collector has nothing to do however much is remembered. A transaction
// is stored once, as a row in a slab of pages; it counts the histories that
// hold it. A table per kind of entity, cut into parts that grow one at a time,
// finds a history by the entity's 128-bit key. A history is an array of entries
// in the order of (time, id), an array per word: the time, the row with bits of
// the filters that can be evaluated ahead, the columns that the installed plan
// reads, and running sums where nothing but plain sums is asked. With more than
// 1,000 events it becomes a tree of such arrays whose nodes hold sums, and
// sketches of distinct values and medians. A new plan gives entries new columns
// when they are next touched, from the rows.
//
// Histories need not all be in memory (see Store.SetOutside): an entity is
// resident, or it is not. The history of one that is resident is in memory whole
// while it is small; of a hot one it may be that leaves have left and only their
// sums are there, see Store.Lacking.
package history

import (
	"time"

	"sluice/scoring/event"
)

// Agg is what a Query computes over the events of a window.
type Agg uint8

// The aggregates. Missing values are left out by all of them; Count, Sum and
// Distinct of nothing are 0, Any of nothing is false, the others are missing.
const (
	Count    Agg = iota + 1 // number of matching events, an Int
	Any                     // whether one matches, a Bool
	Sum                     // Int for Int columns; money: integer sum of minor units / 10^scale, a Float; numbers: added oldest to newest
	Mean                    // a Float; money: sum / (n x 10^scale), one division
	Min                     // of the column's kind
	Max                     // of the column's kind
	Median                  // a Float: the middle one, or the mean of the middle two
	Distinct                // number of distinct values, an Int
	First                   // the column of the oldest matching event (missing if the column is missing there)
	Last                    // the column of the newest matching event
)

// Span says which past events a window holds, for a transaction at time t:
// those in (t-From, t-To], the transaction itself excluded. With Newest > 0 it
// is the Newest newest ones in (t-retention, t], and From and To are 0.
type Span struct {
	From, To time.Duration
	Newest   int
}

// Filter decides whether a past event counts. The result is "definitely
// true": unknown is false. Match must be pure, and must not keep its arguments.
// Unless Now is set it may be called with no transaction (nil).
type Filter struct {
	// Source is the text of the predicate; equal sources are equal filters.
	Source string
	Match  func(past Past, now *event.Transaction) bool
	// Columns are the columns of the past event that Match reads.
	Columns []event.Column
	// Now is set if Match looks at the current transaction (SecondsAgo
	// included); such a filter can't be evaluated ahead.
	Now bool
	// Same is set if the filter says nothing but `.field == tx.field`; nil otherwise.
	Same *Same
	// Shares is one more than the index of an entity (into Schema.Entities) that
	// Match only holds for if the past event and the current one have the same:
	// `.card == tx.card` is one of the conjuncts. 0 if there is none.
	Shares int
}

// Same says that a word of the past event equals one of the current
// transaction, and that both have one.
type Same struct {
	Column event.Column // of the past event, one that histories can keep
	Field  int          // of the current transaction
	Text   bool         // its Hashes are compared, not its Words
}

// word gives what is looked for, Missing if the transaction has none.
func (s *Same) word(tx *event.Transaction) uint64 {
	if s.Text {
		return tx.Hashes[s.Field]
	}
	return tx.Words[s.Field]
}

// Query is one window value: an aggregate of a column over the matching events
// of a window of an entity.
type Query struct {
	Entity int // index into Schema.Entities
	Span   Span
	Filter *Filter // nil: all
	Agg    Agg
	Column event.Column // of Sum and later ones
}

// ListQuery asks for the window's events themselves, for conditions that only
// the VM can run: the newest MaxList of them.
type ListQuery struct {
	Entity int
	Span   Span
	// Columns of the events that the condition reads. A money column is read with
	// both of its forms.
	Columns []event.Column
}

// MaxList bounds the events that a ListQuery materialises; up to as many,
// every aggregate is exact.
const MaxList = 1000

// Plan is what a rule set asks of the histories. It is immutable.
type Plan struct {
	Queries   []Query
	Lists     []ListQuery
	Retention time.Duration // the largest From, at least 30 days
}

// Why says why a value is missing, or how it was come by.
type Why uint8

// The reasons of a missing window value.
const (
	Present         Why = iota
	NoEntity            // the transaction has no value for the entity
	NoEvents            // nothing to aggregate
	MixedCurrencies     // amounts in several currencies, and no base currency
	OutOfRange          // an integer sum past int64
)

// Value is a window value.
type Value struct {
	event.Value
	Why    Why
	Approx bool    // not exact: a hot entity, more than MaxList events
	Error  float64 // bound of the relative error where Approx
}

// List is what a ListQuery gives: copies, safe to keep until the batch ends.
type List struct {
	Why    Why  // NoEntity: the list itself is missing
	Approx bool // more than MaxList events lay in the window
	// N events, oldest first in the order of (time, id). Values holds
	// len(ListQuery.Columns) values an event.
	N          int
	Values     []event.Value
	Currencies []uint64 // an event, as Transaction.Currency
}
