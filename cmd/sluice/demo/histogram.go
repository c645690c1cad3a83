package demo

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets that are at most 1/32 wide: percentiles
// are right to 3 %, whatever their size, in constant memory. The zero value is empty.
type histogram struct {
	buckets [64 * half]uint64
	count   uint64
	largest time.Duration
}

const (
	halfBits = 5
	half     = 1 << halfBits
)

// bucket gives the place of a duration in microseconds: exact below 64, then
// 32 buckets for each doubling.
func bucket(us uint64) int {
	if us < 2*half {
		return int(us)
	}
	shift := bits.Len64(us) - halfBits - 1
	return shift*half + int(us>>shift)
}

// top gives the largest duration of a bucket, in microseconds.
func top(b int) uint64 {
	if b < 2*half {
		return uint64(b)
	}
	shift := b/half - 1
	return uint64(b-shift*half+1)<<shift - 1
}

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.buckets[bucket(uint64(d.Microseconds()))]++
	h.count++
	h.largest = max(h.largest, d)
}

// quantile gives the duration that a share q of all does not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	if h.count == 0 {
		return 0
	}
	left := min(uint64(q*float64(h.count))+1, h.count)
	for b, n := range h.buckets {
		if n >= left {
			return min(time.Duration(top(b))*time.Microsecond, h.largest)
		}
		left -= n
	}
	return h.largest
}
