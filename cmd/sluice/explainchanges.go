package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/configs"
	"sluice/rules"
	"sluice/scoring/event"
	"sluice/scoring/explanation"
	"sluice/stream/ledger"
)

// byPeople says what an explanation knows of the changes that people had made to
// lists and snoozes when a transaction was decided.
type byPeople struct {
	Revision int64  `json:"revision"` // of the last change by then; 0: there was none
	Known    bool   `json:"known"`    // all of them are taken into account
	Why      string `json:"why,omitempty"`
	// Rules ask lists, and so rest on less than what was known then; only where not
	// all is known.
	Rules []string `json:"rules,omitempty"`
}

// kept are the changes by people that can be read; the zero kept holds none.
type kept struct {
	past  *ledger.Past // nil: none can be read
	dir   string       // "": no configuration says where they are
	err   error        // why they can't be read
	next  []ledger.Change
	lies  bool // some have been laid over the rules
	under func(*rules.Changes)
}

// keptOf reads the changes that are kept for a configuration.
func keptOf(c *configs.Config) kept {
	k := kept{dir: ledger.DirOf(c.State.Dir, c.Group)}
	k.past, k.err = ledger.OpenPast(ledger.OS{}, k.dir)
	if k.past != nil {
		k.next = k.past.Changing()
	}
	return k
}

// set gives a rule set that decided earlier, nil where it is not kept.
func (k *kept) set(hash string, schema *event.Schema) (*rules.Set, error) {
	register, err := ledger.OpenRegister(ledger.OS{}, k.dir)
	if err != nil {
		return nil, err
	}
	files, err := register.Files(hash)
	if errors.Is(err, ledger.ErrNoSet) {
		return nil, nil //nolint:nilnil // there is none
	}
	if err != nil {
		return nil, err
	}
	return rules.LoadFiles(files, "rule set "+hash, schema)
}

// follow lays over the rules what had been changed by an arrival, where earlier
// verdicts matter for those that follow.
func (k *kept) follow(arrival int64, flush func()) {
	var last int64
	for len(k.next) > 0 && k.next[0].At.UnixNano() <= arrival {
		last, k.next = k.next[0].Revision, k.next[1:]
	}
	if last > 0 {
		flush()
		k.lay(last)
	}
}

func (k *kept) lay(revision int64) {
	if k.past != nil && (revision > 0 || k.lies) {
		k.under(k.past.Under(revision))
		k.lies = true
	}
}

// revisionAt is the number of the last change by a time.
func (k *kept) revisionAt(at int64) (revision int64) {
	if k.past == nil {
		return 0
	}
	for _, c := range k.past.Changing() {
		if c.At.UnixNano() > at {
			break
		}
		revision = c.Revision
	}
	return revision
}

// layFor lays over the rules what held when a transaction was decided, as its
// record says or, without one, as it was on arrival. It says what it knows.
func (k *kept) layFor(tx *event.Transaction, record *explanation.Record) *byPeople {
	out := &byPeople{Revision: k.revisionAt(tx.Arrival), Known: true}
	if record != nil {
		out.Revision = record.Changes
	}
	k.lay(out.Revision)
	switch arrival := time.Unix(0, tx.Arrival); {
	case out.Revision == 0 || k.past != nil && k.past.Whole(out.Revision, arrival):
		return out
	case k.dir == "":
		out.Why = "which ones is known only with --config FILE in place of the files"
	case errors.Is(k.err, ledger.ErrNone):
		out.Why = fmt.Sprintf("none are kept in %s: run this where Sluice runs, or bring a copy of that directory", k.dir)
	case k.err != nil:
		out.Why = fmt.Sprintf("those in %s can't be read: %v", k.dir, k.err)
	case out.Revision > k.past.Revision():
		out.Why = fmt.Sprintf("those in %s end with number %d: they are an older copy, or of another Sluice", k.dir, k.past.Revision())
	default:
		out.Why = fmt.Sprintf("so old ones are kept in %s only as far as they hold still, and some may be missing", k.dir)
	}
	out.Known = false
	return out
}

// resting names the rules that ask lists.
func (p *byPeople) resting(x *explanation.Explanation) {
	for i := range x.Rules {
		if r := &x.Rules[i]; len(r.Lists) > 0 {
			p.Rules = append(p.Rules, r.ID)
		}
	}
	slices.Sort(p.Rules)
}

// words says it for people; "": there is nothing to say.
func (p *byPeople) words() string {
	switch {
	case p.Revision == 0:
		return ""
	case p.Known:
		return fmt.Sprintf("lists and snoozes are as people had changed them by then (change %d)", p.Revision)
	}
	what := "no rule asks a list, and snoozes are not known"
	if len(p.Rules) > 0 {
		what = fmt.Sprintf("what is said of rules that ask lists (%s), and of snoozes, rests on the files alone", strings.Join(p.Rules, ", "))
	}
	return fmt.Sprintf("people had changed lists or snoozes by then (change %d), and %s; %s", p.Revision, p.Why, what)
}
