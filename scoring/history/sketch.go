package history

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// The sketches of hot histories. Both are functions of the set of values that
// went in: neither order nor grouping changes them.

const (
	hllBits = 12
	hllSize = 1 << hllBits
	hllMax  = 64 - hllBits + 1 // largest register
	// hllError is three standard deviations of the estimate.
	hllError = 3 * 1.04 / 64
)

// hll is a HyperLogLog sketch: registers, eight a word.
type hll [hllSize / 8]uint64

// mix spreads the bits of a word.
func mix(w uint64) uint64 {
	w ^= w >> 32
	w *= 0xe9846af9b1a615d
	w ^= w >> 32
	w *= 0xe9846af9b1a615d
	return w ^ w>>28
}

func (h *hll) add(w uint64) {
	x := mix(w + 0x9e3779b97f4a7c15)
	reg := x >> (64 - hllBits)
	rank := uint64(bits.LeadingZeros64(x<<hllBits|1<<(hllBits-1))) + 1
	word, shift := &h[reg/8], reg%8*8
	if *word>>shift&0xff < rank {
		*word = *word&^(0xff<<shift) | rank<<shift
	}
}

// merge takes the larger of each register, eight at once: registers are below
// 128, so that the top bit of each byte shows which is larger.
func (h *hll) merge(o *hll) {
	const tops = 0x8080808080808080
	for i, b := range o {
		a := h[i]
		if a == b {
			continue
		}
		larger := (a | tops - b) & tops // top bit set where a >= b
		keep := larger >> 7 * 0xff      // all bits set there
		h[i] = a&keep | b&^keep
	}
}

// estimate is Ertl's: no tables, no seams between ranges.
func (h *hll) estimate() float64 {
	var count [hllMax + 1]int
	for _, w := range h {
		for range 8 {
			count[w&0xff]++
			w >>= 8
		}
	}
	const m = float64(hllSize)
	z := m * tau(1-float64(count[hllMax])/m)
	for k := hllMax - 1; k >= 1; k-- {
		z = 0.5 * (z + float64(count[k]))
	}
	z += m * sigma(float64(count[0])/m)
	return m * m / (2 * math.Ln2 * z)
}

func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		before := z
		z += x * y
		y += y
		if z == before {
			return z
		}
	}
}

func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= (1 - x) * (1 - x) * y
		if z == before {
			return z / 3
		}
	}
}

// histogram counts values in buckets whose width is at most 1/64 of their
// values: the sign, the exponent and six bits more of the float, in the order
// of the values. It is sorted by bucket.
type histogram []bucket

type bucket struct{ at, n uint32 }

const (
	bucketShift = 52 - 6
	buckets     = 1 << (64 - bucketShift)
	// medianError is half a bucket's width by its value.
	medianError = 1.0 / 128
)

func bucketOf(f float64) uint32 {
	k := orderKey(math.Float64bits(f), true)
	return uint32((uint64(k) ^ 1<<63) >> bucketShift)
}

// middle gives the middle of a bucket.
func middle(at uint32) float64 {
	low := uint64(at)<<bucketShift ^ 1<<63
	high := low | (1<<bucketShift - 1)
	a := math.Float64frombits(keyWord(int64(low), true))
	b := math.Float64frombits(keyWord(int64(high), true))
	switch {
	case a == 0 || b == 0:
		return 0
	case math.IsInf(a, 0) || math.IsInf(b, 0):
		return a
	}
	return a + (b-a)/2
}

// tally adds up histograms. Its buckets are made at first use.
type tally struct {
	counts  []uint32
	touched []uint32
}

func (t *tally) reset() {
	if t.counts == nil {
		t.counts = make([]uint32, buckets)
	}
	for _, at := range t.touched {
		t.counts[at] = 0
	}
	t.touched = t.touched[:0]
}

func (t *tally) add(at, n uint32) {
	if t.counts[at] == 0 {
		t.touched = append(t.touched, at)
	}
	t.counts[at] += n
}

func (t *tally) merge(h histogram) {
	for _, b := range h {
		t.add(b.at, b.n)
	}
}

// histogram gives what was added up, in the memory of into.
func (t *tally) histogram(into histogram) histogram {
	into = into[:0]
	for _, at := range t.touched {
		into = append(into, bucket{at, t.counts[at]})
	}
	slices.SortFunc(into, func(a, b bucket) int { return cmp.Compare(a.at, b.at) })
	return into
}

// median gives the middle one of n values, or the mean of the middle two.
func (t *tally) median(n int) float64 {
	slices.Sort(t.touched)
	low, high := math.NaN(), math.NaN()
	seen := 0
	for _, at := range t.touched {
		seen += int(t.counts[at])
		if low != low && seen > (n-1)/2 {
			low = middle(at)
		}
		if seen > n/2 {
			high = middle(at)
			break
		}
	}
	return low + (high-low)/2
}
