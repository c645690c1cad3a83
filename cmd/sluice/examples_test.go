package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// exemplified is a rule set whose example holds if count is at most 2.
func exemplified(id, count string) string {
	return `
rules:
  - id: ` + id + `
    when: count(account.last("1h")) >= ` + count + `
    examples:
      - name: two before
        history: [{times: 2, every: 1m}]
        transaction: {account: a}
        expect: fires
`
}

// TestEndToEndExamplesGateReloads: rules whose examples fail do not decide, and
// whoever looks is told which example it was, and why.
func TestEndToEndExamplesGateReloads(t *testing.T) {
	p := newPlace(t, exemplified("good", "0"))
	s := p.serve(t)
	s.awaitReady(t)
	p.rules(t, exemplified("bad", "3"))
	s.awaitLog(t, "the last good set keeps deciding")
	const why = `rules.yaml:9:17: the example "two before" of bad fails: rule: expected fires, got does not fire`
	s.awaitLog(t, strings.ReplaceAll(why, `"`, `\"`))
	if status, record := s.do(t, "POST", "/v1/verdicts", tx(1, "x", time.Now(), "1", "")); status != http.StatusOK || !strings.Contains(record, `"rules":["good"]`) {
		t.Errorf("the old set does not decide: %d %s", status, record)
	}
	inJSON := strings.ReplaceAll(why, `"`, `\"`)
	if _, text := s.do(t, "GET", "/v1/rules", ""); !strings.Contains(text, `"refused":{"rule_set":"`) || !strings.Contains(text, inJSON) || !strings.Contains(text, `"id":"good"`) {
		t.Errorf("GET /v1/rules: %s", text)
	}
	if status, text := s.do(t, "POST", "/-/reload", ""); status != http.StatusUnprocessableEntity || !strings.Contains(text, inJSON) {
		t.Errorf("POST /-/reload: %d %s", status, text)
	}
	const series = `sluice_rule_example_failed{example="two before",rule="bad"} 1`
	if _, text := s.do(t, "GET", "/metrics", ""); !strings.Contains(text, series) || !strings.Contains(text, "sluice_rule_reload_last_success 0\n") {
		t.Error("metrics do not name the example")
	}
	p.rules(t, exemplified("better", "2"))
	s.awaitLog(t, "new rules are in force")
	if _, text := s.do(t, "GET", "/metrics", ""); strings.Contains(text, "sluice_rule_example_failed{") {
		t.Error("metrics name an example after the rules were taken")
	}
	if _, text := s.do(t, "GET", "/v1/rules", ""); strings.Contains(text, "refused") || !strings.Contains(text, `"id":"better"`) {
		t.Errorf("GET /v1/rules: %s", text)
	}
	s.terminate(t)
}

// TestServeRefusesFailingExamples: nothing decides by rules that do not do what
// their author says.
func TestServeRefusesFailingExamples(t *testing.T) {
	p := placeAt(t, []string{"127.0.0.1:1"}, exemplified("bad", "3"), "")
	var out, errs bytes.Buffer
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"SLUICE_BROKERS": "127.0.0.1:1", "SLUICE_LISTEN": "127.0.0.1:0"}[name]
		return v, ok
	}
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	code := run(ctx, []string{"serve", "--config", filepath.Join(p.dir, "sluice.yaml")}, console{&out, messagesTo(&errs), env})
	if code != exitFault || !strings.Contains(errs.String(), `the example "two before" of bad fails: rule: expected fires, got does not fire`) {
		t.Errorf("%d %s", code, errs.String())
	}
}

// told is a writer that a test looks at while others write.
type told struct {
	mu sync.Mutex
	b  strings.Builder
}

func (o *told) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *told) await(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(hung); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		o.mu.Lock()
		found := strings.Contains(o.b.String(), text)
		o.mu.Unlock()
		if found {
			return
		}
	}
	t.Fatalf("no %q in %s", text, o.b.String())
}

// TestWatchTestsAgain runs the examples whenever the files change.
func TestWatchTestsAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rules")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "a.yaml")
	put(t, file, exemplified("good", "2"))
	swap := func(text string) { // at once: nobody finds it half written
		t.Helper()
		next := filepath.Join(filepath.Dir(dir), "next.yaml")
		put(t, next, text)
		if err := os.Rename(next, file); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var out told
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"test", "--watch", dir}, console{&out, messagesTo(&out), os.LookupEnv})
	}()
	out.await(t, "rules: 1 example, all as expected\n")
	swap(exemplified("bad", "3"))
	out.await(t, "changed:")
	out.await(t, "rules: 1 of 1 example failed\n")
	swap("rules: [")
	out.await(t, "1 fault\n")
	swap(exemplified("again", "1"))
	out.await(t, "1 fault\n\nchanged:\n"+dir+": 1 example, all as expected\n")
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d", code)
	}
}
