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
		if g.rows > 0 {
			b.st.Events[g.bucket] += int64(g.rows)
		}
		from := g.from
		for ; from < g.end; piece++ {
			if piece == labelPiece {
				return errCrowded
			}
			to := b.pieceEnd(i, from)
			b.head(g)
			b.value = append(b.value, b.records[from:to]...)
			if err := t.set(b.historyKey(g, uint16(piece)), b.value); err != nil {
				return err
			}
			from = to
		}
	}
	if !labels {
		return nil
	}
	b.value = binary.AppendUvarint(append(b.value[:0], 0), uint64(b.layout))
	for _, i := range same {
		for l := b.groups[i].labels; l >= 0; l = b.labels[l].next {
			b.value = appendLabel(b.value, b.labels[l].id, b.labels[l].at)
		}
	}
	return t.set(b.historyKey(&b.groups[same[0]], labelPiece), b.value)
}

// pieceEnd gives where the piece of a group ends that begins at from.
func (b *builder) pieceEnd(n int32, from int) int {
	end := b.groups[n].end
	if b.groups[n].long {
		for _, s := range b.splits {
			if s.group == n && s.at > from {
				end = min(end, s.at)
			}
		}
	}
	return end
}

func (b *builder) historyKey(g *group, piece uint16) []byte {
	b.key = appendHistoryKey(b.key[:0], g.bucket, g.hash[0], b.st.Cut, piece)
	return b.key
}

// head begins the value of a piece of rows.
func (b *builder) head(g *group) {
	if b.secret[g.entity] {
		b.value = binary.LittleEndian.AppendUint64(append(b.value[:0], pieceChecked), g.hash[1])
	} else {
		b.value = append(b.value[:0], 0)
	}
	b.value = binary.AppendUvarint(b.value, uint64(b.layout))
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

// finder looks up what the journal holds of an id.
type finder func(hash, *decidedID) (bool, error)

// placedFinder is a finder that looks into one bucket: what was decided at one
// time is in one.
type placedFinder func(id hash, bucket uint16, d *decidedID) (bool, error)

// identities writes the ids. Of one that the histories do not hold the journal
// may know more; that is rare.
func (b *builder) identities(t *tables, earlier placedFinder) error {
	for i := 0; i < len(b.ids); i++ {
		at := &b.ids[i]
		value := b.values[at.value : at.value+int(at.length)]
		again := i+1 < len(b.ids) && b.ids[i+1].bucket == at.bucket && b.ids[i+1].id == at.id
		if again || at.members < 0 {
			n := 1
			for i+n < len(b.ids) && b.ids[i+n].bucket == at.bucket && b.ids[i+n].id == at.id {
				n++
			}
			var err error
			if value, err = b.merged(b.ids[i:i+n], earlier); err != nil {
				return err
			}
			i += n - 1
		}
		b.st.IDs[at.bucket]++
		b.key = appendIDKey(b.key[:0], keyID, at.bucket, at.id)
		if err := t.set(b.key, value); err != nil {
			return err
		}
	}
	return nil
}

// merged gives the value of an id that is in the cut more than once, or of
// which the journal may know more.
func (b *builder) merged(same []idAt, earlier placedFinder) ([]byte, error) {
	var d, old decidedID
	known, err := earlier(same[0].id, same[0].bucket, &d)
	if err != nil {
		return nil, err
	}
	start := int64(same[0].bucket) * b.st.Bucket
	for i := range same {
		old, d = decidedID{id: d.id, decided: d.decided, entities: slices.Clone(d.entities)}, decidedID{}
		if err := readID(b.values[same[i].value:same[i].value+int(same[i].length)], start, &d); err != nil {
			return nil, err
		}
		if known {
			d.merge(&old)
		}
		known = true
	}
	b.scratch = appendID(b.scratch[:0], &d, start)
	return b.scratch, nil
}
