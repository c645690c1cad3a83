// Package produce appends records to a topic so that none is lost and none
// stands there twice.
//
// Records gather in a batch a partition while the request before is in
// flight: there is no timer, so the first one leaves at once and the batches
// grow with the load. Each leader has one request in flight, for all its
// partitions. What can be retried is retried without end, under the producer
// id, epoch and sequence that let the broker recognise it.
package produce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"sluice/stream/wire"
)

// MaxBatch is how many bytes a record batch has at most, and so a record: less than
// what brokers take where nobody has set max.message.bytes.
const MaxBatch = 900_000

// ErrFenced says that another run has taken the producer id over: what this
// run still sends is refused, and it must stop.
var ErrFenced = errors.New("another run has taken over this producer id; this one must stop")

// TooLargeError is a record that no batch can hold.
type TooLargeError struct {
	Topic       string
	Size, Limit int
}

// Error says what to do.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("a record of %d bytes for topic %s: more than %d; raise max.message.bytes of the topic and the batch limit", e.Size, e.Topic, e.Limit)
}

// RefusedError is a record that the broker will never take.
type RefusedError struct {
	Topic     string
	Partition int32
	Code      kafka.Error
	Message   string
}

// Error names the broker's reason.
func (e *RefusedError) Error() string {
	hint := ""
	switch e.Code {
	case kafka.InvalidTimestamp:
		hint = ": the topic refuses timestamps far from now; set its message.timestamp.before.max.ms and message.timestamp.after.max.ms"
	case kafka.MessageSizeTooLarge:
		hint = ": raise max.message.bytes of the topic"
	}
	text := e.Message
	if text == "" {
		text = e.Code.Title()
	}
	return fmt.Sprintf("the broker refuses a record for %s/%d: %s (%d)%s", e.Topic, e.Partition, text, int(e.Code), hint)
}

// Unwrap gives Kafka's error.
func (e *RefusedError) Unwrap() error { return e.Code }

// Options of a Producer.
type Options struct {
	Transport kafka.RoundTripper
	Addr      net.Addr
	Client    string // names this program to the broker
	Topic     string
	// Leaders tells the leader of each partition of the topic, from fresh metadata.
	Leaders func(ctx context.Context, topic string) (map[int32]int32, error)
	// Session gives the producer id and epoch to send under; it is asked at the
	// start, and again when the broker has lost the producer's state. nil: the
	// broker is asked for a new id each time.
	Session func(ctx context.Context) (wire.Producer, error)
	// Explain finds the true cause of an error of the transport; may be nil.
	Explain func(ctx context.Context, err error) error

	Space chan<- struct{} // signalled when a full producer has room again; may be nil

	MaxBatch  int           // bytes; 0: MaxBatch
	MaxQueued int64         // bytes not acknowledged at which Full says so; 0: 16 MiB
	Timeout   time.Duration // of a request; 0: 10 s
	Log       *slog.Logger  // nil: slog.Default()
}

func (o *Options) defaults() {
	if o.MaxBatch == 0 {
		o.MaxBatch = MaxBatch
	}
	if o.MaxQueued == 0 {
		o.MaxQueued = 16 << 20
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Session == nil {
		o.Session = o.NewID
	}
	if o.Explain == nil {
		o.Explain = func(_ context.Context, err error) error { return err }
	}
}
