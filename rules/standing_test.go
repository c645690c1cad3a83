package rules

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// standings gives what can be seen of a Standing.
func standings(s *Standing) string {
	text := fmt.Sprint(s.Quarantine.Held())
	for _, t := range s.Breakers.Open() {
		text += fmt.Sprintln(t.Rule.ID, t.Since, t.Why, t.Hits, t.Transactions, t.Usual, t.Money)
	}
	return text
}

// TestStandingResumes cuts a stream in many places: a run that resumes there goes
// on as the one that went through.
func TestStandingResumes(t *testing.T) {
	set := loadRules(t, breakerRules)
	var whole, parts Standing
	whole.Use(set)
	parts.Use(set)
	w := &wave{
		r: rand.New(rand.NewPCG(3, 9)), schema: set.Schema, at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano(),
		usual: [6]float64{0.04, 0.6, 0.08, 0.06, 0.06, 0.005},
	}
	seen, largest := map[string]bool{}, 0
	for i := range 9000 {
		tx, out := w.next(i)
		if i%5 == 0 && i > 4000 && i < 4400 {
			out.Errors = []Skip{{4, "it is broken"}}
		}
		if a, b := whole.Decided(tx, &out), parts.Decided(tx, &out); a != b {
			t.Fatalf("transaction %d: news %+v, want %+v", i, b, a)
		}
		if i%7 == 0 {
			saved := parts.Append(nil)
			largest = max(largest, len(saved))
			parts = Standing{}
			parts.Use(set)
			if err := parts.Resume(saved); err != nil {
				t.Fatal(err)
			}
			if again := parts.Append(nil); !bytes.Equal(again, saved) {
				t.Fatalf("transaction %d: what is written again differs", i)
			}
		}
		if got, want := standings(&parts), standings(&whole); got != want {
			t.Fatalf("transaction %d:\n got %s\nwant %s", i, got, want)
		}
		for _, r := range whole.Breakers.Open() {
			seen[r.Rule.ID] = true
		}
	}
	if !seen["steady"] || !seen["falls"] || len(whole.Quarantine.Held()) != 1 || largest > 500*len(set.Rules) {
		t.Errorf("breakers opened of %v, in quarantine are %v, %d bytes", seen, whole.Quarantine.Held(), largest)
	}
}

// TestStandingOfOtherRules resumes under a set that was changed meanwhile.
func TestStandingOfOtherRules(t *testing.T) {
	var before Standing
	before.Use(loadRules(t, breakerRules))
	hours(&before.Breakers, 0, 0, 30, 2)
	hours(&before.Breakers, 0, 30, 1, 60)
	for range maxFailures {
		before.Quarantine.Decided(1e18, []Skip{{1, "it is broken"}})
	}
	saved := before.Append(nil)
	for _, c := range []struct {
		from, to   string
		open, held int
	}{
		{"x", "x", 1, 1},
		{"steady,", "steady, score: 1,", 0, 1},
		{"night,", "night, score: 1,", 1, 0},
		{"id: steady", "id: another", 0, 1},
		{"rules:\n", "rules:\n  - {id: before, when: tx.n > 1}\n", 1, 1},
	} {
		var after Standing
		after.Use(loadRules(t, strings.Replace(breakerRules, c.from, c.to, 1)))
		if err := after.Resume(saved); err != nil {
			t.Fatal(err)
		}
		open := after.Breakers.Open()
		if len(open) != c.open || len(after.Quarantine.Held()) != c.held {
			t.Errorf("%s: %d open, %d held", c.to, len(open), len(after.Quarantine.Held()))
		}
		if c.open == 1 && (open[0].Rule.ID != "steady" || !open[0].Resumed || open[0].Rule.File == "") {
			t.Errorf("%s: open is %+v", c.to, open[0])
		}
	}
}

func FuzzResume(f *testing.F) {
	set, err := LoadFS(files("a.yaml", breakerRules), "test", testSchema(f))
	if err != nil {
		f.Fatal(err)
	}
	var s Standing
	s.Use(set)
	f.Add(s.Append(nil))
	hours(&s.Breakers, 0, 0, 30, 2)
	hours(&s.Breakers, 0, 30, 1, 60)
	s.Quarantine.Decided(1, []Skip{{1, "it is broken"}})
	f.Add(s.Append(nil))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, saved []byte) {
		var s Standing
		s.Use(set)
		fresh := s.Append(nil)
		if s.Resume(saved) != nil {
			if !bytes.Equal(s.Append(nil), fresh) {
				t.Error("what can't be read has changed something")
			}
			return
		}
		hours(&s.Breakers, 0, 30, 2, 60) // it must hold up
		s.Quarantine.Decided(1, []Skip{{1, "it is broken"}})
	})
}
