package stream

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"sluice/scoring/event"
	"sluice/stream/wire"
)

const (
	chunkRecords = 128 // decoded at a time: small enough to stay in the cache until they are decided
	chunksAhead  = 8   // decoded chunks a partition that wait to be decided
	// Fetched bytes that wait to be decoded: of a partition at most, of all
	// partitions together, and of a partition however many there are.
	rawAhead      = 1 << 20
	rawAheadAll   = 16 << 20
	rawAheadLeast = 128 << 10
)

// lane is one input partition on its way through fetching, decoding, merging
// and deciding.
type lane struct {
	topic     string
	partition int32
	label     bool

	from int64 // where reading started
	// decideFrom is where deciding starts: what lies below was decided before
	// and is only remembered.
	decideFrom int64

	// Of the fetcher.
	fetchAt int64
	retryAt time.Time
	jump    bool // over a gap that was accepted

	// leaps: a gap was accepted, and nothing behind it has come yet. Until then the
	// journal must not say that the lane is behind it, or the next run would not
	// know of it.
	leaps atomic.Bool

	gap     bool         // of the decoder: records before the next one are lost
	next    int64        // of the decoder: where the next fetched bytes must begin
	refetch atomic.Int64 // offset to fetch again from, -1: none

	raw    chan raw
	queued atomic.Int64 // bytes in raw
	free   chan *chunk
	made   int // chunks, of the decoder

	queue    queue   // of the merge
	tracker  tracker // of the engine
	attached bool    // of the engine
	held     []*held // of the engine: decoded records that wait for what they need, in order
	logged   int64   // of the engine: position at the end of the last stretch of the log

	// What metrics and the committer read.
	done     atomic.Int64          // everything below has its verdict in the topic
	position atomic.Int64          // everything below is decided
	end      atomic.Int64          // records below exist
	arrival  atomic.Int64          // of the last one decided, ns
	unread   atomic.Pointer[error] // why the broker does not give it; it is asked again
	stuck    atomic.Pointer[error] // why it does not move; it is tried again
	stopped  atomic.Pointer[error] // why it does not move, as long as it is assigned
}

// raw is what one fetch brought for a partition.
type raw struct {
	data    []byte
	aborted []wire.Aborted
	from    int64
	jump    bool // from follows a gap that was accepted
}

// chunk is a run of decoded records of one lane. Its memory goes round between
// the decoder and the engine.
type chunk struct {
	lane    *lane
	txs     []event.Transaction
	labels  []event.Label
	offsets []int64
	keys    []mergeKey
	// lost: records before it are, all of which arrived before this time, ns; 0: none
	lost int64
	// departures of histories from memory, when all that is needed was there
	departures uint64
	decided    bool // that is all that some of it needs as long as its id is known
}

func (c *chunk) reset() {
	c.lost = 0
	c.txs, c.labels, c.offsets, c.keys = c.txs[:0], c.labels[:0], c.offsets[:0], c.keys[:0]
}

func newLane(topic string, partition int32, label bool, from, decideFrom int64) *lane {
	l := &lane{
		topic: topic, partition: partition, label: label, from: from, fetchAt: from, decideFrom: decideFrom,
		raw: make(chan raw, 64), free: make(chan *chunk, chunksAhead),
	}
	l.next = from
	l.refetch.Store(-1)
	l.queue.label = label
	l.tracker.start(max(from, decideFrom))
	l.done.Store(max(from, decideFrom))
	l.position.Store(from)
	return l
}

// chunk gives memory for the next records; it waits while all of it is in use.
func (l *lane) chunk(stop <-chan struct{}) *chunk {
	select {
	case c := <-l.free:
		c.reset()
		return c
	default:
	}
	if l.made < chunksAhead {
		l.made++
		return &chunk{lane: l}
	}
	select {
	case c := <-l.free:
		c.reset()
		return c
	case <-stop:
		return nil
	}
}

// lag counts the records that are there and not decided.
func (l *lane) lag() int64 { return max(0, l.end.Load()-l.position.Load()) }

// trouble says why the lane does not move; nil if it does, or has nothing to do.
func (l *lane) trouble() error {
	for _, why := range []*error{l.stopped.Load(), l.stuck.Load(), l.unread.Load()} {
		if why != nil {
			return *why
		}
	}
	return nil
}

// stop notes why the lane does not go on, whatever it still decodes.
func (l *lane) stop(err error) { l.stopped.Store(&err) }

// lacks says whether records of the lane are missing in what is decided now: it
// stands at a gap, or has leapt over one and nothing behind it has come yet.
func (l *lane) lacks() bool {
	if l.leaps.Load() {
		return true
	}
	why := l.stopped.Load()
	var gap *GapError
	return why != nil && errors.As(*why, &gap)
}

func (l *lane) stick(err error) {
	if err == nil {
		l.stuck.Store(nil)
		return
	}
	l.stuck.Store(&err)
}

// buffers gives fetched bytes their memory, which is used again once decoded.
type buffers struct{ pool sync.Pool }

func (b *buffers) get(size int) []byte {
	if p, ok := b.pool.Get().(*[]byte); ok && cap(*p) >= size {
		return (*p)[:size]
	}
	// Sizes are rounded up so that memory fits the next time too.
	return make([]byte, size, max(4<<10, size+size/4))
}

func (b *buffers) put(p []byte) {
	if cap(p) > 0 {
		b.pool.Put(&p)
	}
}
