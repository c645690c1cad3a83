package stream

import (
	"math"
	"time"

	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// marks says what the windows may lack, and so which flags verdicts bear. An
// entity may have payments in every partition: what one of them lacks, the
// windows of all do. It is of the engine's goroutine.
type marks struct {
	lost  int64 // event time (ns) up to which records are gone that nobody decided; 0: none are
	whole int64 // event time (ns) from which on the histories hold everything; 0: they always did

	gap, warming int64 // event times (ns) before which verdicts bear the flags

	plan  *history.Plan // the windows of the rules in force
	reach int64         // how far the longest of them looks back, ns
}

// lose notes that records which arrived before a time (ns) are gone; 0: none are.
// A label among them was of a payment before that, too.
func (m *marks) lose(arrival int64) {
	if arrival != 0 {
		m.lost = max(m.lost, arrival+event.MaxAhead)
	}
}

// refresh finds out how far the flags reach, for lanes and rules as they are now.
func (m *marks) refresh(lanes []*lane, plan *history.Plan) {
	if m.plan != plan {
		m.plan, m.reach = plan, int64(reach(plan))
	}
	m.gap, m.warming = math.MinInt64, math.MinInt64
	if m.lost != 0 {
		m.gap = m.lost + m.reach
	}
	if m.whole != 0 {
		m.warming = m.whole + m.reach
	}
	for _, l := range lanes {
		if l.lacks() {
			m.gap = math.MaxInt64
		}
	}
}

// flags gives those of a transaction at an event time (ns).
func (m *marks) flags(time int64) (f scoring.Flags) {
	if time < m.gap {
		f |= scoring.Gap
	}
	if time < m.warming {
		f |= scoring.Warming
	}
	return f
}

// reach is how far the longest window of a plan looks back.
func reach(plan *history.Plan) (longest time.Duration) {
	add := func(s history.Span) {
		longest = max(longest, s.From)
		if s.Newest > 0 { // however old they are
			longest = plan.Retention
		}
	}
	for i := range plan.Queries {
		add(plan.Queries[i].Span)
	}
	for i := range plan.Lists {
		add(plan.Lists[i].Span)
	}
	return longest
}
