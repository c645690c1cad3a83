package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const changingRules = `
rules:
  - {id: listed, when: tx.account in lists.bad, verdict: deny}
  - {id: small, when: tx.amount < 5, verdict: review}
`

// TestEndToEndChanges changes what rules look at while payments are decided, and
// kills the program: what was taken holds, and verdicts say under which change.
func TestEndToEndChanges(t *testing.T) {
	p := newPlace(t, changingRules)
	put(t, filepath.Join(p.dir, "rules", "lists", "bad.txt"), "a-1\na-2 until 2020-01-01\n")
	s := p.serve(t)
	s.awaitReady(t)
	next, shape := 0, verdictShape(t)
	decides := func(account, want string) {
		t.Helper()
		next++
		body := tx(next, account, time.Now(), "3", `,"card":"`+cardNumber+`"`)
		if status, record := s.do(t, "POST", "/v1/verdicts", body); status != http.StatusOK || !strings.Contains(record, want) {
			t.Errorf("%s: want %s in %d %s", account, want, status, record)
		} else if f := shape.faults([]byte(record)); len(f) > 0 {
			t.Errorf("%s\n%q", record, f)
		}
	}
	change := func(method, path, body string, want int) {
		t.Helper()
		if status, answer := s.do(t, method, path, body); status != want || strings.Contains(answer, cardNumber) {
			t.Errorf("%s %s: %d %s", method, path, status, answer)
		}
	}
	decides("a-1", `"verdict":"deny"`)
	decides("a-2", `"verdict":"review"`)
	if status, record := s.do(t, "GET", "/v1/verdicts/2", ""); status != http.StatusOK || strings.Contains(record, `"changes"`) {
		t.Errorf("nothing was changed: %s", record)
	}
	change("POST", "/v1/lists/bad/entries", `{"value":"a-3","ttl":"1h","author":"ana","why":"case 7"}`, 201)
	decides("a-3", `"verdict":"deny"`)
	change("DELETE", "/v1/lists/bad/entries/a-1?ttl=1h&author=bo&why=cleared", "", 200)
	decides("a-1", `"changes":2,`)
	change("POST", "/v1/rules/small/snoozes", `{"entity":"card","value":"`+cardNumber+`","for":"1h","author":"bo","why":"he called"}`, 201)
	if code := s.stop(t, syscall.SIGKILL); code == 0 {
		t.Error("it was not killed")
	}

	first := s
	s = p.serve(t)
	s.awaitReady(t)
	for range 2 {
		decides("a-3", `"verdict":"deny","score":0,"rules":["listed"],"reasons":[],"shadow":["small"],"demoted":[{"rule":"small","by":"snooze",`)
		decides("a-1", `"verdict":"allow"`)
		decides("a-4", `"changes":3,`)
		p.rules(t, changingRules+"  - {id: more, when: tx.amount > 100, score: 1}\n") // they lie over other files too
		s.do(t, "POST", "/-/reload", "")
	}
	_, text := s.do(t, "GET", "/metrics", "")
	for _, series := range []string{"sluice_changes_revision 3", `sluice_changes_held{kind="entry"} 2`, `sluice_changes_held{kind="snooze"} 1`, `sluice_changes_total{do="add"} 0`, "sluice_rules_pinned 0"} {
		if !strings.Contains(text, "\n"+series+"\n") {
			t.Errorf("no %s", series)
		}
	}
	s.terminate(t)
	if leaks(first.logged()) || leaks(s.logged()) || !strings.Contains(first.logged(), "author=bo") {
		t.Error("the log:", first.logged())
	}
}

// TestEndToEndLargeList takes a list of a million entries in while payments are
// decided: they are decided meanwhile.
func TestEndToEndLargeList(t *testing.T) {
	p := newPlace(t, changingRules)
	list := filepath.Join(p.dir, "rules", "lists", "bad.txt")
	put(t, list, "x\n")
	s := p.serve(t)
	s.awaitReady(t)
	var b strings.Builder
	for i := range 1_000_000 {
		fmt.Fprintf(&b, "account-%d until 2199-01-31\n", i)
	}
	next, meanwhile := 0, 0
	decide := func() string {
		next++
		status, record := s.do(t, "POST", "/v1/verdicts", tx(next, "account-999999", time.Now(), "30", ""))
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, record)
		}
		return record
	}
	// Where this test stands still while the list is read, it is read once more.
	for range 10 {
		b.WriteString("once-more\n")
		put(t, list, b.String())
		var reloaded atomic.Bool
		go func() {
			status, answer := s.do(t, "POST", "/-/reload", "")
			if status != http.StatusOK {
				t.Errorf("%d %s", status, answer)
			}
			reloaded.Store(true)
		}()
		for !reloaded.Load() {
			decide()
			if !reloaded.Load() {
				meanwhile++
			}
		}
		if meanwhile > 0 {
			break
		}
	}
	if meanwhile == 0 {
		t.Error("nothing was decided while the list was read")
	}
	if record := decide(); !strings.Contains(record, `"verdict":"deny"`) {
		t.Error(record)
	}
	s.terminate(t)
}
