package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/alerts"
	"sluice/rules"
)

// TestBreakersAreTold holds what the log, Prometheus and the owner of a rule are
// told: once, and nothing again of what an earlier run has told.
func TestBreakersAreTold(t *testing.T) {
	var log bytes.Buffer
	var told []string
	b := &breakers{
		log: slog.New(slog.NewTextHandler(&log, nil)), set: func() *rules.Set { return &rules.Set{Hash: "h"} },
		notify: func(a alerts.Alert) {
			if a.Status == alerts.Resolved {
				a.Last = a.First // the wall clock's
			}
			text, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			told = append(told, string(text))
		},
	}
	m := newMetrics()
	m.registry.MustRegister(newBreakerMetrics(b))
	trips := func(list ...*rules.Trip) (out []rules.Trip) {
		for _, trip := range list {
			out = append(out, *trip)
		}
		return out
	}
	x := &rules.Trip{
		Rule: &rules.Rule{ID: "x", Owner: "risk"}, Since: 1e18, Why: "it fired for 21", Hits: 21,
		Money: "31.50 EUR", Top: []string{"card c1 (6 of 12)", "merchant m2 (4 of 12)"}, Examples: []string{"p1"},
	}
	y := &rules.Trip{Rule: &rules.Rule{ID: "y", Alert: "page", Breaker: rules.Breaker{Times: 3, Fall: true}}, Since: 2e18, Why: "in shadow", Resumed: true}
	const same = `"first":"2001-09-09T01:46:40Z","last":"2001-09-09T01:46:40Z","examples":["p1"],"rule_set":"h"}`
	for _, c := range []struct {
		open       []rules.Trip
		log, alert string
		has, lacks string // series
	}{
		{nil, "", "", "sluice_rules_breaker_open 0", "sluice_rule_breaker_open{"},
		{
			trips(x), `level=WARN msg="a rule fires far more often than usual" rule=x why="it fired for 21"`,
			`{"id":"breaker-x-1000000000","status":"firing","severity":"ticket","rule":"x","mode":"live",` +
				`"description":"It fired for 21. The latest hits: card c1 (6 of 12); merchant m2 (4 of 12)","reason":"RULE_BREAKER","owner":"risk","count":21,"amount":"31.50 EUR",` + same,
			`sluice_rule_breaker_open{rule="x"} 1`, `rule="y"`,
		},
		{trips(x, y), `level=INFO msg="a rule's breaker is still open" rule=y why="in shadow"`, "", "sluice_rules_breaker_open 2", "sluice_rules_breaker_open 1"},
		{trips(x, y), "", "", "sluice_rules_breaker_open 2", "sluice_rules_breaker_open 1"},
		{
			trips(y), `level=INFO msg="a rule's breaker is closed" rule=x`,
			`{"id":"breaker-x-1000000000","status":"resolved","severity":"ticket","rule":"x","mode":"live",` +
				`"description":"Its breaker is closed: it fires less again, or was changed","reason":"RULE_BREAKER","owner":"risk","count":21,"amount":"31.50 EUR",` + same,
			`sluice_rule_breaker_open{rule="y"} 1`, `rule="x"`,
		},
	} {
		log.Reset()
		told = nil
		b.told(c.open)
		_, line, _ := strings.Cut(strings.TrimSpace(log.String()), " ")
		if line != c.log {
			t.Errorf("logged %s\nwant %s", line, c.log)
		}
		if got := strings.Join(told, "\n"); got != c.alert {
			t.Errorf("told %s\nwant %s", got, c.alert)
		}
		w := httptest.NewRecorder()
		m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		if page := w.Body.String(); !strings.Contains(page, c.has) || strings.Contains(page, c.lacks) {
			t.Errorf("with %+v the metrics should have %q and not %q", c.open, c.has, c.lacks)
		}
	}
}

// stormyRule falls to shadow when it fires far more often than usual.
const stormyRule = `
rules:
  - id: large
    description: %s
    when: tx.amount > 50
    verdict: review
    owner: payments-risk
    breaker: {fall_to: shadow}
`

// TestEndToEndBreaker lets a rule fire far more often than usual, stops the program
// politely and not, and changes the rule.
func TestEndToEndBreaker(t *testing.T) {
	p := newPlace(t, fmt.Sprintf(stormyRule, "first"))
	s := p.serve(t)
	s.awaitReady(t)
	start := time.Now().Add(-40 * time.Hour).Truncate(time.Hour)
	id := 0
	minutes := func(n int, amount string) (record string) {
		t.Helper()
		for range n {
			at := start.Add(time.Duration(id) * time.Minute)
			value := amount
			if id%30 == 0 {
				value = "60"
			}
			p.send(t, "tx", "a", tx(id, "a", at, value, `,"card":"4111111111111111"`), at)
			id++
		}
		p.flush(t)
		records := p.read(t, "verdicts", id)
		return string(records[id-1].Value)
	}
	minutes(30*60, "10")
	if record := minutes(40, "80"); !strings.Contains(record, `"verdict":"allow","score":0,"rules":[],"reasons":[],"shadow":["large"],"demoted":[{"rule":"large","by":"breaker","why":"in shadow since `) {
		t.Errorf("record %s", record)
	}
	const warning = `level=WARN msg="a rule fires far more often than usual" rule=large`
	told := func(s *process, want int) {
		t.Helper()
		for path, want := range map[string]string{"/metrics": `sluice_rule_breaker_open{rule="large"} 1`, "/v1/rules": `"breaker":"10 times what is usual, falls to shadow","breaker_open":"in shadow since `} {
			if _, text := s.do(t, "GET", path, ""); !strings.Contains(text, want) {
				t.Errorf("%s lacks %s", path, want)
			}
		}
		if want > 0 {
			s.awaitLog(t, warning)
		}
		if n := strings.Count(s.logged(), warning); n != want {
			t.Errorf("%d lines of the log say so\n%s", n, s.logged())
		}
	}
	told(s, 1)
	s.awaitLog(t, `msg=alert status=firing severity=ticket rule=large mode=shadow reason=RULE_BREAKER description="In shadow since `)
	if strings.Contains(s.logged(), "4111111111111111") || !strings.Contains(s.logged(), "card ************1111 (") {
		t.Errorf("the alert shows the card otherwise\n%s", s.logged())
	}
	s.terminate(t)

	s = p.serve(t)
	s.awaitReady(t)
	told(s, 0)
	s.awaitLog(t, `msg="a rule's breaker is still open" rule=large`)
	if record := minutes(1, "80"); !strings.Contains(record, `"demoted":[{"rule":"large","by":"breaker"`) {
		t.Errorf("after a stop: %s", record)
	}
	s.stop(t, syscall.SIGKILL)

	s = p.serve(t)
	s.awaitReady(t)
	told(s, 0)
	if record := minutes(1, "80"); !strings.Contains(record, `"demoted":[{"rule":"large","by":"breaker"`) {
		t.Errorf("after a kill: %s", record)
	}
	p.rules(t, fmt.Sprintf(stormyRule, "second"))
	s.awaitLog(t, `msg="a rule's breaker is closed" rule=large`)
	if record := minutes(1, "80"); !strings.Contains(record, `"rules":["large"]`) {
		t.Errorf("after a change: %s", record)
	}
	s.awaitLog(t, `msg=alert status=resolved severity=ticket rule=large mode=live reason=RULE_BREAKER`)
	s.terminate(t)
	if n := len(p.readSome(t, "alerts")); n != 2 {
		t.Errorf("%d messages of one incident", n)
	}
}

// TestBacktestBreaker is told by a backtest, too.
func TestBacktestBreaker(t *testing.T) {
	dir := t.TempDir()
	var data strings.Builder
	for i := range 31 * 60 {
		amount := "10"
		if i%30 == 0 || i > 30*60+10 {
			amount = "80"
		}
		fmt.Fprintln(&data, tx(i, "x", time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC), amount, ""))
	}
	put(t, filepath.Join(dir, "schema.yaml"), e2eSchema)
	put(t, filepath.Join(dir, "rules", "a.yaml"), fmt.Sprintf(stormyRule, "first"))
	put(t, filepath.Join(dir, "data.ndjson"), data.String())
	out, errs, code := sluice(t, "backtest", "--rules", filepath.Join(dir, "rules"), "--schema", filepath.Join(dir, "schema.yaml"), filepath.Join(dir, "data.ndjson"))
	if code != 0 || !strings.Contains(errs, "warning: the breaker of the rule large opened once at 2026-01-02T06:3") || !strings.Contains(out, "large") {
		t.Errorf("code %d\n%s\n%s", code, out, errs)
	}
}
