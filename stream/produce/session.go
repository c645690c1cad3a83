package produce

import (
	"context"
	"errors"
	"fmt"

	kafka "github.com/segmentio/kafka-go"

	"sluice/stream/wire"
)

// NewID asks the broker for a producer id. The first answers after a start
// are often an error and the id -1; taking that one would switch
// deduplication off without a word.
func (o *Options) NewID(ctx context.Context) (wire.Producer, error) {
	o.defaults()
	client := kafka.Client{Addr: o.Addr, Transport: o.Transport, Timeout: o.Timeout}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	r, err := client.InitProducerID(ctx, &kafka.InitProducerIDRequest{})
	if err == nil {
		err = r.Error
	}
	if err != nil {
		return wire.Producer{}, fmt.Errorf("asking for a producer id: %w", o.Explain(ctx, err))
	}
	if r.Producer.ProducerID < 0 {
		return wire.Producer{}, errors.New("asking for a producer id: the broker has none to give yet")
	}
	return wire.Producer{ID: int64(r.Producer.ProducerID), Epoch: int16(r.Producer.ProducerEpoch), Valid: true}, nil
}
