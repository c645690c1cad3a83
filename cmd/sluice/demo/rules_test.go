package demo

import (
	"os"
	"strings"
	"testing"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

const (
	schemaFile = "../../../configs/schema.yaml"
	rulesDir   = "../../../configs/rules"
)

func defaultSchema(t testing.TB) *event.Schema {
	t.Helper()
	schema, err := event.LoadSchema(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestMessagesFitTheSchema decodes everything that the world sends.
func TestMessagesFitTheSchema(t *testing.T) {
	schema := defaultSchema(t)
	d := event.NewDecoder(schema)
	var tx event.Transaction
	var label event.Label
	g := NewGenerator(small(5))
	for range 30000 {
		m := g.Next()
		arrival := m.Arrival.UnixNano()
		switch m.Kind {
		case Payment:
			if err := d.Transaction(&tx, m.JSON, arrival); err != nil {
				t.Fatalf("%v in %s", err, m.JSON)
			}
			if id, _ := tx.String(schema.ID); tx.Time != m.Time.UnixNano() || tx.Future || string(id) != m.ID {
				t.Fatalf("time or id of %s", m.JSON)
			}
			if key := event.KeyBytes(nil, &tx); m.Account != "" && string(key) != string(m.Key) {
				t.Fatalf("the key of %s is %q, Sluice's own would be %q", m.JSON, m.Key, key)
			}
		case Label:
			if err := d.Label(&label, m.JSON, arrival); err != nil {
				t.Fatalf("%v in %s", err, m.JSON)
			}
			if !label.Fraud || label.Time != m.Time.UnixNano() || label.ID != m.ID {
				t.Fatalf("%+v of %s", label, m.JSON)
			}
		case Malformed:
			if err := d.Transaction(&tx, m.JSON, arrival); err == nil {
				t.Fatalf("no fault in %s", m.JSON)
			}
		}
	}
}

// run decides n messages of a world with the shipped rules.
func run(t *testing.T, opts Options, n int) (p Picture, set *rules.Set, hits map[string][2]int) {
	t.Helper()
	schema := defaultSchema(t)
	set, err := rules.Load(rulesDir, schema)
	if err != nil {
		t.Fatal(err)
	}
	core := scoring.New(schema, set, scoring.Options{NoRecord: true})
	decoder := event.NewDecoder(schema)
	g := NewGenerator(opts)
	board := NewBoard(Setting{Seed: opts.Seed, Live: g.Live()})
	hits = map[string][2]int{}
	batch := make([]scoring.Input, 1)
	var tx event.Transaction
	var label event.Label
	for range n {
		m := g.Next()
		board.Sent(m)
		arrival := m.Arrival.UnixNano()
		if m.Kind == Label {
			if err := decoder.Label(&label, m.JSON, arrival); err != nil {
				t.Fatal(err)
			}
			core.Label(&label)
			continue
		}
		if err := decoder.Transaction(&tx, m.JSON, arrival); err != nil {
			t.Fatalf("%v in %s", err, m.JSON)
		}
		batch[0] = scoring.Input{Tx: &tx}
		d := &core.Decide(batch, arrival)[0]
		if (d.Status == scoring.Repeat) != m.Repeat {
			t.Fatalf("status %d of %s, repeat %v", d.Status, m.JSON, m.Repeat)
		}
		if d.Status != scoring.Decided {
			continue
		}
		if len(d.Outcome.Errors) > 0 {
			t.Fatalf("rule %s: %s", set.Rules[d.Outcome.Errors[0].Rule].ID, d.Outcome.Errors[0].Why)
		}
		v := Verdict{ID: m.ID, Verdict: d.Outcome.Verdict.String(), Score: d.Outcome.Score}
		for _, i := range append(d.Outcome.Fired, d.Outcome.Shadow...) {
			h := hits[set.Rules[i].ID]
			if m.Attack == "" {
				h[1]++
			} else {
				h[0]++
			}
			hits[set.Rules[i].ID] = h
		}
		board.Observe(v)
	}
	return board.Picture(), set, hits
}

// TestShippedRulesCatchTheAttacks holds the shipped rules to what the README
// promises of the demo.
func TestShippedRulesCatchTheAttacks(t *testing.T) {
	if testing.Short() {
		t.Skip("decides 110,000 payments")
	}
	// More attacks than the demo has, so that a share of them means something.
	p, set, hits := run(t, Options{Seed: 1, AttackGap: 5 * time.Minute}, 110000)
	var summary strings.Builder
	WriteSummary(&summary, &p)
	t.Log(summary.String())
	for _, r := range set.Rules {
		h := hits[r.ID]
		t.Logf("%-26s %-6s fired on %5d of attacks, %5d good ones", r.ID, r.Mode, h[0], h[1])
		if h == [2]int{} && r.Mode == rules.Live {
			t.Errorf("rule %s never fires", r.ID)
		}
	}
	for _, s := range p.Scores {
		if s.Injected < 5 || s.Caught*10 < s.Injected*9 {
			t.Errorf("%s: caught %d of %d attacks, promised are 90 %%", s.Attack, s.Caught, s.Injected)
		}
		if s.PaymentsHit*100 < s.Payments*60 {
			t.Errorf("%s: hit %d of %d payments, promised are 60 %%", s.Attack, s.PaymentsHit, s.Payments)
		}
	}
	if all, hit := p.goodHit(); hit*1000 > all*2 {
		t.Errorf("hit %d of %d good payments, promised are at most 0.2 %%", hit, all)
	}
	if p.Verdicts[1] == 0 {
		t.Error("nothing is ever reviewed")
	}
}

// TestRulesSayWhoOwnsThem keeps the shipped rules an example to follow.
func TestRulesSayWhoOwnsThem(t *testing.T) {
	set, err := rules.Load(rulesDir, defaultSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	alerts, shadow := 0, 0
	for _, r := range set.Rules {
		if r.Description == "" || r.Owner == "" || r.Reason == "" {
			t.Errorf("%s:%d: rule %s has no description, owner or reason", r.File, r.Line, r.ID)
		}
		if r.Alert != "" {
			alerts++
		}
		if r.Mode == rules.Shadow {
			shadow++
		}
	}
	if alerts < 3 || shadow < 1 {
		t.Errorf("%d rules alert, %d are in shadow", alerts, shadow)
	}
	if _, err := os.Stat(rulesDir + "/policy.yaml"); err != nil {
		t.Error(err)
	}
}
