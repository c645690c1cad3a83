package scoring

import "sluice/scoring/event"

// indexParts is how many tables an index is made of. Each grows alone, so that
// no growth stops the engine for long.
const indexParts = 1024

// index finds the number of an id: open addressing, free of pointers, made for
// ids that are mostly new. Ids are keyed hashes, and so are their own hash.
type index [indexParts]indexPart

// indexPart holds slots of 32 bits of the id, the highest of them always set,
// and the 32 lower bits of its number; 0 is free. Their count is a power of two.
type indexPart struct {
	slots []uint64
	n     int
}

func (x *index) part(id event.Key) *indexPart { return &x[id[0]>>54] }

// tag gives the bits of an id that its slot holds; the lower ones say where
// the slot is at home.
func tag(id event.Key) uint32 { return uint32(id[0]) | 1<<31 }

func slotOf(id event.Key, number uint32) uint64 { return uint64(tag(id))<<32 | uint64(number) }

// find gives the lower bits of the number of an id; same tells whether an entry
// with these bits is the id's.
func (x *index) find(id event.Key, same func(number uint32) bool) (number uint32, ok bool) {
	p := x.part(id)
	if p.n == 0 {
		return 0, false
	}
	mask := len(p.slots) - 1
	tag := tag(id)
	for i := int(tag) & mask; p.slots[i] != 0; i = (i + 1) & mask {
		if uint32(p.slots[i]>>32) == tag && same(uint32(p.slots[i])) {
			return uint32(p.slots[i]), true
		}
	}
	return 0, false
}

// glance reads where an id mostly is, for the memory to be at hand soon after.
func (x *index) glance(id event.Key) uint64 {
	p := x.part(id)
	if p.n == 0 {
		return 0
	}
	return p.slots[int(tag(id))&(len(p.slots)-1)]
}

// put adds an id that is not there.
func (x *index) put(id event.Key, number uint32) {
	p := x.part(id)
	if 4*(p.n+1) > 3*len(p.slots) {
		p.grow()
	}
	p.set(slotOf(id, number))
	p.n++
}

func (p *indexPart) set(slot uint64) {
	mask := len(p.slots) - 1
	i := int(slot>>32) & mask
	for p.slots[i] != 0 {
		i = (i + 1) & mask
	}
	p.slots[i] = slot
}

func (p *indexPart) grow() {
	old := p.slots
	p.slots = make([]uint64, max(8, 2*len(old)))
	for _, slot := range old {
		if slot != 0 {
			p.set(slot)
		}
	}
}

// remove takes an id out that is there under a number.
func (x *index) remove(id event.Key, number uint32) {
	p := x.part(id)
	mask := len(p.slots) - 1
	want := slotOf(id, number)
	i := int(want>>32) & mask
	for p.slots[i] != want {
		i = (i + 1) & mask
	}
	p.n--
	// What stands behind moves up, unless it would come before its home.
	for j := i; ; {
		j = (j + 1) & mask
		slot := p.slots[j]
		if slot == 0 {
			break
		}
		if home := int(slot>>32) & mask; (j-home)&mask >= (j-i)&mask {
			p.slots[i], i = slot, j
		}
	}
	p.slots[i] = 0
}
