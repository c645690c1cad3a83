package history

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"sluice/scoring/event"
)

// AppendSet appends a canonical dump of all histories, labels and verdicts:
// equal sets give equal bytes. Labels that wait for their transactions are not
// in it: whether one waits depends on whether its transaction was still there.
func (s *Store) AppendSet(b []byte) []byte {
	d := dump{s: s}
	for e := range s.kinds {
		d.histories(e)
	}
	b = d.transactions(b)
	b = binary.BigEndian.AppendUint64(b, uint64(len(d.text)))
	return append(b, d.text...)
}

type dump struct {
	s    *Store
	rows []handle
	text []byte // of the histories
}

// histories dumps those of one kind of entity, in the order of their names.
func (d *dump) histories(e int) {
	k := &d.s.kinds[e]
	var all [][]byte
	for i := range k.table.parts {
		p := &k.table.parts[i]
		for j := range p.slots {
			if p.slots[j].key == (event.Key{}) {
				continue
			}
			h := &p.slots[j].history
			d.s.expire(h)
			if h.len(d.s) > 0 {
				all = append(all, d.history(k, h, e, p.slots[j].key))
			}
		}
	}
	slices.SortFunc(all, bytes.Compare)
	d.text = binary.BigEndian.AppendUint64(d.text, uint64(len(all)))
	for _, b := range all {
		d.text = append(d.text, b...)
	}
}

func (d *dump) history(k *kind, h *history, e int, key event.Key) []byte {
	var b []byte
	n := h.len(d.s)
	for rank := range n {
		at := d.s.entry(k, h, rank)
		row := handle(at.block[metaWord*at.size+at.i])
		r := d.s.rows.at(row)
		if rank == 0 {
			b = d.name(b, r, e, key)
			b = binary.BigEndian.AppendUint64(b, uint64(n))
		}
		b = binary.BigEndian.AppendUint64(b, r[rowTime])
		b = d.column(b, r, d.s.schema.ID)
		d.rows = append(d.rows, row)
	}
	return b
}

// name appends the value of an entity, or its key where that is secret.
func (d *dump) name(b []byte, r []uint64, e int, key event.Key) []byte {
	field := d.s.schema.Entities[e]
	if d.s.shape.at[field] >= 0 {
		return d.column(b, r, field)
	}
	b = binary.BigEndian.AppendUint64(b, key[0])
	return binary.BigEndian.AppendUint64(b, key[1])
}

// column appends a field of a row.
func (d *dump) column(b []byte, r []uint64, field int) []byte {
	at := d.s.shape.at[field]
	switch {
	case at < 0:
		return b
	case d.s.shape.text[field] < 0:
		return binary.BigEndian.AppendUint64(b, r[at])
	case r[at] == event.Missing:
		return binary.BigEndian.AppendUint64(b, event.Missing)
	}
	text := d.s.appendText(nil, r, field)
	b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
	return append(b, text...)
}

// transactions dumps the rows that the histories named, each once.
func (d *dump) transactions(b []byte) []byte {
	s := d.s
	slices.Sort(d.rows)
	d.rows = slices.Compact(d.rows)
	slices.SortFunc(d.rows, func(x, y handle) int {
		a, b := s.rows.at(x), s.rows.at(y)
		return cmp.Or(cmp.Compare(int64(a[rowTime]), int64(b[rowTime])), s.compareIDs(a, b))
	})
	b = binary.BigEndian.AppendUint64(b, uint64(len(d.rows)))
	for _, row := range d.rows {
		r := s.rows.at(row)
		b = binary.BigEndian.AppendUint64(b, r[rowTime])
		b = binary.BigEndian.AppendUint64(b, r[rowCurrency])
		for f := range s.schema.Fields {
			b = d.column(b, r, f)
		}
		b = append(b, verdictOf(r))
		n := labelCount(r)
		b = binary.BigEndian.AppendUint64(b, uint64(n))
		if n > 0 {
			for _, w := range s.labels.at(handle(r[rowLinks]))[:2*n] {
				b = binary.BigEndian.AppendUint64(b, w)
			}
		}
	}
	return b
}
