package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// lettered is a rule set whose every verdict shows that it made it, and all of it.
func lettered(letter string) string {
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := range 20 {
		fmt.Fprintf(&b, "  - {id: %s%d, when: count(account.last(\"1h\")) >= 0 and tx.amount > %d, score: 1}\n", letter, i, -1-i)
	}
	return b.String()
}

// TestEndToEndReload changes rules in the three ways, and badly.
func TestEndToEndReload(t *testing.T) {
	p := newPlace(t, lettered("a"))
	s := p.serve(t)
	s.awaitReady(t)
	next := 0
	decides := func(letter string) {
		t.Helper()
		next++
		status, record := s.do(t, "POST", "/v1/verdicts", tx(next, "x", time.Now(), "1", ""))
		if status != http.StatusOK || !strings.Contains(record, `"rules":["`+letter+`0",`) || !strings.Contains(record, `,"`+letter+`19"]`) {
			t.Errorf("set %s does not decide: %d %s", letter, status, record)
		}
	}
	decides("a")

	p.rules(t, lettered("b"))
	s.await(t, "a changed file is taken", func() bool { return strings.Count(s.logged(), "new rules are in force") == 1 })
	decides("b")

	status, answer := s.do(t, "POST", "/-/reload", "")
	if status != http.StatusOK || !strings.Contains(answer, `"id":"b0"`) {
		t.Errorf("POST /-/reload: %d %s", status, answer)
	}
	s.awaitLog(t, "are the same")
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.await(t, "SIGHUP reloads", func() bool { return strings.Count(s.logged(), "are the same") == 2 })

	p.rules(t, lettered("c")+"  - {id: bad, when: tx.amuont > 1}\n  - {id: c1, when: tx.amount ==}\n")
	s.awaitLog(t, "the last good set keeps deciding")
	status, answer = s.do(t, "POST", "/-/reload", "")
	if status != http.StatusUnprocessableEntity || !strings.Contains(answer, "did you mean") || !strings.Contains(answer, "rules.yaml:22:") || !strings.Contains(answer, "rules.yaml:23:") {
		t.Errorf("POST /-/reload of a bad set: %d %s", status, answer)
	}
	decides("b")
	if _, text := s.do(t, "GET", "/metrics", ""); !strings.Contains(text, "sluice_rule_reload_last_success 0\n") || strings.Contains(text, `outcome="refused"} 0`) {
		t.Error("metrics say nothing of a refused reload")
	}

	p.rules(t, lettered("d"))
	s.await(t, "a good file is taken again", func() bool { return strings.Count(s.logged(), "new rules are in force") == 2 })
	decides("d")
	s.await(t, "the alert ends", func() bool { return strings.Contains(s.logged(), "Rules are taken again") })
	s.terminate(t)
	if n := len(p.verdicts(t, next)); n != 4 {
		t.Errorf("%d verdicts", n)
	}
}

// TestEndToEndReloadsUnderLoad swaps two rule sets a thousand times while
// transactions come as fast as they are decided.
func TestEndToEndReloadsUnderLoad(t *testing.T) {
	reloads := 1000
	if testing.Short() {
		reloads = 100
	}
	const (
		each  = 200  // transactions a reload
		ahead = 2000 // so many more may be under way: memory is bounded, and the engine never idle
	)
	sets := []string{lettered("a"), lettered("b")}
	p := newPlace(t, sets[0])
	s := p.serve(t)
	s.awaitReady(t)

	var sent, reloaded atomic.Int64
	var done atomic.Bool
	var all sync.WaitGroup
	all.Go(func() {
		at := time.Now()
		for i := 0; !done.Load(); i++ {
			for sent.Load() >= (reloaded.Load()+1)*each+ahead && !done.Load() {
				time.Sleep(100 * time.Microsecond)
			}
			account := fmt.Sprintf("a%d", i%500)
			p.send(t, "tx", account, tx(i, account, at, "1", ""), time.Now())
			if i%100 == 99 {
				p.flush(t) // Kafka has them; they are decided while the next ones are sent
			}
			sent.Add(1)
		}
		p.flush(t)
	})
	defer all.Wait()
	defer done.Store(true)
	for i := range reloads {
		for sent.Load() < int64(i*each) {
			time.Sleep(time.Millisecond)
		}
		p.rules(t, sets[(i+1)%2])
		if status, answer := s.do(t, "POST", "/-/reload", ""); status != http.StatusOK {
			t.Fatalf("reload %d: %d %s", i, status, answer)
		}
		reloaded.Add(1)
	}
	done.Store(true)
	all.Wait()
	if reloads%2 == 1 {
		t.Fatal("the last set is not the first one")
	}

	n := int(sent.Load())
	made := map[string]int{}
	hashes := map[string]string{}
	for _, v := range p.verdicts(t, n) {
		if len(v.Rules) != 20 || v.Verdict != "allow" {
			t.Fatalf("%+v", v)
		}
		letter := v.Rules[0][:1]
		for i, rule := range v.Rules {
			if rule != fmt.Sprintf("%s%d", letter, i) {
				t.Fatalf("a mixture: %v", v.Rules)
			}
		}
		if hashes[v.RuleSet] == "" {
			hashes[v.RuleSet] = letter
		}
		if hashes[v.RuleSet] != letter {
			t.Fatalf("rules of %s under the hash of %s", letter, hashes[v.RuleSet])
		}
		made[letter]++
	}
	if len(hashes) != 2 || made["a"] < n/100 || made["b"] < n/100 {
		t.Errorf("%d verdicts: %v under %v", n, made, hashes)
	}
	_, text := s.do(t, "GET", "/metrics", "")
	for _, series := range []string{`sluice_rules_failed_total 0`, `sluice_rule_reloads_total{outcome="refused"} 0`, `sluice_rules_skipped_total 0`} {
		if !strings.Contains(text, "\n"+series+"\n") {
			t.Errorf("no %s", series)
		}
	}
	t.Logf("%d reloads during %d verdicts: %v", reloads, n, made)
	s.terminate(t)
}

// TestRulesDirectoryGone: without its directory the last good set decides on.
func TestEndToEndRulesGone(t *testing.T) {
	p := newPlace(t, lettered("a"))
	s := p.serve(t)
	s.awaitReady(t)
	p.move(t, "rules", "elsewhere")
	s.awaitLog(t, "the last good set keeps deciding")
	if status, record := s.do(t, "POST", "/v1/verdicts", tx(1, "x", time.Now(), "1", "")); status != http.StatusOK || !strings.Contains(record, `"a19"`) {
		t.Errorf("%d %s", status, record)
	}
	put(t, filepath.Join(p.dir, "elsewhere", "rules.yaml"), lettered("b"))
	p.move(t, "elsewhere", "rules")
	s.awaitLog(t, "new rules are in force")
	s.terminate(t)
}
