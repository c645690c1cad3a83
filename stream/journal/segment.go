package journal

import (
	"sluice/rules"
	"sluice/scoring/event"
)

// Segment is a stretch of the log, in the order of deciding. One goroutine fills
// it; once it is handed to Write nobody touches it until Write has returned.
// Nothing in it is hashed, sorted or written: that is the writer's work.
type Segment struct {
	entries []entry
	labels  []label
	keys    []event.Key // of the entities of the entries, one after the other
	ends    []int32     // where the values of the entities end in buf, likewise
	buf     []byte
}

// entry is a decided transaction. Its bytes lie in the segment one after the
// other: id, values of the entities, body, stored form.
type entry struct {
	time       int64
	arrival    int64
	score      int64
	offset     int64
	start      int // in buf
	idEnd      int32
	valuesEnd  int32
	bodyEnd    int32
	end        int32
	keys       int32 // first of its keys, -1: it has no transaction
	partition  int32
	verdict    rules.Verdict
	remembered bool
}

// label is a label; its id is in buf.
type label struct {
	start, end int
	time       int64
	fraud      bool
}

// Decided logs a transaction with what was decided, and gives its number in the
// segment, for Placed. remembered is false of one that the histories did not
// take because it was late: then its id alone is kept. The verdict may be
// NoVerdict where only the transaction is known.
func (s *Segment) Decided(tx *event.Transaction, verdict rules.Verdict, score int64, remembered bool) (n int) {
	e := entry{
		time: tx.Time, arrival: tx.Arrival, score: score, offset: -1, partition: -1,
		start: len(s.buf), keys: int32(len(s.keys)), verdict: verdict, remembered: remembered,
	}
	s.buf = tx.AppendIDValue(s.buf)
	e.idEnd = int32(len(s.buf) - e.start)
	for i, key := range tx.Entities {
		s.buf, _ = tx.AppendEntityValue(s.buf, i)
		s.keys = append(s.keys, key)
		s.ends = append(s.ends, int32(len(s.buf)-e.start))
	}
	e.valuesEnd = int32(len(s.buf) - e.start)
	s.buf = tx.AppendStoredBody(s.buf)
	e.bodyEnd = int32(len(s.buf) - e.start)
	if remembered {
		s.buf = tx.AppendStored(s.buf)
	}
	e.end = int32(len(s.buf) - e.start)
	s.entries = append(s.entries, e)
	return len(s.entries) - 1
}

// Recalled logs an id (AppendIDValue) of which only the verdict is known: an
// earlier run decided it, and what it said is read back from the verdicts topic.
// A partition below 0 means that the place of the verdict is not known.
func (s *Segment) Recalled(id []byte, verdict rules.Verdict, score, arrival int64, partition int32, offset int64) {
	e := entry{
		arrival: arrival, time: arrival, score: score, offset: offset, partition: partition,
		start: len(s.buf), idEnd: int32(len(id)), valuesEnd: int32(len(id)), bodyEnd: int32(len(id)), end: int32(len(id)), keys: -1, verdict: verdict,
	}
	s.buf = append(s.buf, id...)
	s.entries = append(s.entries, e)
}

// Placed notes where in the verdicts topic the verdict of entry n stands.
func (s *Segment) Placed(n int, partition int32, offset int64) {
	s.entries[n].partition, s.entries[n].offset = partition, offset
}

// Arrived notes that the id of entry n was decided for another copy of its
// transaction, which arrived at that time: what is known of an id lies together.
func (s *Segment) Arrived(n int, at int64) { s.entries[n].arrival = at }

// Label logs a label of the transaction with an id (AppendIDValue). Its
// transaction need not be known: the cut brings it to the histories that it
// belongs to, or lets it wait for it.
func (s *Segment) Label(id []byte, time int64, fraud bool) {
	s.labels = append(s.labels, label{start: len(s.buf), end: len(s.buf) + len(id), time: time, fraud: fraud})
	s.buf = append(s.buf, id...)
}

const (
	entryBytes = 72
	labelBytes = 32
)

// Size is how much memory the content takes, in bytes.
func (s *Segment) Size() int {
	return len(s.buf) + entryBytes*len(s.entries) + labelBytes*len(s.labels) + 20*len(s.keys)
}

// Len counts the entries and labels.
func (s *Segment) Len() int { return len(s.entries) + len(s.labels) }

// Reset empties the segment and keeps its memory.
func (s *Segment) Reset() {
	s.entries, s.labels, s.keys, s.ends, s.buf = s.entries[:0], s.labels[:0], s.keys[:0], s.ends[:0], s.buf[:0]
}
