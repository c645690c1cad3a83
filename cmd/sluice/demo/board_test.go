package demo

import (
	"testing"
	"time"
)

// clock is a real-time clock that tests turn by hand.
type clock struct{ now time.Time }

func (c *clock) read() time.Time      { return c.now }
func (c *clock) turn(d time.Duration) { c.now = c.now.Add(d) }

func at(seconds int) time.Time {
	return time.Date(2026, 3, 3, 10, 0, seconds, 0, time.UTC)
}

// paid tells a board of a payment and of its verdict.
func paid(b *Board, id string, attack Attack, attackID, second int, verdict string, latency time.Duration) {
	b.Sent(Message{Kind: Payment, ID: id, Attack: attack, AttackID: attackID, Time: at(second), Arrival: at(second)})
	b.Observe(Verdict{ID: id, Verdict: verdict, Latency: latency})
}

func TestScoreboard(t *testing.T) {
	b := NewBoard(Setting{})
	paid(b, "1", CardTesting, 1, 0, "allow", 1)
	paid(b, "2", CardTesting, 1, 10, "allow", 1)
	paid(b, "3", CardTesting, 1, 40, "deny", 1)
	paid(b, "4", CardTesting, 1, 50, "review", 1)
	paid(b, "5", CardTesting, 2, 60, "allow", 1)
	paid(b, "6", Takeover, 3, 60, "review", 1)
	paid(b, "7", "", 0, 61, "allow", 1)
	paid(b, "8", "", 0, 62, "deny", 1)
	b.Sent(Message{Kind: Payment, ID: "9", Attack: MuleAccount, AttackID: 4, Time: at(70)})
	p := b.Picture()

	want := Score{
		Attack: CardTesting, Injected: 2, Caught: 1, Payments: 5, PaymentsHit: 2,
		FirstCatch: 40 * time.Second, WorstCatch: 40 * time.Second, PassedBefore: 2,
	}
	if p.Scores[0] != want {
		t.Errorf("card testing is %+v, want %+v", p.Scores[0], want)
	}
	if s := p.Scores[1]; s.Injected != 1 || s.Caught != 1 || s.FirstCatch != 0 || s.PassedBefore != 0 {
		t.Errorf("takeover is %+v", s)
	}
	if s := p.Scores[4]; s.Injected != 0 || p.Waiting != 1 {
		t.Errorf("an attack without a verdict counts: %+v, %d waiting", s, p.Waiting)
	}
	if all, hit := p.goodHit(); all != 2 || hit != 1 {
		t.Errorf("good payments are %d, of them hit %d", all, hit)
	}
	if p.Decided != 8 || p.Verdicts != [3]int64{4, 2, 2} {
		t.Errorf("decided %d: %v", p.Decided, p.Verdicts)
	}
}

func TestVerdictsOutOfOrder(t *testing.T) {
	b := NewBoard(Setting{})
	paid(b, "late", OneIP, 1, 90, "deny", 1)
	paid(b, "early", OneIP, 1, 30, "allow", 1)
	paid(b, "middle", OneIP, 1, 60, "deny", 1)
	p := b.Picture()
	if s := p.Scores[3]; s.FirstCatch != 30*time.Second || s.Payments != 3 {
		t.Errorf("the first catch is at 60 s of an attack that began at 30 s: %+v", s)
	}
}

func TestOddVerdictsAndRepeats(t *testing.T) {
	b := NewBoard(Setting{})
	paid(b, "1", "", 0, 0, "allow", 1)
	b.Sent(Message{Kind: Payment, ID: "1", Repeat: true, Arrival: at(1)})
	b.Observe(Verdict{ID: "1", Verdict: "allow"})
	b.Observe(Verdict{ID: "never sent", Verdict: "deny"})
	b.Sent(Message{Kind: Label, ID: "1", Arrival: at(2)})
	b.Sent(Message{Kind: Malformed, Arrival: at(2)})
	p := b.Picture()
	if p.Decided != 1 || p.Unknown != 2 || p.Waiting != 0 {
		t.Errorf("decided %d, unknown %d, waiting %d; want 1, 2, 0", p.Decided, p.Unknown, p.Waiting)
	}
}

func TestWarmupHasNoLatency(t *testing.T) {
	c := &clock{at(0)}
	b := newBoard(Setting{Start: at(0), Live: at(100)}, c.read)
	b.Sent(Message{Kind: Payment, ID: "w", Warmup: true, Arrival: at(50)})
	b.Observe(Verdict{ID: "w", Verdict: "allow", Latency: time.Hour})
	p := b.Picture()
	if part, warming := p.warming(); !warming || part != .5 {
		t.Errorf("half of the past is made, not %v (%v)", part, warming)
	}
	c.turn(10 * time.Second)
	paid(b, "l", "", 0, 100, "allow", 3*time.Millisecond)
	c.turn(4 * time.Second)
	p = b.Picture()
	if p.Max != 3*time.Millisecond || p.Warmup != 1 || p.Decided != 2 {
		t.Errorf("max latency %v, %d of %d from the warm-up", p.Max, p.Warmup, p.Decided)
	}
	if p.LiveFor != 4*time.Second || p.Elapsed != 14*time.Second {
		t.Errorf("live for %v of %v", p.LiveFor, p.Elapsed)
	}
}

func TestRate(t *testing.T) {
	var r rates
	now := at(0)
	for i := range 100 {
		rate := r.over(now, int64(i*50))
		if i > 30 && (rate < 499 || rate > 501) {
			t.Fatalf("50 each 100 ms is %v a second", rate)
		}
		now = now.Add(100 * time.Millisecond)
	}
	if n := len(r.marks); n > 25 {
		t.Errorf("%d marks are kept of two seconds", n)
	}
}

func TestAlertsGrowInPlace(t *testing.T) {
	b := NewBoard(Setting{})
	b.Alert(Alert{Level: "page", Rule: "r", Entity: "card", Value: "c-1", Count: 1})
	b.Alert(Alert{Level: "page", Rule: "r", Entity: "card", Value: "c-2", Count: 1})
	b.Alert(Alert{Level: "page", Rule: "r", Entity: "card", Value: "c-1", Count: 5})
	p := b.Picture()
	if p.Alerted != 2 || len(p.Alerts) != 2 || p.Alerts[0].Value != "c-1" || p.Alerts[0].Count != 5 {
		t.Errorf("%d alerts: %+v", p.Alerted, p.Alerts)
	}
	for i := range int64(200) {
		b.Alert(Alert{Rule: "many", Entity: "card", Value: count(i)})
		b.Sent(Message{Kind: Payment, ID: count(i)})
		b.Observe(Verdict{ID: count(i), Verdict: "deny"})
	}
	b.Alert(Alert{Level: "page", Rule: "r", Entity: "card", Value: "c-2", Count: 9}) // an update of one that is not shown any more
	if p := b.Picture(); len(p.Alerts) != keptAlerts || len(p.Denials) != keptDenials || p.Alerted != 202 {
		t.Errorf("kept %d alerts of %d, %d denials", len(p.Alerts), p.Alerted, len(p.Denials))
	}
}
