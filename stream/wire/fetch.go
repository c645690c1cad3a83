package wire

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// correlation is the id of every request: a connection carries one at a time.
const correlation = 1

// FetchPartition asks for the records of a partition from an offset on.
type FetchPartition struct {
	Topic     string
	Partition int32
	Offset    int64
}

// Fetch is one long poll for several partitions of one leader. Partitions of
// a topic stand together. A Fetch is used once.
type Fetch struct {
	Client     string
	MaxWait    time.Duration
	MaxBytes   int32 // of the response
	Bytes      int32 // a partition
	Partitions []FetchPartition
	// Buffer gives memory for the records of a partition.
	Buffer func(size int) []byte

	version int16
}

// Fetched is what came of one partition.
type Fetched struct {
	Topic     string
	Partition int32
	Error     int16 // Kafka's code
	// End is where readable records end: behind it lies nothing, or only
	// transactions that are not committed yet.
	End      int64
	LogStart int64
	Aborted  []Aborted
	Records  []byte
}

// FetchResponse is the answer to a Fetch.
type FetchResponse struct {
	Error      int16
	Partitions []Fetched
}

// ApiKey makes Fetch a message of kafka-go.
func (*Fetch) ApiKey() protocol.ApiKey { return protocol.Fetch } //nolint:revive // kafka-go's name

// ApiKey makes FetchResponse a message of kafka-go.
func (*FetchResponse) ApiKey() protocol.ApiKey { return protocol.Fetch } //nolint:revive // kafka-go's name

// Broker routes the request to the leader that all its partitions share.
func (f *Fetch) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	route := route{cluster: cluster}
	for _, p := range f.Partitions {
		route.add(p.Topic, p.Partition)
	}
	return route.broker, route.err
}

// Required takes the exchange over from kafka-go.
func (f *Fetch) Required(versions map[protocol.ApiKey]int16) bool {
	f.version = versions[protocol.Fetch]
	return true
}

// RawExchange sends the request and reads the answer.
func (f *Fetch) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if f.version < 4 || f.version > 11 {
		return nil, fmt.Errorf("the broker speaks version %d of Fetch: Kafka 0.11 or later is needed", f.version)
	}
	if err := send(rw, f.encode()); err != nil {
		return nil, err
	}
	return f.decode(openResponse(rw, correlation))
}

func (f *Fetch) encode() []byte {
	be := binary.BigEndian
	b := request(make([]byte, 0, 128+32*len(f.Partitions)), int16(protocol.Fetch), f.version, correlation, f.Client)
	b = be.AppendUint32(b, ^uint32(0)) // replica: none, a client
	b = be.AppendUint32(b, uint32(f.MaxWait.Milliseconds()))
	b = be.AppendUint32(b, 1) // bytes at least
	b = be.AppendUint32(b, uint32(f.MaxBytes))
	b = append(b, 1) // committed records only
	if f.version >= 7 {
		b = be.AppendUint32(b, 0)          // session: none
		b = be.AppendUint32(b, ^uint32(0)) // and none wanted
	}
	topics := f.topics()
	b = be.AppendUint32(b, uint32(len(topics)))
	for _, partitions := range topics {
		b = appendString(b, partitions[0].Topic)
		b = be.AppendUint32(b, uint32(len(partitions)))
		for _, p := range partitions {
			b = be.AppendUint32(b, uint32(p.Partition))
			if f.version >= 9 {
				b = be.AppendUint32(b, ^uint32(0)) // leader epoch: not checked
			}
			b = be.AppendUint64(b, uint64(p.Offset))
			if f.version >= 5 {
				b = be.AppendUint64(b, ^uint64(0)) // log start: a replica's
			}
			b = be.AppendUint32(b, uint32(f.Bytes))
		}
	}
	if f.version >= 7 {
		b = be.AppendUint32(b, 0) // forgotten topics
	}
	if f.version >= 11 {
		b = appendString(b, "") // rack
	}
	return b
}

// topics cuts the partitions into runs of the same topic.
func (f *Fetch) topics() [][]FetchPartition {
	var out [][]FetchPartition
	for i, p := range f.Partitions {
		if i > 0 && p.Topic == f.Partitions[i-1].Topic {
			out[len(out)-1] = f.Partitions[i-len(out[len(out)-1]) : i+1]
			continue
		}
		out = append(out, f.Partitions[i:i+1])
	}
	return out
}

func (f *Fetch) decode(in *response) (*FetchResponse, error) {
	out := &FetchResponse{Partitions: make([]Fetched, 0, len(f.Partitions))}
	in.int32() // throttle
	if f.version >= 7 {
		out.Error = in.int16()
		in.int32() // session
	}
	for range in.count(6) {
		topic := in.string()
		for range in.count(26) {
			out.Partitions = append(out.Partitions, f.decodePartition(in, topic))
		}
	}
	return out, in.close()
}

func (f *Fetch) decodePartition(in *response, topic string) Fetched {
	p := Fetched{Topic: topic, LogStart: -1}
	p.Partition, p.Error = in.int32(), in.int16()
	high := in.int64()
	p.End = in.int64()
	if p.End < 0 {
		p.End = high
	}
	if f.version >= 5 {
		p.LogStart = in.int64()
	}
	for range in.count(16) {
		p.Aborted = append(p.Aborted, Aborted{ProducerID: in.int64(), FirstOffset: in.int64()})
	}
	if f.version >= 11 {
		in.int32() // preferred replica
	}
	if size := int(in.int32()); size > 0 && in.err == nil {
		if size > in.left {
			in.err = io.ErrUnexpectedEOF
			return p
		}
		p.Records = in.fill(f.Buffer(size)[:size])
	}
	return p
}

// route finds the one leader of some partitions.
type route struct {
	cluster protocol.Cluster
	broker  protocol.Broker
	found   bool
	err     error
}

func (r *route) add(topic string, partition int32) {
	if r.err != nil {
		return
	}
	t, ok := r.cluster.Topics[topic]
	if !ok {
		r.err = protocol.NewErrNoTopic(topic)
		return
	}
	p, ok := t.Partitions[partition]
	if !ok {
		r.err = protocol.NewErrNoPartition(topic, partition)
		return
	}
	b, ok := r.cluster.Brokers[p.Leader]
	switch {
	case !ok:
		r.err = protocol.NewErrNoLeader(topic, partition)
	case !r.found:
		r.broker, r.found = b, true
	case b.ID != r.broker.ID:
		r.err = ErrLeaders
	}
}
