package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"sluice/scoring/event"
	"sluice/stream"
	"sluice/stream/files"
	"sluice/stream/produce"
)

const (
	flushEvery = 512 // records
	spacePoll  = 5 * time.Millisecond
	lastWords  = 5 * time.Second // for what was sent when the sending ended early
	maxDebt    = 100 * time.Millisecond
)

// sender appends transactions to their topic and what turned out to be fraud to
// that of the labels, in the order of time.
type sender struct {
	transactions *target
	labels       *target       // nil: there is no such topic
	delay        time.Duration // of labels
	progress     func(acknowledged int64)

	due      []dueLabel // by time, since the delay is the same for all
	sent     int64      // records
	withheld int64      // labels
	refused  atomic.Int64
	space    chan struct{}
	give     context.CancelCauseFunc // ends the run
	key      []byte
	value    []byte
}

// dueLabel is a label that becomes known later than what was sent so far.
type dueLabel struct {
	at         int64 // ns
	key, value []byte
}

// target is one topic.
type target struct {
	topic    string
	producer *produce.Producer[int64] // records remember their timestamp
	acked    atomic.Int64
}

// refusal is a record that the broker does not take.
type refusal struct {
	topic string
	stamp int64 // ms
	err   error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

func newSender(ctx context.Context, cluster *stream.Cluster, topics stream.Topics, delay time.Duration, log *slog.Logger) (*sender, error) {
	s := &sender{delay: delay, space: make(chan struct{}, 1), progress: func(int64) {}}
	var err error
	s.transactions, err = s.target(ctx, cluster, topics.Transactions, log, func(n int64) { s.progress(n) })
	if err == nil && topics.Labels != "" {
		s.labels, err = s.target(ctx, cluster, topics.Labels, log, func(int64) {})
	}
	return s, err
}

func (s *sender) target(ctx context.Context, cluster *stream.Cluster, topic string, log *slog.Logger, told func(int64)) (*target, error) {
	o, partitions, err := cluster.Target(ctx, topic, log)
	if err != nil {
		return nil, err
	}
	o.Space = s.space
	t := &target{topic: topic}
	t.producer = produce.New(o, partitions,
		func(_ int32, _ int64, stamps []int64) {
			t.acked.Add(int64(len(stamps)))
			told(int64(len(stamps)))
		},
		func(stamp int64, err error) {
			s.refused.Add(1)
			s.give(&refusal{topic, stamp, err})
		})
	return t, nil
}

func (s *sender) targets() []*target {
	if s.labels == nil {
		return []*target{s.transactions}
	}
	return []*target{s.transactions, s.labels}
}

// acknowledged counts what stands in the topics.
func (s *sender) acknowledged() (transactions, labels int64) {
	if s.labels != nil {
		labels = s.labels.acked.Load()
	}
	return s.transactions.acked.Load(), labels
}

// run sends what feed gives, and ends once all of it is acknowledged, ctx is
// done, or the broker refuses a record.
func (s *sender) run(ctx context.Context, feed func(context.Context) error) error {
	parent := ctx
	ctx, s.give = context.WithCancelCause(ctx)
	work, cancel := context.WithCancel(context.WithoutCancel(ctx)) // outlives ctx to hear of what was sent
	var all sync.WaitGroup
	for _, t := range s.targets() {
		all.Go(func() {
			if err := t.producer.Run(work); err != nil {
				s.give(err)
			}
		})
	}
	err := feed(ctx)
	if err == nil {
		err = s.drain(ctx)
	}
	// A refused record counts as done with; an interruption after the last
	// acknowledgement does not matter.
	if cause := context.Cause(ctx); cause != nil && (err != nil || parent.Err() == nil) {
		err = cause
	}
	if err != nil {
		last, stop := context.WithTimeout(work, lastWords)
		_ = s.drain(last)
		stop()
	}
	cancel()
	all.Wait()
	s.give(nil)
	return err
}

// drain waits until everything sent is acknowledged.
func (s *sender) drain(ctx context.Context) error {
	var err error
	for _, t := range s.targets() {
		err = errors.Join(err, t.producer.Drain(ctx))
	}
	return err
}

// take sends a transaction, behind the labels that are known by its time.
func (s *sender) take(ctx context.Context, item *files.Item) error {
	tx := &item.Tx
	if err := s.labelsUntil(ctx, tx.Time); err != nil {
		return err
	}
	s.key = event.KeyBytes(s.key[:0], tx)
	s.value = event.AppendJSON(s.value[:0], tx)
	// Milliseconds are rounded up: what arrives before it happened would be
	// decided before its turn.
	if err := s.append(ctx, s.transactions, -floorMilli(-tx.Time), s.key, s.value); err != nil {
		return err
	}
	if !item.Label || !item.Fraud {
		return nil
	}
	if s.labels == nil {
		s.withheld++
		return nil
	}
	at := later(tx.Time, s.delay)
	s.due = append(s.due, dueLabel{at, append([]byte(nil), s.key...), event.AppendLabelJSON(nil, tx, at)})
	return nil
}

// labelsUntil sends the labels known by a time.
func (s *sender) labelsUntil(ctx context.Context, until int64) error {
	for len(s.due) > 0 && s.due[0].at <= until {
		l := s.due[0]
		s.due = s.due[1:]
		if err := s.append(ctx, s.labels, floorMilli(l.at), l.key, l.value); err != nil {
			return err
		}
	}
	return nil
}

// append queues a record, waiting while too much is not acknowledged.
func (s *sender) append(ctx context.Context, t *target, stamp int64, key, value []byte) error {
	for t.producer.Full() {
		s.flush()
		select {
		case <-s.space:
		case <-time.After(spacePoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	partition := event.Partition(key, t.producer.Partitions())
	if err := t.producer.Append(int32(partition), stamp, key, value, stamp); err != nil {
		return err
	}
	s.sent++
	if s.sent%flushEvery == 0 {
		s.flush()
	}
	return nil
}

func (s *sender) flush() {
	for _, t := range s.targets() {
		t.producer.Flush()
	}
}

// floorMilli gives the whole milliseconds of a time (ns).
func floorMilli(ns int64) int64 {
	ms := ns / int64(time.Millisecond)
	if ns%int64(time.Millisecond) < 0 {
		ms--
	}
	return ms
}

// pace lets transactions through at a steady rate.
type pace struct {
	rate float64 // a second; 0: no limit
	due  time.Time
}

// wait returns when the next transaction may go; idle is called before it
// sleeps. After a hold-up at most a little is made up for, so that the rate is
// never far exceeded.
func (p *pace) wait(ctx context.Context, idle func()) error {
	if p.rate == 0 {
		return nil
	}
	now := time.Now()
	if now.Sub(p.due) > maxDebt {
		p.due = now.Add(-maxDebt)
	}
	if early := p.due.Sub(now); early > 0 {
		idle()
		select {
		case <-time.After(early):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.due = p.due.Add(time.Duration(min(float64(time.Second)/p.rate, math.MaxInt32*float64(time.Second))))
	return nil
}
