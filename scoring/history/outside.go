package history

import (
	"math"

	"sluice/scoring/event"
)

// Histories may lie outside of memory, in a journal that holds the rows, labels
// and verdicts of every entity within twice the retention. An entity is then
// resident, with its whole history in memory, or it is not; Evict lets go of it,
// and Restore, RestoreLabel and Admit bring it back.
//
// Everything here is a union: rows, labels and verdicts may come in any order,
// any number of times, and what memory knows already stands. A row is in memory
// as long as one history there refers to it, so what happens to it (a label, a
// verdict) is known to those, and the journal tells the others.

// loading in place of a cut marks a history that Restore began and Admit has
// not declared whole.
const loading = math.MaxUint32

// SetOutside says that histories may lie outside of memory. An entity that the
// store does not hold is then not resident, instead of being without a past:
// Remember leaves its history out, and Observe must not be asked about it
// unless nothing in the plan looks at it (see Asks). Evict says so with the first that it evicts. Before
// that an entity which the store does not hold has no past.
func (s *Store) SetOutside(outside bool) { s.outside = outside }

// Outside reports whether histories may lie outside of memory.
func (s *Store) Outside() bool { return s.outside }

// Resident reports whether the whole history of an entity is in memory. It
// always is where none lie outside, and for the zero key.
func (s *Store) Resident(entity int, key event.Key) bool {
	if !s.outside || key == (event.Key{}) {
		return true
	}
	h := s.kinds[entity].table.find(key)
	return h != nil && h.cut != loading
}

// Asks reports whether the plan looks at the histories of a kind of entity.
func (s *Store) Asks(entity int) bool { return s.kinds[entity].asks() || s.shared[entity] }

// Admit makes an entity resident: everything that the journal has of it was
// restored, perhaps nothing.
func (s *Store) Admit(entity int, key event.Key) {
	if key == (event.Key{}) {
		return
	}
	s.history(entity, key).cut = s.cut
	for _, l := range s.loose {
		s.label(l.key, l.time, l.fraud)
	}
	s.loose = s.loose[:0]
}

// history gives the history of an entity, and begins one if there is none.
func (s *Store) history(entity int, key event.Key) *history {
	t := &s.kinds[entity].table
	h := t.find(key)
	if h == nil {
		h = t.add(key)
		h.cut = loading
	}
	return h
}

// Restore adds a stored transaction to one history: that of the entity with
// this key, which is not resident before Admit. Its row is shared with the other
// histories in memory that hold it. The transaction must have been remembered
// once; its key of the entity may be missing where that is secret, and one that
// has another key (of a journal that files by shorter hashes) is left alone.
// verdict is "" where there is none. A verdict in memory stands.
func (s *Store) Restore(entity int, key event.Key, tx *event.Transaction, verdict string) {
	if key == (event.Key{}) || !s.belongs(entity, key, tx) {
		return
	}
	h := s.history(entity, key)
	if h.len(s) > 0 && tx.Time < h.newest-s.retention {
		return
	}
	if tx.Currency != 0 {
		s.currency = tx.Currency
	}
	row := s.ids.find(tx.IDKey)
	if row != 0 {
		switch t := int64(s.rows.at(row)[rowTime]); {
		case t > tx.Time: // the id was forgotten and used again: nobody sees this one any more
			return
		case t < tx.Time:
			s.ids.remove(tx.IDKey, row)
			row = 0
		}
	}
	held := false
	if row == 0 {
		row = s.restoreRow(tx)
	} else {
		held = s.rankOf(h, row, tx.Time) >= 0
	}
	r := s.rows.at(row)
	at := s.shape.keys + 2*entity
	r[at], r[at+1] = key[0], key[1]
	if verdict != "" && verdictOf(r) == 0 {
		s.setVerdict(r, row, verdict)
	}
	if !held {
		s.add(&s.kinds[entity], h, tx.Time, row)
	}
}

// belongs reports whether a transaction may be one of an entity.
func (s *Store) belongs(entity int, key event.Key, tx *event.Transaction) bool {
	if have := tx.Entities[entity]; have != (event.Key{}) {
		return have == key
	}
	return s.schema.Fields[s.schema.Entities[entity]].Secret
}

// restoreRow stores a transaction that memory does not hold.
func (s *Store) restoreRow(tx *event.Transaction) handle {
	row := s.putRow(tx)
	s.ids.add(tx.IDKey, row)
	s.waiting.take(tx.IDKey, s, s.rows.at(row))
	for i := range s.schema.Fields {
		f := &s.schema.Fields[i]
		if f.Required && !f.Secret && tx.Words[i] == event.Missing && !s.lacks[i] {
			// It was stored before the schema had the field, or had it so.
			s.lacks[i] = true
			s.Install(s.plan)
		}
	}
	return row
}

// looseLabel is a label that came before its row.
type looseLabel struct {
	key   event.Key
	time  int64
	fraud bool
}

// RestoreLabel adds a stored label to its transaction, which may be restored
// before or after, but before the next Admit: one that is not there by then is
// of the past.
func (s *Store) RestoreLabel(id event.Key, time int64, fraud bool) {
	if !s.label(id, time, fraud) {
		s.loose = append(s.loose, looseLabel{id, time, fraud})
	}
}

// SetSince says from which event time (ns) on everything was seen, by this run
// or by earlier ones.
func (s *Store) SetSince(ns int64) { s.since, s.seen = ns, true }
