package stream

import (
	"fmt"
	"testing"
	"time"

	"sluice/scoring/event"
)

// What the journal has forgotten and memory still counts is no damage, although
// rules look back further now, and a late payment lies before it.
func TestForgottenIsNotDamage(t *testing.T) {
	schema, sets := coldSets(t, coldRules, coldRules+"  - {id: year, when: 'count(shop.last(\"300d\"), .amount >= 50) >= 0'}\n")
	c := newColdShop(t, schema, sets[0])
	c.keep = time.Hour
	c.open(t.TempDir(), 2<<20)
	defer c.close()
	const day = int64(24 * time.Hour / time.Millisecond)
	id := 0
	pay := func(shop string, n int, time, arrival int64) {
		for txs := make([]event.Transaction, 256); n > 0; n -= len(txs) {
			txs = txs[:min(n, len(txs))]
			for i := range txs {
				id++
				step := int64(id) * coldStep.Milliseconds()
				msg := fmt.Sprintf(`{"id":"p%07d","time":%d,"shop":%q,"card":"c","amount":"1.00"}`, id, 1_700_000_000_000+time+step, shop)
				if err := c.decoder.Transaction(&txs[i], []byte(msg), (1_700_000_000_000+arrival+step)*1e6); err != nil {
					t.Fatal(err)
				}
			}
			c.decide(txs)
			c.cut()
		}
	}
	pay("s", 16384, 0, 0)
	for range 33 {
		pay("s", 1, 50*day, 100*day) // late, and not remembered
		pay("other", 128, 100*day, 100*day)
	}
	passed := c.e.core.Passed()
	if err := c.journal.Forget(passed-60*day*1e6, passed-60*day*1e6); err != nil {
		t.Fatal(err)
	}
	c.e.swap(sets[1])
	away := c.e.core.Store().Stats().EntriesAway
	pay("late", 1, -30*day, 100*day)
	pay("s", 1, 100*day, 100*day)
	if now := c.e.core.Store().Stats().EntriesAway; away == 0 || now >= away {
		t.Errorf("%d entries lay on disk alone, and now %d: the test is none", away, now)
	}
}
