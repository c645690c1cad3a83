package stream

import (
	"context"
	"errors"
	"fmt"

	kafka "github.com/segmentio/kafka-go"

	"sluice/stream/wire"
)

// fetchOnce asks one partition once.
func (c *Cluster) fetchOnce(ctx context.Context, topic string, partition int32, offset int64, size int32) (*wire.Fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req := &wire.Fetch{
		Client: c.kafka.Client, MaxWait: longPoll, MaxBytes: size, Bytes: size,
		Partitions: []wire.FetchPartition{{Topic: topic, Partition: partition, Offset: offset}},
		Buffer:     func(n int) []byte { return make([]byte, n) },
	}
	m, err := c.transport.RoundTrip(ctx, c.addr, req)
	if err != nil {
		return nil, fmt.Errorf("reading %s/%d: %w", topic, partition, c.why(ctx, err))
	}
	res, ok := m.(*wire.FetchResponse)
	if !ok || len(res.Partitions) != 1 {
		return nil, fmt.Errorf("reading %s/%d: an answer without it", topic, partition)
	}
	p := &res.Partitions[0]
	if code := max(res.Error, p.Error); code != 0 {
		return nil, fmt.Errorf("reading %s/%d at %d: %w", topic, partition, offset, explain(kafka.Error(code)))
	}
	return p, nil
}

// readRange reads the records of a partition from an offset up to another one.
func (c *Cluster) readRange(ctx context.Context, topic string, partition int32, from, to int64, each func(*wire.Record)) error {
	var records wire.Records
	var back delay
	for from < to {
		p, err := c.fetchOnce(ctx, topic, partition, from, 4<<20)
		if err == nil {
			records.Reset(p.Records, from, p.Aborted)
			var rec wire.Record
			for records.Next(&rec) {
				if rec.Offset < to {
					each(&rec)
				}
			}
			err = records.Err()
			if next := records.NextOffset(); next > from {
				from = next
				back.reset()
				continue
			}
		}
		if err != nil && (errors.Is(err, kafka.OffsetOutOfRange) || errors.Is(err, wire.ErrCorrupt)) {
			return err
		}
		if err := back.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// firstAt gives the first record at an offset or behind it, below to; ok is
// false if there is none.
func (c *Cluster) firstAt(ctx context.Context, topic string, partition int32, offset, to int64) (found wire.Record, ok bool, err error) {
	var records wire.Records
	for offset < to {
		p, err := c.fetchOnce(ctx, topic, partition, offset, 64<<10)
		if err != nil {
			return found, false, err
		}
		records.Reset(p.Records, offset, p.Aborted)
		if records.Next(&found) {
			return found, found.Offset < to, nil
		}
		if err := records.Err(); err != nil {
			return found, false, err
		}
		next := records.NextOffset()
		if next == offset {
			return found, false, nil
		}
		offset = next
	}
	return found, false, nil
}

// readOne reads one record's value. Only where it is certain that the record is
// gone is the error ErrUnknown: a leader that has just started, or has no time,
// gives nothing as well.
func (c *Cluster) readOne(ctx context.Context, topic string, partition int32, offset int64) ([]byte, error) {
	rec, ok, err := c.firstAt(ctx, topic, partition, offset, offset+1)
	gone := rec.Offset > offset
	if errors.Is(err, kafka.OffsetOutOfRange) {
		first, _, asked := c.bounds(ctx, topic, partition)
		gone = asked == nil && offset < first
	}
	switch {
	case gone:
		return nil, fmt.Errorf("%w: %s/%d has no record at %d any more", ErrUnknown, topic, partition, offset)
	case err != nil:
		return nil, err
	case !ok:
		return nil, fmt.Errorf("%s/%d gives nothing at %d, where a record was appended", topic, partition, offset)
	}
	return append([]byte(nil), rec.Value...), nil
}
