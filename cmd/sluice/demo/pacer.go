package demo

import (
	"context"
	"time"
)

// Pacer tells when a message is to be sent: those of the past at once, those of
// the live part as simulated time runs, Speed times as fast as real time.
type Pacer struct {
	Speed float64
	began time.Time // real
	first time.Time // simulated
}

// Due gives the time at which m is to be sent; zero is at once.
func (p *Pacer) Due(m *Message, now time.Time) time.Time {
	if m.Warmup {
		return time.Time{}
	}
	if p.began.IsZero() {
		p.began, p.first = now, m.Arrival
	}
	return p.began.Add(time.Duration(float64(m.Arrival.Sub(p.first)) / p.Speed))
}

// Wait waits until m is due. It does not sleep for less than a millisecond:
// what is due that soon goes now.
func (p *Pacer) Wait(ctx context.Context, m *Message) error {
	now := time.Now()
	gap := p.Due(m, now).Sub(now)
	if gap < time.Millisecond {
		return ctx.Err()
	}
	timer := time.NewTimer(gap)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
