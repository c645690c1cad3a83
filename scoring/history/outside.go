package history

import "sluice/scoring/event"

// Histories may lie outside of memory, in a journal that holds the rows, labels
// and verdicts of every entity within twice the retention. An entity is then
// resident, with all that is to be known of its history in memory, or it is not;
// Evict lets go of it, and Restore, RestoreLabel and Admit bring it back. Of what
// is in memory of a hot history entries may be outside all the same: see Chunk.
//
// Everything here is a union: rows, labels and verdicts may come in any order,
// any number of times, and what memory knows already stands. A row is in memory
// as long as one history there refers to it, so what happens to it (a label, a
// verdict) is known to those, and the journal tells the others.

// What lies beside the cut of a history that is not resident. Of such a history
// memory holds a part: what Remember put there since it left, which the journal
// may not have yet, and what Restore brings. The parts are united, in whatever
// order they come, and Admit declares them the whole. Of what a part lacks
// nothing follows: it is there to be kept, and nobody asks it.
const (
	partial = 1 << 31 // not resident
	begun   = 1 << 30 // and Restore has begun to bring it: until Admit it stays
)

// resident reports whether a history is whole but for what Lacking can tell.
func (h *history) resident() bool { return h.cut&partial == 0 }

// touched gives the cut in which a history was last touched.
func (h *history) touched() uint32 { return h.cut &^ (partial | begun) }

// SetOutside says that histories may lie outside of memory. An entity that the
// store does not hold is then not resident, instead of being without a past:
// what Remember adds to it waits for the rest of its history, and Observe fails
// unless nothing in the plan looks at it (see Asks). Evict says so with the first
// that it evicts. Before that an entity which the store does not hold has no past.
func (s *Store) SetOutside(outside bool) { s.outside = outside }

// Outside reports whether histories may lie outside of memory.
func (s *Store) Outside() bool { return s.outside }

// Resident reports whether the history of an entity is in memory. It
// always is where none lie outside, and for the zero key.
func (s *Store) Resident(entity int, key event.Key) bool {
	if !s.outside || key == (event.Key{}) {
		return true
	}
	h := s.kinds[entity].table.find(key)
	return h != nil && h.resident()
}

// Touch keeps the history of an entity, if it is in memory, until a cut that
// begins from now on is durable.
func (s *Store) Touch(entity int, key event.Key) {
	if key == (event.Key{}) {
		return
	}
	if h := s.kinds[entity].table.find(key); h != nil {
		s.stamp(h)
	}
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
		h.cut = partial
	}
	return h
}

// Restore adds a stored transaction to one history: that of the entity with
// this key, which is not resident before Admit, or lacks it (Lacking). Its row is shared with the other
// histories in memory that hold it. The transaction must have been remembered
// once; its key of the entity may be missing where that is secret, and one that
// has another key (of a journal that files by shorter hashes) is left alone.
// verdict is "" where there is none. A verdict in memory stands.
func (s *Store) Restore(entity int, key event.Key, tx *event.Transaction, verdict string) {
	if key == (event.Key{}) || !s.belongs(entity, key, tx) {
		return
	}
	h := s.history(entity, key)
	if !h.resident() {
		h.cut |= begun
	}
	old := h.len(s) > 0 && tx.Time < h.newest-s.retention
	if old && (h.hot == 0 || s.hots[h.hot].away == 0) {
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
	if row == 0 {
		row = s.restoreRow(tx, verdict)
	}
	r := s.rows.at(row)
	at := s.shape.keys + 2*entity
	r[at], r[at+1] = key[0], key[1]
	if verdict != "" && verdictOf(r) == 0 {
		s.setVerdict(r, row, verdict)
	}
	s.mark = 0 // what is restored is in the journal
	if h.resident() {
		s.stamp(h)
	}
	s.union(&s.kinds[entity], h, row, old)
	if h.hot != 0 {
		s.hots[h.hot].loaded = max(s.hots[h.hot].loaded, tx.Time)
	}
	s.mark = s.cut
}

// union puts a restored row into a history, unless that holds it. One that is too
// old only goes where it is missed: it is dropped with others, in its turn.
func (s *Store) union(k *kind, h *history, row handle, old bool) {
	t := int64(s.rows.at(row)[rowTime])
	if h.hot != 0 {
		tree := s.hots[h.hot]
		path, _ := s.leafOf(tree, t, row)
		x := path[len(path)-1]
		block := s.open(k, &x.leaf)
		switch {
		case x.leaf.seek(block, t, row) >= 0 || x.away != 0 && s.comeBack(k, tree, x, row):
		case old || x.away != 0 && h.resident(): // all of it is known
			s.loseInterest(row)
		default:
			s.add(k, h, t, row)
		}
		return
	}
	if s.rankOf(h, row, t) < 0 {
		s.add(k, h, t, row)
	}
}

// loseInterest forgets a row that was stored and is in no history. Labels that had
// waited for it wait again: another history may want it, and be on its way from
// before the journal had them.
func (s *Store) loseInterest(row handle) {
	r := s.rows.at(row)
	if uint32(r[rowCount]) > 0 {
		return
	}
	if n := labelCount(r); n > 0 {
		l := s.labels.at(handle(r[rowLinks]))
		for i := range n {
			s.waiting.add(&event.Label{IDKey: event.Key{r[rowID], r[rowID+1]}, Time: int64(l[2*i]), Fraud: l[2*i+1] != 0})
		}
	}
	s.freeRow(row)
}

// belongs reports whether a transaction may be one of an entity.
func (s *Store) belongs(entity int, key event.Key, tx *event.Transaction) bool {
	if have := tx.Entities[entity]; have != (event.Key{}) {
		return have == key
	}
	return s.schema.Fields[s.schema.Entities[entity]].Secret
}

// restoreRow stores a transaction that memory does not hold. Its verdict is no
// news to anybody: no entry in memory is of this row, and others were summed with it.
func (s *Store) restoreRow(tx *event.Transaction, verdict string) handle {
	row := s.putRow(tx)
	fileVerdict(s.rows.at(row), verdict)
	s.ids.add(tx.IDKey, row)
	s.tell(tx.IDKey, row)
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
	if s.label(id, time, fraud) {
		return
	}
	gone := false
	s.away.each(id, func(lodging) { gone = true })
	if gone { // it was restored, and has left since
		s.waiting.add(&event.Label{IDKey: id, Time: time, Fraud: fraud})
		s.soil(id, event.Fraud)
		return
	}
	s.loose = append(s.loose, looseLabel{id, time, fraud})
}

// SetSince says from which event time (ns) on everything was seen, by this run
// or by earlier ones.
func (s *Store) SetSince(ns int64) { s.since, s.seen = ns, true }
