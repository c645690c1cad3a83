package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/scoring/event"
)

// What a breaker goes by.
const (
	breakerTimes = 10              // unless the rule says otherwise
	breakerLeast = 20              // hits within the hour, below which no breaker opens
	breakerSlot  = 5 * time.Minute // by which the hour moves on
	breakerSlots = int(time.Hour / breakerSlot)
	breakerHours = 24 // that a rule has been watched before it is judged
	breakerFades = 8  // of what is known of an hour of the day, one part in so many goes with each day
)

// Breakers watch how often rules fire, each compared with itself. A breaker opens
// when its rule
//
//   - has fired for at least 20 transactions of the last hour, and
//   - for more than times x usual x (transactions of the last hour) of them.
//
// Its owner is told, once while it lasts. A rule that asks for it (fall_to: shadow)
// is one in shadow meanwhile. The breaker closes when the hits of the last hour
// have come down to half of what opens it, or when the rule is changed.
//
// usual is a share of transactions, hits / transactions: the largest of that over
// the whole day, that at this hour of the day, and that at the hour before, where an
// hour's is (hits + 5) / (transactions + 5 / share over the whole day). Each hour of the
// day (UTC) has its own count of transactions and hits, over the past days: one
// part in eight of what was counted there goes, and the hour is added, an hour
// after it has ended. An hour does not count if the breaker was open at any time
// in it or in the next one.
//
// The reasons. A share of the transactions, and not a number, since a busy day is
// no news. By the hour of the day, since a rule about the night would otherwise
// fire ten times its average every night; with the five hits, since a few hits may
// be chance. The largest of the three, since the last hour lies across two. Not
// the hours of an open breaker, since an attack that lasts would become usual, and
// a fallen rule would come back in the middle of it; nor the one before, in which
// it may have begun. At least 20 hits, since a rule
// that fires once a day does fire twice on some days. An hour, since it is short
// beside a day and long enough for 20 hits where payments are few; what is really
// wrong shows much sooner: a rule that is usual for one in 200 and suddenly fires
// for all opens its breaker three minutes later. A rule is judged once it has been
// watched for 24 hours with transactions; shadow rules are watched too, and a rule
// that is changed in anything but its condition keeps what is known of it, so that
// one that goes from shadow to live is judged from the start. What a snooze
// (Restraint) keeps from acting is not counted: somebody knows of it.
//
// As with the Quarantine, everything follows from the transactions in the order in
// which they are settled and from their arrivals, never from a clock, the number of
// cores or the cutting into batches. The time is the smallest arrival of each eight
// transactions one after the other, so that single wild timestamps do not move it.
//
// The zero Breakers need Use. They are for one goroutine; while they do not change,
// others may evaluate under them.
type Breakers struct {
	schema *event.Schema
	rules  []*pulse // of the set in force
	pace   pace
	slot   int64 // number of the open slot, since 1970
	txs    counts
	money  []int // fields
	open   int   // breakers
	fallen int   // rules in shadow because of theirs

	// What the transaction at hand has brought.
	news, changed bool
}

// counts are how many there were of the last hour, by slot, and of the hour of the
// day that is not over.
type counts struct {
	window uint64 // the sum of slots
	hour   uint64
	slots  [breakerSlots]uint64
}

// pulse is what is known of how often a rule fires.
type pulse struct {
	rule *Rule
	when string // hash of the condition

	trip   *Trip
	newest []sample // of the latest hits, while the breaker is not far from opening
	hits   counts

	sums [breakerSlots][]sum // money of the hits, where a slot has some
	days usual
	late lateHour

	fresh   bool // it has not been there for the whole of the open hour
	tainted bool // its breaker was open in it
	alarm   uint64
	limit   float64 // hits a transaction that open the breaker
	next    int     // in newest
}

// sum is money of one currency, in minor units.
type sum struct {
	currency uint64
	minor    int64
}

// Use goes on with the rules of a set, as far as they are known.
func (b *Breakers) Use(set *Set) {
	known := map[string]*pulse{}
	for _, p := range b.rules {
		known[p.rule.ID] = p
	}
	b.schema, b.rules = set.Schema, make([]*pulse, len(set.Rules))
	for i := range set.Rules {
		b.rules[i] = known[set.Rules[i].ID].of(&set.Rules[i])
	}
	b.money = nil
	for i := range set.Schema.Fields {
		if set.Schema.Fields[i].Type == event.TypeMoney {
			b.money = append(b.money, i)
		}
	}
	b.count()
}

// of gives what is known of a rule of a new set.
func (p *pulse) of(r *Rule) *pulse {
	when := contentHash([]byte(r.When))
	same := p != nil && p.rule.Hash == r.Hash
	if !same && (p == nil || p.when != when || p.trip != nil) {
		p = &pulse{when: when, fresh: true}
	}
	p.rule = r
	if p.trip != nil {
		p.trip.Rule = r
	}
	return p
}

// count looks over all rules, after they or the time have changed.
func (b *Breakers) count() {
	b.open, b.fallen = 0, 0
	for _, p := range b.rules {
		p.judge(b.slot)
		if p.trip == nil {
			continue
		}
		b.open++
		if p.rule.Breaker.Fall {
			b.fallen++
		}
	}
}

// judge makes out from how many hits on the breaker opens.
func (p *pulse) judge(slot int64) {
	p.alarm, p.limit = never, 0
	if p.rule.Mode == Live && p.rule.Breaker.Times > 0 && p.days.hours >= breakerHours {
		p.alarm = breakerLeast
		p.limit = float64(p.rule.Breaker.Times) * p.days.rate(hourOf(slot))
	}
}

// never is more hits than there are.
const never = 1 << 63

// Decided takes in what became of the next transaction. news says that a breaker
// has opened or closed, changed that a rule acts from now on that did not, or the
// other way round.
func (b *Breakers) Decided(tx *event.Transaction, out *Outcome) (news, changed bool) {
	at := b.at()
	b.txs.add(at)
	b.news, b.changed = false, false
	for _, rule := range out.Fired {
		b.hit(rule, at, tx)
	}
	for _, rule := range out.Shadow {
		if len(out.Demoted) == 0 || out.DemotedBy(rule) != OfSnooze {
			b.hit(rule, at, tx)
		}
	}
	if b.pace.see(tx.Arrival) {
		b.roll()
	}
	return b.news, b.changed
}

func (b *Breakers) at() int { return int(b.slot % int64(breakerSlots)) }

func (c *counts) add(at int) {
	c.slots[at]++
	c.window++
	c.hour++
}

func (b *Breakers) hit(rule, at int, tx *event.Transaction) {
	p := b.rules[rule]
	if p.hits.slots[at] == 0 {
		p.sums[at] = p.sums[at][:0] // of an hour ago
	}
	p.hits.add(at)
	for _, f := range b.money {
		if tx.Words[f] != event.Missing { // the first one that is there
			p.pay(at, sum{tx.Currency, int64(tx.Words[f])})
			break
		}
	}
	if p.hits.window >= p.alarm/2 && p.trip == nil {
		b.near(p, tx)
	}
}

func (p *pulse) pay(at int, paid sum) {
	sums := p.sums[at]
	for i := range sums {
		if sums[i].currency == paid.currency {
			sums[i].minor = event.AddMinor(sums[i].minor, paid.minor)
			return
		}
	}
	p.sums[at] = append(sums, paid)
}

// near looks closer at a rule that has fired for half of what opens its breaker.
func (b *Breakers) near(p *pulse, tx *event.Transaction) {
	least := p.limit * float64(b.txs.window)
	if hits := float64(p.hits.window); 2*hits > least {
		p.keep(tx)
		if p.hits.window >= p.alarm && hits > least {
			b.trip(p, tx)
		}
	}
}

// roll moves the last hour on to where the time is.
func (b *Breakers) roll() {
	slot := b.pace.now / int64(breakerSlot)
	n := slot - b.slot
	if n == 0 {
		return
	}
	if over := b.slot / int64(breakerSlots); over != slot/int64(breakerSlots) {
		for _, p := range b.rules {
			p.fold(hourOf(b.slot), b.txs.hour)
			p.judge(slot)
		}
		b.txs.hour = 0
	}
	if n < 0 || n > int64(breakerSlots) { // far behind, or ahead: nothing is left of the last hour
		n = int64(breakerSlots)
	}
	b.slot = slot
	b.txs.drop(slot, n)
	for _, p := range b.rules {
		if p.hits.window > 0 { // most rules have nothing to drop
			p.hits.drop(slot, n)
		}
		if p.trip != nil || p.newest != nil {
			b.calm(p)
		}
	}
}

// drop empties the last n slots up to one, for what comes.
func (c *counts) drop(slot, n int64) {
	for k := range n {
		at := (slot - k + int64(breakerSlots)) % int64(breakerSlots)
		c.window -= c.slots[at]
		c.slots[at] = 0
	}
}

// hourOf gives the hour of the day, UTC, that a slot lies in.
func hourOf(slot int64) int { return int(slot / int64(breakerSlots) % 24) }

// fold ends an hour: the one before is added to what is usual, and this one may
// be when the next has ended.
func (p *pulse) fold(hour int, txs uint64) {
	if !p.tainted && p.late.txs > 0 {
		p.days.add(p.late)
	}
	p.late = lateHour{hour, p.hits.hour, txs}
	if p.fresh || p.tainted {
		p.late = lateHour{}
	}
	p.fresh, p.tainted, p.hits.hour = false, p.trip != nil, 0
}

// calm closes the breaker of a rule that fires half as often as would open it.
func (b *Breakers) calm(p *pulse) {
	least := max(breakerLeast, p.limit*float64(b.txs.window))
	if 2*float64(p.hits.window) > least {
		return
	}
	if p.trip != nil {
		b.open--
		b.news = true
		b.fall(p, -1)
	}
	p.trip, p.newest, p.next = nil, nil, 0
}

// fall counts a rule that falls to shadow, or that comes back.
func (b *Breakers) fall(p *pulse, n int) {
	if p.rule.Breaker.Fall {
		b.fallen += n
		b.changed = true
	}
}

// Restrain keeps a rule that has fallen to shadow from acting.
func (b *Breakers) Restrain(rule int, _ *event.Transaction) (Cause, string) {
	if b.fallen == 0 || b.rules[rule].trip == nil || !b.rules[rule].rule.Breaker.Fall {
		return NoCause, ""
	}
	return OfBreaker, b.rules[rule].trip.Why
}

// Open lists the rules whose breakers are open, in the order of the set.
func (b *Breakers) Open() []Trip {
	out := make([]Trip, 0, b.open)
	for _, p := range b.rules {
		if p.trip != nil {
			out = append(out, *p.trip)
		}
	}
	return out
}

// Trip is a breaker that is open.
type Trip struct {
	Rule         *Rule    `json:"-"`
	Since        int64    `json:"since"` // arrival of the transaction that opened it, ns
	Why          string   `json:"why"`
	Hits         uint64   `json:"hits"`         // of the last hour, then
	Transactions uint64   `json:"transactions"` // of the last hour, then
	Usual        float64  `json:"usual"`        // hits among as many transactions
	Money        string   `json:"money"`        // of the hits: 120.00 EUR + 3.00 USD
	Top          []string `json:"top"`          // what the latest hits have in common
	Examples     []string `json:"examples"`     // ids of the latest hits
	Resumed      bool     `json:"-"`            // it was open at the end of an earlier run already
}

// trip opens a rule's breaker.
func (b *Breakers) trip(p *pulse, tx *event.Transaction) {
	t := &Trip{
		Rule: p.rule, Since: tx.Arrival, Hits: p.hits.window, Transactions: b.txs.window,
		Usual: p.limit / float64(p.rule.Breaker.Times) * float64(b.txs.window), Money: p.money(),
	}
	t.Top, t.Examples = p.common(b.schema)
	t.Why = fmt.Sprintf("it fired for %d of %d transactions within an hour, where %.2g are usual: more than %d times as often",
		t.Hits, t.Transactions, t.Usual, p.rule.Breaker.Times)
	if p.rule.Breaker.Fall {
		t.Why = fmt.Sprintf("in shadow since %s: %s; it acts again once it is calmer, or changed",
			time.Unix(0, tx.Arrival).UTC().Format(time.RFC3339), t.Why)
	}
	p.trip, p.tainted, p.newest, p.next = t, true, nil, 0
	b.open++
	b.news = true
	b.fall(p, 1)
}

// money gives the sum of the hits of the last hour.
func (p *pulse) money() string {
	var all pulse
	for at, sums := range p.sums {
		for _, s := range sums {
			if p.hits.slots[at] > 0 {
				all.pay(0, s)
			}
		}
	}
	var out []string
	for _, s := range all.sums[0] {
		out = append(out, event.FormatMoney(s.minor, s.currency))
	}
	slices.Sort(out)
	return strings.Join(out, " + ")
}
