package stream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/scoring"
	"sluice/scoring/event"
)

// Windows that are longer than any before lack what was dropped by then, of memory
// at a reload and of the journal at a restart, and their maturity says so.
func TestLongerWindowsAreYoung(t *testing.T) {
	schema, sets := coldSets(t, coldRules, coldRules+"  - {id: year, when: 'count(shop.last(\"300d\")) >= 0'}\n")
	dir, record := t.TempDir(), ""
	c := newColdShop(t, schema, sets[0])
	c.keep = time.Hour
	c.seen = func(d *scoring.Decision) { record = string(d.Record) }
	c.open(dir, 2<<20)
	defer func() { c.close() }()
	id := 0
	pay := func(day int64) {
		txs := make([]event.Transaction, 1)
		id++
		ms := 1_700_000_000_000 + day*24*time.Hour.Milliseconds()
		if err := c.decoder.Transaction(&txs[0], fmt.Appendf(nil, `{"id":"p%d","time":%d,"shop":"s","card":"c","amount":"1.00"}`, id, ms), ms*1e6); err != nil {
			t.Fatal(err)
		}
		c.e.now = func() int64 { return ms * 1e6 }
		c.decide(txs)
		c.cut()
	}
	sees := func(when, want string) {
		t.Helper()
		if want = `"expr":"count(shop.last(\"300d\"))",` + want; !strings.Contains(record, want) {
			t.Errorf("%s: want %s\nin %s", when, want, record)
		}
	}
	pay(0)
	pay(40) // what was 40 days ago is dropped
	c.e.swap(sets[1])
	pay(50)
	sees("after a reload", `"value":1,"maturity":0.133`)
	before := (1_700_000_000_000 + 45*24*time.Hour.Milliseconds()) * 1e6
	if err := c.journal.Forget(before, before); err != nil {
		t.Fatal(err)
	}
	pay(60)
	c.close()
	c.set = sets[1]
	c.open(dir, 2<<20)
	pay(70)
	sees("after a restart", `"value":2,"maturity":0.086`)
}
