package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"sluice/rules"
	"sluice/scoring/event"
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
	live := buckets(st.IDs)
	slices.Reverse(live)
	var value []byte
	var at uint16
	err = s.guard(func() error {
		var v []byte
		for _, bucket := range live {
			got, closer, err := s.db.Get(appendIDKey(nil, keyID, bucket, id))
			if errors.Is(err, pebble.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			v = bytes.Clone(got)
			if err := closer.Close(); err != nil {
				return err
			}
			value, at = v, bucket
			return nil
		}
		return nil
	})
	if err != nil || value == nil {
		return false, s.known(err)
	}
	if err := readID(value, int64(at)*st.Bucket, d); err != nil {
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

// MayHold is a quick look whether an id may be in the journal: false is certain.
func (j *Journal) MayHold(id []byte) bool { return len(id) > 0 && len(j.state.Load().IDs) > 0 }

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

// History gives all that the journal holds of an entity (its value as of
// Transaction.AppendEntityValue).
func (j *Journal) History(entity int, value []byte, v Visitor) error {
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
	sc := scan{s: s, live: buckets(st.Events), prefix: d.hash[0], history: true}
	return sc.run(func(_, piece []byte) error { return d.piece(piece, v) })
}

// EachID gives the ids that were decided at an arrival time of since (ns) or
// later, in no order, until f says false. Other calls go on meanwhile.
func (j *Journal) EachID(since int64, f func(id event.Key, d *Decided) bool) error {
	s, done, err := j.reading()
	if err != nil {
		return err
	}
	defer done()
	st := j.state.Load()
	sc := scan{s: s, kind: keyID}
	sc.lower, sc.upper = bucketBounds(keyID, int(bucketOf(since, st.Bucket)), math.MaxUint16+1)
	var d decidedID
	err = sc.run(func(key, value []byte) error {
		if j.closed.Load() {
			return ErrClosed
		}
		if len(key) != idKeyBytes {
			return s.damage(errValue)
		}
		if err := readID(value, int64(binary.BigEndian.Uint16(key[1:]))*st.Bucket, &d); err != nil {
			return s.damage(err)
		}
		id, ok := j.o.Schema.IDKey(string(d.id[1:]))
		if !ok || d.decided.Arrival < since {
			return nil
		}
		if !f(id, &d.decided) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// errEnough ends a scan.
var errEnough = errors.New("enough")

// scanBytes is how much of a scan is copied out of Pebble at once.
const scanBytes = 256 << 10

// scan reads keys in order: those of a history, or those between bounds. They
// are copied out in bounded pieces and given outside of the guard, so that what
// they are given to is never run by a goroutine that was given up.
type scan struct {
	s            *store
	kind         byte
	lower, upper []byte

	history bool
	prefix  uint64
	live    []uint16

	it    *pebble.Iterator
	at    int // of live
	found bool
	buf   []byte
	ends  []int // of key and value, in turn
}

func (c *scan) run(f func(key, value []byte) error) error {
	for more := true; more; {
		err := c.s.guard(func() (err error) {
			more, err = c.fill()
			return err
		})
		if err == nil {
			err = c.give(f)
		}
		if err != nil {
			c.close()
			return c.s.known(err)
		}
	}
	return c.s.known(c.closed())
}

func (c *scan) give(f func(key, value []byte) error) error {
	from := 0
	for i := 0; i < len(c.ends); i += 2 {
		if err := f(c.buf[from:c.ends[i]], c.buf[c.ends[i]:c.ends[i+1]]); err != nil {
			return err
		}
		from = c.ends[i+1]
	}
	return nil
}

// close drops the iterator, if somebody still can.
func (c *scan) close() {
	if !c.s.hasFailed() {
		c.closed() //nolint:errcheck // an error is being told already
	}
}

func (c *scan) closed() error {
	if c.it == nil {
		return nil
	}
	it := c.it
	c.it = nil
	return c.s.guard(it.Close)
}

// fill copies the next keys and values out.
func (c *scan) fill() (more bool, err error) {
	c.buf, c.ends = c.buf[:0], c.ends[:0]
	if c.it == nil {
		if c.history && len(c.live) == 0 {
			return false, nil
		}
		o := &pebble.IterOptions{LowerBound: c.lower, UpperBound: c.upper}
		if c.history {
			o.LowerBound, o.UpperBound = []byte{keyHistory}, []byte{keyHistory + 1}
		}
		if c.it, err = c.s.db.NewIter(o); err != nil {
			return false, err
		}
		c.found = c.seek()
	} else {
		c.found = c.it.Next()
	}
	for {
		for !c.found {
			if err := c.it.Error(); err != nil {
				return false, err
			}
			if c.at++; !c.history || c.at >= len(c.live) {
				return false, nil
			}
			c.found = c.seek()
		}
		value, err := c.it.ValueAndErr()
		if err != nil {
			return false, err
		}
		c.buf = append(c.buf, c.it.Key()...)
		c.ends = append(c.ends, len(c.buf))
		c.buf = append(c.buf, value...)
		c.ends = append(c.ends, len(c.buf))
		if len(c.buf) >= scanBytes {
			return true, nil
		}
		c.found = c.it.Next()
	}
}

func (c *scan) seek() bool {
	if !c.history {
		return c.it.First()
	}
	return c.it.SeekPrefixGE(appendHistoryPrefix(nil, c.live[c.at], c.prefix))
}

// decoder reads pieces of histories. One goroutine uses it at a time.
type decoder struct {
	schema  *event.Schema
	readers []*event.StoredReader
	tx      event.Transaction
	scratch []byte

	entity int
	key    event.Key // of the entity, in memory
	hash   hash
	secret bool
	anyone bool // whoever's it is
}

// decoder gives one that knows all layouts.
func (j *Journal) decoder(st *state) (*decoder, error) {
	d, ok := j.decoders.Get().(*decoder)
	if !ok {
		d = &decoder{schema: j.o.Schema}
	}
	for i := len(d.readers); i < len(st.Layouts); i++ {
		r, err := event.NewStoredReader(d.schema, st.Layouts[i])
		if err != nil {
			return nil, fmt.Errorf("%w (%s): %w", ErrForeign, j.o.Dir, err)
		}
		d.readers = append(d.readers, r)
	}
	return d, nil
}

// look says which entity is wanted.
func (d *decoder) look(entity int, value []byte, st *state) {
	field := &d.schema.Fields[d.schema.Entities[entity]]
	d.entity, d.key, d.secret = entity, event.HashKey(value), field.Secret
	d.hash = st.Key.entity(append([]byte(field.Name), 0), value, &d.scratch)
}

// piece visits the records of a piece that are the entity's: another one may
// share its hash.
func (d *decoder) piece(b []byte, v Visitor) error {
	r := reader{b: b}
	flags := r.byte()
	if flags&^pieceKnown != 0 {
		return d.damage(errValue)
	}
	if flags&pieceChecked != 0 && r.uint64() != d.hash[1] && !r.failed && !d.anyone {
		return nil
	}
	layout := r.uvarint()
	if r.failed || layout >= uint64(len(d.readers)) {
		return d.damage(errValue)
	}
	for len(r.b) > 0 {
		if err := d.record(&r, d.readers[layout], v); err != nil {
			return d.damage(err)
		}
	}
	if r.failed {
		return d.damage(errValue)
	}
	return nil
}

func (d *decoder) damage(err error) error {
	return fmt.Errorf("%w: a history: %w; %s", ErrDamaged, err, whatToDo)
}

func (d *decoder) record(r *reader, rows *event.StoredReader, v Visitor) (err error) {
	tag := r.byte()
	switch tag & recordKinds {
	case recordRow:
		if tag>>4 != 0 {
			return errValue
		}
		if r.b, err = rows.Read(r.b, &d.tx); err != nil {
			return err
		}
		if d.anyone {
			v.Row(&d.tx, rules.Verdict(tag>>2))
			return nil
		}
		if d.secret {
			d.tx.Entities[d.entity] = d.key // its value is nowhere else
		}
		if d.tx.Entities[d.entity] == d.key {
			v.Row(&d.tx, rules.Verdict(tag>>2))
		}
	case recordLabel:
		if tag>>3 != 0 {
			return errValue
		}
		t := r.varint()
		id := r.take(r.uvarint())
		if r.failed || len(id) < 2 {
			return errValue
		}
		if key, ok := d.schema.IDKey(string(id[1:])); ok {
			v.Label(key, t, tag>>2 == 1)
		}
	default:
		return errValue
	}
	return nil
}
