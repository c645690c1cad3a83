package journal

import (
	"encoding/binary"
	"errors"
	"slices"

	"sluice/scoring/event"
)

// pieceBytes is about how large a piece of a history gets.
const pieceBytes = 32 << 10

// errCrowded can't come about with segments of less than gigabytes.
var errCrowded = errors.New("one entity has too many transactions in one cut: make journal.interval shorter")

// histories writes the groups.
func (b *builder) histories(t *tables) error {
	order := b.sorted()
	for len(order) > 0 {
		first, n := &b.groups[order[0]], 1
		for n < len(order) && b.groups[order[n]].bucket == first.bucket && b.groups[order[n]].hash[0] == first.hash[0] {
			n++
		}
		if err := b.history(t, order[:n]); err != nil {
			return err
		}
		order = order[n:]
	}
	return nil
}

// history writes the groups that are under one key: usually one.
func (b *builder) history(t *tables, same []int32) error {
	piece := 0
	labels := false
	for _, i := range same {
		g := &b.groups[i]
		labels = labels || g.labels >= 0
		for next := g.first; next >= 0; piece++ {
			if piece == labelPiece {
				return errCrowded
			}
			next = b.piece(g, next)
			if err := t.set(b.historyKey(g, uint16(piece)), b.value); err != nil {
				return err
			}
		}
	}
	if !labels {
		return nil
	}
	b.value = append(b.value[:0], 0)
	b.value = binary.AppendUvarint(b.value, uint64(b.layout))
	for _, i := range same {
		for l := b.groups[i].labels; l >= 0; l = b.labels[l].next {
			b.value = appendLabel(b.value, b.labels[l].id, b.labels[l].at)
		}
	}
	return t.set(b.historyKey(&b.groups[same[0]], labelPiece), b.value)
}

func (b *builder) historyKey(g *group, piece uint16) []byte {
	b.key = appendHistoryKey(b.key[:0], g.bucket, g.hash[0], b.st.Cut, piece)
	return b.key
}

// piece fills value with rows from a first one on, and gives the next one.
func (b *builder) piece(g *group, from int32) (next int32) {
	if b.secret[g.entity] {
		b.value = append(b.value[:0], pieceChecked)
		b.value = binary.LittleEndian.AppendUint64(b.value, g.hash[1])
	} else {
		b.value = append(b.value[:0], 0)
	}
	b.value = binary.AppendUvarint(b.value, uint64(b.layout))
	for next = from; next >= 0 && len(b.value) < pieceBytes; next = b.rows[next].next {
		r := &b.rows[next]
		s := b.segments[r.segment]
		e := &s.entries[r.entry]
		b.value = append(b.value, recordRow|byte(e.verdict&3)<<2)
		b.value = append(b.value, s.buf[e.start+int(e.bodyEnd):e.start+int(e.end)]...)
		b.st.Events[g.bucket]++
	}
	return next
}

// entryID gives what is known of an entry's id.
func (b *builder) entryID(at *idAt, d *decidedID) {
	s := b.segments[at.segment]
	e := &s.entries[at.entry]
	d.id = s.buf[e.start : e.start+int(e.idEnd)]
	d.decided = Decided{
		Verdict: e.verdict, Score: e.score, Arrival: e.arrival, Time: e.time,
		Partition: e.partition, Offset: e.offset, Taken: e.remembered,
	}
	d.entities = d.entities[:0]
	if e.keys < 0 {
		return
	}
	values := int(e.idEnd)
	if n := len(b.names); n > 0 {
		values = int(s.ends[int(e.keys)+n-1])
	}
	d.decided.Body = b.st.Key.body(s.buf[e.start+values : e.start+int(e.bodyEnd)])
	if at.members < 0 {
		return
	}
	for _, g := range b.members[at.members : int(at.members)+len(b.names)] {
		if g >= 0 {
			d.entities = append(d.entities, b.groups[g].hash[0])
		}
	}
}

// merge completes what is newly known of an id by what was known before.
func (d *decidedID) merge(old *decidedID) {
	n, o := &d.decided, &old.decided
	if o.Taken && !n.Taken {
		n.Taken, n.Time = true, o.Time
		d.entities = append(d.entities[:0], old.entities...)
	}
	if n.Body == (event.Key{}) {
		n.Body = o.Body
	}
	if n.Partition < 0 {
		n.Partition, n.Offset = o.Partition, o.Offset
	}
	if n.Verdict == 0 {
		n.Verdict, n.Score = o.Verdict, o.Score
	}
}

// eachID gives the ids of the cut, each once, in the order of their keys.
// earlier looks up what the journal holds of one.
func (b *builder) eachID(earlier func(hash, *decidedID) (bool, error), f func(at *idAt, d *decidedID) error) error {
	var d, old decidedID
	for i := 0; i < len(b.ids); i++ {
		at := &b.ids[i]
		b.entryID(at, &d)
		if !d.decided.Taken {
			ok, err := earlier(at.id, &old)
			if err != nil {
				return err
			}
			if ok {
				d.merge(&old)
			}
		}
		for i+1 < len(b.ids) && b.ids[i+1].bucket == at.bucket && b.ids[i+1].id == at.id {
			i++
			old = decidedID{id: d.id, decided: d.decided, entities: slices.Clone(d.entities)}
			b.entryID(&b.ids[i], &d)
			d.merge(&old)
		}
		if err := f(at, &d); err != nil {
			return err
		}
	}
	return nil
}

// identities writes the ids.
func (b *builder) identities(t *tables, earlier func(hash, *decidedID) (bool, error)) error {
	return b.eachID(earlier, func(at *idAt, d *decidedID) error {
		b.key = appendIDKey(b.key[:0], keyID, at.bucket, at.id)
		b.value = appendID(b.value[:0], d, int64(at.bucket)*b.st.Bucket)
		b.st.IDs[at.bucket]++
		return t.set(b.key, b.value)
	})
}
