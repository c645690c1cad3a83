package history

import (
	"math/bits"

	"sluice/scoring/event"
)

// shards is into how many parts a table is cut, so that none is ever copied
// whole when it grows: at 10 million keys a part of some hundred KB.
const shards = 1 << 10

func shardOf(k event.Key) int { return int(k[0] >> 54) }

// grown gives the next size of a part of a table.
func grown(n int) int { return max(8, n+n/2) }

// tight reports whether a part with n slots has no room for one more than used.
func tight(used, n int) bool { return (used+1)*5 > n*4 }

// idIndex finds rows by the keys of their ids: open addressing without
// pointers. A slot holds a row's handle and 32 bits of the key; the rest of
// the key is in the row.
type idIndex struct {
	parts [shards]idPart
	rows  *slab
}

type idPart struct {
	slots []idSlot
	used  int
}

type idSlot struct {
	row  handle // 0: empty
	mark uint32
}

func (p *idPart) home(mark uint32) int {
	return int(uint64(mark) * uint64(len(p.slots)) >> 32)
}

func idMark(k event.Key) uint32 { return uint32(k[1] >> 32) }

// find gives the row of an id, 0 if there is none.
func (x *idIndex) find(k event.Key) handle {
	p := &x.parts[shardOf(k)]
	if p.used == 0 {
		return 0
	}
	mark := idMark(k)
	for i := p.home(mark); ; {
		slot := p.slots[i]
		if slot.row == 0 {
			return 0
		}
		if slot.mark == mark {
			if r := x.rows.at(slot.row); r[rowID] == k[0] && r[rowID+1] == k[1] {
				return slot.row
			}
		}
		if i++; i == len(p.slots) {
			i = 0
		}
	}
}

// add makes a row the one of an id that find does not know.
func (x *idIndex) add(k event.Key, row handle) {
	p := &x.parts[shardOf(k)]
	if tight(p.used, len(p.slots)) {
		p.resize(grown(len(p.slots)))
	}
	p.put(idSlot{row, idMark(k)})
	p.used++
}

func (p *idPart) put(slot idSlot) {
	i := p.home(slot.mark)
	for p.slots[i].row != 0 {
		if i++; i == len(p.slots) {
			i = 0
		}
	}
	p.slots[i] = slot
}

func (p *idPart) resize(n int) {
	old := p.slots
	p.slots = make([]idSlot, n)
	for _, slot := range old {
		if slot.row != 0 {
			p.put(slot)
		}
	}
}

// remove forgets an id if it is that row's.
func (x *idIndex) remove(k event.Key, row handle) {
	p := &x.parts[shardOf(k)]
	if p.used == 0 {
		return
	}
	i := p.home(idMark(k))
	for p.slots[i].row != row {
		if p.slots[i].row == 0 {
			return
		}
		if i++; i == len(p.slots) {
			i = 0
		}
	}
	p.used--
	n := len(p.slots)
	for j := i; ; {
		if j++; j == n {
			j = 0
		}
		if p.slots[j].row == 0 {
			break
		}
		if between(p.home(p.slots[j].mark), i, j) {
			p.slots[i] = p.slots[j]
			i = j
		}
	}
	p.slots[i] = idSlot{}
}

// between reports whether a slot at j whose home is home may move to i, before
// j on the ring: whether home does not lie in (i, j].
func between(home, i, j int) bool {
	if i <= j {
		return home <= i || home > j
	}
	return home <= i && home > j
}

// shrink gives back the room that a part no longer needs.
func (x *idIndex) shrink(part int) {
	p := &x.parts[part]
	if n := p.used*3/2 + 8; len(p.slots) > 4*n {
		p.resize(n)
	}
}

func (x *idIndex) bytes() (n int64) {
	for i := range x.parts {
		n += int64(len(x.parts[i].slots)) * 8
	}
	return n
}

// table finds the history of an entity of one kind: open addressing with the
// histories' heads in the slots, without pointers.
type table struct {
	parts [shards]part
	used  int
}

type part struct {
	slots []slot
	used  int
}

type slot struct {
	key     event.Key // zero: empty
	history history
}

func (p *part) home(k event.Key) int {
	hi, _ := bits.Mul64(k[1], uint64(len(p.slots)))
	return int(hi)
}

// find gives the history of an entity, nil if it has none. It stays where it
// is until the next add or remove.
func (t *table) find(k event.Key) *history {
	p := &t.parts[shardOf(k)]
	if p.used == 0 {
		return nil
	}
	for i := p.home(k); ; {
		s := &p.slots[i]
		if s.key == k {
			return &s.history
		}
		if s.key == (event.Key{}) {
			return nil
		}
		if i++; i == len(p.slots) {
			i = 0
		}
	}
}

// add makes an empty history for an entity that has none.
func (t *table) add(k event.Key) *history {
	p := &t.parts[shardOf(k)]
	if tight(p.used, len(p.slots)) {
		p.resize(grown(len(p.slots)))
	}
	p.used++
	t.used++
	s := p.put(k)
	s.history = history{}
	return &s.history
}

func (p *part) put(k event.Key) *slot {
	i := p.home(k)
	for p.slots[i].key != (event.Key{}) {
		if i++; i == len(p.slots) {
			i = 0
		}
	}
	p.slots[i].key = k
	return &p.slots[i]
}

func (p *part) resize(n int) {
	old := p.slots
	p.slots = make([]slot, n)
	for i := range old {
		if old[i].key != (event.Key{}) {
			p.put(old[i].key).history = old[i].history
		}
	}
}

// removeAt takes the history in slot i out of part p; the ones behind it may
// move into its place.
func (t *table) removeAt(p *part, i int) {
	p.used--
	t.used--
	n := len(p.slots)
	for j := i; ; {
		if j++; j == n {
			j = 0
		}
		if p.slots[j].key == (event.Key{}) {
			break
		}
		if between(p.home(p.slots[j].key), i, j) {
			p.slots[i] = p.slots[j]
			i = j
		}
	}
	p.slots[i] = slot{}
}

func (p *part) shrink() {
	if n := p.used*3/2 + 8; len(p.slots) > 4*n {
		p.resize(n)
	}
}

func (t *table) bytes() (n int64) {
	for i := range t.parts {
		n += int64(len(t.parts[i].slots)) * 48
	}
	return n
}
