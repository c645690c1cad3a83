package journal

import (
	"sluice/rules"
	"sluice/scoring/event"
)

// Segment is a stretch of the log, in the order of deciding. One goroutine fills
// it; once it is handed to Write nobody touches it until Write has returned.
// Nothing in it is hashed, sorted or written: that is the writer's work.
type Segment struct {
	parts  []*part
	free   *freeParts // nil: parts are made and dropped
	size   int        // bytes of entries and labels
	labels []label
	ids    []byte // of the labels
}

// entry is a decided transaction. Its bytes lie in its part one after the
// other: id, values of the entities, stored form. The body is within that.
type entry struct {
	time       int64
	arrival    int64
	score      int64
	offset     int64
	start      int32 // in buf; what follows is relative to it
	idEnd      int32
	row        int32 // the stored form
	body       int32
	bodyEnd    int32
	end        int32
	keys       int32 // first of its keys, -1: it has no transaction
	partition  int32
	verdict    rules.Verdict
	remembered bool
}

// label is a label; its id is in ids.
type label struct {
	start, end int
	time       int64
	fraud      bool
}

// part gives the part that the next entry goes to.
func (s *Segment) part() *part {
	if n := len(s.parts); n > 0 {
		if p := s.parts[n-1]; !p.full() {
			return p
		}
	}
	p := s.free.get()
	s.parts = append(s.parts, p)
	return p
}

// add files an entry whose bytes are in its part, and gives its number.
func (s *Segment) add(p *part, e *entry) int {
	e.end = int32(len(p.buf)) - e.start
	p.entries = append(p.entries, *e)
	s.size += entryBytes + int(e.end)
	return (len(s.parts)-1)<<partBits | (len(p.entries) - 1)
}

func (s *Segment) entry(n int) *entry { return &s.parts[n>>partBits].entries[n&(partEntries-1)] }

// Decided logs a transaction with what was decided, and gives its number in the
// segment, for Placed. remembered is false of one that the histories did not
// take because it was late: then its id alone is kept. The verdict may be
// NoVerdict where only the transaction is known.
func (s *Segment) Decided(tx *event.Transaction, verdict rules.Verdict, score int64, remembered bool) (n int) {
	p := s.part()
	e := entry{
		time: tx.Time, arrival: tx.Arrival, score: score, offset: -1, partition: -1,
		start: int32(len(p.buf)), keys: int32(len(p.keys)), verdict: verdict, remembered: remembered,
	}
	p.buf = tx.AppendIDValue(p.buf)
	e.idEnd = int32(len(p.buf)) - e.start
	for i, key := range tx.Entities {
		p.buf, _ = tx.AppendEntityValue(p.buf, i)
		p.keys = append(p.keys, key)
		p.ends = append(p.ends, int32(len(p.buf))-e.start)
	}
	s.size += keyBytes * len(tx.Entities)
	e.row = int32(len(p.buf)) - e.start
	buf, from, to := tx.AppendStoredWithBody(p.buf)
	p.buf, e.body, e.bodyEnd = buf, int32(from)-e.start, int32(to)-e.start
	return s.add(p, &e)
}

// Recalled logs an id (AppendIDValue) of which only the verdict is known: an
// earlier run decided it, and what it said is read back from the verdicts topic.
// A partition below 0 means that the place of the verdict is not known.
func (s *Segment) Recalled(id []byte, verdict rules.Verdict, score, arrival int64, partition int32, offset int64) {
	p := s.part()
	e := entry{
		arrival: arrival, time: arrival, score: score, offset: offset, partition: partition,
		start: int32(len(p.buf)), idEnd: int32(len(id)), keys: -1, verdict: verdict,
	}
	p.buf = append(p.buf, id...)
	s.add(p, &e)
}

// Placed notes where in the verdicts topic the verdict of entry n stands.
func (s *Segment) Placed(n int, partition int32, offset int64) {
	e := s.entry(n)
	e.partition, e.offset = partition, offset
}

// Arrived notes that the id of entry n was decided for another copy of its
// transaction, which arrived at that time: what is known of an id lies together.
func (s *Segment) Arrived(n int, at int64) { s.entry(n).arrival = at }

// Label logs a label of the transaction with an id (AppendIDValue). Its
// transaction need not be known: the cut brings it to the histories that it
// belongs to, or lets it wait for it.
func (s *Segment) Label(id []byte, time int64, fraud bool) {
	s.labels = append(s.labels, label{start: len(s.ids), end: len(s.ids) + len(id), time: time, fraud: fraud})
	s.ids = append(s.ids, id...)
	s.size += labelBytes + len(id)
}

const (
	entryBytes = 64
	keyBytes   = 20
	labelBytes = 32
)

// Size is how much memory the content takes, in bytes.
func (s *Segment) Size() int { return s.size }

// Len counts the entries and labels.
func (s *Segment) Len() int {
	n := len(s.labels)
	for _, p := range s.parts {
		n += len(p.entries)
	}
	return n
}

// Reset empties the segment. Its memory is for others to use.
func (s *Segment) Reset() {
	s.free.put(s.parts)
	clear(s.parts)
	s.parts, s.labels, s.ids, s.size = s.parts[:0], s.labels[:0], s.ids[:0], 0
}
