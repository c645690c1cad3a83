package produce

import (
	"context"
	"sync"
	"sync/atomic"

	"sluice/stream/wire"
)

// Producer appends records to the partitions of one topic. T is what the
// caller wants back when a record is acknowledged.
type Producer[T any] struct {
	o     Options
	acked Acked[T]
	lost  func(token T, err error)

	parts   []*part[T]
	queued  atomic.Int64 // bytes not acknowledged
	records atomic.Int64 // acknowledged
	trouble atomic.Pointer[error]
	// careful is for how many requests less is sent at a time: a larger one was not
	// answered.
	careful atomic.Int32
	wake    chan struct{} // something was appended, or acknowledged
	free    sync.Pool

	session wire.Producer // of the running Run
}

// Acked is told, from the sender's goroutine and in the order of the
// partition, that records stand in the topic: token i at offset base+i (base -1:
// the broker does not know the place any more). It must not keep tokens.
type Acked[T any] func(partition int32, base int64, tokens []T)

// part is one partition.
type part[T any] struct {
	id int32

	mu      sync.Mutex
	waiting []*batch[T] // the last one is open

	// Of the sender alone.
	sending  *batch[T] // sent and not acknowledged, or to be sent again
	sequence int32     // of the next batch
}

type batch[T any] struct {
	wire.Batch
	tokens   []T
	sequence int32
	sealed   bool
}

// New makes a producer for the partitions 0 to n-1 of a topic. lost is told of
// records that the broker will never take; nothing else is ever given up.
func New[T any](o Options, n int, acked Acked[T], lost func(token T, err error)) *Producer[T] {
	o.defaults()
	p := &Producer[T]{o: o, acked: acked, lost: lost, wake: make(chan struct{}, 1)}
	p.free.New = func() any { return new(batch[T]) }
	for i := range n {
		p.parts = append(p.parts, &part[T]{id: int32(i)})
	}
	return p
}

// Partitions gives the number of partitions.
func (p *Producer[T]) Partitions() int { return len(p.parts) }

// Append queues a record, whose bytes are copied; Flush sends it. It never
// blocks: watch Full.
func (p *Producer[T]) Append(partition int32, timeMs int64, key, value []byte, token T, headers ...wire.Header) error {
	size := len(key) + len(value) + wire.MaxRecordOverhead
	for _, h := range headers {
		size += len(h.Key) + len(h.Value) + 10
	}
	if size > p.o.MaxBatch {
		return &TooLargeError{Topic: p.o.Topic, Size: size, Limit: p.o.MaxBatch}
	}
	part := p.parts[partition]
	part.mu.Lock()
	b := part.open(p, size)
	before := b.Size()
	b.Append(timeMs, key, value, headers...)
	b.tokens = append(b.tokens, token)
	p.queued.Add(int64(b.Size() - before))
	part.mu.Unlock()
	return nil
}

// open gives the batch to append size bytes to.
func (part *part[T]) open(p *Producer[T], size int) *batch[T] {
	limit := p.o.MaxBatch
	if p.careful.Load() > 0 {
		limit /= carefulShare
	}
	if n := len(part.waiting); n > 0 && part.waiting[n-1].Size()+size <= limit {
		return part.waiting[n-1]
	}
	b := p.free.Get().(*batch[T])
	b.Reset()
	b.tokens, b.sealed = b.tokens[:0], false
	part.waiting = append(part.waiting, b)
	return b
}

// Flush lets the senders know of what was appended.
func (p *Producer[T]) Flush() { signal(p.wake) }

// Full says that more is not acknowledged than should be: append no more, and
// wait for Options.Space.
func (p *Producer[T]) Full() bool { return p.queued.Load() >= p.o.MaxQueued }

// Queued gives the bytes that are not acknowledged.
func (p *Producer[T]) Queued() int64 { return p.queued.Load() }

// Acknowledged counts the records that stand in the topic.
func (p *Producer[T]) Acknowledged() int64 { return p.records.Load() }

// Trouble says why nothing gets through at present; nil if all is well.
func (p *Producer[T]) Trouble() error {
	if err := p.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// take moves the oldest waiting batch into flight, unless one is there.
func (part *part[T]) take() *batch[T] {
	if part.sending != nil {
		return part.sending
	}
	part.mu.Lock()
	defer part.mu.Unlock()
	if len(part.waiting) == 0 {
		return nil
	}
	part.sending = part.waiting[0]
	part.waiting = append(part.waiting[:0], part.waiting[1:]...)
	return part.sending
}

// done hands out the tokens of the batch in flight.
func (p *Producer[T]) done(part *part[T], base int64) {
	b := part.sending
	part.sending = nil
	part.sequence = (b.sequence + int32(b.Len())) & 0x7fffffff
	p.records.Add(int64(b.Len()))
	p.acked(part.id, base, b.tokens)
	p.release(b)
}

// release gives the memory of a batch back.
func (p *Producer[T]) release(b *batch[T]) {
	wasFull := p.Full()
	if size := int64(b.Size()); b.Len() > 0 {
		p.queued.Add(wire.EmptySize - size) // Append counted what went beyond an empty batch
	}
	if wasFull && !p.Full() && p.o.Space != nil {
		signal(p.o.Space)
	}
	clear(b.tokens)
	p.free.Put(b)
}

// Drain waits until everything appended is acknowledged. Run must be running.
func (p *Producer[T]) Drain(ctx context.Context) error {
	for p.queued.Load() > 0 {
		p.Flush()
		if err := sleep(ctx, drainPoll); err != nil {
			return err
		}
	}
	return nil
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
