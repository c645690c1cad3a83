package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/journal"
)

const (
	loaders   = 4    // goroutines that read the journal
	loadQueue = 4096 // wants that wait for one of them
	// restoreAtOnce bounds the rows that are put into the histories between two
	// batches: the past of a merchant may be long.
	restoreAtOnce = 2000
	// siftAfter leaves the processors to the first verdicts after a start.
	siftAfter = 3 * time.Second
	// readAtOnce is about how many rows of a past are read at once.
	readAtOnce = 1 << 14
	// maxRounds bounds how often an item that is not pinned is looked at again
	// whether parts of its histories are outside of memory: what others have pushed
	// out each time is brought when it is decided.
	maxRounds = 200
)

// prefetch is the stage before the merge that brings from the journal what the
// engine is about to need: the pasts of entities that are not in memory, and
// what is known of ids. Nothing that is decided waits for a disk but through it.
// All but the loaders is of the engine's goroutine.
type prefetch struct {
	journal *journal.Journal
	schema  *event.Schema
	core    *scoring.Core
	wants   chan *load
	later   func(func()) // runs between two batches
	unhold  func(*held)  // told when all that an item needs is there
	broken  func(error)  // told that the journal is damaged
	ease    func(entity int, key event.Key)
	bound   int // rows of a past that are read at once, about
	rounds  int // see maxRounds

	backlog []*load // for which there was no room in wants
	loading map[want]*load
	arrived []*load       // read, and not in the histories yet
	ids     bool          // ids of earlier runs may come again
	waits   bool          // labels of earlier runs wait for their transactions
	loads   *atomic.Int64 // counts reads; may be nil
	failing atomic.Int64  // loaders that try on
	durable atomic.Uint32 // the last cut that is
	late    int           // chunks that a batch had to wait for
	scratch []byte
}

// held is what waits: decoded records on their way to the merge, or a request.
type held struct {
	missing int
	rounds  int  // that it was looked at whether more is missing
	decided bool // of some of it nothing is missing only because its id is known
	arrival arrival
	call    *call
	tx      *event.Transaction // the head of the merge, which is pinned
}

func newPrefetch(j *journal.Journal, schema *event.Schema, core *scoring.Core) *prefetch {
	return &prefetch{
		journal: j, schema: schema, core: core, wants: make(chan *load, loadQueue),
		loading: map[want]*load{}, ids: !j.Fresh(), waits: j.Stats().Waiting > 0, bound: readAtOnce, rounds: maxRounds,
	}
}

// needs says whether anything may have to be brought: nothing does while all
// that a new journal knows is in memory.
func (p *prefetch) needs() bool {
	return p.ids || p.waits || p.core.Store().Outside() || p.core.Store().Partial()
}

// need asks for what a transaction needs that is not in memory, for h to wait for.
func (p *prefetch) need(tx *event.Transaction, h *held) {
	p.histories(tx, h)
	if !p.needs() {
		return
	}
	p.scratch = tx.AppendIDValue(p.scratch[:0])
	if !p.unknown(tx) && !p.awaited() || p.join(want{-1, tx.IDKey, whole}, h) {
		return
	}
	p.ask(&load{want: want{-1, tx.IDKey, whole}, value: bytes.Clone(p.scratch)}, h)
}

// histories asks for those of a transaction that are not in memory, and for the
// parts of them that it needs, as far as that can be told by now, for h to wait for.
//
// What was decided, as all that stands behind the journal's last cut is after a
// crash, is put aside for the histories that are not in memory, and these are
// brought for who asks them.
func (p *prefetch) histories(tx *event.Transaction, h *held) {
	store := p.core.Store()
	_, decided := p.core.Known(tx.IDKey)
	h.decided = h.decided || decided
	if !decided {
		p.residents(tx, h)
	}
	if h.missing > 0 { // what is there must not leave while the rest comes
		for e, key := range tx.Entities {
			store.Touch(e, key)
		}
	}
	if h.rounds <= p.rounds && (decided && !store.Holds(tx) || !decided && store.Lacks(tx)) {
		for _, c := range store.Lacking() {
			if l := p.chunkLoad(tx, c); !p.join(l.want, h) {
				p.ask(l, h)
			}
		}
	}
	if h.tx != nil && h.missing > 0 {
		store.Pin(tx)
	}
}

// residents asks for the histories of a transaction that are not in memory.
func (p *prefetch) residents(tx *event.Transaction, h *held) {
	store := p.core.Store()
	for e, key := range tx.Entities {
		if store.Resident(e, key) || p.join(want{e, key, whole}, h) {
			continue
		}
		p.scratch, _ = tx.AppendEntityValue(p.scratch[:0], e)
		if !p.journal.MayHold(e, p.scratch) {
			store.Admit(e, key) // nobody has seen it
			continue
		}
		p.ask(&load{want: want{e, key, whole}, value: bytes.Clone(p.scratch)}, h)
	}
}

// again looks once more at what an item needs that waited and has what it asked
// for; false: it has all, as far as that can be told.
func (p *prefetch) again(h *held) bool {
	if !p.core.Store().Partial() {
		return false
	}
	if h.tx != nil {
		p.histories(h.tx, h)
		return h.missing > 0
	}
	if h.rounds++; h.call != nil {
		p.histories(&h.call.tx, h)
	} else {
		h.arrival.c.departures = p.core.Store().Departures()
		for i := range h.arrival.c.txs {
			p.histories(&h.arrival.c.txs[i], h)
		}
		h.arrival.c.decided = h.decided
	}
	return h.missing > 0
}

// unknown says whether the journal may know of an id, which is in scratch, what
// is not in memory: of an earlier run, or of this one, which forgets decided ids
// in time and relies on histories then, that may have left memory.
func (p *prefetch) unknown(tx *event.Transaction) bool {
	if !p.needs() || !p.journal.MayFind(p.scratch) {
		return false
	}
	e, known := p.core.Known(tx.IDKey)
	return !known || e.Body == (event.Key{})
}

// awaited says whether labels wait since before this run for the transaction
// whose id is in scratch.
func (p *prefetch) awaited() bool { return p.waits && p.journal.Awaited(p.scratch) }

// sift finds out what earlier runs have left, so that what is new, nearly all,
// need not be looked up. Only a damaged journal ends it.
func (p *prefetch) sift(ctx context.Context) error {
	if sleep(ctx, siftAfter) != nil {
		return nil
	}
	var back delay
	for {
		err := p.journal.Sift(ctx)
		if err == nil || errors.Is(err, journal.ErrDamaged) {
			return err
		}
		if back.wait(ctx) != nil {
			return nil
		}
	}
}

// join waits with others for what is being read already.
func (p *prefetch) join(w want, h *held) bool {
	l := p.loading[w]
	if l == nil {
		return false
	}
	l.waiting = append(l.waiting, h)
	h.missing++
	return true
}

func (p *prefetch) ask(l *load, h *held) {
	l.waiting = append(l.waiting, h)
	h.missing++
	l.begin()
	l.durable.Store(p.durable.Load())
	p.loading[l.want] = l
	p.enqueue(l)
}

// enqueue has the next piece of a load read.
func (p *prefetch) enqueue(l *load) {
	p.backlog = append(p.backlog, l)
	p.push()
}

// push hands wants to the loaders, as many as there is room for.
func (p *prefetch) push() {
	n := 0
	for n < len(p.backlog) {
		select {
		case p.wants <- p.backlog[n]:
			n++
			continue
		default:
		}
		break
	}
	p.backlog = append(p.backlog[:0], p.backlog[n:]...)
}

// run is a loader.
func (p *prefetch) run(ctx context.Context, trouble func(error)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case l := <-p.wants:
			if err := p.read(ctx, l, trouble); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
			p.later(func() { p.arrived = append(p.arrived, l) })
		}
	}
}

// runAll runs the loaders.
func (p *prefetch) runAll(ctx context.Context, trouble func(error)) error {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		first error
	)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range loaders {
		all.Go(func() {
			if err := p.run(ctx, trouble); err != nil {
				mu.Lock()
				first = errors.Join(first, err)
				mu.Unlock()
				cancel()
			}
		})
	}
	all.Wait()
	return first
}

// read reads until it succeeds. A damaged journal ends it: nothing is decided
// on a past that may be wrong.
func (p *prefetch) read(ctx context.Context, l *load, trouble func(error)) error {
	var back delay
	failed := false
	for {
		err := p.once(l)
		switch {
		case err == nil:
			if failed && p.failing.Add(-1) == 0 {
				trouble(nil)
			}
			if p.loads != nil {
				p.loads.Add(1)
			}
			return nil
		case errors.Is(err, journal.ErrDamaged):
			return fmt.Errorf("reading the journal: %w", err)
		}
		if !failed {
			failed = true
			p.failing.Add(1)
		}
		trouble(fmt.Errorf("%w: %w", ErrJournalUnread, err))
		if err := back.wait(ctx); err != nil {
			return err
		}
		l.durable.Store(p.durable.Load()) // memory must not grow while nothing can be read
	}
}

// floor is the last cut up to which histories may leave memory. What was changed
// after a reading began is not in what comes of it, a label above all: it must
// still be in memory then.
func (p *prefetch) floor() uint32 {
	upTo := p.durable.Load()
	for _, l := range p.loading {
		upTo = min(upTo, l.durable.Load())
	}
	return upTo
}

// once reads once.
func (p *prefetch) once(l *load) (err error) {
	if l.entity < 0 {
		if l.waited, err = p.journal.Waiting(l.value); err == nil {
			l.decided, l.known, err = p.journal.Find(l.value)
		}
		return err
	}
	return l.read(p.journal, p.bound)
}

// settle puts a piece of what was read into the histories; more is true if
// there is more to do.
func (p *prefetch) settle() (more bool) {
	p.push()
	left := restoreAtOnce
	for len(p.arrived) > 0 && left > 0 {
		l := p.arrived[0]
		left -= l.restore(p.core.Store(), left)
		if l.taken < len(l.pasts.rows) {
			break
		}
		p.arrived = p.arrived[1:]
		if l.entity >= 0 && l.next() {
			p.ease(l.entity, l.key)
			p.enqueue(l)
			continue
		}
		p.finish(l)
	}
	return len(p.arrived) > 0
}

// finish lets go what waits for a want that is there.
func (p *prefetch) finish(l *load) {
	delete(p.loading, l.want)
	switch {
	case l.entity < 0:
		p.recall(l)
	case l.want.from == whole:
		p.core.Store().Admit(l.entity, l.key)
	case !p.complete(l):
		p.broken(l.lost())
		return
	}
	for _, h := range l.waiting {
		if h.missing--; h.missing == 0 {
			p.unhold(h)
		}
	}
	if l.want.from != whole {
		p.ease(l.entity, l.key) // of what was there for its sums alone
	}
}

// recall files what the journal knows of an id.
func (p *prefetch) recall(l *load) {
	for _, x := range l.waited {
		p.core.Label(&event.Label{IDKey: l.key, Time: x.Time, Fraud: x.Fraud})
	}
	if !l.known {
		return
	}
	e := scoring.Earlier{
		Verdict: l.decided.Verdict, Score: l.decided.Score, Arrival: l.decided.Arrival,
		Partition: l.decided.Partition, Offset: l.decided.Offset,
	}
	if l.decided.Body != (event.Key{}) {
		e.Body, e.Stored = l.decided.Body, true
	}
	p.core.Recall(l.key, e)
}
