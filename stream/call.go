package stream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/journal"
)

// The errors of Decide.
var (
	// ErrBusy says that more requests wait than the queue holds: try again.
	ErrBusy = errors.New("too many requests are waiting; try again")
	// ErrConflict says that the id was decided with another body.
	ErrConflict = errors.New("this id was decided before, with another body; the first verdict stands")
	// ErrClosing says that the processor is stopping.
	ErrClosing = errors.New("stopping; ask another instance, or again after the restart")
	// ErrStarting says that the verdicts of earlier runs are not read back yet:
	// what they decided would be decided again.
	ErrStarting = errors.New("starting: it is not known yet what was decided before; try again")
	// ErrUnwritten says that the journal's disk takes nothing, and that as much
	// waits for it as may.
	ErrUnwritten = errors.New("the journal can't be written, and no more may wait for it; see /readyz")
	// ErrJournalUnread says that histories can't be read from the journal's disk:
	// what needs one that is not in memory waits.
	ErrJournalUnread = errors.New("the journal can't be read, trying on")
	// ErrPending says that an id is decided and its verdict is not acknowledged.
	ErrPending = errors.New("it is decided, and its verdict is not acknowledged yet; ask again")
	// ErrUnread says that an id is decided and its verdict record can't be read
	// back now.
	ErrUnread = errors.New("it is decided, and Kafka does not give the verdict record back; ask again")
	// ErrForgotten says that an id was decided so long ago that its verdict
	// record is not at hand any more.
	ErrForgotten = errors.New("it was decided longer ago than verdicts are kept")
	// ErrUnknown says that no verdict of an id is known.
	ErrUnknown = errors.New("no verdict of this id is known")
)

// Reply answers a request.
type Reply struct {
	Record  []byte // the verdict record, JSON
	Verdict rules.Verdict
	Repeat  bool  // it was decided before: this is the verdict given then
	Warming bool  // histories are not whole, or partitions are behind
	Lag     int64 // records that are there and not decided
}

// call is a request on its way through the engine.
type call struct {
	tx      event.Transaction
	body    []byte
	warming bool
	open    *atomic.Int64 // the processor's count of those that have not ended

	log     *stretch     // of the engine: where its decision is logged
	left    atomic.Int32 // acknowledgements missing
	ended   atomic.Bool
	done    chan struct{}
	err     error
	record  []byte
	verdict rules.Verdict
	again   bool
	place   struct {
		partition int32
		offset    int64
	}
}

// decided notes the decision, from the engine's goroutine: two acknowledgements
// are missing now.
func (c *call) decided(d *scoring.Decision) {
	c.record = append([]byte(nil), d.Record...)
	c.verdict = d.Outcome.Verdict
	c.left.Store(2)
}

// repeat notes where the verdict stands that was given before; the settling
// that follows ends the call.
func (c *call) repeat(partition int32, offset int64) {
	c.again = true
	c.place.partition, c.place.offset = partition, offset
	c.left.Store(1)
}

func (c *call) partDone() {
	if c.left.Add(-1) == 0 {
		c.finish(nil)
	}
}

func (c *call) finish(err error) {
	if c.ended.CompareAndSwap(false, true) {
		c.err = err
		c.open.Add(-1)
		close(c.done)
	}
}

// Decide decides one transaction and returns when it and its verdict stand in
// their topics. The same transaction again gets the same answer. An error is a
// *event.Fault where the body is not a valid transaction.
func (p *Processor) Decide(ctx context.Context, body []byte) (Reply, error) {
	if err := p.open(); err != nil {
		return Reply{}, err
	}
	c := &call{body: append([]byte(nil), body...), warming: !p.CaughtUp(), open: &p.calls, done: make(chan struct{})}
	// Kafka's timestamps are milliseconds; a replay must see the same arrival.
	arrival := time.Now().UnixMilli() * int64(time.Millisecond)
	decoder := p.decoders.Get().(*event.Decoder)
	err := decoder.Transaction(&c.tx, c.body, arrival)
	p.decoders.Put(decoder)
	if err != nil {
		return Reply{}, err
	}
	if !p.submit(c) {
		p.counts.busy.Add(1)
		return Reply{}, ErrBusy
	}
	select {
	case <-c.done:
	case <-p.stopped:
		return Reply{}, ErrClosing
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	}
	if c.err != nil {
		return Reply{}, c.err
	}
	reply := Reply{Record: c.record, Verdict: c.verdict, Repeat: c.again, Warming: c.warming, Lag: p.lag()}
	if c.again {
		reply.Record, err = p.readVerdict(ctx, c.tx.IDKey, c.tx.AppendIDValue(nil), c.place.partition, c.place.offset)
		reply.Verdict = verdictOf(reply.Record)
		return reply, err
	}
	p.replies.SetWithTTL(c.tx.IDKey[0], stored{c.tx.IDKey, c.record}, int64(len(c.record)), time.Hour)
	return reply, nil
}

// submit hands a call to the engine; false: as many as may have not ended. It goes
// its way there also where nobody waits for it any more, and while Kafka or the disk
// is away every request that is made again is one more.
func (p *Processor) submit(c *call) bool {
	if p.calls.Add(1) <= int64(p.o.Requests) {
		select {
		case p.engine.requests <- c:
			return true
		default:
		}
	}
	p.calls.Add(-1)
	return false
}

// open says why requests are not answered now; nil: they are.
func (p *Processor) open() error {
	switch {
	case p.closing.Load():
		return ErrClosing
	case !p.knowing.Load():
		return ErrStarting
	case p.stalled.Load():
		return ErrUnwritten
	}
	return nil
}

// lag counts the records of all assigned partitions that are not decided.
func (p *Processor) lag() (n int64) {
	for _, l := range p.assigned() {
		n += l.lag()
	}
	return n
}

// stored is a verdict record kept for repeated requests; it may be lost.
type stored struct {
	id     event.Key
	record []byte
}

// Verdict gives the verdict record of an id.
func (p *Processor) Verdict(ctx context.Context, id string) ([]byte, error) {
	key, ok := p.o.Schema.IDKey(id)
	if !ok {
		return nil, fmt.Errorf("%w: %q can't be an id", ErrUnknown, id)
	}
	if s, ok := p.replies.Get(key[0]); ok && s.id == key {
		return s.record, nil
	}
	if err := p.open(); err != nil {
		return nil, err
	}
	var (
		e     scoring.Earlier
		known bool
	)
	if err := p.engine.do(ctx, func() { e, known = p.engine.core.Known(key) }); err != nil {
		return nil, err
	}
	value, _ := p.o.Schema.AppendIDValue(nil, id)
	if !known {
		d, err := p.inJournal(value)
		if err != nil {
			return nil, err
		}
		e.Partition, e.Offset = d.Partition, d.Offset
	}
	return p.readVerdict(ctx, key, value, e.Partition, e.Offset)
}

// inJournal gives what the journal knows of an id (AppendIDValue) that is not in
// memory: an earlier run decided it, or this one so long ago that it has forgotten.
func (p *Processor) inJournal(id []byte) (d journal.Decided, err error) {
	if p.journal == nil || !p.journal.MayFind(id) {
		return d, ErrUnknown
	}
	d, known, err := p.journal.Find(id)
	switch {
	case errors.Is(err, journal.ErrDamaged):
		p.broke(fmt.Errorf("reading the journal: %w", err))
		return d, fmt.Errorf("%w: %w", ErrUnread, err)
	case err != nil:
		return d, fmt.Errorf("%w: %w", ErrUnread, err)
	case !known:
		return d, ErrUnknown
	}
	return d, nil
}

// readVerdict reads a verdict record back from its topic; value is the id as the
// journal has it.
func (p *Processor) readVerdict(ctx context.Context, id event.Key, value []byte, partition int32, offset int64) ([]byte, error) {
	if s, ok := p.replies.Get(id[0]); ok && s.id == id {
		return s.record, nil
	}
	if offset < 0 {
		var err error
		if partition, offset, err = p.placeOf(ctx, id, value); err != nil {
			return nil, err
		}
	}
	record, err := p.cluster.readOne(ctx, p.o.Topics.Verdicts, partition, offset)
	switch {
	case err == nil:
	case errors.Is(err, ErrUnknown):
		return nil, fmt.Errorf("%w: %w", ErrForgotten, err)
	case ctx.Err() != nil:
		return nil, err
	default:
		return nil, fmt.Errorf("%w: %w", ErrUnread, err)
	}
	if !p.isVerdictOf(id, record) {
		return nil, fmt.Errorf("%w: %s/%d holds something else at %d: the topic was made anew", ErrForgotten, p.o.Topics.Verdicts, partition, offset)
	}
	p.replies.SetWithTTL(id[0], stored{id, record}, int64(len(record)), time.Hour)
	return record, nil
}

// isVerdictOf tells whether a record is a verdict on an id, and not the marker of
// a run or of another one.
func (p *Processor) isVerdictOf(id event.Key, record []byte) bool {
	text, v, ok := glance(record)
	if !ok {
		text, v, ok = peruse(record)
	}
	key, valid := p.o.Schema.IDKey(text)
	return ok && valid && key == id && verdictNamed(v.Verdict) != rules.NoVerdict
}

// placeOf asks the engine where the verdict of a decided id stands, and then the
// journal; an error says why nobody knows: it is on its way, or the id is one that
// only the histories still hold.
func (p *Processor) placeOf(ctx context.Context, id event.Key, value []byte) (partition int32, offset int64, err error) {
	e, known := scoring.Earlier{}, false
	if err := p.engine.do(ctx, func() { e, known = p.engine.core.Known(id) }); err != nil {
		return 0, 0, err
	}
	switch {
	case known && e.Offset >= 0:
		return e.Partition, e.Offset, nil
	case known && e.Verdict != rules.NoVerdict:
		return 0, 0, ErrPending
	}
	d, err := p.inJournal(value)
	switch {
	case errors.Is(err, ErrUnknown):
	case err != nil:
		return 0, 0, err
	case d.Offset >= 0:
		return d.Partition, d.Offset, nil
	}
	return 0, 0, ErrForgotten
}
