package rules

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"net/netip"
	"sort"
	"sync/atomic"
)

// Lists holds the lists of a rule set. What the files say never changes; over it
// lie the changes that people made since, of which Lay puts others in force. It
// is safe for concurrent use.
type Lists struct {
	names  []string
	byName map[string]list
	asked  asked
	secret map[string]bool // lists
	laid   atomic.Pointer[map[string]*Overlay]
}

// list is what a file holds.
type list interface {
	// contains reports whether it holds a text, or the network of an address,
	// for a transaction that arrived at a time, with what lies over it (or nil).
	contains(text string, at int64, over *Overlay) bool
	// until gives the end of an entry: 0 if it has none.
	until(value string) (end int64, ok bool)
	size() int
}

// builder is a list while its file is read.
type builder interface {
	list
	put(listLine)
}

// Has reports whether there is a list of this name.
func (l *Lists) Has(name string) bool { _, ok := l.byName[name]; return ok }

// Names gives the names of the lists, sorted.
func (l *Lists) Names() []string { return l.names }

// Contains reports whether a list holds a text, or the network of an address,
// for a transaction that arrived at a time (ns).
func (l *Lists) Contains(name, text string, at int64) bool {
	found := l.byName[name]
	if found == nil {
		return false
	}
	var over *Overlay
	if laid := l.laid.Load(); laid != nil {
		over = (*laid)[name]
	}
	return found.contains(text, at, over)
}

// Lay puts other changes over the files' lists, in place of those before. Only
// between two batches: a decision must not see both.
func (l *Lists) Lay(over map[string]*Overlay) {
	if len(over) == 0 {
		l.laid.Store(nil)
		return
	}
	l.laid.Store(&over)
}

// Size is the number of entries that a list has in its file.
func (l *Lists) Size(name string) int {
	if found := l.byName[name]; found != nil {
		return found.size()
	}
	return 0
}

// Filed reports whether the file of a list has a value, as it stands there, and
// until when (ns; 0: always).
func (l *Lists) Filed(name, value string) (until int64, ok bool) {
	found := l.byName[name]
	if found == nil {
		return 0, false
	}
	return found.until(value)
}

// Kind says what a list holds.
type Kind uint8

// The kinds. A list whose file is empty takes either.
const (
	OfAnything Kind = iota
	OfTexts
	OfNetworks
)

// String gives the kind for people.
func (k Kind) String() string { return [...]string{"empty", "texts", "networks"}[k] }

// Kind gives what the file of a list holds.
func (l *Lists) Kind(name string) Kind {
	switch l.byName[name].(type) {
	case *texts:
		return OfTexts
	case *networks:
		return OfNetworks
	}
	return OfAnything
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

// ends holds when entries end, in ns: nothing at all where none does.
type ends []int64

// of gives the end of an entry, 0: none.
func (e ends) of(entry int) int64 {
	if e == nil {
		return 0
	}
	return e[entry]
}

// hold adds the end of the entry that comes next.
func (e *ends) hold(entry int, until int64, room int) {
	if *e == nil && until != 0 {
		*e = make(ends, entry, room)
	}
	if *e != nil {
		*e = append(*e, until)
	}
}

// prolong notes that an entry stands in the file again: it ends when the last
// of them does.
func (e ends) prolong(entry int, until int64) {
	if old := e.of(entry); old != 0 && (until == 0 || until > old) {
		e[entry] = until
	}
}

// ended reports whether what lasts until then is over for an arrival.
func ended(until, at int64) bool { return until != 0 && at >= until }

// texts is a list of texts.
type texts struct {
	slots slots
	blob  []byte   // all texts, one behind the other
	stops []uint32 // of each in blob
	ends  ends
	room  int
}

func newTexts(room int) *texts {
	return &texts{slots: newSlots(room), stops: make([]uint32, 0, room), room: room}
}

func (t *texts) text(entry uint32) []byte {
	start := uint32(0)
	if entry > 0 {
		start = t.stops[entry-1]
	}
	return t.blob[start:t.stops[entry]]
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

func (t *texts) contains(text string, at int64, over *Overlay) bool {
	if m, ok := over.text(text, at); ok {
		return !m.out
	}
	until, ok := t.until(text)
	return ok && !ended(until, at)
}

func (t *texts) until(value string) (end int64, ok bool) {
	slot, ok := t.find(value)
	if !ok {
		return 0, false
	}
	return t.ends.of(int(t.slots.table[slot] - 1)), true
}

func (t *texts) size() int { return len(t.stops) }

func (t *texts) put(line listLine) {
	slot, ok := t.find(line.value)
	if ok {
		t.ends.prolong(int(t.slots.table[slot]-1), line.until)
		return
	}
	t.ends.hold(len(t.stops), line.until, t.room)
	t.blob = append(t.blob, line.value...)
	t.stops = append(t.stops, uint32(len(t.blob)))
	t.slots.table[slot] = uint32(len(t.stops))
}

// network is an address range of a list; IPv4 lies within IPv6 as usual.
type network struct {
	high, low uint64
	bits      uint8
}

// networkOf gives the range of a prefix.
func networkOf(p netip.Prefix) network {
	bits := uint8(p.Bits())
	if p.Addr().Is4() {
		bits += 96
	}
	high, low := halves(p.Addr())
	return within(high, low, bits)
}

// within gives the network of so many bits that an address lies in.
func within(high, low uint64, bits uint8) network {
	if bits <= 64 {
		return network{high &^ (math.MaxUint64 >> bits), 0, bits}
	}
	return network{high, low &^ (math.MaxUint64 >> (bits - 64)), bits}
}

// halves gives an address as two words.
func halves(a netip.Addr) (high, low uint64) {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

// lengths are the different lengths of networks that occur.
type lengths struct {
	seen [129]bool
	all  []uint8
}

func (l *lengths) add(bits uint8) {
	if !l.seen[bits] {
		l.seen[bits] = true
		l.all = append(l.all, bits)
	}
}

// networks is a list of addresses and networks.
type networks struct {
	slots   slots
	entries []network
	lengths lengths
	ends    ends
	room    int
}

func newNetworks(room int) *networks {
	return &networks{slots: newSlots(room), entries: make([]network, 0, room), room: room}
}

func (n *networks) find(wanted network) (slot int, ok bool) {
	var key [17]byte
	binary.BigEndian.PutUint64(key[:8], wanted.high)
	binary.BigEndian.PutUint64(key[8:16], wanted.low)
	key[16] = wanted.bits
	slot = n.slots.first(maphash.Bytes(n.slots.seed, key[:]))
	for n.slots.table[slot] != 0 {
		if n.entries[n.slots.table[slot]-1] == wanted {
			return slot, true
		}
		slot = n.slots.next(slot)
	}
	return slot, false
}

func (n *networks) contains(text string, at int64, over *Overlay) bool {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	high, low := halves(address)
	if over.covers(high, low, at) {
		return true
	}
	for _, bits := range n.lengths.all {
		wanted := within(high, low, bits)
		slot, ok := n.find(wanted)
		if ok && !ended(n.ends.of(int(n.slots.table[slot]-1)), at) && !over.leavesOut(wanted, at) {
			return true
		}
	}
	return false
}

func (n *networks) until(value string) (end int64, ok bool) {
	p, ok := parseNetwork(value)
	if !ok {
		return 0, false
	}
	slot, ok := n.find(networkOf(p))
	if !ok {
		return 0, false
	}
	return n.ends.of(int(n.slots.table[slot] - 1)), true
}

func (n *networks) size() int { return len(n.entries) }

func (n *networks) put(line listLine) {
	added := networkOf(line.network)
	slot, ok := n.find(added)
	if ok {
		n.ends.prolong(int(n.slots.table[slot]-1), line.until)
		return
	}
	n.ends.hold(len(n.entries), line.until, n.room)
	n.entries = append(n.entries, added)
	n.slots.table[slot] = uint32(len(n.entries))
	n.lengths.add(added.bits)
}
