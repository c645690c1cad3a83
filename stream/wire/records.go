package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/compress"
)

// Record is one fetched record. Key and Value point into the fetched bytes, or
// into a decompressed batch: they are good until the next call of Next.
type Record struct {
	Offset int64
	Time   int64 // ms since 1970
	Key    []byte
	Value  []byte // nil: a tombstone, or a marker

	headers []byte // as they stand in the batch, to its end
}

// Header gives the value of a header; ok is false if the record has it not.
func (r *Record) Header(key string) (value []byte, ok bool) {
	n, b, ok := varint(r.headers)
	for ; ok && n > 0; n-- {
		var name []byte
		if name, b, ok = sized(b); !ok {
			break
		}
		if value, b, ok = sized(b); ok && string(name) == key {
			return value, true
		}
	}
	return nil, false
}

// Aborted names a transaction of a producer whose records do not count.
type Aborted struct {
	ProducerID  int64
	FirstOffset int64
}

// Records walks the record batches of a fetched partition, from an offset on.
// It steps over control batches and aborted transactions, and drops the
// records below the offset asked for, which come along because batches come
// whole.
type Records struct {
	// MaxExpanded bounds what one compressed batch may grow to; 0: 64 MiB.
	MaxExpanded int

	data    []byte // batches not begun yet
	batch   []byte // records of the running batch not read yet
	left    int32
	next    int64 // everything below is done
	end     int64 // next once the running batch is done
	base    int64
	first   int64
	appendT int64 // log append time, if it counts
	aborted []Aborted
	scratch bytes.Buffer
	err     error
}

// Reset points the walk at other bytes.
func (r *Records) Reset(data []byte, from int64, aborted []Aborted) {
	r.data, r.batch, r.left, r.next, r.end, r.err = data, nil, 0, from, from, nil
	r.aborted = append(r.aborted[:0], aborted...)
}

// NextOffset is where to go on: everything below was read or stepped over.
func (r *Records) NextOffset() int64 { return r.next }

// Err says what stopped the walk before the end.
func (r *Records) Err() error { return r.err }

// Next reads the next record. It is false at the end of the whole batches
// (the last one may be cut off: it comes with the next fetch), and at an error.
func (r *Records) Next(rec *Record) bool {
	for r.err == nil {
		if r.left == 0 {
			r.next = max(r.next, r.end)
			if !r.begin() {
				return false
			}
			continue
		}
		r.left--
		if !r.record(rec) {
			r.err = fmt.Errorf("%w at offset %d: the records do not fill it", ErrCorrupt, r.base)
			return false
		}
		if rec.Offset < r.next {
			continue
		}
		r.next = rec.Offset + 1
		return true
	}
	return false
}

// Behind gives the offset behind the last whole batch of some fetched bytes, or
// from where there is none. It looks at the headers only.
func Behind(data []byte, from int64) int64 {
	be := binary.BigEndian
	for len(data) >= headerSize {
		size := int64(be.Uint32(data[atLength:])) + lengthIncludes
		if size < headerSize || size > int64(len(data)) {
			break
		}
		from = max(from, int64(be.Uint64(data))+int64(int32(be.Uint32(data[atLastDelta:])))+1)
		data = data[size:]
	}
	return from
}

// begin opens the next batch; left stays 0 if nothing in it counts.
func (r *Records) begin() bool {
	if len(r.data) < headerSize {
		return false
	}
	be := binary.BigEndian
	size := int64(be.Uint32(r.data[atLength:])) + lengthIncludes
	if magic := r.data[atMagic]; magic != 2 {
		r.err = fmt.Errorf("record batch in format %d at offset %d: only format 2 (Kafka 0.11 and later) is read", magic, int64(be.Uint64(r.data)))
		return false
	}
	if size < headerSize {
		r.err = fmt.Errorf("%w after offset %d: %d bytes long", ErrCorrupt, r.next, size)
		return false
	}
	if size > int64(len(r.data)) {
		return false
	}
	h := r.data[:size]
	r.data = r.data[size:]
	r.base = int64(be.Uint64(h))
	if sum := checksum(h[atAttributes:]); sum != be.Uint32(h[atCRC:]) {
		r.err = fmt.Errorf("%w at offset %d: checksum %08x instead of %08x", ErrCorrupt, r.base, sum, be.Uint32(h[atCRC:]))
		return false
	}
	r.end = r.base + int64(int32(be.Uint32(h[atLastDelta:]))) + 1
	attributes := be.Uint16(h[atAttributes:])
	producer := int64(be.Uint64(h[atProducer:]))
	count := int32(be.Uint32(h[atCount:]))
	switch {
	case attributes&control != 0:
		r.endAborted(producer)
		return true
	case r.end <= r.next:
		return true
	case attributes&transactional != 0 && r.isAborted(producer, r.base):
		return true
	}
	r.first = int64(be.Uint64(h[atFirstTime:]))
	r.appendT = -1
	if attributes&logAppendTime != 0 {
		r.appendT = int64(be.Uint64(h[atMaxTime:]))
	}
	r.batch = h[headerSize:]
	if c := attributes & compressionMask; c != 0 && !r.expand(compress.Compression(c)) {
		return false
	}
	if count < 0 || int64(count)*7 > int64(len(r.batch)) {
		r.err = fmt.Errorf("%w at offset %d: %d records in %d bytes", ErrCorrupt, r.base, count, len(r.batch))
		return false
	}
	r.left = count
	return true
}

// isAborted says whether a transactional batch belongs to an aborted transaction.
func (r *Records) isAborted(producer, base int64) bool {
	for _, a := range r.aborted {
		if a.ProducerID == producer && base >= a.FirstOffset {
			return true
		}
	}
	return false
}

// endAborted forgets the producer's oldest aborted transaction once its end
// marker is passed.
func (r *Records) endAborted(producer int64) {
	oldest := -1
	for i, a := range r.aborted {
		if a.ProducerID == producer && a.FirstOffset <= r.base && (oldest < 0 || a.FirstOffset < r.aborted[oldest].FirstOffset) {
			oldest = i
		}
	}
	if oldest >= 0 {
		r.aborted = append(r.aborted[:oldest], r.aborted[oldest+1:]...)
	}
}

// expand decompresses the running batch, within bounds.
func (r *Records) expand(c compress.Compression) bool {
	codec := c.Codec()
	if codec == nil {
		r.err = fmt.Errorf("record batch at offset %d: unknown compression %d", r.base, c)
		return false
	}
	bound := r.MaxExpanded
	if bound == 0 {
		bound = 64 << 20
	}
	in := codec.NewReader(bytes.NewReader(r.batch))
	defer func() { _ = in.Close() }()
	r.scratch.Reset()
	n, err := io.Copy(&r.scratch, io.LimitReader(in, int64(bound)+1))
	if err != nil {
		r.err = fmt.Errorf("%w at offset %d: %s: %w", ErrCorrupt, r.base, c, err)
		return false
	}
	if n > int64(bound) {
		r.err = fmt.Errorf("record batch at offset %d expands to more than %d bytes", r.base, bound)
		return false
	}
	r.batch = r.scratch.Bytes()
	return true
}

func (r *Records) record(rec *Record) bool {
	size, b, ok := varint(r.batch)
	if !ok || size < 0 || size > int64(len(b)) {
		return false
	}
	b, r.batch = b[:size], b[size:]
	if len(b) == 0 {
		return false
	}
	delta, b, ok := varint(b[1:])
	if !ok {
		return false
	}
	offset, b, ok := varint(b)
	if !ok || offset < 0 {
		return false
	}
	if rec.Key, b, ok = sized(b); !ok {
		return false
	}
	if rec.Value, rec.headers, ok = sized(b); !ok {
		return false
	}
	rec.Offset = r.base + offset
	rec.Time = r.first + delta
	if r.appendT >= 0 {
		rec.Time = r.appendT
	}
	return true
}

// varint reads a zigzag varint; the short ones are nearly all.
func varint(b []byte) (v int64, rest []byte, ok bool) {
	if len(b) > 0 && b[0] < 0x80 {
		return int64(b[0]>>1) ^ -int64(b[0]&1), b[1:], true
	}
	v, n := binary.Varint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}

func sized(b []byte) (v, rest []byte, ok bool) {
	n, b, ok := varint(b)
	switch {
	case !ok || n > int64(len(b)):
		return nil, nil, false
	case n < 0:
		return nil, b, true
	}
	return b[:n:n], b[n:], true
}
