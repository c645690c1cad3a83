package rules

import (
	"fmt"
	"slices"
	"time"
)

// When a rule is quarantined: once it has failed for maxFailures of the last
// failuresWithin transactions. One that fails now and then costs little and is
// left alone.
const (
	maxFailures    = 32
	failuresWithin = 1024
)

// Quarantine keeps rules that keep failing from being evaluated. A rule fails
// where the VM does, or where its texts are so long that looking through them
// would hold up the payments behind (package interp counts that ahead of a run).
//
// What a payment is decided by must not depend on a clock, on the number of cores
// or on how a stream is cut into batches: a replay or a backtest would decide
// otherwise. So nothing is timed here. A failure follows from the transaction
// and its windows, failures are counted in the order in which transactions are
// settled, and a rule is out from the very next transaction on. Who evaluates
// many transactions at once evaluates those behind the one that put a rule into
// quarantine again (scoring.Core does).
//
// A rule is let out when it is changed, and when it is taken out of the set. The
// zero Quarantine needs Use. It is for one goroutine; while it does not change,
// others may evaluate under it.
type Quarantine struct {
	rules   []*record // of the set in force
	decided uint64    // transactions so far
	held    int
}

// record is what is known of a rule.
type record struct {
	id, hash string
	failed   []uint64 // the numbers of the newest transactions that it failed for, a ring
	next     int      // in failed
	held     *Held
}

// Held is a rule in quarantine.
type Held struct {
	Rule  string `json:"rule"`  // its id
	Hash  string `json:"hash"`  // of its content
	Since int64  `json:"since"` // arrival of the transaction that it failed for last, ns
	Why   string `json:"why"`
}

// Use goes on with the rules of a set. What it knows of those that it knew and
// that are the same stays.
func (q *Quarantine) Use(set *Set) {
	known := map[string]*record{}
	for _, r := range q.rules {
		known[r.id] = r
	}
	q.rules, q.held = make([]*record, len(set.Rules)), 0
	for i := range set.Rules {
		r := known[set.Rules[i].ID]
		if r == nil || r.hash != set.Rules[i].Hash {
			r = &record{id: set.Rules[i].ID, hash: set.Rules[i].Hash}
		}
		if r.held != nil {
			q.held++
		}
		q.rules[i] = r
	}
}

// Decided takes in the rules that failed for the next transaction, which may be
// none. It reports whether one of them is in quarantine from now on.
func (q *Quarantine) Decided(arrival int64, errors []Skip) (changed bool) {
	q.decided++
	for _, e := range errors {
		r := q.rules[e.Rule]
		first, full := r.fail(q.decided)
		if r.held != nil || !full || q.decided-first >= failuresWithin {
			continue
		}
		at := time.Unix(0, arrival).UTC().Format(time.RFC3339)
		r.held = &Held{Rule: r.id, Hash: r.hash, Since: arrival, Why: fmt.Sprintf(
			"quarantined since %s: it failed for %d of %d transactions, the last time because %s; it is asked again once it is changed",
			at, maxFailures, q.decided-first+1, e.Why)}
		q.held++
		changed = true
	}
	return changed
}

// fail notes a failure, and gives the number of the transaction that was the
// first of the newest maxFailures ones; full is false if there are not as many.
func (r *record) fail(number uint64) (first uint64, full bool) {
	if len(r.failed) < maxFailures {
		r.failed = append(r.failed, number)
	} else {
		r.failed[r.next] = number
		r.next = (r.next + 1) % maxFailures
	}
	return r.failed[r.next], len(r.failed) == maxFailures
}

// Held lists the rules in quarantine, in the order of the set.
func (q *Quarantine) Held() []Held {
	out := make([]Held, 0, q.held)
	for _, r := range q.rules {
		if r.held != nil {
			out = append(out, *r.held)
		}
	}
	return out
}

// Hold puts rules into quarantine that were there before, as far as they are in
// the set and the same.
func (q *Quarantine) Hold(held []Held) {
	for _, r := range q.rules {
		i := slices.IndexFunc(held, func(h Held) bool { return h.Rule == r.id && h.Hash == r.hash })
		if i >= 0 && r.held == nil {
			r.held = &held[i]
			q.held++
		}
	}
}

// why says why a rule is in quarantine, "" if it is not.
func (q *Quarantine) why(rule int) string {
	if q == nil || q.held == 0 || q.rules[rule].held == nil {
		return ""
	}
	return q.rules[rule].held.Why
}

// mark fills in which rules are in quarantine, nil for none.
func (q *Quarantine) mark(into []bool) []bool {
	if q == nil || q.held == 0 {
		return nil
	}
	into = into[:0]
	for _, r := range q.rules {
		into = append(into, r.held != nil)
	}
	return into
}
