package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/rules"
)

// TestQuarantineIsShown holds what the log says, once, and what Prometheus sees.
func TestQuarantineIsShown(t *testing.T) {
	var log bytes.Buffer
	q := &quarantine{log: slog.New(slog.NewTextHandler(&log, nil))}
	m := newMetrics()
	m.registry.MustRegister(newQuarantineMetrics(q))
	a := rules.Held{Rule: "a", Hash: "1", Why: "it failed"}
	b := rules.Held{Rule: "b", Hash: "2", Why: "it failed, too"}
	for _, c := range []struct {
		held       []rules.Held
		log        string // lines but for their times
		has, lacks string // series
	}{
		{nil, "", "sluice_rules_quarantined 0", "sluice_rule_quarantined{"},
		{
			[]rules.Held{a},
			`level=WARN msg="a rule keeps failing and is not asked any more" rule=a why="it failed"`,
			`sluice_rule_quarantined{rule="a"} 1`, `rule="b"`,
		},
		{
			[]rules.Held{a, b},
			`level=WARN msg="a rule keeps failing and is not asked any more" rule=b why="it failed, too"`,
			"sluice_rules_quarantined 2", "sluice_rules_quarantined 1",
		},
		{[]rules.Held{a, b}, "", "sluice_rules_quarantined 2", "sluice_rules_quarantined 1"},
		{[]rules.Held{b}, `level=INFO msg="a rule is out of quarantine" rule=a`, `sluice_rule_quarantined{rule="b"} 1`, `rule="a"`},
	} {
		log.Reset()
		q.told(c.held)
		_, line, _ := strings.Cut(strings.TrimSpace(log.String()), " ")
		if line != c.log {
			t.Errorf("logged %s\nwant %s", line, c.log)
		}
		w := httptest.NewRecorder()
		m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		if page := w.Body.String(); !strings.Contains(page, c.has) || strings.Contains(page, c.lacks) {
			t.Errorf("with %+v the metrics should have %q and not %q", c.held, c.has, c.lacks)
		}
	}
}

// failingRule fails where past cards have long names.
const failingRule = `
rules:
  - id: fails
    description: %s
    when: streak(account.newest(15), not (.card matches "(a?){50}x")) >= 1
    score: 1
`

// longCard is a payment with a card of a long name.
func longCard(id int, at time.Time) string {
	return tx(id, "x", at, "1", `,"card":"`+strings.Repeat("a", 2000)+`"`)
}

// TestEndToEndQuarantine lets a rule fail until it is not asked any more, and
// changes it.
func TestEndToEndQuarantine(t *testing.T) {
	p := newPlace(t, fmt.Sprintf(failingRule, "first"))
	s := p.serve(t)
	s.awaitReady(t)
	record := ""
	for i := range 60 {
		status := 0
		if status, record = s.do(t, "POST", "/v1/verdicts", longCard(i, time.Now())); status != http.StatusOK {
			t.Fatalf("%d %s", status, record)
		}
	}
	if !strings.Contains(record, `"skipped":[{"rule":"fails","why":"quarantined since `) {
		t.Errorf("record %s", record)
	}
	const warning = `level=WARN msg="a rule keeps failing and is not asked any more" rule=fails`
	s.awaitLog(t, warning)
	if n := strings.Count(s.logged(), warning); n != 1 {
		t.Errorf("%d lines of the log say so\n%s", n, s.logged())
	}
	for path, want := range map[string]string{"/metrics": `sluice_rule_quarantined{rule="fails"} 1`, "/v1/rules": `"quarantined":"quarantined since `} {
		if _, text := s.do(t, "GET", path, ""); !strings.Contains(text, want) {
			t.Errorf("%s lacks %s", path, want)
		}
	}
	p.rules(t, fmt.Sprintf(failingRule, "second"))
	s.awaitLog(t, `msg="a rule is out of quarantine" rule=fails`)
	if _, text := s.do(t, "GET", "/metrics", ""); !strings.Contains(text, "sluice_rules_quarantined 0\n") {
		t.Error("the metrics show it in quarantine still")
	}
	s.terminate(t)
}

// TestBacktestQuarantine is told by a backtest, too, at the same transaction.
func TestBacktestQuarantine(t *testing.T) {
	dir := t.TempDir()
	var data strings.Builder
	for i := range 60 {
		fmt.Fprintln(&data, longCard(i, time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)))
	}
	put(t, filepath.Join(dir, "schema.yaml"), e2eSchema)
	put(t, filepath.Join(dir, "rules", "a.yaml"), fmt.Sprintf(failingRule, "first"))
	put(t, filepath.Join(dir, "data.ndjson"), data.String())
	out, errs, code := sluice(t, "backtest", "--rules", filepath.Join(dir, "rules"), "--schema", filepath.Join(dir, "schema.yaml"), filepath.Join(dir, "data.ndjson"))
	if code != 0 || !strings.Contains(errs, "warning: the rule fails is quarantined since 2026-01-01T00:00:3") || !strings.Contains(out, "fails") {
		t.Errorf("code %d\n%s\n%s", code, out, errs)
	}
}
