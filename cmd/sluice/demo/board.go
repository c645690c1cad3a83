package demo

import (
	"slices"
	"sync"
	"time"
)

// Setting is what a board knows of the run from its start.
type Setting struct {
	Seed   uint64
	Start  time.Time     // simulated: Options.Start, or of the first message if zero
	Live   time.Time     // simulated: Generator.Live
	Speed  float64       // simulated seconds in a real one, in the live part
	For    time.Duration // 0: until interrupted
	Extras []string      // lines of the caller's under the title: an address to try
}

// Board keeps the score: what was sent, and what Sluice said of it. It is safe
// for concurrent use. Attacks and payments count once their verdict is there.
type Board struct {
	mu      sync.Mutex
	setting Setting
	clock   func() time.Time

	began     time.Time // real
	liveBegan time.Time // real, zero before
	simulated time.Time
	waiting   map[string]Message
	decided   int64
	warmup    int64
	unknown   int64 // verdicts for ids that wait for none
	lag       int64
	dead      int64
	verdicts  [3]int64
	live      [3]int64
	good      [3]int64
	latency   histogram
	attacks   map[int]*instance
	rates     rates
	denials   []Denial // newest last
	alerts    []Alert  // the one changed last is last
	alerted   map[subject]struct{}
}

// instance is one attack.
type instance struct {
	kind             Attack
	payments, caught int64
	began, found     time.Time // simulated; found is zero if it was not
	before           int64     // payments that passed before the first was caught
}

// subject tells alerts apart.
type subject struct{ rule, entity, value string }

// Denial is a line of the list of the latest denials.
type Denial struct {
	Message
	Verdict
}

const (
	keptDenials = 40
	keptAlerts  = 40
)

// NewBoard makes an empty board. The run begins now.
func NewBoard(s Setting) *Board { return newBoard(s, time.Now) }

func newBoard(s Setting, clock func() time.Time) *Board {
	return &Board{
		setting: s, clock: clock, began: clock(),
		waiting: map[string]Message{}, attacks: map[int]*instance{}, alerted: map[subject]struct{}{},
	}
}

// Sent tells the board of a message, before it is given to Sluice.
func (b *Board) Sent(m Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.Arrival.After(b.simulated) {
		b.simulated = m.Arrival
	}
	if b.setting.Start.IsZero() {
		b.setting.Start = m.Arrival
	}
	if !m.Warmup && b.liveBegan.IsZero() {
		b.liveBegan = b.clock()
		b.rates = rates{}
	}
	if m.Kind == Payment && !m.Repeat {
		m.JSON, m.Key = nil, nil
		b.waiting[m.ID] = m
	}
}

// Observe tells the board of a verdict. A second one for the same payment is
// counted as unknown, and so is one for a payment that was never sent.
func (b *Board) Observe(v Verdict) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m, ok := b.waiting[v.ID]
	if !ok {
		b.unknown++
		return
	}
	delete(b.waiting, v.ID)
	severity := severityOf(v.Verdict)
	b.decided++
	b.verdicts[severity]++
	if m.Warmup {
		b.warmup++
	} else {
		b.live[severity]++
		b.latency.add(v.Latency)
	}
	if m.Attack == noAttack {
		b.good[severity]++
	} else {
		b.score(m, severity > 0)
	}
	if severity == denied {
		b.denials = keep(b.denials, Denial{m, v}, keptDenials)
	}
}

const denied = 2

func severityOf(verdict string) int {
	switch verdict {
	case "deny":
		return denied
	case "review":
		return 1
	}
	return 0
}

// score counts a payment of an attack.
func (b *Board) score(m Message, caught bool) {
	a := b.attacks[m.AttackID]
	if a == nil {
		a = &instance{kind: m.Attack, began: m.Time}
		b.attacks[m.AttackID] = a
	}
	a.payments++
	if m.Time.Before(a.began) {
		a.began = m.Time
	}
	if !caught {
		if a.caught == 0 {
			a.before++
		}
		return
	}
	a.caught++
	if a.found.IsZero() || m.Time.Before(a.found) {
		a.found = m.Time
	}
}

func keep[T any](list []T, v T, n int) []T {
	if len(list) == n {
		copy(list, list[1:])
		list = list[:n-1]
	}
	return append(list, v)
}

// Alert tells the board of an alert, or of an update of one that it knows.
func (b *Board) Alert(a Alert) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.alerted[subject{a.Rule, a.Entity, a.Value}] = struct{}{}
	b.alerts = slices.DeleteFunc(b.alerts, func(old Alert) bool {
		return old.Rule == a.Rule && old.Entity == a.Entity && old.Value == a.Value
	})
	b.alerts = keep(b.alerts, a, keptAlerts)
}

// DeadLetter tells the board of a message that was no valid transaction.
func (b *Board) DeadLetter() {
	b.mu.Lock()
	b.dead++
	b.mu.Unlock()
}

// Lag tells the board how many messages wait in the broker.
func (b *Board) Lag(records int64) {
	b.mu.Lock()
	b.lag = records
	b.mu.Unlock()
}

// Waiting gives how many payments were sent that have no verdict yet: a clean
// end waits a moment for them.
func (b *Board) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)
}

// rates remembers the last counts to tell how fast they grow.
type rates struct{ marks []mark }

type mark struct {
	at    time.Time
	count int64
}

// over gives the counts a second over about the last two seconds.
func (r *rates) over(now time.Time, count int64) float64 {
	r.marks = append(r.marks, mark{now, count})
	for len(r.marks) > 2 && now.Sub(r.marks[1].at) >= 2*time.Second {
		r.marks = r.marks[1:]
	}
	first := r.marks[0]
	if span := now.Sub(first.at).Seconds(); span > 0 {
		return float64(count-first.count) / span
	}
	return 0
}
