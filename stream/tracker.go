package stream

// tracker knows below which offset everything of a partition is done, although
// acknowledgements come in any order.
type tracker struct {
	ring  []tracked // a power of two long
	head  uint64    // number of the oldest one not done
	tail  uint64    // number of the next one
	floor int64
}

type tracked struct {
	offset int64
	done   bool
}

// start sets the offset below which all is done.
func (t *tracker) start(offset int64) { *t = tracker{ring: t.ring, floor: offset} }

// add notes the next offset of the partition and gives its number.
func (t *tracker) add(offset int64) uint64 {
	if t.tail-t.head == uint64(len(t.ring)) {
		t.grow()
	}
	n := t.tail
	t.ring[n&uint64(len(t.ring)-1)] = tracked{offset: offset}
	t.tail++
	return n
}

// done notes that a number is done. Doing so twice changes nothing.
func (t *tracker) done(n uint64) {
	if n < t.head {
		return
	}
	mask := uint64(len(t.ring) - 1)
	t.ring[n&mask].done = true
	for t.head < t.tail && t.ring[t.head&mask].done {
		t.floor = t.ring[t.head&mask].offset + 1
		t.head++
	}
}

// open counts the offsets that are not done.
func (t *tracker) open() int { return int(t.tail - t.head) }

func (t *tracker) grow() {
	ring := make([]tracked, max(256, 2*len(t.ring)))
	for n := t.head; n < t.tail; n++ {
		ring[n&uint64(len(ring)-1)] = t.ring[n&uint64(len(t.ring)-1)]
	}
	t.ring = ring
}
