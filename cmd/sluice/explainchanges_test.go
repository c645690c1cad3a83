package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEndToEndExplainChanges explains verdicts that were made under changes by
// people, of which some have been taken back since, and by other rules.
func TestEndToEndExplainChanges(t *testing.T) {
	const more = "  - {id: again, when: 'any(account.last(\"1h\"), .verdict == \"deny\")', score: 1}\n"
	p := newPlace(t, changingRules+more)
	put(t, filepath.Join(p.dir, "rules", "lists", "bad.txt"), "a-1\n")
	s := p.serve(t)
	s.awaitReady(t)
	ask := func(method, path, body string) {
		t.Helper()
		if status, answer := s.do(t, method, path, body); status/100 != 2 {
			t.Fatalf("%s %s: %d %s", method, path, status, answer)
		}
		// Arrivals are milliseconds: what arrives in that of a change is taken for earlier.
		time.Sleep(2 * time.Millisecond)
	}
	next := 0
	decides := func(account, want string) {
		t.Helper()
		next++
		status, record := s.do(t, "POST", "/v1/verdicts", tx(next, account, time.Now(), "3", `,"card":"c-1"`))
		if status != http.StatusOK || !strings.Contains(record, want) {
			t.Fatalf("%s: want %s in %d %s", account, want, status, record)
		}
	}
	decides("a-2", `"verdict":"review"`) // 1: before any change
	time.Sleep(2 * time.Millisecond)
	first := time.Now().UTC().Format(time.RFC3339Nano)
	ask("POST", "/v1/lists/bad/entries", `{"value":"a-2","ttl":"1h","author":"ana","why":"case 7"}`)
	decides("a-2", `"verdict":"deny"`) // 2
	ask("POST", "/v1/rules/small/snoozes", `{"entity":"card","value":"c-1","for":"1h","author":"bo","why":"he called"}`)
	ask("DELETE", "/v1/lists/bad/entries/a-2?author=bo&why=cleared", "")
	decides("a-2", `"rules":["again"],"reasons":[],"shadow":["small"]`) // 3: and it was denied before
	ask("DELETE", "/v1/rules/small/snoozes/card/c-1?author=bo&why=done", "")
	p.rules(t, "rules: []\n")
	ask("POST", "/-/reload", "")
	decides("a-2", `"verdict":"allow","score":0,"rules":[]`) // 4
	s.terminate(t)
	t.Setenv("SLUICE_BROKERS", strings.Join(p.seeds, ","))

	explain := func(id int, code int, wants ...string) {
		t.Helper()
		stdout, stderr, got := sluice(t, "explain", fmt.Sprint(id), "--config", filepath.Join(p.dir, "sluice.yaml"), "--verify")
		if got != code {
			t.Errorf("%d: exit %d %s", id, got, stderr)
		}
		for _, want := range wants {
			if strings.HasPrefix(want, "not ") == strings.Contains(stdout, strings.TrimPrefix(want, "not ")) {
				t.Errorf("%d: want %q in\n%s", id, want, stdout)
			}
		}
	}
	const same, known = "\nVerified: ", "lists and snoozes are as people had changed them by then (change %d)"
	explain(1, 0, ": review, score 0", "not people had changed", "\nsmall fires (live, review; rule set ", same)
	explain(2, 0, ": deny, score 0", fmt.Sprintf(known, 1), "listed fires", same)
	explain(3, 0, ": allow, score 1", fmt.Sprintf(known, 3), "listed does not fire", "small fires, demoted", "it is snoozed for this card", "again fires", same)
	explain(4, 0, ": allow, score 0", fmt.Sprintf(known, 4), same)

	// A backtest goes by the files alone, and says so.
	backtest := func(want string, args ...string) {
		t.Helper()
		stdout, stderr, code := sluice(t, append([]string{"backtest", "--config", filepath.Join(p.dir, "sluice.yaml")}, args...)...)
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("%v: exit %d %s, want %q in\n%s", args, code, stderr, want, stdout)
		}
	}
	backtest("\nChanges through the API are not in it: 2 of lists and snoozes were in force meanwhile; lists are those of the rule directory\n")
	backtest(`"changes_left_out": 2`, "--format", "json")
	backtest(`"changes_left_out": 0`, "--format", "json", "--to", first)

	// Where nothing is kept, it says what the answer rests on.
	if err := os.RemoveAll(filepath.Join(p.dir, "state")); err != nil {
		t.Fatal(err)
	}
	p.rules(t, changingRules+more)
	explain(1, 0, ": review, score 0", "not people had changed", same)
	explain(2, 1, ": review, score 0", "people had changed lists or snoozes by then (change 1), and none are kept in ",
		"run this where Sluice runs, or bring a copy of that directory; what is said of rules that ask lists (listed), and of snoozes, rests on the files alone",
		"\nNot verified: the rule listed asks the list bad, and what people had changed of it is not known.", "not Wrong")
	explain(3, 0, "small fires (live", "That is not what is said above", same)
}
