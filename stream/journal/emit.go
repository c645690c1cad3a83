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
	b.sort() // labels may have brought some
	seen, rows := 0, int64(0)
	for order := b.order; len(order) > 0; {
		if done := len(b.order) - len(order); done >= seen {
			seen = done + ahead
			for _, at := range order[:min(ahead, len(order))] {
				b.touched += b.groups[at.group].rows // as foresee does
			}
		}
		first, n := order[0], 1
		for n < len(order) && order[n].bucket == first.bucket && order[n].hash == first.hash {
			n++
		}
		if err := b.history(t, order[:n]); err != nil {
			return err
		}
		for _, at := range order[:n] {
			rows += int64(b.groups[at.group].rows)
		}
		order = order[n:]
		if len(order) == 0 || order[0].bucket != first.bucket {
			if rows > 0 {
				b.st.Events[first.bucket] += rows
			}
			rows = 0
		}
	}
	return nil
}

// history writes the groups that are under one key: usually one.
func (b *builder) history(t *tables, same []place) error {
	piece := 0
	labels := false
	for _, at := range same {
		g := &b.groups[at.group]
		labels = labels || g.labels >= 0
		from := g.from
		for ; from < g.end; piece++ {
			if piece == labelPiece {
				return errCrowded
			}
			to := b.pieceEnd(at.group, from)
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
	for _, at := range same {
		for l := b.groups[at.group].labels; l >= 0; l = b.labels[l].next {
			b.value = appendLabel(b.value, b.labels[l].id, b.labels[l].at)
		}
	}
	return t.set(b.historyKey(&b.groups[same[0].group], labelPiece), b.value)
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

// placedFinder looks up what a bucket of the journal holds of an id: what was
// decided at one time is in one.
type placedFinder func(id hash, bucket uint16, d *decidedID) (bool, error)

// identities writes the ids. Of one that the histories do not hold the journal
// may know more; that is rare.
func (b *builder) identities(t *tables, earlier placedFinder) error {
	for bin, ids := range b.idRuns {
		if len(ids) == 0 {
			continue
		}
		written, bucket := int64(0), ids[0].bucket
		for len(ids) > 0 {
			at, n := &ids[0], 1
			for n < len(ids) && ids[n].id == at.id {
				n++
			}
			value := bin.value(at)
			if n > 1 || at.members < 0 {
				var err error
				if value, err = b.merged(bin, ids[:n], earlier); err != nil {
					return err
				}
			}
			ids = ids[n:]
			written++
			b.key = appendIDKey(b.key[:0], keyID, at.bucket, at.id)
			if err := t.set(b.key, value); err != nil {
				return err
			}
		}
		b.st.IDs[bucket] += written
	}
	return nil
}

func (bin *idBin) value(at *idAt) []byte { return bin.values[at.value:][:at.length] }

// merged gives the value of an id that is in the cut more than once, or of
// which the journal may know more.
func (b *builder) merged(bin *idBin, same []idAt, earlier placedFinder) ([]byte, error) {
	var d, old decidedID
	known, err := earlier(same[0].id, same[0].bucket, &d)
	if err != nil {
		return nil, err
	}
	start := int64(same[0].bucket) * b.st.Bucket
	for i := range same {
		old, d = decidedID{decided: d.decided, entities: slices.Clone(d.entities)}, decidedID{}
		if err := readID(bin.value(&same[i]), start, &d); err != nil {
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
