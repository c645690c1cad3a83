package history

import "sluice/scoring/event"

// Ahead is how many transactions at once pay to be told to Store.Ahead.
const Ahead = 32

// foresight is the scratch space of Store.Ahead.
type foresight struct {
	rows []handle
	sum  uint64 // of all that was read, so that it is read
}

// Ahead reads the memory that Observe and Remember are about to need for some
// transactions, as far as that can be foreseen. One transaction waits for each
// of these reads in turn, since each says where the next one is; here those of
// all of them are on their way together. It changes nothing.
func (s *Store) Ahead(txs []*event.Transaction) {
	sum := uint64(0)
	for _, tx := range txs {
		sum += s.ids.glance(tx.IDKey)
		for e := range s.kinds {
			sum += s.kinds[e].table.glance(tx.Entities[e])
		}
	}
	for _, tx := range txs {
		for e := range s.kinds {
			k := &s.kinds[e]
			if h := k.table.find(tx.Entities[e]); k.foresees(h) {
				sum += s.skim(k, h)
			}
		}
	}
	rows := s.ahead.rows[:0]
	for _, tx := range txs {
		for e := range s.kinds {
			k := &s.kinds[e]
			if h := k.table.find(tx.Entities[e]); k.foresees(h) {
				rows = s.leaving(rows, h, tx.Time-s.retention)
			}
		}
	}
	for _, row := range rows {
		sum += s.rows.at(row)[rowCount]
	}
	for _, row := range rows {
		if r := s.rows.at(row); uint32(r[rowCount]) == 1 {
			sum += s.ids.glance(event.Key{r[rowID], r[rowID+1]})
		}
	}
	s.ahead = foresight{rows, sum}
}

// foresees reports whether a history is small and laid out as the plan has it.
func (k *kind) foresees(h *history) bool {
	return h != nil && h.hot == 0 && h.n > 0 && h.version == k.version
}

// leaving appends the rows of the entries that are older than floor.
func (s *Store) leaving(rows []handle, h *history, floor int64) []handle {
	block, meta := s.entries.at(h.block), int(h.cap)*metaWord
	for i := int(h.head); i < int(h.head)+int(h.n) && int64(block[i]) < floor; i++ {
		rows = append(rows, handle(block[meta+i]))
	}
	return rows
}

// skim reads both ends of a small history.
func (s *Store) skim(k *kind, h *history) (sum uint64) {
	block, size := s.entries.at(h.block), int(h.cap)
	first, last := int(h.head), int(h.head)+int(h.n)-1
	for at := 0; at < size*k.words; at += size {
		sum += block[at+first] + block[at+last]
	}
	return sum
}

// glance reads where an entity's history mostly is.
func (t *table) glance(k event.Key) uint64 {
	p := &t.parts[shardOf(k)]
	if p.used == 0 {
		return 0
	}
	return p.slots[p.home(k)].key[0]
}

// glance reads where the row of an id mostly is named.
func (x *idIndex) glance(k event.Key) uint64 {
	p := &x.parts[shardOf(k)]
	if p.used == 0 {
		return 0
	}
	return uint64(p.slots[p.home(idMark(k))].mark)
}
