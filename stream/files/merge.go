package files

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"sluice/scoring/event"
)

// merge gives the items of all readers in the order of (time, id).
func merge(schema *event.Schema, readers []*reader, sort bool, yield func([]Item) error) error {
	switch {
	case sort:
		return mergeSorted(schema, readers, yield)
	case len(readers) == 1:
		return pass(schema, readers[0], yield)
	}
	return mergeHeads(schema, readers, yield)
}

// pass gives the blocks of one file as they are.
func pass(schema *event.Schema, r *reader, yield func([]Item) error) error {
	var last mark
	for {
		ok, err := r.refill()
		if !ok || err != nil {
			return err
		}
		if err := last.check(schema, r); err != nil {
			return err
		}
		if err := yield(r.block.items); err != nil {
			return err
		}
		r.next = len(r.block.items)
	}
}

// mergeHeads always takes the smallest of the files' next items.
func mergeHeads(schema *event.Schema, readers []*reader, yield func([]Item) error) error {
	last := make([]mark, len(readers))
	for {
		first := -1
		for i, r := range readers {
			fresh := r.block == nil || r.next == len(r.block.items)
			ok, err := r.refill()
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if fresh {
				if err := last[i].check(schema, r); err != nil {
					return err
				}
			}
			if first < 0 || compare(&r.head().Tx, &readers[first].head().Tx) < 0 {
				first = i
			}
		}
		if first < 0 {
			return nil
		}
		r := readers[first]
		if err := yield(r.block.items[r.next : r.next+1]); err != nil {
			return err
		}
		r.next++
	}
}

// mergeSorted takes everything into memory and sorts it.
func mergeSorted(schema *event.Schema, readers []*reader, yield func([]Item) error) error {
	var all []Item
	for _, r := range readers {
		for {
			ok, err := r.refill()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			all = append(all, r.block.items...)
			clear(r.block.items) // their slices are ours now
			r.next = len(r.block.items)
		}
	}
	slices.SortStableFunc(all, func(a, b Item) int { return compare(&a.Tx, &b.Tx) })
	for len(all) > 0 {
		n := min(len(all), blockSize)
		if err := yield(all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func (r *reader) head() *Item { return &r.block.items[r.next] }

// refill makes sure that there is a next item; ok is false at the file's end.
func (r *reader) refill() (ok bool, err error) {
	for r.block == nil || r.next == len(r.block.items) {
		if r.block != nil {
			if r.block.err != nil {
				return false, ended(r.block.err)
			}
			r.empty <- r.block
		}
		b, open := <-r.full
		if !open { // the reader was stopped
			b = &block{err: errEnd}
		}
		r.block, r.next = b, 0
		for _, f := range b.faults {
			if r.o.Fault == nil {
				return false, f
			}
			if err := r.o.Fault(f); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

func ended(err error) error {
	if errors.Is(err, errEnd) {
		return nil
	}
	return err
}

// mark is the last item of a block that a file's next block must not precede.
type mark struct {
	tx  event.Transaction
	set bool
}

// check reports a block that is out of order, in itself or after the one before.
func (m *mark) check(schema *event.Schema, r *reader) error {
	items := r.block.items
	for i := range items {
		before := &m.tx
		if i > 0 {
			before = &items[i-1].Tx
		} else if !m.set {
			continue
		}
		if compare(before, &items[i].Tx) > 0 {
			return fmt.Errorf("%s: %w", r.path, ErrOrder)
		}
	}
	last := &items[len(items)-1].Tx
	m.set = true
	m.tx.Schema, m.tx.Time, m.tx.Words, m.tx.Text = schema, last.Time, append(m.tx.Words[:0], last.Words...), append(m.tx.Text[:0], last.Text...)
	return nil
}

// compare orders transactions by time, then id by its type in the schema.
func compare(a, b *event.Transaction) int {
	if c := cmp.Compare(a.Time, b.Time); c != 0 {
		return c
	}
	return event.CompareID(a, b)
}
