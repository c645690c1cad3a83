package main

import (
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/files"
)

// TestRepeatForOneSet: what one of two sets takes for a repeat, since it looks back
// further, is one for both. The other's verdict would be compared with none.
func TestRepeatForOneSet(t *testing.T) {
	schema, err := loadSchema("")
	if err != nil {
		t.Fatal(err)
	}
	set := func(window string) *rules.Set {
		set, err := rules.LoadFS(fstest.MapFS{"a.yaml": {Data: []byte(`rules: [{id: a, when: 'count(card.last("` + window + `")) >= 9', score: 1}]`)}}, "test", schema)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	short, long := set("30d"), set("60d")
	for name, sets := range map[string][2]*rules.Set{"new": {short, long}, "compared with": {long, short}} {
		r := newReplay(schema, sets[0], sets[1], -1)
		few := scoring.Options{KeepIDs: 200 * 365 * 24 * time.Hour, MaxIDs: 1, NoRecord: true}
		r.core, r.other = scoring.New(schema, sets[0], few), scoring.New(schema, sets[1], few)
		told := ""
		r.settle = func(d *scoring.Decision, was *rules.Outcome, _ *files.Item) {
			told += fmt.Sprint(d.Tx.ID(), " ", d.Status)
			if d.Status == scoring.Decided {
				told += fmt.Sprint(" ", d.Outcome.Verdict, " ", was.Verdict)
			}
			told += ";"
		}
		pay := func(id string, day int) {
			at := twinStart.AddDate(0, 0, day)
			item := new(files.Item)
			text := fmt.Sprintf(`{"id":%q,"time":%q,"amount":"1.00","currency":"EUR","card":"c"}`, id, at.Format(time.RFC3339))
			if err := event.NewDecoder(schema).Transaction(&item.Tx, []byte(text), at.UnixNano()); err != nil {
				t.Fatal(err)
			}
			r.take(item)
		}
		pay("a", 0)
		r.flush()
		pay("b", 40)
		r.flush()
		pay("c", 41)
		pay("a", 0)
		r.flush()
		want := fmt.Sprintf("a %[1]d allow allow;b %[1]d allow allow;c %[1]d allow allow;a %d;", scoring.Decided, scoring.Repeat)
		if told != want {
			t.Errorf("%s: told %s\nwant %s", name, told, want)
		}
	}
}
