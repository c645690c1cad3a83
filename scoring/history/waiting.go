package history

import "sluice/scoring/event"

// waiting holds the labels whose transactions have not come, in the order that
// they came in. It is bounded: the one that waits longest makes room.
type waiting struct {
	first   map[event.Key]uint64 // number of the first label of an id
	ring    []early              // label n is at n mod the length, a power of two
	from    uint64               // number of the oldest one
	to      uint64               // number of the next one
	live    int
	bound   int
	dropped int64
}

type early struct {
	key   event.Key // zero: gone
	time  int64
	fraud bool
	next  uint64 // number of the next one of the same id, 0: none
}

func newWaiting(bound int) waiting {
	return waiting{first: map[event.Key]uint64{}, ring: make([]early, 16), bound: bound, from: 1, to: 1}
}

func (w *waiting) at(n uint64) *early { return &w.ring[n&uint64(len(w.ring)-1)] }

func (w *waiting) add(l *event.Label) {
	for n := w.first[l.IDKey]; n != 0; n = w.at(n).next {
		if e := w.at(n); e.time == l.Time { // of one time, fraud stands
			e.fraud = e.fraud || l.Fraud
			return
		}
	}
	if w.live == w.bound {
		w.drop()
		w.dropped++
	}
	w.room()
	if last := w.last(l.IDKey); last != 0 { // only now: making room numbers them anew
		w.at(last).next = w.to
	} else {
		w.first[l.IDKey] = w.to
	}
	*w.at(w.to) = early{key: l.IDKey, time: l.Time, fraud: l.Fraud}
	w.to++
	w.live++
}

// last gives the number of an id's last label, 0 if it has none.
func (w *waiting) last(k event.Key) (last uint64) {
	for n := w.first[k]; n != 0; n = w.at(n).next {
		last = n
	}
	return last
}

// room makes sure that the ring takes one more: by closing gaps, or by growing.
func (w *waiting) room() {
	if w.to-w.from < uint64(len(w.ring)) {
		return
	}
	old := *w
	size := len(w.ring)
	if w.live > size/2 {
		size *= 2
	}
	*w = waiting{first: make(map[event.Key]uint64, len(old.first)), ring: make([]early, size), bound: w.bound, dropped: w.dropped, from: 1, to: 1}
	lasts := map[event.Key]uint64{}
	for n := old.from; n < old.to; n++ {
		e := *old.at(n)
		if e.key == (event.Key{}) {
			continue
		}
		e.next = 0
		if last := lasts[e.key]; last != 0 {
			w.at(last).next = w.to
		} else {
			w.first[e.key] = w.to
		}
		lasts[e.key] = w.to
		*w.at(w.to) = e
		w.to++
		w.live++
	}
}

// oldest gives the label that waits longest, nil if none does.
func (w *waiting) oldest() *early {
	for w.from < w.to {
		if e := w.at(w.from); e.key != (event.Key{}) {
			return e
		}
		w.from++
	}
	return nil
}

// drop forgets the label that waits longest.
func (w *waiting) drop() {
	e := w.oldest()
	if e == nil {
		return
	}
	if e.next == 0 {
		delete(w.first, e.key)
	} else {
		w.first[e.key] = e.next
	}
	*e = early{}
	w.from++
	w.live--
}

// expire forgets the labels with a time before floor, from the oldest one on.
func (w *waiting) expire(floor int64) {
	for {
		if e := w.oldest(); e == nil || e.time >= floor {
			return
		}
		w.drop()
	}
}

// take gives an id's labels to its transaction.
func (w *waiting) take(k event.Key, s *Store, r []uint64) {
	if w.live == 0 {
		return
	}
	n, known := w.first[k]
	if !known {
		return
	}
	delete(w.first, k)
	for n != 0 {
		e := w.at(n)
		s.addLabel(r, e.time, e.fraud)
		n = e.next
		*e = early{}
		w.live--
	}
}

func (w *waiting) bytes() int64 { return int64(len(w.ring))*48 + int64(len(w.first))*40 }
