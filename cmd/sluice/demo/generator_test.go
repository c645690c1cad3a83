package demo

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

// small is a world that is quick to build.
func small(seed uint64) Options {
	return Options{Seed: seed, Accounts: 600, Merchants: 400, Warmup: 12 * time.Hour, Peace: 4 * time.Hour, Malformed: .002}
}

func TestSameSeedSameBytes(t *testing.T) {
	a, b, other := NewGenerator(small(7)), NewGenerator(small(7)), NewGenerator(small(8))
	differs := false
	for i := range 20000 {
		m, n := a.Next(), b.Next()
		if !bytes.Equal(m.JSON, n.JSON) || !bytes.Equal(m.Key, n.Key) || m.Arrival != n.Arrival || m.AttackID != n.AttackID {
			t.Fatalf("message %d of the same seed:\n%s\n%s", i, m.JSON, n.JSON)
		}
		differs = differs || !bytes.Equal(m.JSON, other.Next().JSON)
	}
	if !differs {
		t.Error("another seed made the same messages")
	}
}

func TestWorldHasEverything(t *testing.T) {
	g := NewGenerator(small(1))
	last := time.Time{}
	var late, repeats, labels, malformed, payments, warm int
	kinds, types := map[Attack]map[int]bool{}, map[string]int{}
	fraud := map[string]bool{}
	for range 30000 {
		m := g.Next()
		if m.Arrival.Before(last) {
			t.Fatalf("arrivals go back: %v after %v", m.Arrival, last)
		}
		last = m.Arrival
		if len(m.Key) == 0 {
			t.Fatalf("no key: %s", m.JSON)
		}
		switch m.Kind {
		case Label:
			labels++
			if !fraud[m.ID] {
				t.Fatalf("a label for a payment that was not sent, or is good: %s", m.JSON)
			}
			continue
		case Malformed:
			malformed++
			continue
		}
		payments++
		if m.Warmup {
			warm++
		}
		if m.Repeat {
			repeats++
			continue
		}
		if m.Arrival.Sub(m.Time) > 5*time.Second {
			late++
		}
		var p struct {
			ID, Time, Type, Currency string
			Amount                   json.Number
		}
		if err := json.Unmarshal(m.JSON, &p); err != nil || p.ID != m.ID || p.Amount == "" || p.Currency == "" {
			t.Fatalf("%v in %s", err, m.JSON)
		}
		if at, err := time.Parse(time.RFC3339, p.Time); err != nil || !at.Equal(m.Time) {
			t.Fatalf("time of %s is not %v", m.JSON, m.Time)
		}
		types[p.Type]++
		if m.Attack != "" {
			if kinds[m.Attack] == nil {
				kinds[m.Attack] = map[int]bool{}
			}
			kinds[m.Attack][m.AttackID] = true
			fraud[m.ID] = true
		}
	}
	for what, n := range map[string]int{"late ones": late, "repeats": repeats, "labels": labels, "malformed ones": malformed, "of the warm-up": warm} {
		if n == 0 {
			t.Errorf("no %s among %d payments", what, payments)
		}
	}
	for _, k := range Attacks() {
		if len(kinds[k]) < 5 {
			t.Errorf("%d attacks of %s", len(kinds[k]), k)
		}
	}
	for _, k := range []string{"payment", "transfer", "refund", "card_check"} {
		if types[k] == 0 {
			t.Errorf("no %s", k)
		}
	}
}

func TestNoAttackInPeace(t *testing.T) {
	opts := small(3).withDefaults()
	g := NewGenerator(opts)
	for {
		m := g.Next()
		if m.Arrival.After(opts.Start.Add(opts.Peace)) {
			return
		}
		if m.Attack != "" {
			t.Fatalf("%s at %v", m.Attack, m.Time)
		}
	}
}

func TestPacerCompresses(t *testing.T) {
	at := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	now := time.Unix(1000, 0)
	p := Pacer{Speed: 60}
	if due := p.Due(&Message{Warmup: true, Arrival: at.Add(-time.Hour)}, now); !due.IsZero() {
		t.Errorf("the past is due %v, not at once", due)
	}
	if due := p.Due(&Message{Arrival: at}, now); !due.Equal(now) {
		t.Errorf("the first is due %v", due)
	}
	if due := p.Due(&Message{Arrival: at.Add(time.Hour)}, now.Add(time.Second)); !due.Equal(now.Add(time.Minute)) {
		t.Errorf("an hour later is due %v after the start", due.Sub(now))
	}
}

func BenchmarkNext(b *testing.B) {
	g := NewGenerator(Options{})
	for b.Loop() {
		g.Next()
	}
}
