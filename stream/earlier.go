package stream

import (
	"math/bits"

	"sluice/scoring/event"
)

// earlier says of which ids an earlier run may know: a Bloom filter whose bits
// for one id lie in one cache line, so that a new id costs one look at the
// memory instead of several at the disk.
type earlier struct {
	blocks [][8]uint64
}

const (
	earlierBits  = 16 // an id: about 1 of 800 new ones is looked up in vain
	earlierMarks = 6  // bits of a block that an id sets
)

func newEarlier(ids int64) *earlier {
	return &earlier{blocks: make([][8]uint64, max(1, ids*earlierBits/512))}
}

func (f *earlier) block(id event.Key) *[8]uint64 {
	at, _ := bits.Mul64(id[1], uint64(len(f.blocks)))
	return &f.blocks[at]
}

func (f *earlier) add(id event.Key) {
	b := f.block(id)
	for i, h := 0, id[0]; i < earlierMarks; i, h = i+1, h>>9 {
		b[h>>6&7] |= 1 << (h & 63)
	}
}

// mayHold is false only of ids that were not added.
func (f *earlier) mayHold(id event.Key) bool {
	b := f.block(id)
	for i, h := 0, id[0]; i < earlierMarks; i, h = i+1, h>>9 {
		if b[h>>6&7]>>(h&63)&1 == 0 {
			return false
		}
	}
	return true
}
