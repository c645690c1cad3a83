package alerts

import (
	"testing"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

// TestAlertsOfDemotedRules checks that a rule that must not act still tells, as one
// in shadow, unless it is snoozed there.
func TestAlertsOfDemotedRules(t *testing.T) {
	for cause, want := range map[rules.Cause]string{rules.NoCause: "live", rules.OfRollout: "shadow", rules.OfBreaker: "shadow", rules.OfSnooze: ""} {
		s := newScene(t, time.Minute, 100)
		var tx event.Transaction
		if err := s.decoder.Transaction(&tx, []byte(`{"id":"a","time":"2018-07-01T00:00:00Z","card":"c1","amount":1,"currency":"EUR"}`), s.start.UnixNano()); err != nil {
			t.Fatal(err)
		}
		d := s.core.Decide([]scoring.Input{{Tx: &tx}}, 0)[0]
		if cause != rules.NoCause {
			d.Outcome.Shadow, d.Outcome.Fired = d.Outcome.Fired, nil
			d.Outcome.Demoted = []rules.Demotion{{Rule: 0, By: cause}}
		}
		s.book.Observe(&d, s.start)
		mode := ""
		for _, a := range s.book.collect(s.start, 0) {
			if a.Rule == "cards" {
				mode = a.Mode
			}
		}
		if mode != want {
			t.Errorf("demoted by %q: an alert in mode %q, want %q", cause, mode, want)
		}
	}
}
