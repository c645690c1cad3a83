package stream

import (
	"context"
	"fmt"

	kafka "github.com/segmentio/kafka-go"
)

// bounds gives the first offset of a partition and the one behind its last.
func (c *Cluster) bounds(ctx context.Context, topic string, partition int32) (first, last int64, err error) {
	m, err := c.list(ctx, topic, []kafka.OffsetRequest{
		kafka.FirstOffsetOf(int(partition)), kafka.LastOffsetOf(int(partition)),
	})
	if err != nil {
		return 0, 0, err
	}
	p := m[partition]
	return p.FirstOffset, p.LastOffset, nil
}

// allBounds gives the bounds of many partitions.
func (c *Cluster) allBounds(ctx context.Context, topic string, partitions []int32) (map[int32]kafka.PartitionOffsets, error) {
	req := make([]kafka.OffsetRequest, 0, 2*len(partitions))
	for _, p := range partitions {
		req = append(req, kafka.FirstOffsetOf(int(p)), kafka.LastOffsetOf(int(p)))
	}
	return c.list(ctx, topic, req)
}

// since gives the first offset of a partition from first to last whose timestamp
// is at ms or later; -1 if all are earlier. After records were deleted up to the
// middle of a batch, Kafka 4.1 answers that there is none although there are: the
// record before what it says must be earlier, or all may matter.
func (c *Cluster) since(ctx context.Context, topic string, partition int32, ms, first, last int64) (int64, error) {
	at, err := c.sinceAsked(ctx, topic, partition, ms)
	before := at - 1
	if at < 0 {
		before = last - 1
	}
	if err != nil || before < first {
		return at, err
	}
	rec, ok, err := c.firstAt(ctx, topic, partition, before, before+1)
	if ok && rec.Time >= ms {
		return first, err
	}
	return at, err
}

// sinceAsked is what the broker says.
func (c *Cluster) sinceAsked(ctx context.Context, topic string, partition int32, ms int64) (int64, error) {
	m, err := c.list(ctx, topic, []kafka.OffsetRequest{{Partition: int(partition), Timestamp: max(ms, 0)}})
	if err != nil {
		return 0, err
	}
	at := int64(-1)
	for offset := range m[partition].Offsets {
		at = max(at, offset)
	}
	return at, nil
}

// list asks for offsets; a fault of one partition is one of all.
func (c *Cluster) list(ctx context.Context, topic string, req []kafka.OffsetRequest) (map[int32]kafka.PartitionOffsets, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: req}})
	if err != nil {
		return nil, fmt.Errorf("asking for offsets of %s: %w", topic, c.why(ctx, err))
	}
	out := map[int32]kafka.PartitionOffsets{}
	for _, p := range r.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("asking for offsets of %s/%d: %w", topic, p.Partition, explain(p.Error))
		}
		out[int32(p.Partition)] = p
	}
	for _, q := range req {
		if _, ok := out[int32(q.Partition)]; !ok {
			return nil, fmt.Errorf("asking for offsets of %s/%d: no answer", topic, q.Partition)
		}
	}
	return out, nil
}
