// Package scoring is one transaction in, one verdict out: observe what its
// entities did before, evaluate the rules, settle the verdict under its id.
//
// The Core takes no locks, does no I/O and reads no clock: time comes in with
// the events. A thin goroutine around it (package stream) gives it work.
package scoring

import (
	"runtime"
	"time"

	"sluice/rules"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Options of a Core.
type Options struct {
	Run     string        // names this run in verdict records
	KeepIDs time.Duration // how long decided ids are kept, by arrival; 0: 24 h
	MaxIDs  int           // how many at most; the oldest go first; 0: 50 million
	Workers int           // goroutines that evaluate a batch; 0: GOMAXPROCS
	// NoRecord leaves Decision.Record empty.
	NoRecord bool
	// Bounds are those of the histories.
	Bounds history.Bounds
	// Beside, if set, decides the same transactions on the same histories, without
	// effect: see Decision.Beside. It must be Joint with every set in force.
	Beside *rules.Set
	// Changes are what people have changed already; nil: nothing. See Core.Change.
	Changes *rules.Changes
	// OnQuarantine, if set, is told the rules in quarantine whenever they may have
	// changed, by the goroutine that calls the Core.
	OnQuarantine func([]rules.Held)
	// OnBreaker, if set, is told the rules whose breakers are open, likewise. The
	// rules that it names are those of the set in force then.
	OnBreaker func([]rules.Trip)
}

// Core decides transactions. It is not safe for concurrent use.
type Core struct {
	schema  *event.Schema
	o       Options
	store   *history.Store
	stored  func(*event.Transaction) event.Key // StoredBodies
	ids     *ids
	clock   clock
	whole   int64 // SetWhole
	dropped int64 // Dropped
	set     *rules.Set
	plan    *history.Plan  // what set asks, and then what Options.Beside asks
	form    *form          // of records under set
	changes *rules.Changes // what lies over set

	standing, besideStanding rules.Standing

	workers   []*worker
	decisions []Decision
	values    []history.Value // len(plan.Queries) a transaction of the batch
	lists     []history.List  // len(plan.Lists) a transaction of the batch
	touched   map[touch]struct{}
	next      []*event.Transaction // scratch of ahead
	glanced   uint64               // what ahead read, so that it is read
	swept     int                  // inputs since the last piece of memory was given back
}

// sweepEvery is how many inputs pay for one piece of giving back.
const sweepEvery = 8192

// touch names an entity that a transaction of the open batch belongs to.
type touch struct {
	entity int
	key    event.Key
}

// New makes a core with empty histories.
func New(schema *event.Schema, set *rules.Set, o Options) *Core {
	if o.KeepIDs == 0 {
		o.KeepIDs = 24 * time.Hour
	}
	if o.MaxIDs == 0 {
		o.MaxIDs = 50_000_000
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	c := &Core{
		schema: schema, o: o,
		store:   history.NewBounded(schema, o.Bounds),
		ids:     newIDs(int64(o.KeepIDs), o.MaxIDs),
		touched: map[touch]struct{}{},
		changes: o.Changes,
	}
	if c.changes == nil {
		c.changes = &rules.Changes{}
	}
	c.Swap(set)
	return c
}

// Set gives the rule set in force.
func (c *Core) Set() *rules.Set { return c.set }

// Store gives the histories, to look at between two batches.
func (c *Core) Store() *history.Store { return c.store }

// SetWhole says that the histories hold everything only from an event time (ns)
// on, although they hold older transactions: what is lost counts as not watched.
// 0: they hold everything since their first transaction.
func (c *Core) SetWhole(ns int64) { c.whole = ns }

// Dropped says that what lies before an event time (ns) may have left the histories
// while the rules looked less far back than they do now: it counts as not watched.
func (c *Core) Dropped(ns int64) { c.dropped = max(c.dropped, ns) }

// since gives the event time (ns) from which on everything has been seen.
func (c *Core) since() int64 {
	since := c.store.Since()
	for _, lost := range [...]int64{c.whole, c.dropped} {
		if lost != 0 {
			since = max(since, lost)
		}
	}
	return since
}

// Passed gives a time (ns) that is past, as far as arrivals tell: nobody who
// comes from now on arrived before. Far below 0 while nothing is known.
func (c *Core) Passed() int64 { return c.clock.passed() }

// KeepIDs is how long decided ids are kept.
func (c *Core) KeepIDs() time.Duration { return c.o.KeepIDs }

// IDs is the number of decided ids that are kept.
func (c *Core) IDs() int { return c.ids.len() }

// Swap puts another rule set in force, from the next batch on.
func (c *Core) Swap(set *rules.Set) {
	c.set, c.plan = set, set.Program.Plan()
	if c.o.Beside != nil {
		c.plan = join(c.plan, c.o.Beside.Program.Plan())
		c.besideStanding.Use(c.o.Beside)
	}
	c.store.Install(c.plan)
	c.form = newForm(c.schema, set, c.o.Run)
	c.standing.Use(set)
	c.Change(c.changes)
	c.tell(rules.News{Quarantine: true, Breaker: true})
	c.workers = make([]*worker, c.o.Workers)
	for i := range c.workers {
		c.workers[i] = &worker{core: c, evaluator: set.NewEvaluator()}
		if c.o.Beside != nil {
			c.workers[i].beside = c.o.Beside.NewEvaluator()
		}
	}
}

// Change lays other changes over the set in force and over those that follow,
// from the next batch on.
func (c *Core) Change(to *rules.Changes) {
	c.changes = to
	c.set.Lists.Lay(to.Lists)
	c.form.under(c.set.Hash, to.Revision)
	c.standing.Snooze(rules.NewSnoozes(c.set, to.Snoozes))
}

// Decide decides a batch, in the order given; the verdicts do not depend on how
// a stream is cut into batches. now (ns, wall clock) only stamps the records.
// Where parts of histories are outside of memory, it ends before the first input
// that needs some: there are fewer decisions than inputs then, and
// history.Store.Lacking says what has to be restored before the others.
func (c *Core) Decide(batch []Input, now int64) []Decision {
	plan, whole := c.plan, len(batch)
	c.decisions = resize(c.decisions, len(batch))
	c.values = resize(c.values, len(batch)*len(plan.Queries))
	c.lists = resize(c.lists, len(batch)*len(plan.Lists))
	open := 0 // the first input whose verdict is not settled
	for i := range batch {
		if i%history.Ahead == 0 {
			c.ahead(batch[i:min(i+history.Ahead, len(batch))])
		}
		if c.set.Program.ReadsVerdicts() {
			if c.meets(batch[i].Tx) {
				c.finish(open, i, now)
				open = i
			}
			c.touch(batch[i].Tx)
		}
		if !c.observe(i, &batch[i]) {
			batch = batch[:i]
			break
		}
	}
	c.finish(open, len(batch), now)
	c.swept += len(batch)
	if whole == len(batch) { // else those that follow count on what is known of them
		c.giveBack()
	}
	return c.decisions[:len(batch)]
}

// ahead has memory read that the next inputs of a batch need.
func (c *Core) ahead(next []Input) {
	if len(next) == 1 {
		return
	}
	c.next = c.next[:0]
	for i := range next {
		c.next = append(c.next, next[i].Tx)
		c.glanced += c.ids.index.glance(next[i].Tx.IDKey)
	}
	c.store.Ahead(c.next)
}

// giveBack lets go of ids past their time and of histories that nobody who
// arrives from now on can see, a bounded piece for every so many inputs.
func (c *Core) giveBack() {
	passed := c.clock.passed()
	c.ids.expire(passed)
	c.ids.bound()
	for ; c.swept >= sweepEvery; c.swept -= sweepEvery {
		c.store.Reclaim(passed)
	}
}

// meets reports whether tx shares an entity with one of the open inputs, whose
// verdicts its rules may want to see.
func (c *Core) meets(tx *event.Transaction) bool {
	for e, key := range tx.Entities {
		if _, met := c.touched[touch{e, key}]; met {
			return true
		}
	}
	return false
}

// touch notes the entities of an open input.
func (c *Core) touch(tx *event.Transaction) {
	for e, key := range tx.Entities {
		if key != (event.Key{}) {
			c.touched[touch{e, key}] = struct{}{}
		}
	}
}

// finish evaluates and settles the inputs from..to of the batch.
func (c *Core) finish(from, to int, now int64) {
	c.evaluate(from, to, now)
	for i := from; i < to; i++ {
		c.settle(&c.decisions[i])
	}
	clear(c.touched)
}

// observe fills the window values of an input that is to be decided, and
// remembers it. It reports false, and has done nothing, if parts of its histories
// are outside of memory that it needs.
func (c *Core) observe(i int, in *Input) bool {
	d := &c.decisions[i]
	d.Input, d.Set, d.Record, d.Earlier = *in, c.set, d.Record[:0], Earlier{}
	d.New, d.Taken, d.row = false, false, 0
	tx := in.Tx
	e := c.ids.get(tx.IDKey)
	plan := c.plan
	nq, nl := len(plan.Queries), len(plan.Lists)
	if e != nil || in.Remember {
		if !c.store.Holds(tx) {
			return false
		}
	} else if !c.store.Observe(tx, c.values[i*nq:(i+1)*nq], c.lists[i*nl:(i+1)*nl]) {
		return false
	}
	c.clock.see(tx.Arrival)
	if tx.Arrival-tx.Time > int64(c.plan.Retention) {
		d.Flags |= Late
	}
	if tx.Future {
		d.Flags |= Future
	}
	if e != nil {
		c.again(d, e)
		return true
	}
	d.New = true
	if in.Remember {
		d.Status = Remembered
		c.remember(d)
		c.ids.put(tx.IDKey, Earlier{Body: tx.Body, Arrival: tx.Arrival, Offset: -1})
		return true
	}
	if c.remember(d); !d.Taken {
		if held, ok := c.store.Find(tx.IDKey); ok {
			d.Status, d.New = Repeat, false // its id is past KeepIDs, but the histories still hold it
			d.Earlier = Earlier{Verdict: verdictOf(c.store.Row(held)), Arrival: tx.Arrival, Offset: -1}
			return true
		}
	}
	d.Status = Decided
	d.number = c.ids.put(tx.IDKey, Earlier{Body: tx.Body, Arrival: tx.Arrival, Offset: -1})
	d.since = c.since() // later ones of the batch may be older
	return true
}

// again handles an id that was decided before.
func (c *Core) again(d *Decision, e *Earlier) {
	if e.Stored && e.Body == c.stored(d.Tx) {
		e.Body, e.Stored = d.Tx.Body, false
	}
	switch e.Body {
	case d.Tx.Body:
		d.Status = Repeat
	case event.Key{}: // read back from the verdicts topic, which does not hold the body
		d.Status, d.New = Repeat, true
		e.Body = d.Tx.Body
		c.remember(d)
		if e.Verdict != rules.NoVerdict {
			c.store.SetVerdict(d.Tx.IDKey, e.Verdict.String())
		}
	default:
		d.Status = Conflict
	}
	if d.Remember {
		d.Status = Remembered // what it was then, a repeat or a conflict, has been told
	}
}

// remember takes a transaction into the histories, unless it is late.
func (c *Core) remember(d *Decision) {
	if d.Flags&Late == 0 {
		d.row, d.Taken = c.store.Remember(d.Tx)
	}
}

// settle files a verdict under its id, and tells a repeat what was decided.
func (c *Core) settle(d *Decision) {
	switch d.Status {
	case Decided:
		e := c.ids.numbered(d.number)
		e.Verdict, e.Score = d.Outcome.Verdict, d.Outcome.Score
		c.store.SettleVerdict(d.row, d.Tx.IDKey, d.Outcome.Verdict.String())
	case Repeat, Conflict, Remembered:
		if e := c.ids.get(d.Tx.IDKey); e != nil {
			d.Earlier = *e
		}
	}
}

// Label files a label; matched is false if its transaction has not come yet.
func (c *Core) Label(l *event.Label) (matched bool) { return c.store.Label(l) }

// resize gives a slice of length n, keeping what its elements hold for reuse.
func resize[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	t := make([]T, n, max(n, 2*cap(s)))
	copy(t, s[:cap(s)])
	return t
}
