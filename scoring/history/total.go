package history

import (
	"math"
	"math/bits"
)

// total is what adds up over entries in any order: it is a function of the set.
type total struct {
	n        int    // values
	hi       int64  // the sum, 128 bits of it, so that no order overflows
	lo       uint64 // its lower half
	min, max int64  // order keys
	currency uint64 // of the first value
	mixed    bool   // another value has another currency
}

// orderKey maps words to integers that are in the order of the values.
func orderKey(w uint64, floats bool) int64 {
	k := int64(w)
	if floats {
		k ^= k >> 63 & math.MaxInt64
	}
	return k
}

// keyWord is the inverse of orderKey.
func keyWord(k int64, floats bool) uint64 { return uint64(orderKey(uint64(k), floats)) }

func (t *total) add(key int64) {
	if t.n == 0 {
		t.min, t.max = key, key
	} else {
		t.min, t.max = min(t.min, key), max(t.max, key)
	}
	t.n++
	t.plus(key)
}

// plus adds to the sum alone.
func (t *total) plus(v int64) {
	var carry uint64
	t.lo, carry = bits.Add64(t.lo, uint64(v), 0)
	t.hi += v>>63 + int64(carry)
}

// in notes the currency of a value that is about to be added.
func (t *total) in(currency uint64) {
	if t.n == 0 {
		t.currency = currency
	} else if t.currency != currency {
		t.mixed = true
	}
}

func (t *total) merge(o *total) {
	if o.n == 0 {
		return
	}
	if t.n == 0 {
		*t = *o
		return
	}
	t.mixed = t.mixed || o.mixed || t.currency != o.currency
	t.n += o.n
	t.min, t.max = min(t.min, o.min), max(t.max, o.max)
	var carry uint64
	t.lo, carry = bits.Add64(t.lo, o.lo, 0)
	t.hi += o.hi + int64(carry)
}

// sum gives the sum; ok is false if it is no int64.
func (t *total) sum() (v int64, ok bool) {
	v = int64(t.lo)
	return v, t.hi == v>>63
}
