package history

import (
	"slices"

	"sluice/scoring/event"
)

// What a look lacks shows bit by bit: an edge of a window that is outside of
// memory hides what lies between the edges. So a payment is looked at again when
// some of what it lacked is back, and that must be there still when the rest is.
// For the payment that is next it is pinned: what this one has lacked once stays,
// whatever else wants the room, until it is decided. With every round there are
// fewer leaves that it can lack, so it gets its turn however small the budget is,
// and what is pinned is never more than one payment needs.
//
// Entries that are needed for the sums above them alone are not pinned, that may
// be all that an entity ever did. They leave when the sums are made (see leave),
// and these stay: here, too, every round leaves fewer.

// pinning is a history that must not leave memory, or a leaf of one.
type pinning struct {
	entity int
	key    event.Key
	leaf   *node // nil: the history, but for its leaves
}

// Pin keeps in memory, until Unpin, the histories of a transaction, and of what
// was lacking to the last look at them what it needs itself, once that is back.
func (s *Store) Pin(tx *event.Transaction) {
	for e, key := range tx.Entities {
		if key != (event.Key{}) {
			s.pin(pinning{e, key, nil})
		}
	}
	for _, l := range s.lacking {
		if !l.briefly {
			s.pin(pinning{l.tree.entity, l.tree.key, l.leaf})
		}
	}
}

func (s *Store) pin(p pinning) {
	if slices.Contains(s.pins, p) {
		return
	}
	s.pins = append(s.pins, p)
	if p.leaf != nil {
		p.leaf.pinned = true
	}
}

// pinned reports whether a history is.
func (s *Store) pinned(entity int, key event.Key) bool {
	return slices.Contains(s.pins, pinning{entity, key, nil})
}

// Pinned gives how many histories and leaves are pinned, for Unpin.
func (s *Store) Pinned() int { return len(s.pins) }

// Unpin lets go what was pinned since so many were.
func (s *Store) Unpin(n int) {
	for _, p := range s.pins[n:] {
		if p.leaf != nil {
			p.leaf.pinned = false
		}
	}
	clear(s.pins[n:])
	s.pins = s.pins[:n]
}
