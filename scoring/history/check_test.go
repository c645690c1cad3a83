package history

import (
	"fmt"

	"sluice/scoring/event"
)

// check finds what is not as it should be in a store between any two calls. What
// an answer depends on shows in answers, too, but most of it much later.
type check struct {
	s     *Store
	kind  *kind
	tree  *hot
	held  map[handle]int // histories that hold a row
	filed map[uint32]int // entries that are outside of memory, by the number of their leaf
	last  []uint64       // row of the entry before
	gone  bool           // the history has left: nobody tells it of labels
	fault string         // the first one
}

// faults gives the first fault that a store has, "" if it has none.
func (s *Store) faults() string {
	c := &check{s: s, held: map[handle]int{}, filed: map[uint32]int{}}
	for i := range s.away.parts {
		for _, slot := range s.away.parts[i].slots {
			c.filed[slot.leaf]++
		}
	}
	for e := range s.kinds {
		c.kind = &s.kinds[e]
		for i := range c.kind.table.parts {
			for _, slot := range c.kind.table.parts[i].slots {
				c.history(&slot.history)
			}
		}
	}
	c.gone = true
	for i := range s.gone {
		c.history(&s.gone[i])
	}
	for row, n := range c.held {
		c.must(int(uint32(s.rows.at(row)[rowCount])) == n, "%d histories hold a row that counts %d", n, uint32(s.rows.at(row)[rowCount]))
	}
	c.must(len(c.held) == s.rowsHeld, "histories hold %d rows of %d", len(c.held), s.rowsHeld)
	return c.fault
}

func (c *check) must(be bool, format string, args ...any) {
	if !be && c.fault == "" {
		c.fault = fmt.Sprintf(format, args...)
	}
}

func (c *check) history(h *history) {
	if c.last = nil; h.hot == 0 {
		c.entries(&h.leaf)
		return
	}
	c.tree = c.s.hots[h.hot]
	c.kind = &c.s.kinds[c.tree.entity]
	c.node(c.tree.root)
}

// entries looks at those of a leaf, and gives how many have labels.
func (c *check) entries(l *leaf) (labelled int) {
	for i := int(l.head); i < int(l.head)+int(l.n); i++ {
		block := c.s.entries.at(l.block)
		meta := block[metaWord*int(l.cap)+i]
		r := c.s.rows.at(handle(meta))
		c.held[handle(meta)]++
		c.must(c.last == nil || c.last[rowTime] < r[rowTime] || c.last[rowTime] == r[rowTime] && c.s.compareIDs(c.last, r) < 0, "an entry is out of order, or twice")
		c.must(c.gone || meta&labelledBit != 0 == (labelCount(r) > 0), "an entry and its row differ in whether there are labels")
		c.last = r
		labelled += min(1, labelCount(r))
	}
	return labelled
}

// node looks at what lies below a node, and gives how many have labels.
func (c *check) node(x *node) (labelled int) {
	n, sums := 0, make([]total, len(c.kind.sums))
	known := !x.dirty && x.version == c.kind.version && !c.gone
	if x.level == 0 {
		labelled, n = c.entries(&x.leaf), int(x.leaf.n)
		if x.away != 0 {
			c.must(c.s.away.leaves[x.away] == lodging{c.tree, x} && c.filed[x.away] > 0, "a leaf is outside of memory and not known so")
			n += c.filed[x.away]
		}
		known = known && x.away == 0
		for i := int(x.leaf.head); known && i < int(x.leaf.head)+int(x.leaf.n); i++ {
			for j, key := range c.kind.sums {
				g := gather{s: c.s, layout: c.kind.layout}
				g.entry(&sums[j], key, c.s.open(c.kind, &x.leaf), int(x.leaf.cap), i)
			}
		}
	}
	for _, kid := range x.kids {
		labelled += c.node(kid)
		n += kid.n
		known = known && !kid.dirty && kid.version == c.kind.version
		for j := 0; known && j < len(sums); j++ {
			sums[j].merge(&kid.sums[j])
		}
	}
	c.must(n == x.n, "a node counts %d entries, there are %d", x.n, n)
	for j := 0; known && !x.stale && j < len(sums); j++ {
		c.must(x.sums[j].n == sums[j].n && x.sums[j].lo == sums[j].lo, "sum %d of a node is %v, not %v", j, x.sums[j], sums[j])
	}
	c.must(!known || x.labelled >= labelled || !c.kind.sees(event.Fraud), "a node knows of %d entries with labels, not %d", x.labelled, labelled)
	return labelled
}
