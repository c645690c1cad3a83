package history

import "slices"

// distinct is a sketch of the distinct values of many entries: the values
// themselves while they are few, since a sketch would be far off by one of five.
type distinct struct {
	few    []uint64 // ascending
	many   *hll     // in use if counts
	counts bool
}

func (d *distinct) reset() {
	d.few = d.few[:0]
	d.counts = false
}

func (d *distinct) add(w uint64, few int) {
	if d.counts {
		d.many.add(w)
		return
	}
	i, found := slices.BinarySearch(d.few, w)
	if found {
		return
	}
	d.few = slices.Insert(d.few, i, w)
	if len(d.few) > few {
		d.spill()
	}
}

// spill goes on with the sketch.
func (d *distinct) spill() {
	if d.many == nil {
		d.many = new(hll)
	}
	clear(d.many[:])
	for _, w := range d.few {
		d.many.add(w)
	}
	d.few, d.counts = d.few[:0], true
}

func (d *distinct) merge(o *distinct, few int) {
	if !o.counts {
		for _, w := range o.few {
			d.add(w, few)
		}
		return
	}
	if !d.counts {
		d.spill()
	}
	d.many.merge(o.many)
}
