package rules

import (
	"errors"
	"fmt"

	"sluice/scoring/event"
)

// Standing is what the rules of a set have done so far, and what follows for what
// they may do: the quarantine of those that keep failing, and the breakers. The
// zero Standing needs Use. It is for one goroutine; while it does not change,
// others may evaluate under it.
type Standing struct {
	Quarantine Quarantine
	Breakers   Breakers

	restraints []Restraint
}

// News is what a transaction has brought.
type News struct {
	Quarantine, Breaker bool // who is there, or open, has changed
	Changed             bool // rules act from now on that did not, or the other way round
}

// Use goes on with the rules of a set, as far as they are known.
func (s *Standing) Use(set *Set) {
	s.Quarantine.Use(set)
	s.Breakers.Use(set)
	s.Snooze(nil)
}

// Snooze has snoozes asked before the breakers, from now on and until the next
// Use; nil: there are none.
func (s *Standing) Snooze(snoozes *Snoozes) {
	s.restraints = []Restraint{&s.Breakers}
	if snoozes != nil {
		s.restraints = []Restraint{snoozes, &s.Breakers}
	}
}

// Restraints are what keeps rules from acting, in the order in which it is asked.
func (s *Standing) Restraints() []Restraint { return s.restraints }

// Rule lets an evaluator go by it from now on.
func (s *Standing) Rule(e *Evaluator) { e.Under(&s.Quarantine, s.restraints...) }

// Decided takes in what became of the next transaction.
func (s *Standing) Decided(tx *event.Transaction, out *Outcome) (news News) {
	news.Quarantine = s.Quarantine.Decided(tx.Arrival, out.Errors)
	news.Breaker, news.Changed = s.Breakers.Decided(tx, out)
	news.Changed = news.Changed || news.Quarantine
	return news
}

// standingFormat is the version of what Append writes.
const standingFormat = 1

// errStanding is what Resume says of bytes that Append has not written.
var errStanding = errors.New("how the rules stood can't be read")

// Append appends all of it, for Resume in a later run: 100 to 400 bytes a rule.
// Samples of what a breaker that is about to open hits are left out.
func (s *Standing) Append(b []byte) []byte {
	w := &packer{b: append(b, standingFormat)}
	s.Quarantine.pack(w)
	s.Breakers.pack(w)
	return w.b
}

// Resume goes on with what Append wrote in an earlier run, of the rules that are in
// the set in force and the same. Where it can't be read, nothing is changed.
func (s *Standing) Resume(data []byte) error {
	if len(data) == 0 || data[0] != standingFormat {
		return fmt.Errorf("%w: it is of another version of the program", errStanding)
	}
	r := &unpacker{b: data[1:]}
	q, b := unpackQuarantine(r), unpackBreakers(r)
	if r.failed || len(r.b) > 0 {
		return errStanding
	}
	s.Quarantine.resume(q)
	s.Breakers.resume(b)
	return nil
}

func (q *Quarantine) pack(w *packer) {
	w.uint(q.decided)
	w.uint(uint64(len(q.rules)))
	for _, r := range q.rules {
		w.text(r.id)
		w.text(r.hash)
		w.uint(uint64(len(r.failed)))
		for i := range r.failed { // the oldest first
			w.uint(q.decided - r.failed[(r.next+i)%len(r.failed)])
		}
		w.json(r.held)
	}
}

func unpackQuarantine(r *unpacker) *Quarantine {
	q := &Quarantine{decided: r.uint()}
	for range r.length() {
		rule := &record{id: r.text(), hash: r.text()}
		for range r.length() {
			rule.failed = append(rule.failed, q.decided-r.uint())
		}
		if len(rule.failed) > maxFailures {
			r.fail()
		}
		r.json(&rule.held)
		q.rules = append(q.rules, rule)
	}
	return q
}

func (q *Quarantine) resume(from *Quarantine) {
	known := map[string]*record{}
	for _, r := range from.rules {
		known[r.id] = r
	}
	q.decided, q.held = from.decided, 0
	for i, r := range q.rules {
		if k := known[r.id]; k != nil && k.hash == r.hash {
			q.rules[i] = k
		} else {
			q.rules[i] = &record{id: r.id, hash: r.hash}
		}
		if q.rules[i].held != nil {
			q.held++
		}
	}
}

func (b *Breakers) pack(w *packer) {
	w.int(b.pace.now)
	w.int(b.pace.least)
	w.uint(uint64(b.pace.seen))
	w.int(b.slot)
	w.counts(&b.txs)
	w.uint(uint64(len(b.rules)))
	var before *pulse
	for _, p := range b.rules {
		w.text(p.rule.ID)
		w.text(p.rule.Hash)
		w.text(p.when)
		w.counts(&p.hits)
		for at, sums := range p.sums {
			if p.hits.slots[at] == 0 {
				sums = nil
			}
			w.uint(uint64(len(sums)))
			for _, s := range sums {
				w.uint(s.currency)
				w.int(s.minor)
			}
		}
		w.uint(p.days.hours)
		w.row(p.days.hits[:])
		// Rules that were there for the same transactions mostly have the same counts.
		same := before != nil && before.days.txs == p.days.txs
		if w.bool(same); !same {
			w.row(p.days.txs[:])
		}
		w.uint(uint64(p.late.hour))
		w.uint(p.late.hits)
		w.uint(p.late.txs)
		w.bool(p.fresh)
		w.bool(p.tainted)
		w.json(p.trip)
		before = p
	}
}

// unpackBreakers reads what pack wrote. The rules know their ids and hashes only.
func unpackBreakers(r *unpacker) *Breakers {
	b := &Breakers{pace: pace{now: r.int(), least: r.int(), seen: int(r.uint() % paceBlock)}, slot: r.int()}
	b.txs = r.counts()
	var before *pulse
	for range r.length() {
		p := &pulse{rule: &Rule{ID: r.text(), Hash: r.text()}, when: r.text(), hits: r.counts()}
		for i := range p.sums {
			for range r.length() {
				p.sums[i] = append(p.sums[i], sum{r.uint(), r.int()})
			}
		}
		p.days.hours = r.uint()
		r.row(p.days.hits[:])
		if same := r.bool(); !same {
			r.row(p.days.txs[:])
		} else if before != nil {
			p.days.txs = before.days.txs
		}
		for h := range p.days.hits {
			p.days.allHits += p.days.hits[h]
			p.days.allTxs += p.days.txs[h]
		}
		p.late = lateHour{int(r.uint() % 24), r.uint(), r.uint()}
		p.fresh, p.tainted = r.bool(), r.bool()
		r.json(&p.trip)
		b.rules = append(b.rules, p)
		before = p
	}
	if b.slot < 0 {
		r.fail()
	}
	return b
}

func (b *Breakers) resume(from *Breakers) {
	known := map[string]*pulse{}
	for _, p := range from.rules {
		known[p.rule.ID] = p
	}
	b.pace, b.slot, b.txs = from.pace, from.slot, from.txs
	for i, p := range b.rules {
		b.rules[i] = known[p.rule.ID].of(p.rule)
		if t := b.rules[i].trip; t != nil {
			t.Resumed = true
		}
	}
	b.count()
}
