package journal

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/dchest/siphash"

	"sluice/rules"
	"sluice/scoring/event"
)

// Options of a journal.
type Options struct {
	Dir    string // is made if it is not there
	Schema *event.Schema
	FS     vfs.FS // nil: the disk

	// Bucket is the width of a time bucket of a new journal, a whole number of
	// days; 0: 4 days. Expired history goes in whole buckets. About an eighth of
	// the retention is right: an entity is looked up once in each.
	Bucket time.Duration
	// Cache is how much of the disk is kept in memory, in bytes; 0: 64 MiB.
	Cache int64
	// Reserve is how much of the disk a cut leaves free, in bytes; 0: 256 MiB.
	Reserve int64
	// MaxWaiting is how many labels may wait for their transactions; 0: 1 million.
	MaxWaiting int
	ReadOnly   bool
	Log        *slog.Logger // nil: silence
}

// Journal is an open journal. Write, Begin and Forget are one goroutine's at a
// time; everything else may be called by any goroutine at any time.
type Journal struct {
	o   Options
	key [2]uint64
}

// Partition is a partition of an input topic.
type Partition struct {
	Topic  string
	Number int32
}

// Progress says how far the cut is.
type Progress struct {
	Next  map[Partition]int64 // offset from which reading goes on; partitions not named stay as they are
	Since int64               // event time (ns) from which on everything has been seen, 0: nothing yet
	Gap   int64               // arrival time (ns) until which verdicts are marked as having a gap behind them, 0: none
}

// Run names a run of the program, and what it produces under.
type Run struct {
	Number     int64 // 1 is the first one
	ProducerID int64 // -1: none yet
	Epoch      int16
}

// Decided is what the journal knows of a decided id.
type Decided struct {
	Verdict   rules.Verdict
	Score     int64
	Arrival   int64     // ns
	Time      int64     // event time, ns
	Body      event.Key // of Journal.Body; zero: not known
	Partition int32     // of the verdicts topic, where the verdict stands; -1: not known
	Offset    int64
	Taken     bool // the histories hold the transaction
}

// Visitor is given what a history holds, in any order and perhaps more than
// once. A transaction is valid until the visitor returns.
type Visitor interface {
	Row(tx *event.Transaction, verdict rules.Verdict)
	Label(id event.Key, time int64, fraud bool)
}

// Waiting is a label that waits for its transaction.
type Waiting struct {
	Time  int64
	Fraud bool
}

// Open opens the journal of a directory, or makes one where there is none.
func Open(o Options) (*Journal, error) { return &Journal{o: o}, nil }

// Close closes the journal.
func (j *Journal) Close() error { return nil }

// Fresh says that the journal was made by this Open.
func (j *Journal) Fresh() bool { return true }

// Progress gives the progress of the last cut.
func (j *Journal) Progress() Progress { return Progress{} }

// Verdicts gives for each partition of the verdicts topic the offset below
// which every verdict is in the journal.
func (j *Journal) Verdicts() map[int32]int64 { return nil }

// Run gives the run that began last.
func (j *Journal) Run() Run { return Run{} }

// Begin makes a run durable: before it sends anything.
func (j *Journal) Begin(r Run) error { return nil }

// Segment gives an empty segment.
func (j *Journal) Segment() *Segment { return new(Segment) }

// Write makes one cut of segments: all of them and the progress are durable when
// it returns nil, and nothing of them is there if it returns an error. The
// segments stay as they are: after an error Write can be tried again, and
// writes to new files then.
func (j *Journal) Write(segments []*Segment, p Progress) error { return nil }

// Body gives the hash of what a transaction says, as Decided.Body has it.
func (j *Journal) Body(tx *event.Transaction) event.Key {
	return event.Key{siphash.Hash(j.key[0], j.key[1], tx.AppendStoredBody(nil)), 0}
}

// History gives all that the journal holds of an entity (its value as of
// Transaction.AppendEntityValue).
func (j *Journal) History(entity int, value []byte, v Visitor) error { return nil }

// MayHold is a quick look whether an id may be in the journal: false is certain.
func (j *Journal) MayHold(id []byte) bool { return true }

// Find gives what is known of an id (Transaction.AppendIDValue).
func (j *Journal) Find(id []byte) (d Decided, ok bool, err error) { return d, false, nil }

// EachID gives the ids that were decided at an arrival time of since (ns) or
// later, in no order, until f says false.
func (j *Journal) EachID(since int64, f func(id event.Key, d *Decided) bool) error { return nil }

// Waiting gives the labels that wait for the transaction with an id.
func (j *Journal) Waiting(id []byte) ([]Waiting, error) { return nil, nil }

// Forget drops what is of no use any more: of histories what happened before
// events, of ids what arrived before ids (ns). It goes in whole buckets, and
// costs about the same however much goes.
func (j *Journal) Forget(events, ids int64) error { return nil }

// Trouble says what is wrong with the disk, nil if nothing: an error of a
// background compaction, or that the journal has failed.
func (j *Journal) Trouble() error { return nil }
