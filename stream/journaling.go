package stream

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/journal"
	"sluice/stream/produce"
	"sluice/stream/wire"
)

// Journaling says how a journal is kept.
type Journaling struct {
	// Dir holds the journals: one for each cluster and group, so that another
	// broker's offsets are never taken for this one's.
	Dir          string
	Interval     time.Duration // between two cuts; 0: 1 s
	MaxUnwritten int64         // bytes that wait for the disk before deciding pauses; 0: 256 MiB
	Memory       int64         // bytes of histories beyond which cold ones leave memory; 0: none do
	// Rebuild begins a new journal from the topics where the old one is
	// damaged; it is kept beside under another name.
	Rebuild bool
}

// markerHeader marks the record that begins a run in a partition of the
// verdicts topic. It has no value.
const markerHeader = "sluice-run"

// Where it is, if the journal can't be read or written.
const (
	journalReading = "journal, reading"
	journalWriting = "journal"
)

// lastEpoch is where a new producer id is taken: epochs are 16 bits.
const lastEpoch = 32_000

// openJournal opens the journal of this cluster and group.
func (p *Processor) openJournal(ctx context.Context) error {
	o := p.o.Journal
	cluster, err := p.clusterID(ctx)
	if err != nil {
		return err
	}
	dir := filepath.Join(o.Dir, journalName(p.o.Group, cluster))
	j, err := p.openDir(dir)
	if errors.Is(err, journal.ErrDamaged) && o.Rebuild {
		aside, moved := putAside(dir)
		if moved != nil {
			return moved
		}
		p.log.Warn("the journal is damaged: a new one is made from the topics", "kept", aside, "error", err)
		j, err = p.openDir(dir)
	}
	if err != nil {
		return fmt.Errorf("opening the journal in %s: %w", dir, err)
	}
	p.journal, p.journalDir = j, dir
	p.nameJournal()
	ids := p.produceOptions(p.o.Topics.Verdicts)
	p.identity = &identity{journal: j, newID: ids.NewID}
	p.log.Info("journal open", "dir", dir, "new", j.Fresh())
	if err := p.engine.keep(j, o, p.o.Schema, p.broke, p.unreadable); err != nil {
		return err
	}
	p.keeping.Store(p.engine.cuts)
	p.engine.pre.loads = &p.counts.loads
	p.engine.cuts.stalled = func() {
		if p.halted.Load() && !p.stalled.Swap(true) {
			p.log.Error("deciding pauses: as much waits for the journal as may", "max_unwritten", p.engine.cuts.max)
		}
	}
	return nil
}

// bucketOf gives the width of the buckets of a new journal.
func bucketOf(retention time.Duration) time.Duration {
	const day = 24 * time.Hour
	return max(day, (retention / 8).Round(day))
}

// journalName names the journal of a group on a cluster.
func journalName(group, cluster string) string {
	clean := func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '_'
	}
	return strings.Map(clean, group) + "@" + strings.Map(clean, cluster)
}

// JournalOf reports whether a directory of that name is a journal of a group, on
// any cluster.
func JournalOf(group, name string) bool { return strings.HasPrefix(name, journalName(group, "")) }

// clusterID asks for the name that the cluster gave itself, trying on.
func (p *Processor) clusterID(ctx context.Context) (string, error) {
	var back delay
	for {
		m, err := p.cluster.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{p.o.Topics.Transactions}})
		if err == nil {
			return m.ClusterID, nil
		}
		p.trouble("connect", fmt.Errorf("asking for the cluster: %w", p.cluster.explain(err)))
		if err := back.wait(ctx); err != nil {
			return "", err
		}
	}
}

// keep gives the engine a journal to keep, before it runs.
func (e *engine) keep(j *journal.Journal, o *Journaling, schema *event.Schema, broken, trouble func(error)) error {
	e.broken, e.trouble = broken, trouble
	e.schema, e.memory = schema, o.Memory
	e.cuts = newCuts(j, o.interval(), o.unwritten())
	e.pre = newPrefetch(j, schema, e.core)
	e.pre.later, e.pre.unhold, e.pre.ease, e.pre.broken = e.later, e.unhold, e.ease, broken
	store := e.core.Store()
	store.SetOutside(!j.Fresh())
	store.SetCut(e.cuts.number)
	progress := j.Progress()
	e.marks.lost = progress.Gap
	e.unwhole(progress.Whole)
	if progress.Since != 0 {
		store.SetSince(progress.Since)
	}
	e.core.StoredBodies(j.Body)
	if len(progress.Rules) > 0 {
		if err := e.core.Resume(progress.Rules); err != nil {
			e.log.Warn("breakers and quarantine begin anew", "error", err)
		}
	}
	return nil
}

func (o *Journaling) interval() time.Duration {
	if o.Interval == 0 {
		return time.Second
	}
	return o.Interval
}

func (o *Journaling) unwritten() int64 {
	if o.MaxUnwritten == 0 {
		return 256 << 20
	}
	return o.MaxUnwritten
}

// identity hands out what this run produces under: one producer id for all
// topics, and a new epoch whenever a topic asks again. An epoch is in the
// journal before anything is sent under it.
type identity struct {
	journal *journal.Journal
	newID   func(context.Context) (wire.Producer, error)

	mu    sync.Mutex
	now   wire.Producer
	asked map[string]bool // topics that send under it
	spent bool            // the markers are under it, nothing else is
}

// session gives a topic its producer id and epoch.
func (d *identity) session(ctx context.Context, topic string) (wire.Producer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now.Valid && !d.spent && !d.asked[topic] {
		d.asked[topic] = true
		return d.now, nil
	}
	run := d.journal.Run()
	if !d.now.Valid {
		run.Number++
	}
	next := wire.Producer{ID: run.ProducerID, Epoch: run.Epoch + 1, Valid: true}
	if run.ProducerID < 0 || run.Epoch >= lastEpoch {
		var err error
		if next, err = d.newID(ctx); err != nil {
			return wire.Producer{}, err
		}
	}
	run.ProducerID, run.Epoch = next.ID, next.Epoch
	if err := d.journal.Begin(run); err != nil {
		return wire.Producer{}, fmt.Errorf("noting the producer's epoch in the journal: %w", err)
	}
	d.now, d.asked, d.spent = next, map[string]bool{topic: true}, false
	return next, nil
}

// spend leaves the epoch to the markers: what this run sends goes under the
// next one, to every topic, so that no topic's epoch is behind another's.
func (d *identity) spend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spent = true
}

// fence ends what earlier runs still send to the verdicts topic: from the
// marker of this run on the broker refuses their epochs, so that the topic up
// to the markers is final. It gives their offsets; nil if no run came before.
func (p *Processor) fence(ctx context.Context) (map[int32]int64, error) {
	topic := p.o.Topics.Verdicts
	n := p.out.Load().verdicts.Partitions()
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(i)
	}
	bounds, err := p.cluster.allBounds(ctx, topic, ids)
	if err != nil {
		return nil, err
	}
	empty := p.journal.Fresh()
	for _, b := range bounds {
		empty = empty && b.LastOffset == 0
	}
	if empty {
		return nil, nil // nobody has ever sent anything: a first start
	}
	for {
		marks, err := p.mark(ctx, ids)
		stale := err == nil && slices.ContainsFunc(ids, func(id int32) bool { return marks[id] < bounds[id].LastOffset })
		if !stale && !errors.Is(err, produce.ErrFenced) {
			return marks, err
		}
		// The epoch was taken before, by a run that this journal does not know of
		// (it is a copy from before it): the next one will do.
		p.log.Warn("the journal is older than the last run; taking over from that one")
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// mark appends this run's marker to partitions of the verdicts topic, under the
// next epoch, and gives where they stand.
func (p *Processor) mark(ctx context.Context, partitions []int32) (map[int32]int64, error) {
	var mu sync.Mutex
	marks := make(map[int32]int64, len(partitions))
	failed := make(chan error, len(partitions))
	marker := produce.New(p.produceOptions(p.o.Topics.Verdicts), len(partitions),
		func(partition int32, base int64, _ []struct{}) {
			mu.Lock()
			marks[partition] = base
			mu.Unlock()
		},
		func(_ struct{}, err error) { failed <- err })
	header := wire.Header{Key: markerHeader, Value: []byte(p.o.Core.Run)}
	for _, id := range partitions {
		if err := marker.Append(id, time.Now().UnixMilli(), nil, nil, struct{}{}, header); err != nil {
			return nil, err
		}
	}
	p.marker.Store(marker)
	defer p.marker.Store(nil)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- marker.Run(ctx) }()
	drained := make(chan error, 1)
	go func() { drained <- marker.Drain(ctx) }()
	var err error
	select {
	case err = <-drained:
	case err = <-failed:
	case err = <-ended:
		ended <- err
	}
	cancel()
	p.identity.spend()
	return marks, errors.Join(err, <-ended)
}

// keepJournal writes cuts and loads pasts until ctx is done.
func (p *Processor) keepJournal(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	do := func(f func() error) {
		all.Go(func() {
			if err := f(); err != nil {
				cancel(err)
			}
		})
	}
	e := p.engine
	do(func() error { return e.cuts.write(ctx, e, p.unwritable) })
	do(func() error { e.cuts.beat(ctx, e); return nil })
	do(func() error { return e.pre.runAll(ctx, func(err error) { p.unreadable(err) }) })
	do(func() error {
		err := e.pre.sift(ctx)
		if err == nil && ctx.Err() == nil && !p.journal.Fresh() {
			p.log.Info("what the journal holds is known: what is new is not looked for there")
		}
		return err
	})
	do(func() error {
		select {
		case err := <-p.fatal:
			return err
		case <-ctx.Done():
			return nil
		}
	})
	all.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// unwritable notes that the journal can't be written; nil: it can.
func (p *Processor) unwritable(err error) {
	p.trouble(journalWriting, err)
	p.halted.Store(err != nil)
	p.ails(journalWriting, err)
	if err == nil && p.stalled.Swap(false) {
		p.log.Info("deciding again: the journal is written")
	}
}

// unreadable notes that the journal can't be read: who needs what is on the disk
// alone waits for it. nil: it can.
func (p *Processor) unreadable(err error) {
	p.trouble(journalReading, err)
	p.ails(journalReading, err)
}

// ails tells when the journal can't be read or written, and when it can again.
func (p *Processor) ails(how string, err error) {
	p.sick.Lock()
	defer p.sick.Unlock()
	before := len(p.ailments)
	if err != nil {
		p.ailments[how] = true
	} else {
		delete(p.ailments, how)
	}
	if after := len(p.ailments); (before > 0) != (after > 0) && p.o.OnJournal != nil {
		p.o.OnJournal(err)
	}
}

// durable waits until the journal holds everything that is decided.
func (p *Processor) durable(ctx context.Context) error {
	if p.journal == nil {
		return nil
	}
	done := make(chan error, 1)
	p.engine.later(func() { p.engine.cuts.force(p.engine, func(err error) { done <- err }) })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// broke ends the run: the journal can't be relied on any more.
func (p *Processor) broke(err error) {
	select {
	case p.fatal <- err:
	default:
	}
}

// recalled logs what the verdicts topic says of an id.
func (e *engine) recalled(id []byte, v *scoring.Earlier) {
	if e.cuts != nil && v.Verdict != rules.NoVerdict {
		e.cuts.recalled(id, v.Verdict, v)
	}
}
