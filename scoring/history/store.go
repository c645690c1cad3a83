package history

import "sluice/scoring/event"

// Ref names a stored transaction; it stays valid while a history holds it.
type Ref uint64

// Past is a past event as a Filter sees it.
type Past struct {
	// owner of package history fills this in
}

// Word gives a column's word: as Transaction.Words, text as its 64-bit hash
// (equal to Transaction.Hashes of an equal text), Missing if there is none.
func (p Past) Word(c event.Column) uint64 { panic("unbuilt") }

// Value gives a column as a scalar of the rule language.
func (p Past) Value(c event.Column) event.Value { panic("unbuilt") }

// Store holds the histories of all entities. It is not safe for concurrent
// use, takes no locks, does no I/O and reads no clock.
type Store struct{}

// New makes an empty store for transactions of a schema.
func New(schema *event.Schema) *Store { panic("unbuilt") }

// Install makes plan the one that Observe fills values for. What the histories
// already hold is seen by it from the first query on.
func (s *Store) Install(plan *Plan) { panic("unbuilt") }

// Observe fills values (one a query of the plan) and lists (one a list query)
// for tx from what its entities did before, and does not remember it.
func (s *Store) Observe(tx *event.Transaction, values []Value, lists []List) { panic("unbuilt") }

// Remember adds tx to the histories of its entities. added is false if they
// held it already (the same id at the same time), or if it is too old to be kept.
func (s *Store) Remember(tx *event.Transaction) (ref Ref, added bool) { panic("unbuilt") }

// Label files what a transaction turned out to be; matched is false if the
// transaction has not come yet, and the label waits for it.
func (s *Store) Label(l *event.Label) (matched bool) { panic("unbuilt") }

// SetVerdict files the verdict ("allow", "review", "deny") of a stored transaction.
func (s *Store) SetVerdict(id event.Key, verdict string) { panic("unbuilt") }

// Since gives the event time (ns) from which on the store has seen everything:
// the time of the oldest transaction that it was given. 0 if none yet.
func (s *Store) Since() int64 { panic("unbuilt") }

// Reclaim gives back the memory of what no transaction that arrives at now
// (ns) or later can see any more, doing at most a bounded piece of work.
func (s *Store) Reclaim(now int64) { panic("unbuilt") }

// Stats is the size of a store.
type Stats struct {
	Transactions  int
	Entities      []int // with a history, in the order of Schema.Entities
	References    int   // entries of all histories
	WaitingLabels int
	Bytes         int64
}

// Stats counts what the store holds.
func (s *Store) Stats() Stats { panic("unbuilt") }

// AppendSet appends a canonical dump of all histories, labels and verdicts:
// equal sets give equal bytes.
func (s *Store) AppendSet(b []byte) []byte { panic("unbuilt") }
