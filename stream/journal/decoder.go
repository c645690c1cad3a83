package journal

import (
	"fmt"
	"math"

	"sluice/rules"
	"sluice/scoring/event"
)

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
	// Rows with other times are left out.
	from int64
	to   *int64
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

// look says which entity is wanted, of all times.
func (d *decoder) look(entity int, value []byte, st *state) {
	end := int64(math.MaxInt64)
	d.from, d.to = math.MinInt64, &end
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
		if d.tx.Entities[d.entity] == d.key && d.tx.Time >= d.from && d.tx.Time <= *d.to {
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
