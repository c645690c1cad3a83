package wire

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// Header is a header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Producer is what makes a retry recognisable: the broker appends a sequence
// of an id and epoch once. The zero Producer does not deduplicate.
type Producer struct {
	ID    int64
	Epoch int16
	Valid bool
}

// Batch builds a record batch (magic 2, no compression) in place: what is
// appended is encoded at once, and Seal fills in the header.
type Batch struct {
	buf   []byte
	first int64
	max   int64
	count int32
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() { b.buf, b.count = b.buf[:0], 0 }

// Len gives the number of records.
func (b *Batch) Len() int { return int(b.count) }

// Size gives the size in bytes.
func (b *Batch) Size() int { return max(len(b.buf), headerSize) }

// MaxRecordOverhead bounds what a record adds to its key, value and headers.
const MaxRecordOverhead = 36

// Append adds a record; timeMs is its timestamp. A nil value is a tombstone.
func (b *Batch) Append(timeMs int64, key, value []byte, headers ...Header) {
	if b.count == 0 {
		b.buf = append(b.buf[:0], make([]byte, headerSize)...)
		b.first, b.max = timeMs, timeMs
	}
	b.max = max(b.max, timeMs)
	delta := timeMs - b.first
	size := 1 + varintLen(delta) + varintLen(int64(b.count)) + sizedLen(key) + sizedLen(value) + varintLen(int64(len(headers)))
	for _, h := range headers {
		size += varintLen(int64(len(h.Key))) + len(h.Key) + sizedLen(h.Value)
	}
	p := binary.AppendVarint(b.buf, int64(size))
	p = append(p, 0)
	p = binary.AppendVarint(p, delta)
	p = binary.AppendVarint(p, int64(b.count))
	p = appendSized(p, key)
	p = appendSized(p, value)
	p = binary.AppendVarint(p, int64(len(headers)))
	for _, h := range headers {
		p = binary.AppendVarint(p, int64(len(h.Key)))
		p = append(p, h.Key...)
		p = appendSized(p, h.Value)
	}
	b.buf = p
	b.count++
}

// Seal completes the header and gives the bytes, which belong to the batch. A
// batch can be sealed again, with another producer or sequence.
func (b *Batch) Seal(p Producer, sequence int32) []byte {
	if b.count == 0 {
		return nil
	}
	if !p.Valid {
		p.ID, p.Epoch, sequence = -1, -1, -1
	}
	h, be := b.buf, binary.BigEndian
	be.PutUint64(h, 0)
	be.PutUint32(h[atLength:], uint32(len(h)-lengthIncludes))
	be.PutUint32(h[atLength+4:], ^uint32(0)) // leader epoch: not known
	h[atMagic] = 2
	be.PutUint16(h[atAttributes:], 0)
	be.PutUint32(h[atLastDelta:], uint32(b.count-1))
	be.PutUint64(h[atFirstTime:], uint64(b.first))
	be.PutUint64(h[atMaxTime:], uint64(b.max))
	be.PutUint64(h[atProducer:], uint64(p.ID))
	be.PutUint16(h[atEpoch:], uint16(p.Epoch))
	be.PutUint32(h[atSequence:], uint32(sequence))
	be.PutUint32(h[atCount:], uint32(b.count))
	be.PutUint32(h[atCRC:], checksum(h[atAttributes:]))
	return h
}

func checksum(b []byte) uint32 {
	return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
}

func appendSized(p, b []byte) []byte {
	if b == nil {
		return binary.AppendVarint(p, -1)
	}
	return append(binary.AppendVarint(p, int64(len(b))), b...)
}

func sizedLen(b []byte) int {
	if b == nil {
		return 1
	}
	return varintLen(int64(len(b))) + len(b)
}

func varintLen(v int64) int {
	zigzag := uint64(v)<<1 ^ uint64(v>>63)
	return max(1, (bits.Len64(zigzag)+6)/7)
}

// EmptySize is the Size of a batch without records.
const EmptySize = headerSize
