// Package stream runs the engine: transactions from Kafka and from requests in,
// verdicts, dead letters and alerts out.
//
// The way of a record is fetch, decode, merge, decide, produce. Each stage is a
// few goroutines that hand slices on; the core belongs to one of them alone.
package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/ristretto/v2"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/journal"
	"sluice/stream/produce"
	"sluice/stream/wire"
)

// Options of a Processor.
type Options struct {
	Kafka    Kafka
	Topics   Topics
	Creation Creation
	Group    string // of the consumers

	Schema *event.Schema
	Set    *rules.Set
	Core   scoring.Options

	Journal *Journaling // nil: what is known is read back from the topics at each start

	MaxBytes       int           // of a message; 0: the decoder's default
	RawDeadLetters bool          // carry messages that can't be parsed as they are
	AcceptGap      bool          // go on where records have been deleted before they were decided
	Patience       time.Duration // how long the merge waits for a partition; 0: 2 s
	Requests       int           // that may wait, also where their clients have given up; 0: 1024
	ReadyLag       int64         // records behind up to which it counts as caught up; 0: 1000, below 0: none
	DrainTimeout   time.Duration // for what is on its way when stopping; 0: 10 s
	// Decided is called once when stopping, after the last decision and while
	// alerts can still be written; it must return within bounds.
	Decided func()

	// OnJournal is told when the journal can't be written, or not be read (err says
	// why, and is ErrJournalUnread then), and with nil when it can again; it must
	// not block, and is not called twice at a time.
	OnJournal func(err error)
	// OnDecision is called for every input, in the order of deciding, from the
	// engine's goroutine: it must not block, nor keep what it is given.
	OnDecision func(*scoring.Decision)
	Log        *slog.Logger
}

func (o *Options) defaults() error {
	if o.Group == "" || o.Topics.Transactions == "" || o.Topics.Verdicts == "" || o.Topics.DeadLetters == "" {
		return errors.New("a group and the topics of transactions, verdicts and dead letters are needed")
	}
	if o.Schema == nil || o.Set == nil {
		return errors.New("a schema and a rule set are needed")
	}
	if o.Patience == 0 {
		o.Patience = 2 * time.Second
	}
	if o.Requests == 0 {
		o.Requests = 1024
	}
	if o.ReadyLag == 0 {
		o.ReadyLag = 1000
	}
	o.ReadyLag = max(o.ReadyLag, 0)
	if o.DrainTimeout == 0 {
		o.DrainTimeout = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return nil
}

// Processor decides what comes on the topics and by Decide.
type Processor struct {
	o        Options
	log      *slog.Logger
	cluster  *Cluster
	engine   *engine
	counts   *counts
	out      atomic.Pointer[senders]
	alerts   atomic.Pointer[produce.Producer[chan<- error]]
	decoders sync.Pool
	calls    atomic.Int64 // requests that the engine has and that have not ended
	replies  *ristretto.Cache[uint64, stored]

	journal    *journal.Journal
	journalDir string               // of it; "" without one
	keeping    atomic.Pointer[cuts] // for those who look from outside
	identity   *identity
	fatal      chan error      // why the journal can't be relied on any more
	halted     atomic.Bool     // the journal can't be written
	stalled    atomic.Bool     // and so much waits for it that nothing is decided
	fenced     map[int32]int64 // of a new journal: this run's markers in the verdicts topic
	// While this run's markers are sent; nothing is decided before.
	marker atomic.Pointer[produce.Producer[struct{}]]

	phase         atomic.Value // string
	knowing       atomic.Bool  // what earlier runs decided has been read back
	lanes         atomic.Pointer[[]*lane]
	retained      atomic.Value // time.Duration
	readsVerdicts atomic.Bool
	closing       atomic.Bool
	stopped       chan struct{}
	restored      atomic.Int64
	toRestore     atomic.Int64

	sick     sync.Mutex
	ailments map[string]bool // of the journal

	mu   sync.Mutex
	what map[string]error // troubles, by where

	// Of the running generation; the engine's goroutine writes held.
	held         map[int32]span
	labels       map[int32]int64 // up to which offset those of a partition are remembered
	verdictsRead map[int32]int64
}

// New makes a processor. Nothing is connected before Run.
func New(o Options) (*Processor, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	cluster, err := Dial(o.Kafka, o.Topics.all()...)
	if err != nil {
		return nil, err
	}
	replies, err := ristretto.NewCache(&ristretto.Config[uint64, stored]{NumCounters: 100_000, MaxCost: 64 << 20, BufferItems: 64})
	if err != nil {
		return nil, fmt.Errorf("making the cache of replies: %w", err)
	}
	p := &Processor{
		o: o, log: o.Log, cluster: cluster, replies: replies, stopped: make(chan struct{}), fatal: make(chan error, 1),
		what: map[string]error{}, ailments: map[string]bool{}, held: map[int32]span{}, labels: map[int32]int64{}, verdictsRead: map[int32]int64{},
	}
	p.engine = newEngine(scoring.New(o.Schema, o.Set, o.Core), o.Patience, o.Requests, o.Log)
	p.counts = p.engine.counts
	p.decoders.New = func() any { return p.decoder() }
	p.phase.Store(phaseConnecting)
	p.note(o.Set)
	return p, nil
}

// note keeps what recovery must know of the set in force.
func (p *Processor) note(set *rules.Set) {
	p.retained.Store(set.Program.Plan().Retention)
	p.readsVerdicts.Store(set.Program.ReadsVerdicts())
}

// Swap puts a rule set in force between two batches: no verdict is made by a
// mixture. It returns once the set is in force, or ctx is done.
func (p *Processor) Swap(ctx context.Context, set *rules.Set) error {
	return p.engine.do(ctx, func() {
		p.engine.swap(set)
		p.note(set)
	})
}

// Change lays other changes over the rule set in force, and over those that
// follow, between two batches. It returns once they are in force, or ctx is done.
func (p *Processor) Change(ctx context.Context, to *rules.Changes) error {
	return p.engine.do(ctx, func() { p.engine.core.Change(to) })
}

// Running says whether decisions are made, now or as soon as there is something
// to decide; until then, and afterwards, nobody swaps or inspects.
func (p *Processor) Running() bool {
	select {
	case <-p.stopped:
		return false
	default:
		return p.phase.Load() != phaseConnecting
	}
}

// Inspect runs f on the core between two batches. It must be quick.
func (p *Processor) Inspect(ctx context.Context, f func(*scoring.Core)) error {
	return p.engine.do(ctx, func() { f(p.engine.core) })
}

// Run works until ctx is done, then drains within Options.DrainTimeout. It can
// be called once.
func (p *Processor) Run(ctx context.Context) error {
	defer close(p.stopped)
	defer p.replies.Close()
	defer p.cluster.Close()
	if err := p.connect(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	// The stages behind the engine outlive ctx: they drain.
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	following, unfollow := context.WithCancel(ctx)
	defer unfollow()
	context.AfterFunc(following, func() { p.closing.Store(true) })
	if p.o.Journal != nil {
		if err := p.openJournal(following); err != nil {
			if following.Err() != nil {
				return nil
			}
			return err
		}
	}
	if err := p.outputs(following); err != nil {
		return err
	}
	var all sync.WaitGroup
	out := p.out.Load()
	failed := make(chan error, 8)
	run := func(f func(context.Context) error) {
		all.Go(func() {
			if err := f(work); err != nil {
				p.fails(err)
				failed <- err
				unfollow()
			}
		})
	}
	all.Go(func() { p.engine.run(work) })
	if p.journal != nil {
		run(p.keepJournal)
		p.resume(following, failed)
		p.takeLeave(following, "")
	}
	run(out.verdicts.Run)
	run(out.transactions.Run)
	run(out.dead.Run)
	if alerts := p.alerts.Load(); alerts != nil {
		run(alerts.Run)
	}

	p.phase.Store(phaseJoining)
	err := p.follow(following)
	p.phase.Store(phaseStopping)
	p.drain(failed)
	cancel(nil)
	all.Wait()
	select {
	case first := <-failed:
		err = errors.Join(first, err)
	default:
	}
	if p.journal != nil {
		if closed := p.journal.Close(); err == nil || closed != nil && !strings.Contains(err.Error(), closed.Error()) {
			err = errors.Join(err, closed)
		}
		p.noteDamage(err)
	}
	return err
}

// fails notes what ends this run, for who asks while it lets go of everything.
func (p *Processor) fails(err error) {
	p.closing.Store(true)
	p.mu.Lock()
	p.what["run"] = err
	p.mu.Unlock()
}

// drain waits, within bounds, until everything decided is acknowledged.
func (p *Processor) drain(failed <-chan error) {
	if len(failed) > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.o.DrainTimeout)
	defer cancel()
	out := p.out.Load()
	// Requests that were taken are decided first.
	for len(p.engine.requests) > 0 && sleep(ctx, time.Millisecond) == nil {
		p.engine.notify()
	}
	_ = p.engine.do(ctx, func() {})
	err := out.drain(ctx)
	if p.o.Decided != nil {
		p.o.Decided()
	}
	if alerts := p.alerts.Load(); alerts != nil {
		err = errors.Join(err, alerts.Drain(ctx))
	}
	if err != nil {
		p.log.Warn("stopping before everything is acknowledged; the rest will be decided again", "bytes", out.verdicts.Queued())
		return
	}
	_ = p.engine.do(ctx, func() {}) // the last acknowledgements reach their requests
	if err := p.durable(ctx); err != nil {
		p.log.Warn("stopping before the journal holds everything; the rest is read again from the topics", "error", err)
	}
}

// connect prepares the topics, trying on while the broker can't be reached.
func (p *Processor) connect(ctx context.Context) error {
	var back delay
	for {
		err := p.cluster.Prepare(ctx, p.o.Topics, p.o.Creation, p.retention(), p.log)
		if err == nil || ctx.Err() != nil {
			p.trouble("connect", nil)
			return nil
		}
		var missing *MissingTopicsError
		if errors.As(err, &missing) {
			return err
		}
		p.trouble("connect", err)
		_ = back.wait(ctx)
	}
}

// outputs makes the producers.
func (p *Processor) outputs(ctx context.Context) error {
	partitions := map[string]int{}
	for _, topic := range p.o.Topics.all() {
		var back delay
		for {
			leaders, err := p.cluster.leaders(ctx, topic)
			if err == nil {
				partitions[topic] = len(leaders)
				break
			}
			if back.wait(ctx) != nil {
				return nil
			}
		}
	}
	t := p.o.Topics
	out := &outputs{onDecision: p.o.OnDecision, counts: p.counts}
	if p.journal != nil {
		out.posted = func(c *call) { p.engine.later(func() { p.engine.posted(c) }) }
	}
	send := &senders{}
	send.verdicts = produce.New(p.produceOptions(t.Verdicts), partitions[t.Verdicts],
		func(partition int32, base int64, tokens []token) {
			now := time.Now().UnixNano()
			for i := range tokens {
				p.counts.latency.observe(now - tokens[i].arrival)
			}
			p.engine.acknowledged(partition, base, tokens)
		}, out.lost)
	send.transactions = produce.New(p.produceOptions(t.Transactions), partitions[t.Transactions],
		func(_ int32, _ int64, calls []*call) {
			for _, c := range calls {
				c.partDone()
				out.appended(c)
			}
		}, out.finish)
	send.dead = produce.New(p.produceOptions(t.DeadLetters), partitions[t.DeadLetters],
		func(partition int32, base int64, done []answered) {
			for i, f := range done {
				f(deadPlace{partition, base + int64(i)}, nil)
			}
		}, func(done answered, err error) { done(deadPlace{}, err) })
	if p.journal != nil {
		p.engine.cuts.told = newTold(partitions[t.DeadLetters])
	}
	out.verdicts, out.transactions = send.verdicts, send.transactions
	out.dead = &deadLetters{
		schema: p.o.Schema, transactions: t.Transactions, raw: p.o.RawDeadLetters, counts: p.counts,
		now: func() int64 { return time.Now().UnixNano() }, producer: send.dead,
	}
	if p.journal != nil {
		out.dead.told = p.engine.cuts.told
	}
	if t.Alerts != "" {
		p.alerts.Store(produce.New(p.produceOptions(t.Alerts), partitions[t.Alerts],
			func(_ int32, _ int64, done []chan<- error) {
				for _, d := range done {
					d <- nil
				}
			}, func(done chan<- error, err error) { done <- err }))
	}
	p.engine.out = out
	p.out.Store(send)
	return nil
}

func (p *Processor) produceOptions(topic string) produce.Options {
	o := produce.Options{
		Transport: p.cluster.transport, Addr: p.cluster.addr, Client: p.cluster.kafka.Client, Topic: topic,
		Leaders: p.cluster.leaders, Explain: p.cluster.why, Space: p.engine.wake, Log: p.log,
	}
	if p.identity != nil {
		o.Session = func(ctx context.Context) (wire.Producer, error) { return p.identity.session(ctx, topic) }
	}
	return o
}

// Alert appends a record to the alerts topic and returns once it is
// acknowledged. After another error than a refusal it may still arrive.
func (p *Processor) Alert(ctx context.Context, key, value []byte) error {
	alerts := p.alerts.Load()
	if alerts == nil {
		return errors.New("there is no alerts topic, or it is not connected yet")
	}
	if alerts.Full() {
		return fmt.Errorf("the alerts topic takes no more: %w", ErrBusy)
	}
	done := make(chan error, 1)
	if err := alerts.Append(int32(event.Partition(key, alerts.Partitions())), time.Now().UnixMilli(), key, value, done); err != nil {
		return err
	}
	alerts.Flush()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the alert is not acknowledged yet: %w", ctx.Err())
	}
}

// assigned gives the lanes of the running generation; nil: none is running.
func (p *Processor) assigned() []*lane {
	if lanes := p.lanes.Load(); lanes != nil {
		if *lanes == nil {
			return []*lane{}
		}
		return *lanes
	}
	return nil
}
