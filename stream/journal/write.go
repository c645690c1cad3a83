package journal

import (
	"errors"
	"fmt"
	"time"
)

// Write makes one cut of segments: all of them and the progress are durable when
// it returns nil, and nothing of them is there if it returns an error, but for
// ErrFailed, after which they may be. Either way the segments stay as they are,
// and Write can be tried again: it then writes other files, having opened
// the journal again if it must, and to write something twice changes nothing.
func (j *Journal) Write(segments []*Segment, p Progress) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	begun := time.Now()
	s, err := j.writable(segments)
	if err != nil {
		return err
	}
	next := j.state.Load().clone()
	next.Cut++
	next.advance(p)
	b := &j.build
	b.reset(segments, next, j.o.Schema)
	b.collect()
	b.sortIDs()
	known := j.state.Load()
	waits, err := b.deliver(&j.waiting, s, known)
	if err != nil {
		return err
	}
	waits = j.waiting.admit(waits, j.o.MaxWaiting)
	for _, w := range waits {
		if len(w.labels) > 0 {
			next.Waits[w.bucket]++
		}
	}
	t := &tables{s: s, cut: next.Cut}
	if j.filters.now.Load() != nil {
		t.filters = &j.filters
	}
	earlier := func(id hash, bucket uint16, d *decidedID) (bool, error) {
		if _, live := known.IDs[bucket]; !live {
			return false, nil
		}
		return s.findIn(known, []uint16{bucket}, id, d)
	}
	if err := b.write(t, waits, earlier); err != nil {
		return errors.Join(s.known(err), t.drop())
	}
	if err := t.ingest(); err != nil {
		return err
	}
	j.state.Store(next)
	j.waiting.apply(waits)
	j.parts.trim()
	j.stats.cut(t.bytes, time.Since(begun))
	return nil
}

// write writes everything, in the order of the keys.
func (b *builder) write(t *tables, waits []wait, earlier placedFinder) error {
	if err := b.histories(t); err != nil {
		return err
	}
	if err := b.identities(t, earlier); err != nil {
		return err
	}
	if err := t.state(b.st); err != nil {
		return err
	}
	return b.waits(t, waits)
}

// writable gives the store to write to, a new one if the last one has failed,
// and makes sure that there is room.
func (j *Journal) writable(segments []*Segment) (*store, error) {
	if j.closed.Load() {
		return nil, ErrClosed
	}
	if j.o.ReadOnly {
		return nil, errors.New("the journal is open for reading only")
	}
	if j.store.Load().hasFailed() {
		if err := j.reopen(); err != nil {
			return nil, err
		}
	}
	need := j.o.Reserve
	for _, s := range segments {
		need += 2 * int64(s.Size()) // the cut, and room to sort it in
	}
	usage, err := j.o.FS.GetDiskUsage(j.o.Dir)
	if err == nil && usage.AvailBytes < uint64(need) {
		return nil, fmt.Errorf("%w (%s): %d MiB are free, the next cut needs %d; make room, it goes on by itself",
			ErrFull, j.o.Dir, usage.AvailBytes>>20, need>>20)
	}
	return j.store.Load(), nil
}

// Begin makes a run durable: before it sends anything.
func (j *Journal) Begin(r Run) error {
	return j.change(func(st *state) { st.Run = r })
}

// VerdictsAnew notes that partitions of the verdicts topic begin anew: nothing that
// stands there now is in the journal.
func (j *Journal) VerdictsAnew(partitions []int32) error {
	return j.change(func(st *state) {
		for _, partition := range partitions {
			delete(st.Verdicts, partition)
		}
	})
}

// change makes a cut that changes nothing but what the journal knows of itself.
func (j *Journal) change(f func(st *state)) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	s, err := j.writable(nil)
	if err != nil {
		return err
	}
	next := j.state.Load().clone()
	next.Cut++
	f(next)
	t := &tables{s: s, cut: next.Cut}
	if err := t.state(next); err != nil {
		return errors.Join(s.known(err), t.drop())
	}
	if err := t.ingest(); err != nil {
		return err
	}
	j.state.Store(next)
	return nil
}

// Forget drops what is of no use any more: of histories what happened before
// events, of ids what arrived before ids (ns), and labels that have waited since
// then. It goes in whole buckets, without rewriting what stays.
func (j *Journal) Forget(events, ids int64) error {
	st := j.state.Load()
	j.forgotten.Store(max(j.forgotten.Load(), int64(bucketOf(events, st.Bucket))*st.Bucket))
	old := st.clone()
	for _, x := range []struct {
		live   map[uint16]int64
		before int64
	}{{old.Events, events}, {old.IDs, ids}, {old.Waits, ids}} {
		for bucket := range x.live {
			if bucket < bucketOf(x.before, st.Bucket) {
				delete(x.live, bucket)
			}
		}
	}
	if len(old.Events) < len(st.Events) || len(old.IDs) < len(st.IDs) || len(old.Waits) < len(st.Waits) {
		// First nobody looks there any more, durably, and then it goes. What remains
		// where that fails goes the next time.
		err := j.change(func(st *state) { st.Events, st.IDs, st.Waits = old.Events, old.IDs, old.Waits })
		if err != nil {
			return err
		}
		j.waiting.forget(old.Waits)
		j.filters.keep(old.Events, old.IDs)
	}
	j.writing.Lock()
	defer j.writing.Unlock()
	s, err := j.writable(nil)
	if err != nil {
		return err
	}
	for kind, before := range map[byte]int64{keyHistory: events, keyID: ids, keyWaiting: ids} {
		if err := s.excise(kind, bucketOf(before, st.Bucket)); err != nil {
			return err
		}
	}
	return nil
}
