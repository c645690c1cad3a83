package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"sluice/scoring/event"
	"sluice/stream/wire"
)

// Stretch is what lies in a topic between two times. It is read on the side: by no
// group, and without committing anything.
type Stretch struct {
	cluster *Cluster
	schema  *event.Schema
	topic   string
	extents []extent
	// Fault is told of every record that can't be decoded; it is left out. It may
	// be called from several goroutines.
	Fault func(error)
}

// extent is the part of a stretch in one partition.
type extent struct {
	partition int32
	from, to  int64 // offsets
}

// EndOfTime stands for the end of a topic, as it is when the stretch is made.
const EndOfTime = math.MaxInt64

// Stretch finds, in every partition, the first record with a timestamp of from
// (ns) or later, and likewise the one of to, which is the first that is left out.
func (c *Cluster) Stretch(ctx context.Context, schema *event.Schema, topic string, from, to int64) (*Stretch, error) {
	missing, err := c.missing(ctx, Topics{Transactions: topic})
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("there is no topic %s on this cluster", topic)
	}
	if err := c.awaitLeaders(ctx, topic); err != nil {
		return nil, err
	}
	leaders, err := c.leaders(ctx, topic)
	if err != nil {
		return nil, err
	}
	s := &Stretch{cluster: c, schema: schema, topic: topic, Fault: func(error) {}}
	for p := range leaders {
		e, err := c.extent(ctx, topic, p, from, to)
		if err != nil {
			return nil, err
		}
		s.extents = append(s.extents, e)
	}
	slices.SortFunc(s.extents, func(a, b extent) int { return int(a.partition - b.partition) })
	return s, nil
}

func (c *Cluster) extent(ctx context.Context, topic string, partition int32, from, to int64) (extent, error) {
	first, last, err := c.bounds(ctx, topic, partition)
	e := extent{partition, first, last}
	if err != nil {
		return e, err
	}
	for _, bound := range []struct {
		time int64
		at   *int64
	}{{from, &e.from}, {to, &e.to}} {
		if bound.time == EndOfTime || bound.time <= 0 {
			continue
		}
		at, err := c.since(ctx, topic, partition, bound.time/int64(time.Millisecond), first, last)
		if err != nil {
			return e, err
		}
		if *bound.at = last; at >= 0 {
			*bound.at = min(max(at, first), last)
		}
	}
	e.to = max(e.to, e.from)
	return e, nil
}

// Records is how many offsets the stretch spans.
func (s *Stretch) Records() (n int64) {
	for _, e := range s.extents {
		n += e.to - e.from
	}
	return n
}

// maxAttempts is how often in a row a fetch may fail before reading ends: it is
// somebody who waits for it, not a service.
const maxAttempts = 10

// walk gives the records of an extent.
func (s *Stretch) walk(ctx context.Context, e extent, each func(*wire.Record) error) error {
	var records wire.Records
	var back delay
	for failed := 0; e.from < e.to; {
		p, err := s.cluster.fetchOnce(ctx, s.topic, e.partition, e.from, 4<<20)
		if err == nil {
			records.Reset(p.Records, e.from, p.Aborted)
			var rec wire.Record
			for records.Next(&rec) && rec.Offset < e.to {
				if err := each(&rec); err != nil {
					return err
				}
			}
			err = records.Err()
			if next := records.NextOffset(); next > e.from {
				e.from, failed = next, 0
				back.reset()
				continue
			}
		}
		if err == nil {
			err = fmt.Errorf("%s/%d gives nothing at %d, where records should be", s.topic, e.partition, e.from)
		}
		failed++
		if failed == maxAttempts || errors.Is(err, kafka.OffsetOutOfRange) || errors.Is(err, wire.ErrCorrupt) {
			return err
		}
		if err := back.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Verdict gives the first verdict record, by partition and offset, that is
// wanted, and false if there is none. What does not count is passed over: the
// markers of runs, and what a run sent when another had followed it.
func (s *Stretch) Verdict(ctx context.Context, wanted func(record []byte) bool) (record []byte, ok bool, err error) {
	found := errors.New("found")
	for _, e := range s.extents {
		var runs runs
		err := s.walk(ctx, e, func(r *wire.Record) error {
			if runs.marker(r) || r.Value == nil {
				return nil
			}
			run, _ := quoted(r.Value, `"run":"`)
			if !runs.counts(run) || !wanted(r.Value) {
				return nil
			}
			record = append([]byte(nil), r.Value...)
			return found
		})
		if errors.Is(err, found) {
			return record, true, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
	return nil, false, nil
}

// Labels decodes the records of a labels topic, in the order of the labels' times.
func (s *Stretch) Labels(ctx context.Context) ([]event.Label, error) {
	var out []event.Label
	decoder := event.NewDecoder(s.schema)
	for _, e := range s.extents {
		err := s.walk(ctx, e, func(r *wire.Record) error {
			var l event.Label
			if err := decoder.Label(&l, r.Value, arrivalOf(r)); err != nil {
				s.Fault(fmt.Errorf("%s/%d at %d: %w", s.topic, e.partition, r.Offset, err))
				return nil
			}
			out = append(out, l)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b event.Label) int { return cmp.Compare(a.Time, b.Time) })
	return out, nil
}
