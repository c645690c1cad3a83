package rules

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"net/netip"
	"sort"
)

// Lists holds the lists of a rule set. It is immutable, and safe for concurrent use.
type Lists struct {
	names  []string
	byName map[string]list
}

type list interface {
	contains(text string) bool
}

// Has reports whether there is a list of this name.
func (l *Lists) Has(name string) bool { _, ok := l.byName[name]; return ok }

// Names gives the names of the lists, sorted.
func (l *Lists) Names() []string { return l.names }

// Contains reports whether a list holds a text, or the network of an address.
func (l *Lists) Contains(name, text string) bool {
	found := l.byName[name]
	return found != nil && found.contains(text)
}

func (l *Lists) add(name string, entries list) {
	l.byName[name] = entries
	l.names = append(l.names, name)
	sort.Strings(l.names)
}

// slots is an open-addressed table of entry numbers. It holds no pointers, so
// a million entries cost the garbage collector nothing.
type slots struct {
	seed  maphash.Seed
	table []uint32 // entry + 1, 0: free
}

func newSlots(entries int) slots {
	size := 8
	for size < 2*entries {
		size *= 2
	}
	return slots{maphash.MakeSeed(), make([]uint32, size)}
}

// first gives the slot of a hash, and next the one after it.
func (s *slots) first(hash uint64) int { return int(hash & uint64(len(s.table)-1)) }
func (s *slots) next(slot int) int     { return (slot + 1) & (len(s.table) - 1) }

// texts is a list of texts.
type texts struct {
	slots slots
	blob  []byte   // all texts, one behind the other
	ends  []uint32 // of each in blob
}

func (t *texts) text(entry uint32) []byte {
	start := uint32(0)
	if entry > 0 {
		start = t.ends[entry-1]
	}
	return t.blob[start:t.ends[entry]]
}

// find gives the slot of a text, or the free one for it.
func (t *texts) find(text string) (slot int, ok bool) {
	slot = t.slots.first(maphash.String(t.slots.seed, text))
	for t.slots.table[slot] != 0 {
		if string(t.text(t.slots.table[slot]-1)) == text {
			return slot, true
		}
		slot = t.slots.next(slot)
	}
	return slot, false
}

func (t *texts) contains(text string) bool {
	_, ok := t.find(text)
	return ok
}

func newTexts(lines []listLine) *texts {
	t := &texts{slots: newSlots(len(lines)), ends: make([]uint32, 0, len(lines))}
	for _, line := range lines {
		if slot, ok := t.find(line.value); !ok {
			t.blob = append(t.blob, line.value...)
			t.ends = append(t.ends, uint32(len(t.blob)))
			t.slots.table[slot] = uint32(len(t.ends))
		}
	}
	return t
}

// network is an address range of a list; IPv4 lies within IPv6 as usual.
type network struct {
	high, low uint64
	bits      uint8
}

// networks is a list of addresses and networks.
type networks struct {
	slots   slots
	entries []network
	bits    []uint8 // the lengths that occur
}

// mask keeps the first bits of an address.
func mask(high, low uint64, bits uint8) (uint64, uint64) {
	if bits <= 64 {
		return high &^ (math.MaxUint64 >> bits), 0
	}
	return high, low &^ (math.MaxUint64 >> (bits - 64))
}

// halves gives an address as two words.
func halves(a netip.Addr) (high, low uint64) {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

func (n *networks) find(high, low uint64, bits uint8) (slot int, ok bool) {
	var key [17]byte
	binary.BigEndian.PutUint64(key[:8], high)
	binary.BigEndian.PutUint64(key[8:16], low)
	key[16] = bits
	slot = n.slots.first(maphash.Bytes(n.slots.seed, key[:]))
	for n.slots.table[slot] != 0 {
		if n.entries[n.slots.table[slot]-1] == (network{high, low, bits}) {
			return slot, true
		}
		slot = n.slots.next(slot)
	}
	return slot, false
}

func (n *networks) contains(text string) bool {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	high, low := halves(address)
	for _, bits := range n.bits {
		h, l := mask(high, low, bits)
		if _, ok := n.find(h, l, bits); ok {
			return true
		}
	}
	return false
}

func newNetworks(lines []listLine) *networks {
	n := &networks{slots: newSlots(len(lines)), entries: make([]network, 0, len(lines))}
	var seen [129]bool
	for _, line := range lines {
		high, low := halves(line.network.Addr())
		bits := uint8(line.network.Bits())
		if line.network.Addr().Is4() {
			bits += 96
		}
		high, low = mask(high, low, bits)
		if slot, ok := n.find(high, low, bits); !ok {
			n.entries = append(n.entries, network{high, low, bits})
			n.slots.table[slot] = uint32(len(n.entries))
		}
		if !seen[bits] {
			seen[bits] = true
			n.bits = append(n.bits, bits)
		}
	}
	return n
}
