package history

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"time"

	"sluice/scoring/event"
)

// putRow stores a transaction; no history holds it yet.
func (s *Store) putRow(tx *event.Transaction) handle {
	h := &s.shape
	size := 0
	for _, f := range h.texts {
		if w := tx.Words[f]; w != event.Missing {
			size += int(uint32(w))
		}
	}
	id := s.rows.alloc(h.body + (size+7)/8)
	r := s.rows.at(id)
	r[rowID], r[rowID+1] = tx.IDKey[0], tx.IDKey[1]
	r[rowTime] = uint64(tx.Time)
	r[rowCurrency] = tx.Currency
	r[rowCount] = 0
	r[rowLinks] = uint64(size) << 32
	for i, k := range tx.Entities {
		r[h.keys+2*i], r[h.keys+2*i+1] = k[0], k[1]
	}
	for f, at := range h.at {
		switch {
		case at < 0:
		case h.text[f] >= 0:
			r[at] = tx.Hashes[f]
		default:
			r[at] = tx.Words[f]
		}
	}
	s.putTexts(r, tx)
	s.rowsHeld++
	return id
}

func (s *Store) putTexts(r []uint64, tx *event.Transaction) {
	h := &s.shape
	b := s.bytes[:0]
	for k, f := range h.texts {
		if text, ok := tx.String(f); ok {
			b = append(b, text...)
		}
		end := &r[h.ends+k/2]
		if k%2 == 0 {
			*end = uint64(len(b))
		} else {
			*end |= uint64(len(b)) << 32
		}
	}
	s.bytes = b
	for i := h.body; len(b) > 0; i++ {
		if len(b) < 8 {
			var last [8]byte
			copy(last[:], b)
			r[i] = binary.LittleEndian.Uint64(last[:])
			return
		}
		r[i] = binary.LittleEndian.Uint64(b)
		b = b[8:]
	}
}

// freeRow forgets a transaction that no history holds any more.
func (s *Store) freeRow(id handle) {
	r := s.rows.at(id)
	if links := handle(r[rowLinks]); links != 0 {
		s.labels.free(links)
	}
	s.ids.remove(event.Key{r[rowID], r[rowID+1]}, id)
	s.rows.free(id)
	s.rowsHeld--
}

// release takes a row out of one history.
func (s *Store) release(id handle) {
	r := s.rows.at(id)
	r[rowCount]--
	s.references--
	if uint32(r[rowCount]) == 0 {
		s.freeRow(id)
	}
}

// retain puts a row into one history.
func (s *Store) retain(id handle) {
	s.rows.at(id)[rowCount]++
	s.references++
}

// appendText appends the text of a row's text field, which must not be missing.
func (s *Store) appendText(b []byte, r []uint64, field int) []byte {
	k := s.shape.text[field]
	from := 0
	if k > 0 {
		from = s.textEnd(r, k-1)
	}
	to := s.textEnd(r, k)
	for i := from; i < to; {
		word := r[s.shape.body+i/8] >> (8 * uint(i%8))
		for n := 8 - i%8; n > 0 && i < to; n, i = n-1, i+1 {
			b = append(b, byte(word))
			word >>= 8
		}
	}
	return b
}

func (s *Store) textEnd(r []uint64, k int) int {
	return int(uint32(r[s.shape.ends+k/2] >> (32 * uint(k%2))))
}

// storedWord reads a column of a row that does not depend on the time of asking.
func (s *Store) storedWord(r []uint64, c event.Column) uint64 {
	switch c.Form {
	case event.Hour, event.Weekday:
		return s.calendar(int64(r[rowTime]), c.Form)
	case event.Plain, event.Minor:
		if c.Field == s.schema.Time {
			return r[rowTime]
		}
		if at := s.shape.at[c.Field]; at >= 0 {
			return r[at]
		}
	}
	return event.Missing
}

// calendar gives the hour or the weekday of a time in the schema's zone.
func (s *Store) calendar(t int64, form event.Form) uint64 {
	at := time.Unix(0, t).In(s.zone)
	if form == event.Hour {
		return uint64(at.Hour())
	}
	return uint64((int(at.Weekday())+6)%7 + 1)
}

// idLess reports whether the id of row a is before that of row b, by its type.
func (s *Store) idLess(a, b handle) bool {
	return s.compareIDs(s.rows.at(a), s.rows.at(b)) < 0
}

func (s *Store) compareIDs(a, b []uint64) int {
	at := s.shape.at[s.schema.ID]
	if s.shape.text[s.schema.ID] < 0 {
		return cmp.Compare(int64(a[at]), int64(b[at]))
	}
	if a[at] == b[at] {
		return 0
	}
	s.bytes = s.appendText(s.bytes[:0], a, s.schema.ID)
	n := len(s.bytes)
	s.bytes = s.appendText(s.bytes, b, s.schema.ID)
	return bytes.Compare(s.bytes[:n], s.bytes[n:])
}
