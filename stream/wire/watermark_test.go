package wire

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/segmentio/kafka-go/protocol"
)

// exchange gives a prepared answer to whatever is written.
type exchange struct {
	io.Reader
	io.Writer
}

// TestOldWatermark: a broker notes the high watermark before it reads the log,
// so that an answer may hold records from its own watermark on. They are taken,
// and the connection stays in step: bench/README.md tells what becomes of a
// client that takes such an answer for an empty one.
func TestOldWatermark(t *testing.T) {
	const offset, version = 7, 4
	var batch Batch
	batch.Append(1, []byte("key"), []byte("value"))
	records := batch.Seal(Producer{}, 0)
	be := binary.BigEndian
	be.PutUint64(records, offset)

	body := be.AppendUint32(nil, correlation)
	body = be.AppendUint32(body, 0) // throttle
	body = be.AppendUint32(body, 1) // topics
	body = appendString(body, "topic")
	body = be.AppendUint32(body, 1)          // partitions
	body = be.AppendUint32(body, 0)          // partition
	body = be.AppendUint16(body, 0)          // error
	body = be.AppendUint64(body, offset)     // high watermark
	body = be.AppendUint64(body, offset)     // last stable offset
	body = be.AppendUint32(body, ^uint32(0)) // aborted
	body = be.AppendUint32(body, uint32(len(records)))
	body = append(body, records...)
	frame := append(be.AppendUint32(nil, uint32(len(body))), body...)

	in := bytes.NewReader(frame)
	f := &Fetch{
		Bytes: 1 << 20, Partitions: []FetchPartition{{Topic: "topic", Offset: offset}},
		Buffer: func(size int) []byte { return make([]byte, size) },
	}
	f.Required(map[protocol.ApiKey]int16{protocol.Fetch: version})
	m, err := f.RawExchange(exchange{in, io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	got := m.(*FetchResponse).Partitions
	if len(got) != 1 || got[0].End != offset || !bytes.Equal(got[0].Records, records) {
		t.Fatalf("%+v", got)
	}
	if in.Len() > 0 {
		t.Errorf("%d bytes are left for the next answer", in.Len())
	}
	var r Records
	r.Reset(got[0].Records, offset, nil)
	var rec Record
	if !r.Next(&rec) || rec.Offset != offset || string(rec.Value) != "value" || r.NextOffset() != offset+1 {
		t.Errorf("%+v, going on at %d", rec, r.NextOffset())
	}
}
