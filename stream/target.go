package stream

import (
	"context"
	"log/slog"

	"sluice/stream/produce"
)

// Target gives what a producer of a topic needs, and the number of the topic's
// partitions: for who fills topics without deciding anything.
func (c *Cluster) Target(ctx context.Context, topic string, log *slog.Logger) (o produce.Options, partitions int, err error) {
	leaders, err := c.leaders(ctx, topic)
	if err != nil {
		return o, 0, err
	}
	return produce.Options{
		Transport: c.transport, Addr: c.addr, Client: c.kafka.Client, Topic: topic,
		Leaders: c.leaders, Explain: c.why, Log: log,
	}, len(leaders), nil
}
