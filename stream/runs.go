package stream

import "sluice/stream/wire"

// runs tells which verdicts count of a partition of the verdicts topic that is
// read in its order: all but those that a run still sent when another one had
// followed it, behind that one's marker. A run that sets no markers, as one
// without a journal, is followed by none before it is seen.
type runs struct {
	followed map[string]bool // of the runs seen so far: another one has set its marker since
	void     int             // verdicts that do not count
}

// marker takes a record that marks where a run begins, and tells whether it is one.
func (r *runs) marker(rec *wire.Record) bool {
	name, marks := rec.Header(markerHeader)
	if !marks || rec.Value != nil {
		return false
	}
	for earlier := range r.followed {
		r.followed[earlier] = true
	}
	r.see(string(name), false)
	return true
}

func (r *runs) see(name string, followed bool) {
	if r.followed == nil {
		r.followed = map[string]bool{}
	}
	r.followed[name] = followed
}

// counts tells whether a verdict of a run counts.
func (r *runs) counts(name string) bool {
	followed, seen := r.followed[name]
	if !seen {
		r.see(name, false)
	}
	if followed {
		r.void++
	}
	return !followed
}
