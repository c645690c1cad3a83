package stream

import (
	"encoding/binary"
	"errors"

	kafka "github.com/segmentio/kafka-go"

	"sluice/stream/wire"
)

// simTopic is a topic of the simulated broker.
type simTopic struct {
	name  string
	parts []simPart
	wrote func(partition int32, offset int64, rec *simRecord) // hears of every record
}

type simPart struct {
	records   []simRecord
	producers map[int64]*simSequence
}

type simRecord struct {
	time       int64 // ms
	key, value []byte
	run        string // of a marker
}

// simSequence is what the broker knows of a producer in a partition.
type simSequence struct {
	epoch   int16
	next    int32
	batches []simAppended // the last five
}

type simAppended struct {
	sequence int32
	n        int
	base     int64
}

func newSimTopic(name string, partitions int) *simTopic {
	t := &simTopic{name: name, parts: make([]simPart, partitions)}
	for i := range t.parts {
		t.parts[i].producers = map[int64]*simSequence{}
	}
	return t
}

func (t *simTopic) end(partition int32) int64 { return int64(len(t.parts[partition].records)) }

func (t *simTopic) add(partition int32, recs []simRecord) (base int64) {
	p := &t.parts[partition]
	base = int64(len(p.records))
	for i := range recs {
		p.records = append(p.records, recs[i])
		if t.wrote != nil {
			t.wrote(partition, base+int64(i), &recs[i])
		}
	}
	return base
}

// append does what a broker does for an idempotent producer.
func (t *simTopic) append(partition int32, producer wire.Producer, sequence int32, recs []simRecord) (base int64, err error) {
	p := &t.parts[partition]
	s := p.producers[producer.ID]
	switch {
	case s == nil && sequence != 0:
		return -1, kafka.UnknownProducerId
	case s == nil || producer.Epoch > s.epoch:
		if sequence != 0 {
			return -1, kafka.OutOfOrderSequenceNumber
		}
		s = &simSequence{epoch: producer.Epoch}
		p.producers[producer.ID] = s
	case producer.Epoch < s.epoch:
		return -1, kafka.InvalidProducerEpoch
	}
	for _, b := range s.batches {
		if b.sequence == sequence && b.n == len(recs) {
			return b.base, nil
		}
	}
	switch {
	case sequence < s.next:
		return -1, kafka.DuplicateSequenceNumber
	case sequence > s.next:
		return -1, kafka.OutOfOrderSequenceNumber
	}
	base = t.add(partition, recs)
	s.next += int32(len(recs))
	if s.batches = append(s.batches, simAppended{sequence, len(recs), base}); len(s.batches) > 5 {
		s.batches = s.batches[1:]
	}
	return base, nil
}

// encoded gives records as they lie in a fetch response.
func (t *simTopic) encoded(partition int32, from, to int64) []byte {
	var b wire.Batch
	for i := from; i < to; i++ {
		r := &t.parts[partition].records[i]
		if r.run != "" {
			b.Append(r.time, r.key, r.value, wire.Header{Key: markerHeader, Value: []byte(r.run)})
			continue
		}
		b.Append(r.time, r.key, r.value)
	}
	data := append([]byte(nil), b.Seal(wire.Producer{}, 0)...)
	if len(data) > 0 {
		binary.BigEndian.PutUint64(data, uint64(from))
	}
	return data
}

// simProducer is a producer of the engine's: idempotent, one request a partition
// in flight, whatever gets lost is sent again. Once its process has died it is a
// zombie: what it holds may be sent, and nobody hears of it.
type simProducer[T any] struct {
	w       *simWorld
	name    string
	topic   *simTopic
	session wire.Producer
	renew   func() (wire.Producer, error)
	parts   []simSending[T]
	acked   func(partition int32, base int64, tokens []T)
	queued  int64
	bound   int64
	dead    bool
}

type simSending[T any] struct {
	waiting  []simItem[T]
	sending  []simItem[T]
	sequence int32
	reply    *simReply // on its way
}

type simItem[T any] struct {
	rec   simRecord
	token T
}

type simReply struct {
	base int64
	err  error
}

func newSimProducer[T any](w *simWorld, topic *simTopic, renew func() (wire.Producer, error), acked func(int32, int64, []T)) *simProducer[T] {
	return &simProducer[T]{
		w: w, name: topic.name, topic: topic, renew: renew, acked: acked,
		parts: make([]simSending[T], len(topic.parts)), bound: 20 + w.r.Int64N(400),
	}
}

func (p *simProducer[T]) Append(partition int32, timeMs int64, key, value []byte, token T, headers ...wire.Header) error {
	rec := simRecord{time: timeMs, key: append([]byte(nil), key...), value: append([]byte(nil), value...)}
	p.parts[partition].waiting = append(p.parts[partition].waiting, simItem[T]{rec, token})
	p.queued++
	return nil
}

func (p *simProducer[T]) Flush()          {}
func (p *simProducer[T]) Full() bool      { return p.queued >= p.bound }
func (p *simProducer[T]) Queued() int64   { return p.queued }
func (p *simProducer[T]) Partitions() int { return len(p.parts) }

// step lets something happen in one partition: a request goes out, or its
// answer comes back; either may get lost.
func (p *simProducer[T]) step(calm bool) {
	busy := []int32{}
	for i := range p.parts {
		if s := &p.parts[i]; len(s.sending)+len(s.waiting) > 0 {
			busy = append(busy, int32(i))
		}
	}
	if len(busy) == 0 {
		return
	}
	partition := busy[p.w.r.IntN(len(busy))]
	s := &p.parts[partition]
	if s.reply != nil {
		p.hear(partition, s)
		return
	}
	if !p.session.Valid {
		if p.dead {
			p.drop()
			return
		}
		session, err := p.renew()
		if err != nil {
			p.w.tell("%s: no epoch yet", p.name)
			return
		}
		p.session = session
		for i := range p.parts {
			p.parts[i].sequence, p.parts[i].reply = 0, nil
		}
		p.w.tell("%s: epoch %d", p.name, session.Epoch)
	}
	if s.sending == nil {
		n := 1 + p.w.r.IntN(min(len(s.waiting), 8))
		s.sending, s.waiting = s.waiting[:n:n], s.waiting[n:]
	}
	fate := p.w.r.IntN(10)
	if calm {
		fate = 9
	}
	if fate == 0 {
		p.w.meet("network", "request lost")
		p.w.tell("%s/%d: a request is lost", p.name, partition)
		return
	}
	recs := make([]simRecord, len(s.sending))
	for i := range recs {
		recs[i] = s.sending[i].rec
	}
	p.w.haunted = p.dead
	base, err := p.topic.append(partition, p.session, s.sequence, recs)
	if p.dead {
		p.w.meet("network", map[bool]string{true: "zombie appends", false: "zombie fenced off"}[err == nil])
	}
	p.w.tell("%s%s/%d: %d records at %d %v", map[bool]string{true: "zombie "}[p.dead], p.name, partition, len(recs), base, err)
	if fate < 3 && !p.dead {
		p.w.meet("network", "answer lost")
		p.w.tell("%s/%d: the answer is lost", p.name, partition)
		return
	}
	s.reply = &simReply{base, err}
	if calm || p.dead {
		p.hear(partition, s)
	}
}

// hear acts on the broker's answer.
func (p *simProducer[T]) hear(partition int32, s *simSending[T]) {
	r := s.reply
	s.reply = nil
	switch {
	case r.err == nil, errors.Is(r.err, kafka.DuplicateSequenceNumber):
		s.sequence += int32(len(s.sending))
		p.queued -= int64(len(s.sending))
		tokens := make([]T, len(s.sending))
		for i := range tokens {
			tokens[i] = s.sending[i].token
		}
		s.sending = nil
		if p.w.r.IntN(12) == 0 {
			p.w.meet("network", "append's place not told")
			r.base = -1 // so long ago that the broker does not know where any more
		}
		if !p.dead {
			p.acked(partition, r.base, tokens)
		}
	case errors.Is(r.err, kafka.InvalidProducerEpoch):
		if !p.dead {
			p.w.fail("%s/%d: the living run is fenced off", p.name, partition)
		}
		p.drop()
	default:
		p.w.fail("%s/%d: %v", p.name, partition, r.err)
	}
}

// drop ends a zombie.
func (p *simProducer[T]) drop() {
	for i := range p.parts {
		p.parts[i] = simSending[T]{}
	}
	p.queued = 0
}

// die makes it a zombie.
func (p *simProducer[T]) die() { p.dead, p.acked, p.renew = true, nil, nil }

func (p *simProducer[T]) alive() bool { return p.queued > 0 }

// simZombie is a producer whose process has died.
type simZombie interface {
	step(calm bool)
	die()
	alive() bool
}
