package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"sluice/stream/wire"
)

const (
	longPoll = 500 * time.Millisecond // while nothing comes
	// shortPoll is the wait while a partition is left out because its buffer is
	// full: it must not wait for the others' records once it has room again.
	shortPoll     = 5 * time.Millisecond
	responseBytes = 8 << 20
	// partitionBytes is a little more than the largest batch by default, which
	// otherwise comes whole only when its partition stands first.
	partitionBytes = 1<<20 + 1<<16
	refetchDelay   = time.Second

	// slowAfter is how long the broker may take, beyond its wait for records,
	// before that is told.
	slowAfter = 3 * time.Second
	// leastShare is down to which part of the bytes above is asked for of a broker
	// from which no more gets through, and moreAfter after how many answers it is
	// asked for twice as much again. A batch always comes whole, so that it gets
	// more time too, up to mostTimes as much.
	leastShare = 64
	moreAfter  = 16
	mostTimes  = 3
)

// errSlow says that an answer is waited for.
var errSlow = fmt.Errorf("fetching: the broker has not answered for %v", slowAfter)

// errMoved says that leaders have to be looked up again.
var errMoved = errors.New("leaders have moved")

// errUnread says the same, where the broker does not give one of its partitions:
// its lane says why, and the others go on.
var errUnread = errors.New("the broker does not give a partition")

// GapError says that records a partition should go on with are not there.
type GapError struct {
	Topic       string
	Partition   int32
	From        int64 // where it should have gone on
	First, Last int64 // what there is
}

// Error says from where to where is missing, and what to do.
func (e *GapError) Error() string {
	if e.From > e.Last {
		return fmt.Sprintf("%s/%d should go on at offset %d, but ends at %d: was the topic created anew? Use another group (and so another journal) to start from its beginning",
			e.Topic, e.Partition, e.From, e.Last)
	}
	return fmt.Sprintf("%s/%d: records %d to %d are gone (the topic's retention has passed them) and were never decided; the partition stops, and the verdicts of all others bear the flag gap. Start with --accept-gap to go on at %d without them: verdicts then bear the flag until their windows have passed it",
		e.Topic, e.Partition, e.From, e.First-1, e.First)
}

// fetching is the stage that reads the assigned partitions: for each leader one
// request in flight, for all partitions that have room.
type fetching struct {
	cluster   *Cluster
	lanes     []*lane
	buffers   *buffers
	engine    *engine
	room      chan struct{}
	acceptGap bool
	log       *slog.Logger
	trouble   func(error)
	share     atomic.Int32 // of the bytes, one in so many is asked for; 0: all
	answers   atomic.Int32 // since share has changed
}

// run fetches until ctx is done.
func (f *fetching) run(ctx context.Context) {
	var back delay
	for ctx.Err() == nil {
		groups, err := f.group(ctx)
		if err == nil {
			worked := false
			if worked, err = f.serve(ctx, groups); worked {
				back.reset()
			}
		}
		if ctx.Err() != nil {
			return
		}
		f.fail(err)
		_ = back.wait(ctx)
	}
}

func (f *fetching) fail(err error) {
	switch {
	case errors.Is(err, errUnread):
	case errors.Is(err, errMoved):
		f.log.Info("looking for the partitions' leaders", "reason", err)
	default:
		f.trouble(err)
	}
}

// group sorts the lanes by leader.
func (f *fetching) group(ctx context.Context) (map[int32][]*lane, error) {
	groups := map[int32][]*lane{}
	leaders := map[string]map[int32]int32{}
	for _, l := range f.lanes {
		if leaders[l.topic] == nil {
			m, err := f.cluster.leaders(ctx, l.topic)
			if err != nil {
				return nil, err
			}
			leaders[l.topic] = m
		}
		leader, ok := leaders[l.topic][l.partition]
		if !ok || leader < 0 {
			return nil, fmt.Errorf("partition %d of topic %s has no leader", l.partition, l.topic)
		}
		groups[leader] = append(groups[leader], l)
	}
	return groups, nil
}

// serve runs one loop a leader until one of them fails. worked says whether
// anything was fetched before that.
func (f *fetching) serve(ctx context.Context, groups map[int32][]*lane) (worked bool, err error) {
	var fetched atomic.Bool
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for _, lanes := range groups {
		all.Go(func() { cancel(f.poll(ctx, lanes, &fetched)) })
	}
	all.Wait()
	return fetched.Load(), context.Cause(ctx)
}

// poll is the loop of one leader.
func (f *fetching) poll(ctx context.Context, lanes []*lane, fetched *atomic.Bool) error {
	for turn := 0; ctx.Err() == nil; turn++ {
		req, wanted := f.request(lanes, turn)
		if len(wanted) == 0 {
			select {
			case <-f.room:
			case <-time.After(shortPoll):
			case <-ctx.Done():
			}
			continue
		}
		if err := f.exchange(ctx, req, wanted); err != nil {
			return err
		}
		fetched.Store(true)
		f.trouble(nil)
	}
	return ctx.Err()
}

// request asks for the lanes that have room, another one first each time.
func (f *fetching) request(lanes []*lane, turn int) (*wire.Fetch, map[place]*lane) {
	share := max(1, f.share.Load())
	req := &wire.Fetch{
		Client: f.cluster.kafka.Client, MaxWait: longPoll,
		MaxBytes: responseBytes / share, Bytes: partitionBytes / share, Buffer: f.buffers.get,
	}
	wanted := make(map[place]*lane, len(lanes))
	ahead := min(rawAhead, max(rawAheadLeast, rawAheadAll/int64(max(1, len(f.lanes)))))
	for i := range lanes {
		l := lanes[(i+turn)%len(lanes)]
		if at := l.refetch.Swap(-1); at >= 0 {
			l.fetchAt, l.retryAt = at, time.Now().Add(refetchDelay)
		}
		if l.fetchAt < 0 {
			continue // it stopped at a gap
		}
		if wait := time.Until(l.retryAt); wait > 0 {
			req.MaxWait = min(req.MaxWait, max(wait, shortPoll))
			continue
		}
		if l.queued.Load() >= ahead || len(l.raw) == cap(l.raw) {
			req.MaxWait = shortPoll
			continue
		}
		wanted[place{l.topic, l.partition}] = l
		req.Partitions = append(req.Partitions, wire.FetchPartition{Topic: l.topic, Partition: l.partition, Offset: l.fetchAt})
	}
	return req, wanted
}

// place names a partition.
type place struct {
	topic     string
	partition int32
}

func (f *fetching) exchange(ctx context.Context, req *wire.Fetch, wanted map[place]*lane) error {
	// The transport's deadline is well over the broker's wait: a frozen broker
	// would hang a call without one.
	patience := callTimeout * time.Duration(min(max(1, f.share.Load()), mostTimes))
	rctx, cancel := context.WithTimeout(ctx, req.MaxWait+patience)
	defer cancel()
	slow := time.AfterFunc(req.MaxWait+slowAfter, func() {
		if rctx.Err() == nil { // it ends with this function
			f.trouble(errSlow)
		}
	})
	defer slow.Stop()
	m, err := f.cluster.transport.RoundTrip(rctx, f.cluster.addr, req)
	f.adapt(err)
	if err != nil {
		if errors.Is(err, wire.ErrLeaders) {
			return errMoved
		}
		return fmt.Errorf("fetching: %w", f.cluster.why(ctx, err))
	}
	res, ok := m.(*wire.FetchResponse)
	if !ok {
		return fmt.Errorf("fetching: a response of type %T", m)
	}
	if res.Error != 0 {
		return fmt.Errorf("fetching: %w", explain(kafka.Error(res.Error)))
	}
	// First what is known to exist, then the records: the merge must not let
	// one partition go ahead while another's records are on their way.
	f.engine.announce(res.Partitions, wanted)
	for i := range res.Partitions {
		p := &res.Partitions[i]
		if l := wanted[place{p.Topic, p.Partition}]; l != nil {
			if failed := f.take(ctx, l, p); err == nil || errors.Is(err, errUnread) && failed != nil {
				err = failed
			}
		}
	}
	return err
}

// adapt asks for less where an answer did not come, since a smaller one may, and
// for more again as long as they do.
func (f *fetching) adapt(err error) {
	share := max(1, f.share.Load())
	switch {
	case err == nil && share == 1:
	case err == nil:
		if f.answers.Add(1) >= moreAfter {
			f.answers.Store(0)
			f.share.Store(share / 2)
		}
	default:
		f.answers.Store(0)
		f.share.Store(min(2*share, leastShare))
	}
}

// take hands what came of one partition to its decoder.
func (f *fetching) take(ctx context.Context, l *lane, p *wire.Fetched) error {
	switch code := kafka.Error(p.Error); {
	case p.Error == 0:
		l.unread.Store(nil)
	case code == kafka.OffsetOutOfRange:
		l.unread.Store(nil)
		return f.outOfRange(ctx, l)
	case code == kafka.NotLeaderForPartition, code == kafka.LeaderNotAvailable, code == kafka.UnknownTopicOrPartition:
		return fmt.Errorf("%w: %s/%d: %w", errMoved, l.topic, l.partition, code)
	default:
		f.miss(l, fmt.Errorf("fetching %s/%d: %w; trying again", l.topic, l.partition, explain(code)))
		return errUnread
	}
	behind := wire.Behind(p.Records, l.fetchAt)
	if behind == l.fetchAt {
		f.buffers.put(p.Records)
		return nil
	}
	l.queued.Add(int64(len(p.Records)))
	r := raw{data: p.Records, aborted: p.Aborted, from: l.fetchAt, jump: l.jump}
	l.fetchAt, l.jump = behind, false
	l.raw <- r // there is room: nobody else sends, and request has looked
	return nil
}

// miss notes why the broker does not give a partition, which is left out for a while.
func (f *fetching) miss(l *lane, why error) {
	l.retryAt = time.Now().Add(refetchDelay)
	if old := l.unread.Swap(&why); old == nil || (*old).Error() != why.Error() {
		f.log.Warn("a partition can't be read, trying on", "error", why)
	}
}

// outOfRange finds out what is missing. Nothing is ever skipped in silence.
func (f *fetching) outOfRange(ctx context.Context, l *lane) error {
	first, last, err := f.cluster.bounds(ctx, l.topic, l.partition)
	if err != nil {
		return err
	}
	if l.fetchAt >= first && l.fetchAt <= last {
		return nil // a leader that lagged behind
	}
	gap := &GapError{Topic: l.topic, Partition: l.partition, From: l.fetchAt, First: first, Last: last}
	if !f.acceptGap {
		l.stop(gap)
		l.fetchAt = -1
		f.log.Error("a partition stops", "error", gap)
		return nil
	}
	f.log.Warn("going on behind a gap", "gap", gap)
	l.leaps.Store(true)
	l.fetchAt, l.jump = first, true
	if first == last { // nothing behind the gap says when it ended
		f.engine.later(func() { f.engine.leapt(l, f.engine.now()) })
	}
	return nil
}

// delay waits longer with every failure.
type delay struct{ next time.Duration }

func (d *delay) reset() { d.next = 0 }

func (d *delay) wait(ctx context.Context) error {
	d.next = min(max(2*d.next, 20*time.Millisecond), time.Second)
	return sleep(ctx, d.next)
}
