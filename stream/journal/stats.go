package journal

import (
	"sync"
	"time"
)

// stats counts the cuts of this process.
type stats struct {
	mu    sync.Mutex
	cuts  int64
	bytes int64
	last  int64
	took  time.Duration
}

func (s *stats) cut(bytes int64, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cuts++
	s.bytes += bytes
	s.last, s.took = bytes, took
}

// Stats is the size of a journal, and what writing it takes.
type Stats struct {
	Cuts      int64         // of this process
	Written   int64         // bytes in them, before compression
	Last      int64         // bytes in the last one
	LastTook  time.Duration // to write the last one
	Disk      int64         // bytes on the disk
	Unsorted  int           // cuts that lie on top of each other until Pebble sorts them in
	Compacted int64         // bytes that sorting in has written, in this process
	Rows      int64         // transactions in all histories
	IDs       int64
	Buckets   int // live ones of histories
	Waiting   int // ids with labels that wait for their transactions
	Dropped   int64
}

// Stats counts. Rows and IDs count once more what was written more than once.
func (j *Journal) Stats() Stats {
	st := j.state.Load()
	j.stats.mu.Lock()
	out := Stats{Cuts: j.stats.cuts, Written: j.stats.bytes, Last: j.stats.last, LastTook: j.stats.took}
	j.stats.mu.Unlock()
	for _, n := range st.Events {
		out.Rows += n
	}
	for _, n := range st.IDs {
		out.IDs += n
	}
	out.Buckets, out.Waiting, out.Dropped = len(st.Events), j.waiting.len(), j.waiting.dropped.Load()
	s, done, err := j.reading()
	if err != nil {
		return out
	}
	defer done()
	type sizes struct {
		disk, compacted int64
		unsorted        int
	}
	got := make(chan sizes, 1)
	if s.guard(func() error {
		m := s.db.Metrics()
		z := sizes{disk: int64(m.DiskSpaceUsage()), unsorted: int(m.Levels[0].Sublevels)}
		for i := range m.Levels {
			z.compacted += int64(m.Levels[i].TableBytesCompacted)
		}
		got <- z
		return nil
	}) == nil {
		z := <-got
		out.Disk, out.Compacted, out.Unsorted = z.disk, z.compacted, z.unsorted
	}
	return out
}
