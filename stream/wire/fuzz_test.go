package wire

import (
	"bytes"
	"testing"
)

// FuzzRecords: whatever a broker sends, the walk ends, stays within the bytes,
// and moves on.
func FuzzRecords(f *testing.F) {
	var b Batch
	b.Append(1, []byte("key"), []byte("value"), Header{Key: "h"})
	b.Append(2, nil, nil)
	f.Add(bytes.Clone(b.Seal(Producer{ID: 1, Valid: true}, 3)), int64(0), true)
	f.Add([]byte{}, int64(5), false)
	f.Fuzz(func(t *testing.T, data []byte, from int64, mend bool) {
		if mend && len(data) >= headerSize { // get past the checksum
			size := min(len(data), 1<<16)
			data = bytes.Clone(data[:size])
			be32(data[atLength:], uint32(size-lengthIncludes))
			data[atMagic] = 2
			data[atAttributes+1] &^= compressionMask
			be32(data[atCRC:], checksum(data[atAttributes:]))
		}
		var r Records
		r.Reset(data, from, []Aborted{{ProducerID: 1, FirstOffset: 0}})
		var rec Record
		last := from - 1
		for n := 0; r.Next(&rec); n++ {
			if rec.Offset <= last {
				t.Fatalf("offset %d after %d", rec.Offset, last)
			}
			last = rec.Offset
			if n > len(data) {
				t.Fatal("more records than bytes")
			}
		}
		if r.NextOffset() < from {
			t.Fatalf("back from %d to %d", from, r.NextOffset())
		}
	})
}

func be32(b []byte, v uint32) { b[0], b[1], b[2], b[3] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v) }

// FuzzResponse: no answer of a broker makes us panic or take its word for sizes.
func FuzzResponse(f *testing.F) {
	f.Add([]byte{0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0}, true)
	f.Fuzz(func(_ *testing.T, data []byte, fetch bool) {
		in := openResponse(bytes.NewReader(data), correlation)
		if fetch {
			_, _ = (&Fetch{version: 11, Buffer: func(n int) []byte { return make([]byte, n) }}).decode(in)
			return
		}
		_, _ = (&Produce{version: 8}).decode(in)
	})
}
