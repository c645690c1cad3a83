package journal

import (
	"math/bits"
	"sync/atomic"
)

// marks is a layer that can be added to while others look: a Bloom filter whose
// bits for one key lie in two neighbouring words.
type marks []uint64

const marksBits = 24 // a key: of 2,000 keys that are not there one seems to be

func newMarks(keys int) marks { return make(marks, 2*(keys*marksBits/128+1)) }

func (l marks) at(h uint64) (words []uint64, first, second uint64) {
	// The place comes from the low bits: keys come in the order of the high ones.
	const low = 28
	n := h & (1<<low - 1) * uint64(len(l)/2) >> low
	first = 1<<(h>>58) | 1<<(h>>52&63) | 1<<(h>>46&63)
	second = 1<<(h>>40&63) | 1<<(h>>34&63) | 1<<(h>>28&63)
	return l[2*n : 2*n+2], first, second
}

func (l marks) add(h uint64) {
	words, first, second := l.at(h)
	atomic.OrUint64(&words[0], first)
	atomic.OrUint64(&words[1], second)
}

func (l marks) mayHold(h uint64) bool {
	words, first, second := l.at(h)
	return atomic.LoadUint64(&words[0])&first == first && atomic.LoadUint64(&words[1])&second == second
}

func (l marks) bytes() int64 { return int64(8 * len(l)) }

// roll is a layer that never changes: of each key 16 bits in the order of the
// keys, in groups of about eight whose keys begin alike. Of 8,000 keys that are
// not there one seems to be.
type roll struct {
	begins []uint32 // of the groups, and the end of the last one
	prints []uint16
}

const (
	rollGroup = 8
	rollMost  = 4 << 20 // keys
)

// newRoll makes one of sorted keys.
func newRoll(keys []uint64) *roll {
	r := &roll{begins: make([]uint32, len(keys)/rollGroup+2), prints: make([]uint16, len(keys))}
	group := uint64(0)
	for i, h := range keys {
		at, print := r.at(h)
		for ; group < at; group++ {
			r.begins[group+1] = uint32(i)
		}
		r.prints[i] = print
	}
	for ; group < uint64(len(r.begins)-1); group++ {
		r.begins[group+1] = uint32(len(keys))
	}
	return r
}

// at gives the group of a key, and what stands for it there.
func (r *roll) at(h uint64) (group uint64, print uint16) {
	group, rest := bits.Mul64(h, uint64(len(r.begins)-1))
	return group, uint16(rest >> 48)
}

func (r *roll) mayHold(h uint64) bool {
	group, print := r.at(h)
	for _, other := range r.prints[r.begins[group]:r.begins[group+1]] {
		if other == print {
			return true
		}
	}
	return false
}

func (r *roll) bytes() int64 { return int64(4*len(r.begins) + 2*len(r.prints)) }
