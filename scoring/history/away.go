package history

import "sluice/scoring/event"

// away knows what is outside of memory of hot histories that are resident: which
// leaves, and, by the keys of their ids, which entries. An entry takes eight
// bytes here, of its id 42 bits: one in billions is taken for another, and then
// a leaf is loaded for nothing.
type away struct {
	parts  [shards]awayPart
	leaves map[uint32]lodging // by number
	last   uint32             // number given out
	used   int                // slots
	dead   int                // of these, of leaves that are no more
}

// lodging is a leaf of which entries are outside of memory.
type lodging struct {
	tree *hot
	leaf *node
}

type awayPart struct {
	slots []awaySlot
	used  int
}

// awaySlot says in which leaf an entry is.
type awaySlot struct {
	leaf uint32 // 0: empty
	mark uint32
}

func newAway() away { return away{leaves: map[uint32]lodging{}} }

// number gives a leaf the number that its entries are filed under.
func (a *away) number(tree *hot, x *node) {
	for a.last++; ; a.last++ {
		if _, taken := a.leaves[a.last]; a.last != 0 && !taken {
			break
		}
	}
	x.away = a.last
	a.leaves[x.away] = lodging{tree, x}
	tree.away++
}

// add files an entry of a leaf by its id.
func (a *away) add(k event.Key, leaf uint32) {
	p := &a.parts[shardOf(k)]
	if tight(p.used, len(p.slots)) {
		a.resize(p)
	}
	p.put(awaySlot{leaf, idMark(k)})
	p.used++
	a.used++
}

// each gives the leaves that hold the entry of an id, and perhaps others.
func (a *away) each(k event.Key, f func(lodging)) {
	if len(a.leaves) == 0 {
		return
	}
	p := &a.parts[shardOf(k)]
	if p.used == 0 {
		return
	}
	mark := idMark(k)
	for i := p.home(mark); p.slots[i].leaf != 0; {
		if slot := p.slots[i]; slot.mark == mark {
			if l, ok := a.leaves[slot.leaf]; ok {
				f(l)
			}
		}
		if i++; i == len(p.slots) {
			i = 0
		}
	}
}

// remove takes the entry of an id out of a leaf; false: it is not there.
func (a *away) remove(k event.Key, leaf uint32) bool {
	p := &a.parts[shardOf(k)]
	if p.used == 0 {
		return false
	}
	i := p.home(idMark(k))
	for p.slots[i] != (awaySlot{leaf, idMark(k)}) {
		if p.slots[i].leaf == 0 {
			return false
		}
		if i++; i == len(p.slots) {
			i = 0
		}
	}
	p.used--
	a.used--
	n := len(p.slots)
	for j := i; ; {
		if j++; j == n {
			j = 0
		}
		if p.slots[j].leaf == 0 {
			break
		}
		if between(p.home(p.slots[j].mark), i, j) {
			p.slots[i] = p.slots[j]
			i = j
		}
	}
	p.slots[i] = awaySlot{}
	return true
}

// forget ends that entries of a leaf are outside of memory: all are back, or
// they are of no use any more.
func (a *away) forget(tree *hot, x *node) {
	if x.away == 0 {
		return
	}
	a.dead += x.n - int(x.leaf.n) // what is filed of it goes when somebody comes by
	delete(a.leaves, x.away)
	x.away = 0
	tree.away--
}

func (p *awayPart) home(mark uint32) int {
	return int(uint64(mark) * uint64(len(p.slots)) >> 32)
}

func (p *awayPart) put(slot awaySlot) {
	i := p.home(slot.mark)
	for p.slots[i].leaf != 0 {
		if i++; i == len(p.slots) {
			i = 0
		}
	}
	p.slots[i] = slot
}

// resize makes room, first of all where leaves are no more.
func (a *away) resize(p *awayPart) {
	old := p.slots
	live := 0
	for _, slot := range old {
		if _, ok := a.leaves[slot.leaf]; ok {
			live++
		}
	}
	a.dead -= p.used - live
	a.used -= p.used - live
	p.slots, p.used = make([]awaySlot, max(8, live+live/2+1)), live
	for _, slot := range old {
		if _, ok := a.leaves[slot.leaf]; ok {
			p.put(slot)
		}
	}
}

// sweep gives back the room that a part no longer needs.
func (a *away) sweep(part int) {
	p := &a.parts[part]
	if a.dead > 0 && p.used > 0 || len(p.slots) > 6*p.used+32 {
		a.resize(p)
	}
}

func (a *away) bytes() (n int64) {
	for i := range a.parts {
		n += int64(len(a.parts[i].slots)) * 8
	}
	return n + int64(len(a.leaves))*64
}
