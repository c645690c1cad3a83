package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	kafka "github.com/segmentio/kafka-go"

	"sluice/stream/produce"
	"sluice/stream/wire"
)

// resume finds out what earlier runs have sent, trying on.
func (p *Processor) resume(ctx context.Context, failed chan<- error) {
	var back delay
	for tries := 0; ctx.Err() == nil; tries++ {
		err := p.readTail(ctx)
		if err == nil {
			p.trouble("recovery", nil)
			return
		}
		if errors.Is(err, produce.ErrFenced) {
			failed <- err
			return
		}
		if tries >= moving || !errors.Is(err, kafka.NotLeaderForPartition) {
			p.trouble("recovery", err)
		}
		_ = back.wait(ctx)
	}
}

// readTail reads the tail of the verdicts topic behind what the journal holds,
// up to this run's markers: what stands there is decided.
func (p *Processor) readTail(ctx context.Context) error {
	p.phase.Store(phaseVerdicts)
	if err := p.readLetters(ctx); err != nil {
		return err
	}
	marks, err := p.fence(ctx)
	if err != nil || marks == nil {
		return err
	}
	if p.journal.Fresh() {
		p.fenced = marks
		return nil // the first assignment reads the topic back, as far as it matters
	}
	from, err := p.tailFrom(ctx, marks)
	if err != nil {
		return err
	}
	p.restored.Store(0)
	p.toRestore.Store(0)
	for id, mark := range marks {
		p.toRestore.Add(mark - from[id])
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	tail := 0
	for id, mark := range marks {
		all.Go(func() {
			n, e := p.restorePartition(ctx, id, from[id], mark, 0)
			mu.Lock()
			tail += n
			err = errors.Join(err, e)
			p.verdictsRead[id] = mark + 1
			mu.Unlock()
		})
	}
	all.Wait()
	if err == nil && tail > 0 {
		p.log.Info("decided behind the journal's last cut, and not again", "verdicts", tail)
	}
	return err
}

// tailFrom gives from where the partitions of the verdicts topic are read, up to
// this run's markers: behind what the journal holds, as far as it is still there.
// A partition that ends before that place was made anew, and nothing of it is in
// the journal, which must not skip what comes to stand below.
func (p *Processor) tailFrom(ctx context.Context, marks map[int32]int64) (map[int32]int64, error) {
	bounds, err := p.cluster.allBounds(ctx, p.o.Topics.Verdicts, slices.Sorted(maps.Keys(marks)))
	if err != nil {
		return nil, err
	}
	from := p.journal.Verdicts()
	var anew []int32
	for id, mark := range marks {
		if from[id] > mark {
			anew = append(anew, id)
			from[id] = 0
		}
		from[id] = min(max(from[id], bounds[id].FirstOffset), mark)
	}
	if len(anew) > 0 {
		slices.Sort(anew)
		p.log.Warn("the verdicts topic was made anew: what was decided before is known from the journal alone", "partitions", anew)
		err = p.journal.VerdictsAnew(anew)
	}
	return from, err
}

// restorePartition reads one partition of the verdicts topic back.
func (p *Processor) restorePartition(ctx context.Context, partition int32, from, to, since int64) (verdicts int, err error) {
	t := &tail{p: p, partition: partition, since: since}
	var failed error
	err = p.cluster.readRange(ctx, p.o.Topics.Verdicts, partition, from, to, func(rec *wire.Record) {
		p.restored.Add(1)
		if failed == nil && t.take(rec) {
			failed = p.engine.do(ctx, t.file)
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return 0, fmt.Errorf("reading verdicts back: %w", err)
	}
	if void := t.runs.void; void > 0 {
		p.log.Warn("verdicts of a run that another had followed do not count", "partition", partition, "records", void)
	}
	return t.known, p.engine.do(ctx, t.file)
}

// tail is a partition of the verdicts topic that is read back.
type tail struct {
	p         *Processor
	partition int32
	since     int64 // arrival (ns) before which decisions do not matter
	runs      runs
	known     int // verdicts that count
	batch     []readBack
}

// tailBlock is how many verdicts are filed between two batches.
const tailBlock = 2000

// take reads a record; full says that it is time to file what was read.
func (t *tail) take(rec *wire.Record) (full bool) {
	if t.runs.marker(rec) || arrivedBefore(rec.Value, t.since) {
		return false
	}
	d, ok := t.p.decidedBy(rec)
	if !ok || d.Arrival < t.since || !t.runs.counts(d.run) {
		return false
	}
	d.Partition, d.Offset = t.partition, rec.Offset
	t.known++
	t.batch = append(t.batch, d)
	return len(t.batch) == tailBlock
}

// file tells the core what was read, between two batches.
func (t *tail) file() {
	for i := range t.batch {
		d := &t.batch[i]
		t.p.engine.core.Restore(d.id, d.Earlier)
		t.p.engine.recalled(d.text, &d.Earlier)
	}
	t.batch = t.batch[:0]
}
