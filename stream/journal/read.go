package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// get gives a copy of a key's value.
func (s *store) get(key []byte) (value []byte, ok bool, err error) {
	type answer struct {
		value []byte
		ok    bool
	}
	var a answer
	err = s.guard(func() error {
		v, closer, err := s.db.Get(key)
		if errors.Is(err, pebble.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		a = answer{bytes.Clone(v), true}
		return closer.Close()
	})
	if err != nil {
		return nil, false, s.known(err)
	}
	return a.value, a.ok, nil
}

// find looks an id up, where the newest ones are first.
func (s *store) find(st *state, id hash, d *decidedID) (ok bool, err error) {
	return s.findIn(st, newest(st.IDs), id, d)
}

// newest gives the live buckets of a kind in descending order.
func newest(live map[uint16]int64) []uint16 {
	all := buckets(live)
	slices.Reverse(all)
	return all
}

// findIn looks an id up in some buckets.
func (s *store) findIn(st *state, live []uint16, id hash, d *decidedID) (ok bool, err error) {
	one := []lookup{{id: id}}
	if err := s.look(live, one); err != nil {
		return false, err
	}
	return s.read(st, &one[0], d)
}

// lookup is an id that is looked for.
type lookup struct {
	id     hash
	value  []byte // nil: it is not there
	bucket uint16
}

// look looks ids up in some buckets, and is fastest where they are sorted.
func (s *store) look(live []uint16, ids []lookup) error {
	held := s.filters.now.Load()
	some := slices.ContainsFunc(live, func(bucket uint16) bool {
		return slices.ContainsFunc(ids, func(l lookup) bool { return held.in(keyID, bucket, l.id[0]) })
	})
	if !some {
		return nil
	}
	return s.known(s.guard(func() error {
		it, err := s.seeker(keyID, len(ids))
		if err != nil {
			return err
		}
		var key []byte
		for _, bucket := range live {
			for i := range ids {
				l := &ids[i]
				if l.value != nil || !held.in(keyID, bucket, l.id[0]) {
					continue
				}
				key = appendIDKey(key[:0], keyID, bucket, l.id)
				if it.seek(key) && bytes.Equal(it.Key(), key) {
					v, err := it.ValueAndErr()
					if err != nil {
						return join(err, it.Close())
					}
					l.value, l.bucket = bytes.Clone(v), bucket
				}
				if err := it.Error(); err != nil { // the next look would forget it
					return join(err, it.Close())
				}
			}
		}
		return it.Close()
	}))
}

// read reads what was found.
func (s *store) read(st *state, l *lookup, d *decidedID) (ok bool, err error) {
	if l.value == nil {
		return false, nil
	}
	if err := readID(l.value, int64(l.bucket)*st.Bucket, d); err != nil {
		return false, s.damage(err)
	}
	return true, nil
}

// excise drops the keys of a kind in the buckets below one.
func (s *store) excise(kind byte, below uint16) error {
	if below == 0 {
		return nil
	}
	lower, upper := bucketBounds(kind, 0, int(below))
	return s.known(s.guard(func() error {
		it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
		if err != nil {
			return err
		}
		some := it.First()
		if err := it.Close(); err != nil || !some {
			return err
		}
		return s.db.Excise(context.Background(), pebble.KeyRange{Start: lower, End: upper})
	}))
}

// reading gives the store for a call that reads; done ends it.
func (j *Journal) reading() (s *store, done func(), err error) {
	s = j.store.Load()
	s.open.RLock()
	if j.closed.Load() {
		s.open.RUnlock()
		return nil, nil, ErrClosed
	}
	return s, s.open.RUnlock, nil
}

// Find gives what is known of an id (Transaction.AppendIDValue).
func (j *Journal) Find(id []byte) (d Decided, ok bool, err error) {
	s, done, err := j.reading()
	if err != nil {
		return d, false, err
	}
	defer done()
	st := j.state.Load()
	var found decidedID
	ok, err = s.find(st, st.Key.hash(id), &found)
	return found.decided, ok, err
}

// MayFind says, without a look at the disk, whether an id may be in the journal:
// false is certain.
func (j *Journal) MayFind(id []byte) bool {
	return j.filters.mayHold(keyID, j.state.Load().Key.hash(id)[0])
}

// MayHold says, without a look at the disk, whether an entity may have a history
// in the journal: false is certain.
func (j *Journal) MayHold(entity int, value []byte) bool {
	var scratch [64]byte
	b := append(append(scratch[:0], j.names[entity]...), value...)
	return j.filters.mayHold(keyHistory, j.state.Load().Key.hash(b)[0])
}

// Awaited says, without a look at the disk, whether labels wait for the
// transaction with an id.
func (j *Journal) Awaited(id []byte) bool {
	_, ok := j.waiting.at(j.state.Load().Key.hash(id))
	return ok
}

// Waiting gives the labels that wait for the transaction with an id. It looks at
// the disk only if there are some.
func (j *Journal) Waiting(id []byte) ([]Waiting, error) {
	h := j.state.Load().Key.hash(id)
	bucket, ok := j.waiting.at(h)
	if !ok {
		return nil, nil
	}
	s, done, err := j.reading()
	if err != nil {
		return nil, err
	}
	defer done()
	return j.waiting.read(s, h, bucket)
}

// errEnough ends a scan whose visitor has what it wants.
var errEnough = errors.New("enough")

// History gives all that the journal holds of an entity (its value as of
// Transaction.AppendEntityValue).
func (j *Journal) History(entity int, value []byte, v Visitor) error {
	to := int64(math.MaxInt64)
	return j.Between(entity, value, math.MinInt64, &to, v)
}

// Between gives the transactions of an entity with times (ns) from one to
// another, both included, and at least the labels of these. The visitor may make
// to smaller, when it has enough: buckets come by time, what is in one does not.
func (j *Journal) Between(entity int, value []byte, from int64, to *int64, v Visitor) error {
	s, done, err := j.reading()
	if err != nil {
		return err
	}
	defer done()
	st := j.state.Load()
	d, err := j.decoder(st)
	if err != nil {
		return err
	}
	defer j.decoders.Put(d)
	d.look(entity, value, st)
	d.from, d.to = from, to
	live := j.filters.among(keyHistory, buckets(st.Events), d.hash[0])
	low, _ := slices.BinarySearch(live, bucketOf(from, st.Bucket))
	high, found := slices.BinarySearch(live, bucketOf(*to, st.Bucket))
	if found {
		high++
	}
	sc := scan{s: s, live: live[low:max(low, high)], prefix: d.hash[0], history: true}
	err = sc.run(func(key, piece []byte) error {
		if binary.BigEndian.Uint16(key[1:]) > bucketOf(*to, st.Bucket) {
			return errEnough
		}
		return d.piece(piece, v)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// Oldest gives a time (ns) from which on the journal has not forgotten anything
// that it held when it was opened, or was given since.
func (j *Journal) Oldest() int64 { return j.forgotten.Load() }
