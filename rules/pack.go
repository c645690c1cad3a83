package rules

import (
	"encoding/binary"
	"encoding/json"
)

// packer writes numbers and texts one after the other.
type packer struct{ b []byte }

func (w *packer) uint(n uint64) { w.b = binary.AppendUvarint(w.b, n) }
func (w *packer) int(n int64)   { w.b = binary.AppendVarint(w.b, n) }
func (w *packer) text(s string) { w.uint(uint64(len(s))); w.b = append(w.b, s...) }

func (w *packer) bool(v bool) {
	if v {
		w.uint(1)
	} else {
		w.uint(0)
	}
}

// row writes numbers of which many are zero: those that are not, with their places.
func (w *packer) row(row []uint64) {
	mask := uint64(0)
	for i, n := range row {
		if n != 0 {
			mask |= 1 << i
		}
	}
	w.uint(mask)
	for _, n := range row {
		if n != 0 {
			w.uint(n)
		}
	}
}

func (w *packer) counts(c *counts) {
	w.row(c.slots[:])
	w.uint(c.hour)
}

// json writes what there is seldom, nil as nothing.
func (w *packer) json(v any) {
	text, err := json.Marshal(v)
	if err != nil || string(text) == "null" {
		text = nil
	}
	w.text(string(text))
}

// unpacker reads what a packer wrote. Once something is missing it gives zeros.
type unpacker struct {
	b      []byte
	failed bool
}

func (r *unpacker) fail() { r.b, r.failed = nil, true }

func (r *unpacker) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *unpacker) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// length reads how many follow, each of at least a byte.
func (r *unpacker) length() int {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *unpacker) bool() bool { return r.uint() == 1 }

func (r *unpacker) text() string {
	n := r.length()
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *unpacker) row(row []uint64) {
	mask := r.uint()
	for i := range row {
		if mask>>i&1 == 1 {
			row[i] = r.uint()
		}
	}
	if mask>>len(row) != 0 {
		r.fail()
	}
}

func (r *unpacker) counts() (c counts) {
	r.row(c.slots[:])
	for _, n := range c.slots {
		c.window += n
	}
	c.hour = r.uint()
	return c
}

func (r *unpacker) json(v any) {
	if text := r.text(); text != "" && json.Unmarshal([]byte(text), v) != nil {
		r.fail()
	}
}
