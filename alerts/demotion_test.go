package alerts

import (
	"fmt"
	"testing"
	"testing/fstest"
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

// TestSnoozeOutsideARollout checks that a rule that is rolled out tells nothing of
// an entity that it is snoozed for, also where it would not be live.
func TestSnoozeOutsideARollout(t *testing.T) {
	s := newScene(t, time.Minute, 100)
	set, err := rules.LoadFS(fstest.MapFS{"a.yaml": {Data: []byte("rules: [{id: some, when: tx.amount < 5, rollout: 1%, alert: page}]")}}, "test", s.schema)
	if err != nil {
		t.Fatal(err)
	}
	s.core = scoring.New(s.schema, set, scoring.Options{})
	s.pay(0, `"account":"a1","card":"c1","amount":1`)
	s.expect("before", s.told(0, 0), "firing some account=a1 x1 1.00 EUR 0-0")
	until := s.at(3600).UnixNano()
	s.core.Change(&rules.Changes{Revision: 1, Snoozes: []rules.Snooze{{Rule: "some", Entity: "card", Value: "c1", Until: until}}})
	s.pay(1, `"account":"a2","card":"c1","amount":1`)
	s.expect("snoozed", s.told(1, 0))
}

// TestAlertOfWhatActs checks that an alert that began with a payment that the rule
// must not act on is one of a live rule as soon as it acts.
func TestAlertOfWhatActs(t *testing.T) {
	s := newScene(t, time.Minute, 100)
	set, err := rules.LoadFS(fstest.MapFS{"a.yaml": {Data: []byte("rules: [{id: some, when: tx.amount < 5, rollout: {share: 50%, by: card}, alert: page}]")}}, "test", s.schema)
	if err != nil {
		t.Fatal(err)
	}
	s.core = scoring.New(s.schema, set, scoring.Options{})
	s.pay(0, `"account":"a","amount":1`) // has no card, and so is outside of the rollout
	if a := s.book.collect(s.at(0), 0); len(a) != 1 || a[0].Mode != "shadow" {
		t.Errorf("%+v", a)
	}
	for card := range 20 {
		s.pay(1, fmt.Sprintf(`"account":"a","card":"c%d","amount":1`, card))
	}
	if a := s.book.collect(s.at(1), 0); len(a) != 1 || a[0].Mode != "live" {
		t.Errorf("%+v", a)
	}
	s.pay(2, `"account":"a","amount":1`)
	if a := s.book.collect(s.at(2), 0); len(a) != 1 || a[0].Mode != "live" {
		t.Errorf("%+v", a)
	}
}
