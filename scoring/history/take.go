package history

import (
	"math"

	"sluice/scoring/event"
)

// take takes in entries [a, b) of a block, oldest first.
func (r *run) take(l *leaf, block []uint64, a, b int) {
	g, size := r.g, int(l.cap)
	r.large = l.large
	r.s.cursor = cursor{r.k.layout, block, size, 0}
	switch g.family {
	case famCount:
		r.count(block, size, a, b)
	case famFold:
		r.fold(block, size, a, b)
	case famOrdered:
		r.order(block, size, a, b)
	case famSet, famMedian:
		r.collect(block, size, a, b)
	}
}

// match reports whether an entry counts.
func (r *run) match(block []uint64, size, i int) bool {
	g := r.g
	meta := block[metaWord*size+i]
	has := meta&labelledBit != 0
	if r.labelled && !has {
		return false
	}
	switch g.mode {
	case all:
		return true
	case ahead:
		return block[g.bit.word*size+i]>>g.bit.shift&1 != 0
	case fraud:
		if !has {
			return block[g.bit.word*size+i]>>g.bit.shift&1 != 0
		}
	}
	if r.join.on && !r.shares(handle(meta)) {
		return false
	}
	r.s.cursor.i = i
	return g.filter.Match(Past{r.s, &r.s.cursor, handle(meta), r.tx.Time}, r.tx)
}

// word gives the column of an entry.
func (r *run) word(block []uint64, size, i int) uint64 {
	g := r.g
	if g.index >= 0 {
		return block[g.index*size+i]
	}
	r.s.cursor.i = i
	return Past{r.s, &r.s.cursor, handle(block[metaWord*size+i]), r.tx.Time}.Word(g.column)
}

// in notes the currency of the value of an entry.
func (r *run) in(block []uint64, size, i int) {
	if r.g.currency && r.join.on {
		r.total.in(r.s.rows.at(handle(block[metaWord*size+i]))[rowCurrency])
	} else if r.g.currency {
		r.total.in(block[(firstCol+r.k.currency)*size+i])
	}
}

func (r *run) count(block []uint64, size, a, b int) {
	g := r.g
	switch {
	case g.mode == ahead:
		r.matches += countBits(block[g.bit.word*size:][a:b], g.bit.shift)
	case g.mode == fraud && !r.labelled:
		r.countFraud(block, size, a, b)
	case g.mode == now && g.filter.Same != nil && !r.join.on:
		r.matches += r.countSame(g.filter.Same, block, size, a, b)
	default:
		for i := a; i < b; i++ {
			if r.match(block, size, i) {
				r.matches++
			}
		}
	}
}

func countBits(words []uint64, shift uint8) int {
	shift &= 63
	n := uint64(0)
	for _, w := range words {
		n += w >> shift & 1
	}
	return int(n)
}

// countFraud goes by the bits of entries without labels, nearly all.
func (r *run) countFraud(block []uint64, size, a, b int) {
	bits, shift := block[r.g.bit.word*size:][:size], r.g.bit.shift&63
	n := uint64(0)
	for i, meta := range block[metaWord*size:][a:b] {
		if meta&labelledBit == 0 {
			n += bits[a+i] >> shift & 1
		} else if r.match(block, size, a+i) {
			n++
		}
	}
	r.matches += int(n)
}

// countSame counts entries by one column, as `.terminal == tx.terminal` asks.
func (r *run) countSame(same *Same, block []uint64, size, a, b int) (n int) {
	want := same.word(r.tx)
	if want == event.Missing {
		return 0
	}
	at := firstCol + int(r.k.where[whereIndex(same.Column)])
	for _, w := range block[at*size:][a:b] {
		if w == want {
			n++
		}
	}
	return n
}

func (r *run) fold(block []uint64, size, a, b int) {
	g := r.g
	switch {
	case g.run >= 0:
		r.total.span(block[g.run*size:][:size], a, b, r.large)
	case g.sumsOnly && !g.currency && g.mode == all:
		r.total.sumAll(block[g.index*size:][a:b])
	case g.sumsOnly && !g.currency && g.mode == ahead:
		r.total.sumSome(block[g.index*size:][a:b], block[g.bit.word*size:][a:b], g.bit.shift)
	case g.index >= 0 && !g.currency && g.mode == all:
		for _, w := range block[g.index*size:][a:b] {
			if w != event.Missing {
				r.total.add(orderKey(w, g.floats))
			}
		}
	default:
		for i := a; i < b; i++ {
			if !r.match(block, size, i) {
				continue
			}
			if w := r.word(block, size, i); w != event.Missing {
				r.in(block, size, i)
				r.total.add(orderKey(w, g.floats))
			}
		}
	}
}

// span adds entries [a, b) of a running sum, missing values as 0.
func (t *total) span(run []uint64, a, b int, large bool) {
	if a >= b {
		return
	}
	t.n += b - a
	base := uint64(0)
	if a > 0 {
		base = run[a-1]
	}
	if !large {
		t.plus(int64(run[b-1] - base))
		return
	}
	for _, w := range run[a:b] { // the whole may overflow, one value can't
		t.plus(int64(w - base))
		base = w
	}
}

// small bounds the values that are summed without a look at the upper half:
// no array is long enough to overflow with them.
const small = 1 << 40

// sumAll adds words to the sum alone.
func (t *total) sumAll(words []uint64) {
	var sum int64
	n := 0
	for i, w := range words {
		if v := int64(w); v < small && v >= -small {
			sum += v
			n++
		} else if w != event.Missing {
			t.n += n
			t.plus(sum)
			t.n++
			t.plus(v)
			t.sumAll(words[i+1:])
			return
		}
	}
	t.n += n
	t.plus(sum)
}

// sumSome adds the words whose bit is set to the sum alone.
func (t *total) sumSome(words, bits []uint64, shift uint8) {
	shift &= 63
	for i, w := range words {
		if bits[i]>>shift&1 != 0 && w != event.Missing {
			t.n++
			t.plus(int64(w))
		}
	}
}

func (r *run) order(block []uint64, size, a, b int) {
	for i := a; i < b; i++ {
		if !r.match(block, size, i) {
			continue
		}
		if w := r.word(block, size, i); w != event.Missing {
			r.total.n++
			r.ordered += math.Float64frombits(w)
		}
	}
}

func (r *run) collect(block []uint64, size, a, b int) {
	g := r.g
	for i := a; i < b; i++ {
		if !r.match(block, size, i) {
			continue
		}
		w := r.word(block, size, i)
		if w == event.Missing {
			continue
		}
		r.in(block, size, i)
		r.total.n++
		switch {
		case g.family == famSet:
			r.value(w)
		case r.approx:
			r.tally.add(bucketOf(asFloat(w, g.floats)), 1)
		default:
			r.keys = append(r.keys, orderKey(w, g.floats))
		}
	}
}
