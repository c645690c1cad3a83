package stream

import (
	"cmp"
	"math"
	"slices"
	"sync/atomic"

	"sluice/rules"
	"sluice/scoring/event"
	"sluice/scoring/history"
	"sluice/stream/journal"
)

// want names an entity, or a chunk of its history by where it begins, or with
// entity -1 an id.
type want struct {
	entity int
	key    event.Key
	from   int64 // of a chunk
}

// whole is where a want begins that is for all of a history.
const whole = math.MinInt64

// load is the reading of one want.
type load struct {
	want
	value   []byte
	chunk   history.Chunk // unless it is for all
	waiting []*held

	// A past is read and put into its history in pieces, oldest first, so that
	// what is new to memory of a long one is bounded.
	from, to int64 // of the piece that is next: its times, both included
	pasts    pasts
	order    []int32 // of the pasts, by time
	labels   map[event.Key][]journal.Waiting
	taken    int // of the pasts
	// durable is the last cut that was when the reading of the piece began: it has
	// all up to there.
	durable atomic.Uint32

	decided journal.Decided
	known   bool
	waited  []journal.Waiting // labels that came before their transaction, to an earlier run
}

// begin makes the load one from its first piece on.
func (l *load) begin() {
	l.from, l.to, l.taken = whole, math.MaxInt64, 0
	if l.want.from != whole {
		l.from, l.to = l.chunk.From, l.chunk.To
	}
}

// pieceReader takes a piece of a past out of what the journal gives in any order:
// the oldest rows, bound of them or more, up to l.to.
type pieceReader struct {
	*load
	bound int
}

// Row takes a transaction of the journal.
func (p pieceReader) Row(tx *event.Transaction, verdict rules.Verdict) {
	p.pasts.add(tx, verdict)
	if len(p.pasts.rows) >= 2*p.bound {
		p.shorten()
	}
}

// shorten leaves the newer ones for the next piece.
func (p pieceReader) shorten() {
	times := make([]int64, len(p.pasts.rows))
	for i := range times {
		times[i] = p.pasts.rows[i].time
	}
	slices.Sort(times)
	last := times[p.bound-1]
	if last == times[len(times)-1] { // all that is newer is as old
		return
	}
	p.to = last
	p.pasts.keep(func(r *past) bool { return r.time <= last })
}

// Label takes a label of the journal.
func (p pieceReader) Label(id event.Key, time int64, fraud bool) {
	if p.labels == nil {
		p.labels = map[event.Key][]journal.Waiting{}
	}
	p.labels[id] = append(p.labels[id], journal.Waiting{Time: time, Fraud: fraud})
}

// read reads the next piece.
func (l *load) read(j *journal.Journal, bound int) error {
	l.pasts.reset()
	l.labels, l.taken, l.to = nil, 0, l.end()
	if err := j.Between(l.entity, l.value, l.from, &l.to, pieceReader{l, bound}); err != nil {
		return err
	}
	l.order = l.order[:0]
	for i := range l.pasts.rows {
		l.order = append(l.order, int32(i))
	}
	slices.SortFunc(l.order, func(a, b int32) int {
		return cmp.Compare(l.pasts.rows[a].time, l.pasts.rows[b].time)
	})
	return nil
}

// end gives the last time of all pieces.
func (l *load) end() int64 {
	if l.want.from != whole {
		return l.chunk.To
	}
	return math.MaxInt64
}

// next goes on to the next piece; false: there is none.
func (l *load) next() bool {
	if l.to >= l.end() {
		return false
	}
	l.from = l.to + 1
	return true
}

// restore puts up to n rows of the piece into their history, with their labels,
// and gives how many.
func (l *load) restore(store *history.Store, n int) int {
	if l.want.from != whole && !store.Misses(&l.chunk) {
		l.taken = len(l.order) // it came another way, or nobody holds the rest of it any more
	}
	from := l.taken
	for ; l.taken < len(l.order) && l.taken-from < n; l.taken++ {
		tx, verdict := l.pasts.at(int(l.order[l.taken]))
		store.Restore(l.entity, l.key, tx, verdictText(verdict))
		for _, x := range l.labels[tx.IDKey] {
			if _, held := store.Find(tx.IDKey); held {
				store.RestoreLabel(tx.IDKey, x.Time, x.Fraud)
			}
		}
	}
	return max(l.taken-from, 1)
}

// verdictText gives the text that histories keep of a verdict.
func verdictText(v rules.Verdict) string {
	if v == rules.NoVerdict {
		return ""
	}
	return v.String()
}
