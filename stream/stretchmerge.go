package stream

import (
	"context"
	"fmt"
	"math"
	"sync"

	"sluice/scoring/event"
	"sluice/stream/wire"
)

// stretchBatch is how many transactions are given at a time.
const stretchBatch = 256

// piece is decoded records on their way from one partition's goroutine to the merge.
type piece struct {
	of   int // extent
	c    *chunk
	next int64 // offset behind its last record
	err  error
}

// Transactions decodes the records of a transactions topic, and calls yield with
// them in the order of the merge. They are used again once yield returns. done is
// told how many offsets are behind, from several goroutines; it may be nil.
func (s *Stretch) Transactions(ctx context.Context, yield func([]*event.Transaction) error, done func(records int64)) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	pieces := make(chan piece)
	m := &merge{patience: math.MaxInt64 / 2} // what exists is waited for, however long
	queues := make([]*queue, len(s.extents))
	lanes := make([]*lane, len(s.extents))
	for i, e := range s.extents {
		queues[i] = &queue{}
		lanes[i] = newLane(s.topic, e.partition, false, e.from, e.from)
		m.add(queues[i], e.from, e.to, 0)
		all.Go(func() { s.decode(ctx, i, lanes[i], pieces, done) })
	}
	g := &gathering{yield: yield, spent: make([]*chunk, 0, 4)}
	for {
		if q, _ := m.peek(0); q != nil {
			if err := g.take(m.pop(0)); err != nil {
				return err
			}
			continue
		}
		if err := g.flush(); err != nil { // what is decoded next needs the chunks
			return err
		}
		if m.hollow == 0 {
			return nil
		}
		select {
		case p := <-pieces:
			if p.err != nil {
				return p.err
			}
			m.put(queues[p.of], block{keys: p.c.keys, next: p.next, ref: p.c}, 0)
			if len(p.c.keys) == 0 {
				p.c.lane.free <- p.c
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// gathering collects what the merge gives.
type gathering struct {
	yield func([]*event.Transaction) error
	batch []*event.Transaction
	spent []*chunk // of which all is in the batch
}

func (g *gathering) take(c *chunk, i int, last bool) error {
	g.batch = append(g.batch, &c.txs[i])
	if last {
		g.spent = append(g.spent, c)
	}
	if len(g.batch) < stretchBatch {
		return nil
	}
	return g.flush()
}

func (g *gathering) flush() error {
	if len(g.batch) == 0 {
		return nil
	}
	err := g.yield(g.batch)
	for _, c := range g.spent {
		c.lane.free <- c
	}
	g.batch, g.spent = g.batch[:0], g.spent[:0]
	return err
}

// decode reads one partition's part of the stretch.
func (s *Stretch) decode(ctx context.Context, i int, l *lane, pieces chan<- piece, done func(int64)) {
	e := s.extents[i]
	d := &decoding{decoder: event.NewDecoder(s.schema), schema: s.schema}
	var c *chunk
	behind := e.from
	send := func(next int64) error {
		if done != nil {
			done(next - behind)
		}
		behind = next
		select {
		case pieces <- piece{of: i, c: c, next: next}:
			c = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := s.walk(ctx, e, func(r *wire.Record) error {
		if c == nil {
			if c = l.chunk(ctx.Done()); c == nil {
				return ctx.Err()
			}
		}
		if fault := d.record(c, r); fault != nil {
			s.Fault(fmt.Errorf("%s/%d at %d: %w", s.topic, e.partition, r.Offset, fault))
			return nil
		}
		if len(c.keys) < chunkRecords {
			return nil
		}
		return send(r.Offset + 1)
	})
	if err == nil {
		if c == nil {
			c = l.chunk(ctx.Done())
		}
		if c != nil {
			err = send(e.to)
		}
	}
	if err != nil {
		select {
		case pieces <- piece{err: err}:
		case <-ctx.Done():
		}
	}
}
