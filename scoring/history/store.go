package history

import (
	"cmp"
	"time"

	"sluice/scoring/event"
)

// Store holds the histories of all entities. It is not safe for concurrent
// use, takes no locks, does no I/O and reads no clock.
type Store struct {
	schema  *event.Schema
	options options
	shape   shape
	zone    *time.Location
	multi   bool // amounts are in currencies that the events say

	plan          *Plan
	retention     int64
	version       uint32
	readsVerdicts bool
	shared        []bool // by kind: its histories answer for others

	rows, entries, labels slab
	rowsHeld, references  int
	ids                   idIndex
	kinds                 []kind
	hots                  []*hot // the first is never used
	spareHots             []uint32
	waiting               waiting
	verdicts              verdictWords

	since    int64
	seen     bool
	currency uint64 // of all amounts, where it is one
	sweep    sweep

	// Where histories may lie outside of memory.
	outside        bool
	departures     uint64
	cut            uint32
	mark           uint32   // what a leaf that is changed bears: cut, or 0 of what is durable
	away           away     // entries of hot histories that are outside of memory
	lacking        []lacked // leaves that a look at a history found so
	short          bool     // since the look began something was lacking
	guesses        guesses
	pins           []pinning
	left, returned uint64       // entries that have left leaves, and leaves that were whole again
	evicted        uint64       // histories
	cold           sweep        // where Evict goes on
	gone           []history    // evicted, of which entries still hold rows
	loose          []looseLabel // of the entity that is being restored
	lacks          []bool       // by field: it is required, and missing in restored rows

	// Scratch space.
	bytes      []byte
	texts      arena
	cursor     cursor
	one        []uint64
	path       []*node
	found      []*history
	ranks      []int
	otherRanks []int
	run        run
	sums       tally
	ahead      foresight
}

// options are the bounds that tests lower.
type options struct {
	hotAt   int // a history with more events is hot
	leafMax int // entries of a leaf of a hot one
	fan     int // kids of a node
	exact   int // events in a window up to which distinct and median are exact
	few     int // distinct values up to which a larger window is exact, too
	asked   int // newest events of a window that a filter is asked of one by one
	scan    int // newest events of a window that are read one by one, for other reasons
	waiting int // labels whose transactions have not come
	join    int // entries side by side that cost as much as one that is looked up
	sweep   int // slots that a call of Reclaim looks at, and rows that it frees
}

func defaults() options {
	return options{hotAt: MaxList, leafMax: 512, fan: 16, exact: MaxList, few: 128, asked: 10_000, scan: 100_000, join: 16, waiting: 1 << 20, sweep: 1 << 12}
}

// minRetention is the retention of a store without a plan.
const minRetention = 30 * 24 * time.Hour

// Bounds are sizes that tests make small, so that little has much structure.
// 0 leaves one as it is.
type Bounds struct {
	Hot  int // a history with more events is hot
	Leaf int // entries of a leaf of a hot one
	Fan  int // kids of a node
}

// New makes an empty store for transactions of a schema.
func New(schema *event.Schema) *Store { return newStore(schema, defaults()) }

// NewBounded makes one with other sizes.
func NewBounded(schema *event.Schema, b Bounds) *Store {
	o := defaults()
	o.hotAt, o.leafMax, o.fan = cmp.Or(b.Hot, o.hotAt), cmp.Or(b.Leaf, o.leafMax), cmp.Or(b.Fan, o.fan)
	return newStore(schema, o)
}

func newStore(schema *event.Schema, o options) *Store {
	s := &Store{
		schema: schema, options: o, shape: newShape(schema), zone: schema.Zone,
		rows: newSlab(), entries: newSlab(), labels: newSlab(),
		kinds: make([]kind, len(schema.Entities)), hots: make([]*hot, 1),
		waiting: newWaiting(o.waiting), verdicts: newVerdictWords(), away: newAway(),
		found: make([]*history, len(schema.Entities)), lacks: make([]bool, len(schema.Fields)),
	}
	if s.zone == nil {
		s.zone = time.UTC
	}
	for e := range s.kinds {
		s.kinds[e].entity = e
	}
	for i := range schema.Fields {
		f := &schema.Fields[i]
		s.multi = s.multi || schema.BaseCurrency == "" && f.Type == event.TypeMoney && f.Currency == ""
	}
	s.ids.rows = &s.rows
	s.Install(&Plan{Retention: minRetention})
	return s
}

// Install makes plan the one that Observe fills values for. What the histories
// already hold is seen by it from the first query on: the columns that they
// lack are filled in when a history is touched.
func (s *Store) Install(plan *Plan) {
	s.plan = plan
	s.retention = int64(plan.Retention)
	s.readsVerdicts = false
	s.departures++ // the sums of what is outside of memory may be other ones
	s.shared = make([]bool, len(s.kinds))
	for e := range s.kinds {
		k := &s.kinds[e]
		p := s.compile(plan, e)
		for i := range p.groups {
			if p.groups[i].across != nil {
				s.shared[p.groups[i].other] = true
			}
		}
		switch {
		case k.program == nil:
			s.version++
			p.version = s.version
		case k.same(p.layout):
			p.version = k.version
		default:
			s.version++
			p.version = s.version
			k.retire()
		}
		k.program = p
		for _, f := range p.filters {
			s.readsVerdicts = s.readsVerdicts || reads(f, event.Verdict)
		}
	}
}

// retire remembers the layout that is about to be replaced, without what its
// filters hold on to.
func (k *kind) retire() {
	l := *k.layout
	l.filters = make([]*Filter, len(k.filters))
	for i, f := range k.filters {
		l.filters[i] = &Filter{Source: f.Source}
	}
	if len(k.old) == keptLayouts {
		k.old = append(k.old[:0], k.old[1:]...)
	}
	k.old = append(k.old, &l)
}

// Remember adds tx to the histories of its entities. added is false if they
// held it already (the same id at the same time), if its id is known with
// another time (ref then names that one), or if it is too old to be kept or
// has no entity (ref is 0). Histories need not be resident for it: what is added
// to one that is not stays until it is in the journal, and is united with the rest
// when that is restored. That the rest holds it already does not show.
func (s *Store) Remember(tx *event.Transaction) (ref Ref, added bool) {
	s.arrive(tx)
	if tx.Time < tx.Arrival-s.retention {
		return 0, false
	}
	if !s.seen || tx.Time < s.since {
		s.seen, s.since = true, tx.Time
	}
	if row := s.known(tx); row != 0 {
		return Ref(row), false
	}
	row := handle(0)
	for e := range s.kinds {
		key := tx.Entities[e]
		if key == (event.Key{}) {
			continue
		}
		k := &s.kinds[e]
		h := k.table.find(key)
		if h != nil && tx.Time < h.newest-s.retention {
			continue
		}
		if row == 0 {
			row = s.putRow(tx)
			s.waiting.take(tx.IDKey, s, s.rows.at(row))
		}
		if h == nil {
			h = k.table.add(key)
			if s.outside {
				h.cut = partial
			}
		}
		if !s.regain(k, h, tx.Time, row) {
			s.add(k, h, tx.Time, row)
		}
		s.stamp(h)
	}
	if row == 0 {
		return 0, false
	}
	s.ids.add(tx.IDKey, row)
	return Ref(row), true
}

// arrive notes what a transaction says of its world.
func (s *Store) arrive(tx *event.Transaction) {
	if tx.Currency != 0 {
		s.currency = tx.Currency
	}
}

// known gives the row with the id of tx. One that nobody sees any more counts
// as forgotten, as it would be had Reclaim come by.
func (s *Store) known(tx *event.Transaction) handle {
	row := s.ids.find(tx.IDKey)
	if row != 0 && int64(s.rows.at(row)[rowTime]) < tx.Arrival-2*s.retention {
		s.ids.remove(tx.IDKey, row)
		return 0
	}
	return row
}

// Find gives the stored transaction of an id.
func (s *Store) Find(id event.Key) (Ref, bool) {
	row := s.ids.find(id)
	return Ref(row), row != 0
}

// Row reads a stored transaction: its columns, with the newest of its labels.
func (s *Store) Row(ref Ref) Past { return Past{s: s, row: handle(ref), time: always} }

// Time gives the time of the event, in nanoseconds.
func (p Past) Time() int64 { return int64(p.s.rows.at(p.row)[rowTime]) }

// Since gives the event time (ns) from which on the store has seen everything:
// the time of the oldest transaction that it was given and that was not late.
// 0 if none yet.
func (s *Store) Since() int64 { return s.since }

// Stats is the size of a store.
type Stats struct {
	Transactions  int
	Entities      []int // with a history, in the order of Schema.Entities
	References    int   // entries of all histories
	WaitingLabels int
	DroppedLabels int64 // that waited, and made room for others
	Bytes         int64 // that were taken from the process
	Used          int64 // of these, what holds something: the rest is used before more is taken
	// Chunks of hot histories whose entries are outside of memory, and how many
	// entries that are.
	ChunksAway  int
	EntriesAway int
	// So far: histories that have left memory, entries of others, and chunks that came back.
	HistoriesLeft, EntriesLeft, ChunksBack int64
}

// Stats counts what the store holds.
func (s *Store) Stats() Stats {
	out := Stats{
		Transactions: s.rowsHeld, References: s.references,
		WaitingLabels: s.waiting.live, DroppedLabels: s.waiting.dropped,
		Bytes: s.rows.bytes() + s.entries.bytes() + s.labels.bytes() + s.ids.bytes() + s.waiting.bytes() + s.away.bytes(),

		ChunksAway: len(s.away.leaves), EntriesAway: s.away.used - s.away.dead,
		HistoriesLeft: int64(s.evicted), EntriesLeft: int64(s.left), ChunksBack: int64(s.returned),
	}
	for i := range s.kinds {
		t := &s.kinds[i].table
		out.Entities = append(out.Entities, t.used)
		out.Bytes += t.bytes()
	}
	out.Used = out.Bytes - s.rows.spareBytes() - s.entries.spareBytes() - s.labels.spareBytes()
	return out
}
