package journal

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// siftAtOnce is how many keys are read before others have their turn.
const siftAtOnce = 16 << 10

// Sift gathers what an old journal holds, so that what it does not hold need not
// be looked for on the disk. It reads every key once, with half of a processor
// at most, while everything else goes on. A new journal needs none of it.
func (j *Journal) Sift(ctx context.Context) error {
	if s := j.filters.now.Load(); s != nil && s.whole {
		return nil
	}
	j.writing.Lock() // the cut under way does not add its keys: it is to stand before they are read
	j.filters.begin(j.o.Filters, false)
	st := j.state.Load()
	j.writing.Unlock()
	for kind, live := range map[byte]map[uint16]int64{keyHistory: st.Events, keyID: st.IDs} {
		for _, bucket := range newest(live) {
			if err := j.gather(ctx, kind, bucket); err != nil {
				return err
			}
		}
	}
	j.filters.end()
	return nil
}

// gather adds the keys of a bucket to its filter.
func (j *Journal) gather(ctx context.Context, kind byte, bucket uint16) (err error) {
	s, done, err := j.reading()
	if err != nil {
		return err
	}
	defer done()
	at := j.filters.of(kind, bucket)
	g := gathering{s: s}
	g.lower, g.upper = bucketBounds(kind, int(bucket), int(bucket)+1)
	defer func() { err = join(err, s.known(g.close())) }()
	for more := true; more; {
		began := time.Now()
		err := s.guard(func() (err error) {
			more, err = g.read()
			return err
		})
		if err != nil {
			return s.known(err)
		}
		if len(g.keys) > 0 && (!more || len(g.keys) > rollMost-siftAtOnce) {
			if !j.filters.grow(at, newRoll(g.keys)) {
				return nil
			}
			g.keys = g.keys[:0]
		}
		if !more {
			return nil
		}
		if j.closed.Load() {
			return ErrClosed
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Since(began)):
		}
	}
	return nil
}

// gathering reads the hashes in the keys of a bucket, each once.
type gathering struct {
	s            *store
	it           *pebble.Iterator
	lower, upper []byte
	keys         []uint64
}

func (g *gathering) read() (more bool, err error) {
	if g.it == nil {
		if g.it, err = g.s.db.NewIter(&pebble.IterOptions{LowerBound: g.lower, UpperBound: g.upper}); err != nil {
			return false, err
		}
		more = g.it.First()
	} else {
		more = g.it.Next()
	}
	for n := 0; more; more = g.it.Next() {
		h := binary.BigEndian.Uint64(g.it.Key()[3:])
		if last := len(g.keys) - 1; last < 0 || g.keys[last] != h {
			g.keys = append(g.keys, h)
		}
		if n++; n == siftAtOnce {
			return true, nil
		}
	}
	return false, g.it.Error()
}

// close drops the iterator, if somebody still can.
func (g *gathering) close() error {
	if g.it == nil || g.s.hasFailed() {
		return nil
	}
	return g.s.guard(g.it.Close)
}
