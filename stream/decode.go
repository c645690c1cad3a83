package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/scoring/event"
	"sluice/stream/wire"
)

// decoding is the stage that turns fetched bytes into transactions and labels:
// pure, one goroutine a partition, in the partition's order.
type decoding struct {
	decoder *event.Decoder // its own: a decoder serves one goroutine
	schema  *event.Schema
	buffers *buffers
	engine  *engine
	dead    *deadLetters
	room    chan<- struct{} // tells the fetcher that bytes were decoded
	counts  *counts
}

// run decodes what comes for a lane until ctx is done.
func (d *decoding) run(ctx context.Context, l *lane) {
	records := wire.Records{}
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-l.raw:
			ok := d.raw(ctx, l, r, &records)
			l.queued.Add(-int64(len(r.data)))
			if ok {
				d.buffers.put(r.data)
			}
			select {
			case d.room <- struct{}{}:
			default:
			}
		}
	}
}

// raw decodes what one fetch brought. It is false if it had to stop half way.
func (d *decoding) raw(ctx context.Context, l *lane, r raw, records *wire.Records) bool {
	if r.from != l.next && !r.jump {
		// Fetched behind a damaged batch, which has to come again first.
		if r.from > l.next {
			l.refetch.Store(l.next)
		}
		return true
	}
	records.Reset(r.data, r.from, r.aborted)
	for more := true; more; {
		c := l.chunk(ctx.Done())
		if c == nil {
			return false
		}
		l.gap = l.gap || r.jump
		r.jump = false
		var faulty []letter
		if faulty, more = d.chunk(l, c, records); len(faulty) > 0 {
			// What can't be decided must stand among the dead letters before
			// the partition goes on.
			if !d.dead.insist(ctx, l, faulty) {
				return false
			}
		}
		d.engine.deliver(c, records.NextOffset())
	}
	l.next = records.NextOffset()
	if err := records.Err(); err != nil {
		l.stick(fmt.Errorf("%s/%d: %w; trying again", l.topic, l.partition, err))
		l.refetch.Store(l.next)
		return true
	}
	if l.stuck.Load() != nil {
		l.stick(nil)
	}
	return true
}

// chunk fills a chunk; more is false once the fetched bytes are used up.
func (d *decoding) chunk(l *lane, c *chunk, records *wire.Records) (faulty []letter, more bool) {
	var rec wire.Record
	for len(c.offsets) < chunkRecords {
		if !records.Next(&rec) {
			return faulty, false
		}
		if l.gap {
			c.lost, l.gap = max(d.engine.arrivedBy(rec), 1), false
		}
		fault := d.record(c, &rec)
		if fault != nil && rec.Offset < l.decideFrom {
			continue // it stands among the dead letters already
		}
		if fault != nil && d.dead.stands(Place{l.topic, l.partition, rec.Offset}) {
			continue
		}
		if fault != nil {
			faulty = append(faulty, newLetter(fault, Place{l.topic, l.partition, rec.Offset}, rec.Time, rec.Key, rec.Value))
			continue
		}
		c.offsets = append(c.offsets, rec.Offset)
	}
	return faulty, true
}

// arrivalOf gives when a record arrived (ns), by its timestamp, and event.NoTime
// where that says nothing: there is none (-1), or it is in another unit.
func arrivalOf(rec *wire.Record) int64 {
	if rec.Time < 0 || rec.Time > event.MaxTime/int64(time.Millisecond) {
		return event.NoTime
	}
	return rec.Time * int64(time.Millisecond)
}

// record decodes one record into the chunk.
func (d *decoding) record(c *chunk, rec *wire.Record) *event.Fault {
	arrival := arrivalOf(rec)
	if c.lane.label {
		c.labels = grow(c.labels)
		label := &c.labels[len(c.labels)-1]
		if err := d.decoder.Label(label, rec.Value, arrival); err != nil {
			c.labels = c.labels[:len(c.labels)-1]
			return faultOf(err)
		}
		key := mergeKey{time: label.Time}
		if arrival != event.NoTime { // one of a clock far ahead keeps nobody behind it waiting
			key.time = min(key.time, arrival)
		}
		c.keys = append(c.keys, key)
		return nil
	}
	c.txs = grow(c.txs)
	tx := &c.txs[len(c.txs)-1]
	if err := d.decoder.Transaction(tx, rec.Value, arrival); err != nil {
		c.txs = c.txs[:len(c.txs)-1]
		return faultOf(err)
	}
	c.keys = append(c.keys, d.key(tx))
	return nil
}

// faultOf gives the fault that every error of the decoder is.
func faultOf(err error) *event.Fault {
	var fault *event.Fault
	if !errors.As(err, &fault) {
		fault = &event.Fault{Code: event.Malformed, Offset: -1, Message: err.Error()}
	}
	return fault
}

func (d *decoding) key(tx *event.Transaction) mergeKey {
	k := mergeKey{time: tx.MergeTime()}
	if d.schema.Fields[d.schema.ID].Type == event.TypeInteger {
		k.num = int64(tx.Words[d.schema.ID])
	} else {
		k.text, _ = tx.String(d.schema.ID)
	}
	return k
}

// grow lengthens a slice by one and keeps what the memory there held before:
// the decoder uses its slices again.
func grow[T any](s []T) []T {
	if len(s) < cap(s) {
		return s[:len(s)+1]
	}
	var zero T
	return append(s, zero)
}
