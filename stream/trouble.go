package stream

import (
	"fmt"
	"maps"
	"slices"
)

// trouble notes what is wrong somewhere; nil: nothing is any more.
func (p *Processor) trouble(where string, err error) {
	p.mu.Lock()
	old := p.what[where]
	if err == nil {
		delete(p.what, where)
	} else {
		p.what[where] = err
	}
	p.mu.Unlock()
	if err != nil && (old == nil || old.Error() != err.Error()) {
		p.log.Warn("in trouble, trying on", "where", where, "error", err)
	}
}

// troubled says whether something is wrong somewhere.
func (p *Processor) troubled(where string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.what[where] != nil
}

// troubles lists what is wrong now.
func (p *Processor) troubles() []string {
	var out []string
	p.mu.Lock()
	for _, where := range slices.Sorted(maps.Keys(p.what)) {
		out = append(out, p.what[where].Error())
	}
	p.mu.Unlock()
	if m := p.marker.Load(); m != nil {
		if err := m.Trouble(); err != nil {
			out = append(out, err.Error())
		}
	}
	if o := p.out.Load(); o != nil {
		if o.verdicts.Full() {
			out = append(out, fmt.Sprintf("the broker takes verdicts more slowly than they are decided: %d MiB are not acknowledged, and deciding waits", o.verdicts.Queued()>>20))
		}
		for _, err := range []error{o.verdicts.Trouble(), o.transactions.Trouble(), o.dead.Trouble()} {
			if err != nil && !slices.Contains(out, err.Error()) {
				out = append(out, err.Error())
			}
		}
	}
	return out
}
