package journal

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

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
	// Filters is how much memory may be taken to know what is not on the disk, in
	// bytes; 0: 128 MiB. It takes some three bytes an id, and an entity in a bucket.
	Filters int64
	// MaxWaiting is how many labels may wait for their transactions; 0: 1 million.
	MaxWaiting int
	ReadOnly   bool
	Keys       io.Reader    // gives a new journal the key of its hashes, 16 bytes; nil: crypto/rand
	Log        *slog.Logger // nil: silence
}

// Journal is an open journal. Write, Begin and Forget are one goroutine's at a
// time; everything else may be called by any goroutine at any time.
type Journal struct {
	o     Options
	dir   string // of Pebble, below Options.Dir
	lock  io.Closer
	cache *pebble.Cache
	fresh bool

	store  atomic.Pointer[store]
	state  atomic.Pointer[state] // of the last cut; what it points to never changes
	closed atomic.Bool
	// forgotten is before which time (ns) Forget has dropped histories. The live
	// buckets do not tell: one may have come to life again since.
	forgotten atomic.Int64

	stats    stats
	waiting  waitingSet
	filters  filters
	names    [][]byte // of the entities' fields, each with a zero behind it
	decoders sync.Pool
	parts    freeParts // of segments

	writing sync.Mutex // held by Write, Begin and Forget
	build   builder
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
	// Letters is, by partition of the dead letters topic, below which offset all
	// letters are of records below Next; nil leaves it as it is.
	Letters map[int32]int64
	Rules   []byte // how the rules stood (scoring.Core.AppendStanding); nil leaves it as it is
	Gap     int64  // event time (ns) up to which records are gone that nobody decided, 0: none are
	// Whole is the event time (ns) from which on the histories hold everything;
	// 0: they do from the first on.
	Whole int64
}

// Run names a run of the program, and what it produces under.
type Run struct {
	Number     int64 // 1 is the first one
	ProducerID int64 // -1: none yet
	Epoch      int16
	Name       string // of all runs of this journal, to the consumer group; empty: none yet
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

func (o *Options) defaults() error {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Bucket == 0 {
		o.Bucket = 4 * day
	}
	if o.Bucket < day || o.Bucket%day != 0 {
		return fmt.Errorf("the buckets of a journal are whole days wide, not %v", o.Bucket)
	}
	if o.Cache == 0 {
		o.Cache = 64 << 20
	}
	if o.Reserve == 0 {
		o.Reserve = 256 << 20
	}
	if o.Filters == 0 {
		o.Filters = 128 << 20
	}
	if o.MaxWaiting == 0 {
		o.MaxWaiting = 1 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

const day = 24 * time.Hour

// Open opens the journal of a directory, or makes one where there is none.
func Open(o Options) (*Journal, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	j := &Journal{o: o, dir: o.FS.PathJoin(o.Dir, dirData), cache: pebble.NewCache(o.Cache)}
	j.forgotten.Store(math.MinInt64)
	if err := j.open(); err != nil {
		j.cache.Unref()
		return nil, err
	}
	return j, nil
}

func (j *Journal) open() (err error) {
	if j.lock, err = lockDir(&j.o); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, j.lock.Close())
		}
	}()
	there, err := present(&j.o)
	if err != nil {
		return err
	}
	if !there {
		if j.o.ReadOnly {
			return fmt.Errorf("there is no journal in %s", j.o.Dir)
		}
		if err := j.create(); err != nil {
			return err
		}
		j.fresh = true
		j.filters.begin(j.o.Filters, true)
	}
	for _, field := range j.o.Schema.Entities {
		j.names = append(j.names, append([]byte(j.o.Schema.Fields[field].Name), 0))
	}
	return j.connect()
}

// connect opens Pebble and reads what the journal knows of itself.
func (j *Journal) connect() error {
	if err := checkStamp(j.o.FS, j.dir); err != nil {
		return err
	}
	if err := clearCuts(&j.o, j.dir); err != nil {
		return err
	}
	s, err := openStore(j.o.FS, j.dir, j.cache, false, j.o.ReadOnly, j.o.Log)
	if err != nil {
		return err
	}
	s.filters = &j.filters
	if err := j.load(s); err != nil {
		return errors.Join(err, s.close())
	}
	j.store.Store(s)
	return nil
}

// load reads what is kept in memory.
func (j *Journal) load(s *store) error {
	value, ok, err := s.get([]byte{keyMeta})
	if err != nil {
		return err
	}
	if !ok {
		return s.damage(errors.New("what it knows of itself is missing"))
	}
	st, err := decodeState(value)
	if err != nil {
		return err
	}
	for _, l := range st.Layouts {
		if _, err := event.NewStoredReader(j.o.Schema, l); err != nil {
			return fmt.Errorf("%w (%s): %w", ErrForeign, j.o.Dir, err)
		}
	}
	if err := j.waiting.load(s, st); err != nil {
		return err
	}
	j.state.Store(st)
	return nil
}

// reopen opens the journal again after it has failed, without letting go of the
// directory. Write does it by itself.
func (j *Journal) reopen() error {
	s := j.store.Load()
	if !s.fuse.quiet(10 * time.Second) {
		return fmt.Errorf("%w: a write to %s still hangs, so it can't be opened again: look after the disk, then restart", ErrFailed, j.o.Dir)
	}
	if err := j.connect(); err != nil {
		return err
	}
	j.o.Log.Info("journal opened again", "dir", j.o.Dir, "cut", j.state.Load().Cut)
	return nil
}

// Close closes the journal, and lets other processes have it. Calls under way
// are waited for.
func (j *Journal) Close() error {
	if j.closed.Swap(true) {
		return nil
	}
	s := j.store.Load()
	err := s.close()
	if s.hasFailed() && !s.fuse.quiet(10*time.Second) {
		return errors.Join(err, fmt.Errorf("a write to %s still hangs: it stays locked until the process ends", j.o.Dir))
	}
	j.cache.Unref()
	return errors.Join(err, j.lock.Close())
}

// Fresh says that the journal was made by this Open.
func (j *Journal) Fresh() bool { return j.fresh }

// Progress gives the progress of the last cut.
func (j *Journal) Progress() Progress { return j.state.Load().progress() }

// Verdicts gives for each partition of the verdicts topic the offset below
// which every verdict is in the journal.
func (j *Journal) Verdicts() map[int32]int64 { return maps.Clone(j.state.Load().Verdicts) }

// Run gives the run that began last.
func (j *Journal) Run() Run { return j.state.Load().Run }

// Bucket gives the width of a time bucket.
func (j *Journal) Bucket() time.Duration { return time.Duration(j.state.Load().Bucket) }

// Segment gives an empty segment.
func (j *Journal) Segment() *Segment { return &Segment{free: &j.parts} }

// Body gives the hash of what a transaction says, as Decided.Body has it.
func (j *Journal) Body(tx *event.Transaction) event.Key {
	return j.state.Load().Key.body(tx.AppendStoredBody(nil))
}

// Failed says that the journal has failed: the next Write opens it again.
func (j *Journal) Failed() bool { return j.store.Load().hasFailed() }

// Trouble says what is wrong with the disk, nil if nothing: that the journal has
// failed, or that Pebble can't sort in the background, for which it needs room.
func (j *Journal) Trouble() error {
	s := j.store.Load()
	if s.hasFailed() {
		return s.failure()
	}
	if p := s.trouble.Load(); p != nil {
		return *p
	}
	return nil
}
