package rules

import "net/netip"

// Entry is a change of one entry of a list: the value is in it, or with Out it
// is left out although the file has it, for what arrives before Until.
type Entry struct {
	Value string
	Until int64 // ns; 0: always
	Out   bool
}

// Overlay is what people changed of one list since its file was written. It is
// immutable; the zero Overlay and nil change nothing.
//
// It does not know whether it lies over texts or networks: an address counts as
// both, and the list takes what it can use.
type Overlay struct {
	texts    map[string]mark
	networks map[network]mark
	lengths  lengths
}

// mark is a change of one entry.
type mark struct {
	until int64
	out   bool
}

// NewOverlay makes an overlay of changes of different values.
func NewOverlay(entries []Entry) *Overlay {
	o := &Overlay{texts: make(map[string]mark, len(entries)), networks: map[network]mark{}}
	for _, e := range entries {
		m := mark{e.Until, e.Out}
		o.texts[e.Value] = m
		if p, ok := parseNetwork(e.Value); ok {
			n := networkOf(p)
			o.networks[n] = m
			o.lengths.add(n.bits)
		}
	}
	return o
}

// Canonical gives the one way to write a value of a list: of networks, of the
// several ways to write a range of addresses; a text as it is.
func Canonical(value string) string {
	p, ok := parseNetwork(value)
	switch {
	case !ok:
		return value
	case p.IsSingleIP():
		return p.Addr().String()
	}
	return p.Masked().String()
}

// IsNetwork reports whether a value is an address or a network.
func IsNetwork(value string) bool {
	_, ok := parseNetwork(value)
	return ok
}

// text gives the change of a text that holds for an arrival.
func (o *Overlay) text(text string, at int64) (m mark, ok bool) {
	if o == nil {
		return m, false
	}
	m, ok = o.texts[text]
	return m, ok && !ended(m.until, at)
}

// covers reports whether an address lies in a network that was added.
func (o *Overlay) covers(high, low uint64, at int64) bool {
	if o == nil {
		return false
	}
	for _, bits := range o.lengths.all {
		if m, ok := o.networks[within(high, low, bits)]; ok && !m.out && !ended(m.until, at) {
			return true
		}
	}
	return false
}

// leavesOut reports whether an entry of the file is left out.
func (o *Overlay) leavesOut(n network, at int64) bool {
	if o == nil {
		return false
	}
	m, ok := o.networks[n]
	return ok && m.out && !ended(m.until, at)
}

// nothing is a list whose file holds no value: it is one of texts or networks
// by what lies over it.
type nothing struct{}

func (nothing) contains(text string, at int64, over *Overlay) bool {
	if m, ok := over.text(text, at); ok {
		return !m.out
	}
	address, err := netip.ParseAddr(text)
	if err != nil || over == nil {
		return false
	}
	high, low := halves(address)
	return over.covers(high, low, at)
}

func (nothing) until(string) (end int64, ok bool) { return 0, false }
func (nothing) size() int                         { return 0 }
