package journal

import (
	"encoding/binary"
	"errors"
	"time"

	"sluice/rules"
	"sluice/scoring/event"
)

// A piece of a history is a byte of flags, the number of the layout, and then
// its records: a byte that says what it is, and a stored transaction or a label.
const (
	pieceChecked = 1 << iota // the other half of the entity's hash follows
	pieceKnown   = pieceChecked
)

const (
	recordRow   = 0 // the verdict is in bits 2 and 3
	recordLabel = 1 // fraud is bit 2
	recordKinds = 3
)

// What is known of an id is a byte of flags and then, each where its flag is set
// or always: score, arrival, event time, place of the verdict, body, and the
// hashes of the entities whose histories hold the transaction. The id itself is
// in the key, as a hash.
const (
	idTaken   = 1 << iota // the histories hold the transaction
	idBody                // the hash of the body is known
	idPlaced              // the place of the verdict is known
	idMillis              // the arrival is a whole number of milliseconds
	idSeconds             // the distance of the event time is a whole number of seconds
	idVerdict             // two bits
)

// errValue is what a damaged value amounts to.
var errValue = errors.New("a value has bytes that nobody wrote")

// decidedID is what an id's value says.
type decidedID struct {
	decided  Decided
	entities []uint64
}

// appendID appends the value of an id; start is where its bucket begins.
func appendID(b []byte, d *decidedID, start int64) []byte {
	flags := byte(d.decided.Verdict&3) * idVerdict
	if d.decided.Taken {
		flags |= idTaken
	}
	if d.decided.Body != (event.Key{}) {
		flags |= idBody
	}
	if d.decided.Partition >= 0 {
		flags |= idPlaced
	}
	arrival, distance := d.decided.Arrival-start, d.decided.Arrival-d.decided.Time
	if arrival%int64(time.Millisecond) == 0 {
		flags |= idMillis
		arrival /= int64(time.Millisecond)
	}
	if distance%int64(time.Second) == 0 {
		flags |= idSeconds
		distance /= int64(time.Second)
	}
	b = append(b, flags)
	b = binary.AppendVarint(b, d.decided.Score)
	b = binary.AppendVarint(b, arrival)
	b = binary.AppendVarint(b, distance)
	if flags&idPlaced != 0 {
		b = binary.AppendUvarint(b, uint64(d.decided.Partition))
		b = binary.AppendVarint(b, d.decided.Offset)
	}
	if flags&idBody != 0 {
		b = binary.LittleEndian.AppendUint64(b, d.decided.Body[0])
	}
	for _, e := range d.entities {
		b = binary.LittleEndian.AppendUint64(b, e)
	}
	return b
}

// readID reads an id's value.
func readID(b []byte, start int64, d *decidedID) error {
	r := reader{b: b}
	flags := r.byte()
	if flags >= idVerdict<<2 {
		return errValue
	}
	d.decided = Decided{Verdict: rules.Verdict(flags / idVerdict), Taken: flags&idTaken != 0, Partition: -1, Offset: -1}
	d.decided.Score = r.varint()
	arrival, distance := r.varint(), r.varint()
	if flags&idMillis != 0 {
		arrival *= int64(time.Millisecond)
	}
	if flags&idSeconds != 0 {
		distance *= int64(time.Second)
	}
	d.decided.Arrival = start + arrival
	d.decided.Time = d.decided.Arrival - distance
	if flags&idPlaced != 0 {
		d.decided.Partition, d.decided.Offset = int32(r.uvarint()), r.varint()
	}
	if flags&idBody != 0 {
		d.decided.Body[0] = r.uint64()
	}
	d.entities = d.entities[:0]
	for len(r.b) > 0 && !r.failed {
		d.entities = append(d.entities, r.uint64())
	}
	if r.failed {
		return errValue
	}
	return nil
}

// A waiting label's value is its labels: time and value of each.

func appendWaiting(b []byte, l Waiting) []byte {
	return append(binary.AppendVarint(b, l.Time), bit(l.Fraud))
}

func readWaiting(b []byte) (all []Waiting, err error) {
	r := reader{b: b}
	for len(r.b) > 0 && !r.failed {
		t, fraud := r.varint(), r.byte()
		if fraud > 1 {
			return nil, errValue
		}
		all = append(all, Waiting{Time: t, Fraud: fraud == 1})
	}
	if r.failed {
		return nil, errValue
	}
	return all, nil
}

func appendLabel(b []byte, id []byte, l Waiting) []byte {
	b = append(b, recordLabel|bit(l.Fraud)<<2)
	b = binary.AppendVarint(b, l.Time)
	return append(binary.AppendUvarint(b, uint64(len(id))), id...)
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// reader reads a value from its front. Once something is missing it gives zeros.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) fail() {
	r.b, r.failed = nil, true
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); len(b) == 8 {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}
