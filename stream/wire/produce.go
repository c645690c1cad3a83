package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// ErrLeaders says that the partitions of a request no longer share a leader.
var ErrLeaders = errors.New("the partitions have different leaders")

// ProducePartition is one sealed batch for one partition.
type ProducePartition struct {
	Partition int32
	Batch     []byte
}

// Produce sends batches to several partitions of a topic that share a leader,
// to be acknowledged by all replicas in sync. Encode it, send it, and forget it.
type Produce struct {
	Client     string
	Topic      string
	Timeout    time.Duration
	Partitions []ProducePartition

	frame   []byte
	version int16
}

// Produced is what became of one batch.
type Produced struct {
	Partition int32
	Error     int16 // Kafka's code
	Message   string
	Offset    int64 // of its first record
}

// ProduceResponse is the answer to a Produce.
type ProduceResponse struct{ Partitions []Produced }

// ApiKey makes Produce a message of kafka-go.
func (*Produce) ApiKey() protocol.ApiKey { return protocol.Produce } //nolint:revive // kafka-go's name

// ApiKey makes ProduceResponse a message of kafka-go.
func (*ProduceResponse) ApiKey() protocol.ApiKey { return protocol.Produce } //nolint:revive // kafka-go's name

// Broker routes the request to the leader that all its partitions share.
func (p *Produce) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	route := route{cluster: cluster}
	for _, b := range p.Partitions {
		route.add(p.Topic, b.Partition)
	}
	return route.broker, route.err
}

// Required takes the exchange over from kafka-go.
func (p *Produce) Required(versions map[protocol.ApiKey]int16) bool {
	p.version = versions[protocol.Produce]
	return true
}

// RawExchange sends the request and reads the answer.
func (p *Produce) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if p.version < 3 || p.version > 8 {
		return nil, fmt.Errorf("the broker speaks version %d of Produce: Kafka 0.11 or later is needed", p.version)
	}
	binary.BigEndian.PutUint16(p.frame[atVersion:], uint16(p.version))
	if err := send(rw, p.frame); err != nil {
		return nil, err
	}
	return p.decode(openResponse(rw, correlation))
}

// atVersion is the place of the version in a request's frame.
const atVersion = 6

// Encode makes the frame, which is the same in all versions spoken here. It
// comes before the sending, so that an exchange given up, but still running,
// reads memory that nobody writes to. The memory of buf is used if it suffices.
func (p *Produce) Encode(buf []byte) []byte {
	be := binary.BigEndian
	size := 128 + len(p.Topic)
	for _, b := range p.Partitions {
		size += 8 + len(b.Batch)
	}
	b := request(slices.Grow(buf[:0], size), int16(protocol.Produce), 0, correlation, p.Client)
	b = be.AppendUint16(b, ^uint16(0)) // transactional id: none
	b = be.AppendUint16(b, ^uint16(0)) // acknowledged by all
	b = be.AppendUint32(b, uint32(p.Timeout.Milliseconds()))
	b = be.AppendUint32(b, 1)
	b = appendString(b, p.Topic)
	b = be.AppendUint32(b, uint32(len(p.Partitions)))
	for _, part := range p.Partitions {
		b = be.AppendUint32(b, uint32(part.Partition))
		b = be.AppendUint32(b, uint32(len(part.Batch)))
		b = append(b, part.Batch...)
	}
	p.frame = b
	return b
}

func (p *Produce) decode(in *response) (*ProduceResponse, error) {
	out := &ProduceResponse{Partitions: make([]Produced, 0, len(p.Partitions))}
	for range in.count(6) {
		in.string() // topic: there is only one
		for range in.count(14) {
			out.Partitions = append(out.Partitions, p.decodePartition(in))
		}
	}
	return out, in.close()
}

func (p *Produce) decodePartition(in *response) Produced {
	var r Produced
	r.Partition, r.Error, r.Offset = in.int32(), in.int16(), in.int64()
	in.int64() // log append time
	if p.version >= 5 {
		in.int64() // log start
	}
	if p.version >= 8 {
		for range in.count(6) {
			in.int32()
			in.string()
		}
		r.Message = in.string()
	}
	return r
}
