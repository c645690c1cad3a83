package event

import "hash/maphash"

// nameSet holds the names of unknown members, by object, to find those that
// stand twice. It is an open-addressed table, so that a message of ten thousand
// names takes no longer a name than one of three.
type nameSet struct {
	slots   []nameSlot
	used    int
	stamp   uint32 // of this message: slots of earlier ones are free
	objects uint32
	text    []byte // the names
}

type nameSlot struct {
	hash          uint64
	stamp, object uint32
	start, end    uint32 // in text
}

// begin forgets all names.
func (n *nameSet) begin() {
	n.used, n.objects, n.text = 0, 0, n.text[:0]
	if n.stamp++; n.stamp == 0 {
		clear(n.slots)
		n.stamp = 1
	}
}

// object gives a number for an object of this message.
func (n *nameSet) object() uint32 {
	n.objects++
	return n.objects
}

// add files a name; ok is false if its object has it already.
func (n *nameSet) add(object uint32, name []byte) (ok bool) {
	if 2*(n.used+1) > len(n.slots) {
		n.grow()
	}
	hash := maphash.Bytes(seed, name) + uint64(object)*tagInteger
	slot := n.find(hash, object, name)
	if slot.stamp == n.stamp {
		return false
	}
	start := len(n.text)
	n.text = append(n.text, name...)
	*slot = nameSlot{hash, n.stamp, object, uint32(start), uint32(len(n.text))}
	n.used++
	return true
}

// find gives the slot of a name, or the free one where it belongs.
func (n *nameSet) find(hash uint64, object uint32, name []byte) *nameSlot {
	mask := uint64(len(n.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := &n.slots[i]
		if s.stamp != n.stamp || s.hash == hash && s.object == object && string(n.text[s.start:s.end]) == string(name) {
			return s
		}
	}
}

func (n *nameSet) grow() {
	old := n.slots
	n.slots = make([]nameSlot, max(64, 2*len(old)))
	for _, s := range old {
		if s.stamp == n.stamp {
			*n.find(s.hash, s.object, n.text[s.start:s.end]) = s
		}
	}
}
