package demo

import (
	"slices"
	"time"
)

// Picture is a board at one moment.
type Picture struct {
	Setting
	Elapsed   time.Duration // real, since the start
	LiveFor   time.Duration // real, since the live part began; 0 before
	Simulated time.Time

	Rate     float64 // decisions a second, lately
	Decided  int64
	Warmup   int64    // of Decided: of the past that was made first
	Verdicts [3]int64 // allow, review, deny
	Mix      [3]int64 // the same of the live part, or of the past as long as that is made
	Good     [3]int64 // the same of good payments
	Waiting  int
	Unknown  int64
	Lag      int64
	Dead     int64

	P50, P99, P999, Max time.Duration // of the live part

	Scores  []Score  // one a kind of attack
	Denials []Denial // newest first
	Alerts  []Alert  // newest first
	Alerted int      // different alerts in all
}

// Score is how one kind of attack fared.
type Score struct {
	Attack                 Attack
	Injected, Caught       int
	Payments, PaymentsHit  int64
	FirstCatch, WorstCatch time.Duration // simulated, from the first payment of an attack to the first that was caught: median, maximum
	PassedBefore           int64         // payments before the first that was caught: median
}

// Picture takes a picture.
func (b *Board) Picture() Picture {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	p := Picture{
		Setting: b.setting, Elapsed: now.Sub(b.began), Simulated: b.simulated,
		Rate: b.rates.over(now, b.decided), Decided: b.decided, Warmup: b.warmup,
		Verdicts: b.verdicts, Mix: b.verdicts, Good: b.good, Waiting: len(b.waiting), Unknown: b.unknown, Lag: b.lag, Dead: b.dead,
		P50: b.latency.quantile(.5), P99: b.latency.quantile(.99), P999: b.latency.quantile(.999), Max: b.latency.largest,
		Denials: slices.Clone(b.denials), Alerts: slices.Clone(b.alerts), Alerted: len(b.alerted),
	}
	slices.Reverse(p.Denials)
	slices.Reverse(p.Alerts)
	if !b.liveBegan.IsZero() {
		p.LiveFor, p.Mix = now.Sub(b.liveBegan), b.live
	}
	for _, kind := range Attacks() {
		p.Scores = append(p.Scores, b.scoreOf(kind))
	}
	return p
}

func (b *Board) scoreOf(kind Attack) Score {
	s := Score{Attack: kind}
	var catches []time.Duration
	var passed []int64
	for _, a := range b.attacks {
		if a.kind != kind {
			continue
		}
		s.Injected++
		s.Payments += a.payments
		s.PaymentsHit += a.caught
		if a.caught > 0 {
			s.Caught++
			catches = append(catches, a.found.Sub(a.began))
			passed = append(passed, a.before)
		}
	}
	if len(catches) > 0 {
		slices.Sort(catches)
		slices.Sort(passed)
		s.FirstCatch, s.WorstCatch = catches[len(catches)/2], catches[len(catches)-1]
		s.PassedBefore = passed[len(passed)/2]
	}
	return s
}

// goodHit gives the good payments, and how many of them were reviewed or denied.
func (p *Picture) goodHit() (all, hit int64) {
	hit = p.Good[1] + p.Good[2]
	return p.Good[0] + hit, hit
}

func (p *Picture) attacks() (injected, caught int) {
	for _, s := range p.Scores {
		injected += s.Injected
		caught += s.Caught
	}
	return injected, caught
}

// warming reports whether the past is still being made, and how far that is.
func (p *Picture) warming() (share float64, yes bool) {
	if p.LiveFor > 0 || !p.Live.After(p.Start) {
		return 1, false
	}
	return min(1, max(0, p.Simulated.Sub(p.Start).Seconds()/p.Live.Sub(p.Start).Seconds())), true
}
