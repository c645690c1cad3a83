package journal

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// waitingSet knows of which ids labels wait, so that a transaction need not be
// looked up on the disk for it. It is read when the journal is opened: at most
// Options.MaxWaiting ids.
type waitingSet struct {
	mu      sync.RWMutex
	bucket  map[hash]uint16
	dropped atomic.Int64 // labels for which there was no room
}

func (w *waitingSet) len() int {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return len(w.bucket)
}

// at gives the bucket in which the labels of an id wait.
func (w *waitingSet) at(id hash) (uint16, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	bucket, ok := w.bucket[id]
	return bucket, ok
}

// with gives the ids that wait, and those of the mail.
func (w *waitingSet) with(post map[hash]*mail) map[hash]struct{} {
	w.mu.RLock()
	defer w.mu.RUnlock()
	all := make(map[hash]struct{}, len(post)+len(w.bucket))
	for id := range post {
		all[id] = struct{}{}
	}
	for id := range w.bucket {
		all[id] = struct{}{}
	}
	return all
}

// load reads which ids there are.
func (w *waitingSet) load(s *store, st *state) error {
	all := map[hash]uint16{}
	err := s.guard(func() error {
		it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyWaiting}, UpperBound: []byte{keyWaiting + 1}})
		if err != nil {
			return err
		}
		for ok := it.First(); ok; ok = it.Next() {
			key := it.Key()
			if len(key) != idKeyBytes {
				return fmt.Errorf("%w (%s): a key has bytes that nobody wrote; %s", ErrDamaged, s.dir, whatToDo)
			}
			bucket := binary.BigEndian.Uint16(key[1:])
			if _, live := st.Waits[bucket]; live {
				all[hash{binary.BigEndian.Uint64(key[3:]), binary.BigEndian.Uint64(key[11:])}] = bucket
			}
		}
		return it.Close()
	})
	if err != nil {
		return s.known(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bucket = all
	return nil
}

// read gives the labels of an id that waits.
func (w *waitingSet) read(s *store, id hash, bucket uint16) ([]Waiting, error) {
	value, ok, err := s.get(appendIDKey(nil, keyWaiting, bucket, id))
	if err != nil || !ok {
		return nil, err
	}
	labels, err := readWaiting(value)
	if err != nil {
		return nil, s.damage(err)
	}
	return labels, nil
}

// admit drops changes for which there is no room.
func (w *waitingSet) admit(changes []wait, limit int) []wait {
	room := limit - w.len()
	kept := changes[:0]
	for _, c := range changes {
		switch {
		case len(c.labels) == 0:
			room++
		case c.fresh && room <= 0:
			w.dropped.Add(int64(len(c.labels)))
			continue
		case c.fresh:
			room--
		}
		kept = append(kept, c)
	}
	return kept
}

// apply takes over what a cut has changed.
func (w *waitingSet) apply(changes []wait) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range changes {
		if len(c.labels) == 0 {
			delete(w.bucket, c.id)
		} else {
			w.bucket[c.id] = c.bucket
		}
	}
}

// forget drops buckets.
func (w *waitingSet) forget(live map[uint16]int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, bucket := range w.bucket {
		if _, ok := live[bucket]; !ok {
			delete(w.bucket, id)
		}
	}
}

// write writes the changes.
func (b *builder) waits(t *tables, changes []wait) error {
	for _, c := range changes {
		b.key = appendIDKey(b.key[:0], keyWaiting, c.bucket, c.id)
		if len(c.labels) == 0 {
			if err := t.remove(b.key); err != nil {
				return err
			}
			continue
		}
		b.value = b.value[:0]
		for _, l := range c.labels {
			b.value = appendWaiting(b.value, l)
		}
		if err := t.set(b.key, b.value); err != nil {
			return err
		}
	}
	return nil
}
