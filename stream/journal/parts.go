package journal

import (
	"sync"

	"sluice/scoring/event"
)

// part is so many entries, in memory that is used again. What grows as long as
// a stretch is busy would be copied to a larger place time after time, and its
// former places would wait for the collector.
type part struct {
	entries []entry
	keys    []event.Key // of the entities of the entries, one after the other
	ends    []int32     // where the values of the entities end in buf, likewise
	buf     []byte
}

// A part is full at one of these. An entry's number is that of its part and, in
// the lowest bits, that in its part.
const (
	partBits    = 10
	partEntries = 1 << partBits
	partBytes   = 256 << 10
)

func newPart() *part {
	return &part{entries: make([]entry, 0, partEntries), buf: make([]byte, 0, partBytes/4)}
}

func (p *part) full() bool { return len(p.entries) == partEntries || len(p.buf) >= partBytes }

func (p *part) reset() {
	p.entries, p.keys, p.ends, p.buf = p.entries[:0], p.keys[:0], p.ends[:0], p.buf[:0]
}

// freeParts keeps parts for the next segments: as many as were of use lately.
type freeParts struct {
	mu    sync.Mutex
	parts []*part
	least int // of them since the last cut: nobody has needed these
}

func (f *freeParts) get() *part {
	if f == nil {
		return newPart()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.parts) - 1
	if n < 0 {
		return newPart()
	}
	p := f.parts[n]
	f.parts[n] = nil
	f.parts = f.parts[:n]
	f.least = min(f.least, n)
	return p
}

func (f *freeParts) put(parts []*part) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range parts {
		if cap(p.buf) > 4*partBytes {
			continue // a few large messages
		}
		p.reset()
		f.parts = append(f.parts, p)
	}
}

// trim gives half of what nobody has needed since the last cut to the collector.
func (f *freeParts) trim() {
	f.mu.Lock()
	defer f.mu.Unlock()
	left := len(f.parts) - (f.least+1)/2
	clear(f.parts[left:])
	f.parts = f.parts[:left]
	f.least = left
}
