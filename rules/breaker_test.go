package rules

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/scoring/event"
)

const breakerRules = `rules:
  - {id: steady, when: tx.n > 1}
  - {id: night, when: tx.n > 2}
  - {id: falls, when: tx.n > 3, breaker: {times: 3, fall_to: shadow}}
  - {id: quiet, when: tx.n > 4, mode: shadow}
  - {id: never, when: tx.n > 5, breaker: off}
  - {id: rare, when: tx.n > 6, breaker: {times: 2, fall_to: shadow}}
`

// wave makes transactions and what rules say of them: now and then a rule fires
// far more often than usual, arrivals are not in order, some are wild, nothing
// comes for hours, and once the time goes back.
type wave struct {
	r      *rand.Rand
	schema *event.Schema
	at     int64
	until  [6]int64   // how long each rule's storm lasts
	usual  [6]float64 // shares
}

func (w *wave) next(i int) (*event.Transaction, Outcome) {
	w.at += w.r.Int64N(int64(3 * time.Minute))
	switch w.r.IntN(1500) {
	case 0:
		w.at += int64(5 * time.Hour)
	case 1:
		w.at -= int64(50 * time.Hour)
		w.until = [6]int64{}
	}
	tx := &event.Transaction{Schema: w.schema, Words: make([]uint64, len(w.schema.Fields)), Hashes: make([]uint64, len(w.schema.Fields)), Arrival: w.at}
	for f := range tx.Words {
		tx.Words[f] = event.Missing
	}
	tx.Text = fmt.Appendf(nil, "p%d", i)
	tx.Words[0] = uint64(len(tx.Text))
	if w.r.IntN(5) > 0 {
		tx.Words[w.schema.Field("amount")] = 150
	}
	switch w.r.IntN(40) {
	case 0:
		tx.Arrival += int64(5000 * time.Hour)
	case 1:
		tx.Arrival -= int64(90 * time.Minute)
	}
	var out Outcome
	hour := time.Unix(0, w.at).UTC().Hour()
	for rule := range w.until {
		p := w.usual[rule]
		if rule == 1 && hour > 4 {
			p = 0
		}
		if w.r.IntN(800) == 0 && i > 1500 {
			w.until[rule] = w.at + w.r.Int64N(int64(3*time.Hour))
		}
		if w.at < w.until[rule] {
			p = 0.9
		}
		if w.r.Float64() >= p {
			continue
		}
		switch by := Cause(w.r.IntN(12)); {
		case rule == 3:
			out.Shadow = append(out.Shadow, rule)
		case by == OfRollout || by == OfSnooze || by == OfBreaker:
			out.Shadow = append(out.Shadow, rule)
			out.Demoted = append(out.Demoted, Demotion{Rule: rule, By: by})
		default:
			out.Fired = append(out.Fired, rule)
		}
	}
	return tx, out
}

// slowBreakers are Breakers as their comment has them: they keep everything, and
// look through all of it for every transaction.
type slowBreakers struct {
	set      *Set
	arrivals []int64
	now      int64
	seen     []slowTransaction
	past     []slowHour
	open     []*Trip // by rule, nil: closed
	tainted  []bool  // the breaker was open in the hour
}

type slowTransaction struct {
	at   int64 // the time when it was decided
	gone bool  // of before the time leapt
	hits []int // rules
}

type slowHour struct {
	hour int64 // since 1970
	txs  uint64
	hits []uint64 // by rule
	not  []bool   // the breaker was open
}

func (s *slowBreakers) decided(tx *event.Transaction, out *Outcome) {
	hits := slices.Clone(out.Fired)
	for _, rule := range out.Shadow {
		if out.DemotedBy(rule) != OfSnooze {
			hits = append(hits, rule)
		}
	}
	s.seen = append(s.seen, slowTransaction{at: s.now, hits: hits})
	for _, rule := range hits {
		s.check(rule, tx)
	}
	s.arrivals = append(s.arrivals, tx.Arrival)
	if n := len(s.arrivals); n%8 == 0 {
		if m := slices.Min(s.arrivals[n-8:]); m > s.now || s.now-m > int64(24*time.Hour) {
			s.move(m)
		}
	}
}

// window counts the transactions and the hits of the last hour.
func (s *slowBreakers) window(rule int) (hits, txs uint64) {
	for i := range s.seen {
		age := s.now/int64(5*time.Minute) - s.seen[i].at/int64(5*time.Minute)
		if s.seen[i].gone || age >= 12 {
			continue
		}
		txs++
		if slices.Contains(s.seen[i].hits, rule) {
			hits++
		}
	}
	return hits, txs
}

// limit gives from how many hits a transaction on the breaker opens, below 0: it
// does not.
func (s *slowBreakers) limit(rule int) float64 {
	r := &s.set.Rules[rule]
	var hits, txs [24]uint64
	hours := 0
	for i := range s.past {
		h := &s.past[i]
		if i == 0 || i+1 == len(s.past) || h.not[rule] || s.past[i+1].not[rule] {
			continue // the first one was before there was any time
		}
		hours++
		d := h.hour % 24
		hits[d] = hits[d] - hits[d]/8 + 1024*h.hits[rule]
		txs[d] = txs[d] - txs[d]/8 + 1024*h.txs
	}
	if r.Mode != Live || r.Breaker.Times == 0 || hours < 24 {
		return -1
	}
	var allHits, allTxs uint64
	for d := range 24 {
		allHits += hits[d]
		allTxs += txs[d]
	}
	if allHits == 0 {
		return 0
	}
	all := float64(allHits) / float64(allTxs)
	rate := all
	now := s.now / int64(time.Hour) % 24
	for _, d := range []int64{now, (now + 23) % 24} {
		rate = max(rate, (float64(hits[d])+5*1024)/(float64(txs[d])+5*1024/all))
	}
	return float64(r.Breaker.Times) * rate
}

func (s *slowBreakers) check(rule int, tx *event.Transaction) {
	if s.open[rule] != nil {
		return
	}
	limit := s.limit(rule)
	if limit < 0 {
		return
	}
	if hits, txs := s.window(rule); hits >= 20 && float64(hits) > limit*float64(txs) {
		s.open[rule] = &Trip{Rule: &s.set.Rules[rule], Since: tx.Arrival, Hits: hits, Transactions: txs}
		s.tainted[rule] = true
	}
}

// move goes on to another time.
func (s *slowBreakers) move(now int64) {
	was := s.now
	s.now = now
	if was/int64(5*time.Minute) == now/int64(5*time.Minute) {
		return
	}
	if was/int64(time.Hour) != now/int64(time.Hour) {
		s.closeHour(was / int64(time.Hour))
	}
	if now < was {
		for i := range s.seen {
			s.seen[i].gone = true
		}
	}
	for rule := range s.open {
		limit := max(s.limit(rule), 0)
		if hits, txs := s.window(rule); 2*float64(hits) <= max(20, limit*float64(txs)) {
			s.open[rule] = nil
		}
	}
}

func (s *slowBreakers) closeHour(hour int64) {
	h := slowHour{hour: hour, hits: make([]uint64, len(s.open)), not: slices.Clone(s.tainted)}
	from := 0
	if n := len(s.past); n > 0 {
		for _, p := range s.past {
			from += int(p.txs)
		}
	}
	for _, t := range s.seen[from:] {
		h.txs++
		for _, rule := range t.hits {
			h.hits[rule]++
		}
	}
	s.past = append(s.past, h)
	for rule := range s.open {
		s.tainted[rule] = s.open[rule] != nil
	}
}

// TestBreakersTwin holds Breakers to their slow twin, transaction by transaction.
func TestBreakersTwin(t *testing.T) {
	set := loadRules(t, breakerRules)
	for seed := range uint64(2) {
		var fast Breakers
		fast.Use(set)
		slow := &slowBreakers{set: set, open: make([]*Trip, len(set.Rules)), tainted: make([]bool, len(set.Rules))}
		w := &wave{
			r: rand.New(rand.NewPCG(seed, 9)), schema: set.Schema, at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano(),
			usual: [6]float64{0.04, 0.6, 0.08, 0.06, 0.06, 0.005},
		}
		opened, was, acts := map[string]int{}, []*Trip{nil, nil, nil, nil, nil, nil}, 0
		for i := range 9000 {
			tx, out := w.next(i)
			news, changed := fast.Decided(tx, &out)
			before := slices.Clone(slow.open)
			slow.decided(tx, &out)
			var got, want []string
			for _, o := range fast.Open() {
				got = append(got, fmt.Sprintf("%s since %d: %d of %d", o.Rule.ID, o.Since, o.Hits, o.Transactions))
			}
			for _, o := range slow.open {
				if o != nil {
					want = append(want, fmt.Sprintf("%s since %d: %d of %d", o.Rule.ID, o.Since, o.Hits, o.Transactions))
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, transaction %d: open are %q, want %q", seed, i, got, want)
			}
			if news == slices.Equal(before, slow.open) {
				t.Fatalf("seed %d, transaction %d: news %v", seed, i, news)
			}
			for rule := range slow.open {
				by, why := fast.Restrain(rule, tx)
				falls := slow.open[rule] != nil && set.Rules[rule].Breaker.Fall
				if falls != (by == OfBreaker) || falls != strings.HasPrefix(why, "in shadow since 20") {
					t.Fatalf("seed %d, transaction %d: rule %d is demoted by %v, %q", seed, i, rule, by, why)
				}
				if (slow.open[rule] == nil) != (was[rule] == nil) {
					opened[set.Rules[rule].ID]++
					acts++
				}
				if set.Rules[rule].Breaker.Fall && (before[rule] == nil) != (slow.open[rule] == nil) && !changed {
					t.Fatalf("seed %d, transaction %d: nobody is told that rule %d acts otherwise", seed, i, rule)
				}
			}
			was = slices.Clone(slow.open)
		}
		if opened["steady"] < 6 || opened["falls"] < 6 || opened["rare"] < 6 || opened["quiet"]+opened["never"] > 0 {
			t.Errorf("seed %d proves too little: breakers moved %v", seed, opened)
		}
	}
}

// hours lets a rule of a set fire for so many of the 60 transactions of each hour.
func hours(b *Breakers, rule, from, n, hits int) (opened int) {
	schema := b.schema
	for h := from; h < from+n; h++ {
		for k := range 60 {
			tx := &event.Transaction{Schema: schema, Words: make([]uint64, len(schema.Fields)), Currency: eur}
			for f := range tx.Words {
				tx.Words[f] = event.Missing
			}
			tx.Text = fmt.Appendf(nil, "p%d-%dm%d4000000000000002", h, k, k%3)
			id := len(tx.Text) - len("m0") - 16
			tx.Words[schema.ID] = uint64(id)
			tx.Words[schema.Field("merchant")] = uint64(id)<<32 | 2
			if k%2 == 0 {
				tx.Words[schema.Field("card")] = uint64(id+2)<<32 | 16
			}
			tx.Words[schema.Field("amount")] = 150
			tx.Arrival = time.Date(2026, 1, 1, 0, h*60+k, 0, 0, time.UTC).UnixNano()
			var out Outcome
			if k < hits {
				out.Fired = []int{rule}
			}
			open := b.open
			if b.Decided(tx, &out); b.open > open {
				opened = h*60 + k
			}
		}
	}
	return opened
}

const eur = 'E'<<16 | 'U'<<8 | 'R'

func TestBreakerTells(t *testing.T) {
	var b Breakers
	b.Use(loadRules(t, breakerRules))
	hours(&b, 0, 0, 30, 2)
	if at := hours(&b, 0, 30, 1, 60); at != 30*60+20 {
		t.Fatalf("opened in minute %d", at)
	}
	got := b.Open()[0]
	want := Trip{
		Rule: b.rules[0].rule, Since: time.Date(2026, 1, 2, 6, 20, 0, 0, time.UTC).UnixNano(),
		Why:  "it fired for 21 of 61 transactions within an hour, where 2.1 are usual: more than 10 times as often",
		Hits: 21, Transactions: 61, Usual: 2.0697, Money: "31.50 EUR",
		Top:      []string{"card ************0002 (6 of 12)", "merchant m0 (4 of 12), m1 (4 of 12), m2 (4 of 12)"},
		Examples: []string{"p30-20", "p30-19", "p30-18", "p30-17", "p30-16"},
	}
	if got.Usual-want.Usual > 1e-4 || want.Usual-got.Usual > 1e-4 {
		t.Errorf("usual are %v, want %v", got.Usual, want.Usual)
	}
	got.Usual = want.Usual
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestBreakerOverReloads holds that a rule keeps its breaker over reloads of other
// rules, and what is usual for it over changes of all but its condition.
func TestBreakerOverReloads(t *testing.T) {
	set := loadRules(t, breakerRules)
	change := func(from, to string) *Set { return loadRules(t, strings.Replace(breakerRules, from, to, 1)) }
	for _, c := range []struct {
		name   string
		sets   []*Set
		open   bool // the breaker that was
		judged bool // what is usual is known
	}{
		{"the same", []*Set{set}, true, true},
		{"another rule", []*Set{change("tx.n > 2", "tx.n > 9")}, true, true},
		{"changed while it is open", []*Set{change("steady,", "steady, score: 1,")}, false, false},
		{"gone and back", []*Set{change("id: steady", "id: other"), set}, false, false},
	} {
		var b Breakers
		b.Use(set)
		hours(&b, 0, 0, 30, 2)
		hours(&b, 0, 30, 1, 60)
		for _, s := range c.sets {
			b.Use(s)
		}
		if open := len(b.Open()) == 1; open != c.open || (b.rules[0].alarm == breakerLeast) != c.judged {
			t.Errorf("%s: open %v, judged from %d hits on", c.name, open, b.rules[0].alarm)
		}
	}
	for _, c := range []struct {
		from, to string
		judged   bool
	}{
		{"steady,", "steady, score: 1, rollout: 5%,", true},
		{"tx.n > 1}", "tx.n > 1, mode: shadow}", false}, // there is nothing to judge
		{"tx.n > 1}", "tx.n > 11}", false},
	} {
		var b Breakers
		b.Use(set)
		hours(&b, 0, 0, 30, 2)
		b.Use(change(c.from, c.to))
		if judged := b.rules[0].alarm == breakerLeast; judged != c.judged {
			t.Errorf("%s: judged %v", c.to, judged)
		}
		b.Use(set) // a mode that changes back finds what it knew
		if judged := b.rules[0].alarm == breakerLeast; judged != (c.to != "tx.n > 11}") {
			t.Errorf("%s and back: judged %v", c.to, judged)
		}
	}
}
