package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"sluice/scoring/event"
)

const (
	heartbeat      = 300 * time.Millisecond
	sessionTimeout = 10 * time.Second
	// rebalanceTimeout is how long the group waits for a member that does not
	// let go; it bounds how long draining may take.
	rebalanceTimeout = 6 * time.Second
	drainTimeout     = 3 * time.Second
	watchInterval    = 5 * time.Second
	commitInterval   = time.Second
	progressInterval = 2 * time.Second
	// moving is how often a broker that says it does not lead a partition is
	// asked again before that is trouble: it does so for a moment after the
	// partition is created.
	moving = 5
)

func (p *Processor) newGroup() (*kafka.ConsumerGroup, error) {
	topics := []string{p.o.Topics.Transactions}
	if p.o.Topics.Labels != "" {
		topics = append(topics, p.o.Topics.Labels)
	}
	dialer := p.cluster.dialer()
	dialer.ClientID = p.groupClient()
	return kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: p.o.Group, Brokers: p.o.Kafka.Brokers, Dialer: dialer, Topics: topics,
		HeartbeatInterval: heartbeat, SessionTimeout: sessionTimeout, RebalanceTimeout: rebalanceTimeout,
		JoinGroupBackoff: 400 * time.Millisecond, Timeout: 5 * time.Second,
		WatchPartitionChanges: true, PartitionWatchInterval: watchInterval,
		StartOffset: kafka.FirstOffset,
	})
}

// follow takes part in the group until ctx is done.
func (p *Processor) follow(ctx context.Context) error {
	group, err := p.newGroup()
	if err != nil {
		return fmt.Errorf("joining group %s: %w", p.o.Group, err)
	}
	var closing sync.WaitGroup
	closing.Go(func() {
		<-ctx.Done()
		// Ends the running generation, waits for it to drain, and leaves.
		_ = group.Close()
	})
	defer closing.Wait()
	for {
		gen, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, kafka.ErrGroupClosed):
			return nil
		case err != nil:
			p.trouble("group", fmt.Errorf("joining group %s: %w", p.o.Group, p.cluster.explain(err)))
			continue
		}
		p.trouble("group", nil)
		gen.Start(func(ctx context.Context) { p.generation(ctx, gen) })
	}
}

// generation is what happens between two rebalances: read back, decide, commit;
// then let go of the partitions.
func (p *Processor) generation(ended context.Context, gen *kafka.Generation) {
	ctx, cancel := context.WithCancel(ended)
	defer cancel()
	p.phase.Store(phaseVerdicts)
	p.outlive(ctx, gen.MemberID)
	plan := p.prepare(ctx, gen)
	if plan == nil {
		return
	}
	p.knowing.Store(true)
	p.log.Info("partitions assigned", "generation", gen.ID, "partitions", places(plan.lanes))
	p.warnOfOthers(plan.lanes)
	p.phase.Store(phaseReadback)
	p.lanes.Store(&plan.lanes)
	defer p.lanes.Store(nil)

	var stages sync.WaitGroup
	p.start(ctx, plan, &stages)
	committed := map[*lane]int64{}
	p.tend(ctx, gen, plan.lanes, committed)

	cancel()
	if p.phase.Store(phaseJoining); p.closing.Load() {
		p.phase.Store(phaseStopping)
	}
	stages.Wait()
	p.letGo(gen, plan.lanes, committed)
	p.trouble("fetch", nil) // what was in their way is over with them
	p.trouble("commit", nil)
}

// warnOfOthers says so where this process sees a part of the transactions only:
// it is easily done by accident, and rules miss payments silently.
func (p *Processor) warnOfOthers(lanes []*lane) {
	mine, all := 0, p.out.Load().transactions.Partitions()
	for _, l := range lanes {
		if !l.label {
			mine++
		}
	}
	if mine < all {
		p.log.Warn("other processes of the group have partitions too; each sees the payments of its own alone, so that what rules count by anything but the key of the topic is split",
			"group", p.o.Group, "mine", mine, "of", all)
	}
}

// prepare plans and reads verdicts back, trying on until it succeeds.
func (p *Processor) prepare(ctx context.Context, gen *kafka.Generation) *plan {
	// The generation before may have ended before the engine let its partitions go.
	if p.engine.do(ctx, func() {}) != nil {
		return nil
	}
	var back delay
	for tries := 0; ; tries++ {
		plan, err := p.planOf(ctx, gen.Assignments)
		if err == nil {
			err = p.restore(ctx, plan.verdicts)
		}
		if err == nil {
			p.trouble("recovery", nil)
			return plan
		}
		if ctx.Err() != nil {
			return nil
		}
		if tries >= moving || !errors.Is(err, kafka.NotLeaderForPartition) {
			p.trouble("recovery", err)
		}
		if back.wait(ctx) != nil {
			return nil
		}
	}
}

// start runs the stages for the lanes.
func (p *Processor) start(ctx context.Context, plan *plan, stages *sync.WaitGroup) {
	lanes := plan.lanes
	room := make(chan struct{}, 1)
	memory := &buffers{}
	for _, l := range lanes {
		d := &decoding{
			decoder: p.decoder(), schema: p.o.Schema, buffers: memory, engine: p.engine,
			dead: p.engine.out.dead, room: room, counts: p.counts,
		}
		stages.Go(func() { d.run(ctx, l) })
	}
	attached := p.engine.do(ctx, func() {
		p.engine.attach(plan, func() {
			p.phase.Store(phaseDeciding)
			p.log.Info("deciding")
		})
	})
	if attached != nil || len(lanes) == 0 {
		return
	}
	f := &fetching{
		cluster: p.cluster, lanes: lanes, buffers: memory, engine: p.engine, room: room,
		acceptGap: p.o.AcceptGap, log: p.log, trouble: func(err error) { p.trouble("fetch", err) },
	}
	stages.Go(func() { f.run(ctx) })
}

// decoder makes a decoder as the options want it.
func (p *Processor) decoder() *event.Decoder {
	d := event.NewDecoder(p.o.Schema)
	if p.o.MaxBytes > 0 {
		d.MaxBytes = p.o.MaxBytes
	}
	return d
}

// tend commits and tells how far it is until the generation ends.
func (p *Processor) tend(ctx context.Context, gen *kafka.Generation, lanes []*lane, committed map[*lane]int64) {
	commit := time.NewTicker(commitInterval)
	defer commit.Stop()
	progress := time.NewTicker(progressInterval)
	defer progress.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-commit.C:
			p.commit(gen, lanes, committed)
		case <-progress.C:
			if s := p.State(); s.Phase == phaseReadback {
				p.log.Info("reading back", "done", fmt.Sprintf("%.0f %%", 100*s.Progress))
			}
		}
	}
}

// commit commits what is done and was not committed yet.
func (p *Processor) commit(gen *kafka.Generation, lanes []*lane, committed map[*lane]int64) {
	offsets := map[string]map[int]int64{}
	news := map[*lane]int64{}
	for _, l := range lanes {
		done := l.done.Load()
		if l.label && p.journal == nil {
			done = max(done, l.decideFrom)
		}
		if was, ok := committed[l]; ok && was >= done || !ok && done <= l.decideFrom {
			continue
		}
		if offsets[l.topic] == nil {
			offsets[l.topic] = map[int]int64{}
		}
		offsets[l.topic][int(l.partition)] = done
		news[l] = done
	}
	if len(offsets) == 0 {
		return
	}
	if err := gen.CommitOffsets(offsets); err != nil {
		p.trouble("commit", fmt.Errorf("committing offsets: %w", explain(err)))
		return
	}
	p.trouble("commit", nil)
	for l, done := range news {
		committed[l] = done
	}
}

// letGo takes the lanes from the engine, waits, within bounds, for the verdicts
// that are on their way, and commits.
func (p *Processor) letGo(gen *kafka.Generation, lanes []*lane, committed map[*lane]int64) {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	open := func() (n int64) {
		for _, l := range lanes {
			n += int64(l.tracker.open())
		}
		return n
	}
	var left atomic.Int64 // a busy engine may still write it when ctx is done
	err := p.engine.do(ctx, func() {
		for _, l := range lanes {
			p.hold(l)
		}
		p.engine.detach()
		left.Store(open())
	})
	for err == nil && left.Load() > 0 {
		if err = sleep(ctx, 2*time.Millisecond); err == nil {
			err = p.engine.do(ctx, func() { left.Store(open()) })
		}
	}
	if err != nil {
		p.log.Warn("letting partitions go before all verdicts are acknowledged; they will be recognised as decided", "open", left.Load())
	}
	if err := p.durable(ctx); err != nil {
		p.log.Warn("letting partitions go before the journal holds everything; they are read again from where it stands", "error", err)
	}
	p.commit(gen, lanes, committed)
}

// hold notes what of a partition is in the histories.
func (p *Processor) hold(l *lane) {
	if l.label {
		p.labels[l.partition] = l.position.Load()
		return
	}
	s := span{l.from, l.position.Load()}
	if old, ok := p.held[l.partition]; ok && old.to >= l.from && old.from <= l.from {
		s.from = old.from
		s.to = max(s.to, old.to)
	}
	p.held[l.partition] = s
}

func places(lanes []*lane) []string {
	var out []string
	for _, l := range lanes {
		out = append(out, fmt.Sprintf("%s/%d", l.topic, l.partition))
	}
	return out
}
