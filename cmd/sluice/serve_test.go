package main

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"sluice/alerts"
	"sluice/configs"
	"sluice/rules"
	"sluice/scoring/event"
)

// site is a directory with all that serve needs.
func site(t *testing.T, config string) (path string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"sluice.yaml": config, "schema.yaml": e2eSchema, "rules/rules.yaml": "rules:\n  - {id: a, when: tx.amount > 1}\n",
	} {
		put(t, filepath.Join(dir, name), text)
	}
	return filepath.Join(dir, "sluice.yaml")
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// idle makes a server that was not started; nobody listens where its broker is.
func idle(t *testing.T) (*server, *bytes.Buffer) {
	t.Helper()
	path := site(t, "brokers: 127.0.0.1:1\nschema: schema.yaml\nrules: rules\nlisten: 127.0.0.1:0\nalerts: {log: true}\n")
	config, err := configs.Load(path, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	schema, err := event.LoadSchema(config.Schema.Path)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s, err := newServer(config, schema, slog.New(slog.NewTextHandler(&log, nil)), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.listener.Close() })
	return s, &log
}

func TestMetricsAreThereFromTheStart(t *testing.T) {
	s, _ := idle(t)
	s.http.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/healthz", nil))
	families, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "sluice_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text := w.Body.String()
	hash := s.rules.Current().Hash
	for _, series := range []string{
		`sluice_decisions_total{verdict="allow"} 0`, `sluice_decisions_total{verdict="review"} 0`, `sluice_decisions_total{verdict="deny"} 0`,
		`sluice_rule_hits_total{mode="live",rule="a"} 0`, `sluice_rule_hits_total{mode="shadow",rule="a"} 0`,
		`sluice_decision_latency_seconds_count 0`, `sluice_decision_latency_seconds_bucket{le="0.001"} 0`,
		`sluice_http_request_duration_seconds_count{code="200",method="post"} 0`,
		`sluice_history_transactions 0`, `sluice_history_memory_bytes 0`, `sluice_history_chunks_away 0`, `sluice_history_references_away 0`, `sluice_history_chunks_loaded_total 0`, `sluice_history_entities{entity="card"} 0`, `sluice_decided_ids 0`,
		`sluice_rule_reloads_total{outcome="taken"} 0`, `sluice_rule_reloads_total{outcome="refused"} 0`,
		`sluice_rule_reload_last_success 1`, `sluice_rule_set_info{hash="` + hash + `"} 1`,
		`sluice_dead_letters_total{code="malformed_json"} 0`, `sluice_dead_letters_total{code="unknown_currency"} 0`,
		`sluice_dead_letters_total{code="conflicting_repeat"} 0`,
		`sluice_alerts_open 0`, `sluice_alerts_overflow_total 0`, `sluice_alerts_waiting{channel="log"} 0`, `sluice_alerts_waiting{channel="topic"} 0`,
		`sluice_caught_up 0`, `sluice_requests_refused_total 0`,
		`go_goroutines `, `process_resident_memory_bytes `,
	} {
		if !strings.Contains(text, "\n"+series) {
			t.Errorf("no %s", series)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// TestDeadLetterCodes holds the series to the codes that the decoder knows.
func TestDeadLetterCodes(t *testing.T) {
	s, _ := idle(t)
	source, err := os.ReadFile(filepath.Join("..", "..", "scoring", "event", "fault.go"))
	if err != nil {
		t.Fatal(err)
	}
	counted := s.processor.Counts().DeadLetters
	n := 0
	for line := range strings.Lines(string(source)) {
		if _, after, ok := strings.Cut(line, ` = "`); ok && strings.Contains(line, "Code") {
			code, _, _ := strings.Cut(after, `"`)
			if _, ok := counted[event.Code(code)]; !ok {
				t.Errorf("no series from the start for %s", code)
			}
			n++
		}
	}
	if n < 10 {
		t.Errorf("%d codes found", n)
	}
}

func TestRefusedReloadsAreOneAlert(t *testing.T) {
	set := &rules.Set{Hash: "0123456789abcdef"}
	at := func(s int) time.Time { return time.Unix(int64(s), 0).UTC() }
	bad := rules.Reload{Set: set, Err: errors.New("a.yaml:1: card 4111111111111111 is no field " + strings.Repeat("é", 2000))}
	good := rules.Reload{Set: set}
	var f refusals
	if _, tell := f.next(good, at(1)); tell {
		t.Error("a good set alerts")
	}
	first, tell := f.next(bad, at(2))
	if !tell || first.Status != alerts.Firing || first.Count != 1 || first.ID != "rules-refused-2" {
		t.Errorf("%+v", first)
	}
	if strings.Contains(first.Description, "41111") || !strings.Contains(first.Description, "a.yaml:1") || len(first.Description) > 2200 {
		t.Errorf("%q", first.Description)
	}
	second, _ := f.next(bad, at(3))
	if second.ID != first.ID || second.Count != 2 || !second.First.Equal(at(2)) || !second.Last.Equal(at(3)) {
		t.Errorf("%+v", second)
	}
	over, tell := f.next(good, at(4))
	if !tell || over.ID != first.ID || over.Status != alerts.Resolved || over.Count != 2 || !over.Last.Equal(at(4)) {
		t.Errorf("%+v", over)
	}
	if _, tell := f.next(good, at(5)); tell {
		t.Error("it ends twice")
	}
	if again, tell := f.next(bad, at(6)); !tell || again.ID == first.ID || again.Count != 1 {
		t.Errorf("%+v", again)
	}
}

// TestReloadBeforeDeciding: rules may change while the broker is still down.
func TestReloadBeforeDeciding(t *testing.T) {
	s, log := idle(t)
	put(t, filepath.Join(s.config.Rules.Path, "rules.yaml"), "rules:\n  - {id: b, when: tx.amount > 1}\n")
	if err := s.rules.Reload(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "in force with the next decision") {
		t.Errorf("%s", log)
	}
	if s.rules.Current().Rules[0].ID != "b" {
		t.Error("not reloaded")
	}
	put(t, filepath.Join(s.config.Rules.Path, "rules.yaml"), "rules:\n  - {id: b, when: tx.amuont > 1}\n")
	if s.rules.Reload() == nil || s.dispatcher.Waiting()["log"] != 1 {
		t.Error("a bad set is not told of")
	}
}

func TestReadyTellsWhy(t *testing.T) {
	s, _ := idle(t)
	if err := s.ready(); err == nil || err.Error() != "connecting" {
		t.Errorf("%v", err)
	}
}

// TestServeExplains starts serve with what can't work.
func TestServeExplains(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const config = "brokers: 127.0.0.1:1\nschema: schema.yaml\nrules: rules\n"
	for name, c := range map[string]struct {
		config string
		args   []string
		code   int
		want   []string
	}{
		"no flag":     {config, nil, exitUsage, []string{"give --config FILE", "sluice serve -h tells the flags"}},
		"no file":     {config, []string{"--config", "/no/such/file.yaml"}, exitFault, []string{"/no/such/file.yaml"}},
		"port in use": {config + "listen: " + taken.Addr().String() + "\n", nil, exitFault, []string{taken.Addr().String(), "another program listens there", "SLUICE_LISTEN"}},
		"all faults": {
			config + "listne: x\npartitions: 0\nmerge: {wait: soon}\nalerts: {webhook: tomato}\n", nil, exitFault,
			[]string{"sluice.yaml:4:1", "listen", "sluice.yaml:5:", "sluice.yaml:6:", "sluice.yaml:7:", "partitions"},
		},
		"bad schema": {strings.Replace(config, "schema.yaml", "rules/rules.yaml", 1), nil, exitFault, []string{"rules.yaml:1:1"}},
		"bad rules":  {strings.Replace(config, "rules: rules", "rules: .", 1), nil, exitFault, []string{"sluice.yaml:1:1", "brokers"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out, log bytes.Buffer
			args := append([]string{"serve"}, c.args...)
			if c.args == nil && c.code != exitUsage {
				args = append(args, "--config", site(t, c.config))
			}
			if code := run(t.Context(), args, console{&out, messagesTo(&log), func(string) (string, bool) { return "", false }}); code != c.code {
				t.Errorf("exit code %d", code)
			}
			for _, want := range c.want {
				if !strings.Contains(log.String(), want) {
					t.Errorf("no %q in:\n%s", want, log.String())
				}
			}
			if strings.Contains(log.String(), "tomato") {
				t.Errorf("a secret got out:\n%s", log.String())
			}
		})
	}
}
