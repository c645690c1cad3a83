package stream_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"sluice/stream"
)

// TestRewound goes on with a journal as it was some time ago, as after a crash
// whose last cuts were not written: what was decided, told of and reported
// since then stands in its topics, and nothing of it is done twice.
func TestRewound(t *testing.T) {
	b := newBench(t)
	b.create(t, b.options())
	o := b.options()
	o.Journal = &stream.Journaling{Dir: t.TempDir(), Interval: 20 * time.Millisecond}
	send := func(from, to int) {
		for i := from; i < to; i++ {
			at := b.start.Add(time.Duration(i) * time.Second)
			customer := fmt.Sprint("c", i%7)
			b.send(t, b.topics.Transactions, customer, at, b.body(i, customer, at, 100+i))
			if i%10 == 3 {
				b.send(t, b.topics.Transactions, customer, at, fmt.Appendf(nil, "no JSON %d", i))
			}
			if i%10 == 7 { // the id of an earlier one, with another body
				b.send(t, b.topics.Transactions, customer, at, b.body(i-7, customer, at, 9))
			}
		}
		b.flush(t)
	}
	decided := func(p *stream.Processor, n int64) func() bool {
		return func() bool { return p.Counts().Decisions() >= n && b.drained(t, p)() }
	}
	p, stop := b.run(t, o)
	send(0, 100)
	await(t, "the first part", decided(p, 100))
	stop()
	before := os.DirFS(o.Journal.Dir)
	kept := t.TempDir()
	if err := os.CopyFS(kept, before); err != nil {
		t.Fatal(err)
	}
	p, stop = b.run(t, o)
	send(100, 300)
	await(t, "the second part", decided(p, 200))
	stop()

	o.Journal.Dir = kept
	p, stop = b.run(t, o)
	send(300, 320)
	await(t, "the third part", decided(p, 20))
	stop()
	b.verdicts(t, 320)
	sources := map[string]int{}
	for _, r := range readAll(t, b.seeds, b.topics.DeadLetters, 64) {
		var l struct{ Source json.RawMessage }
		if err := json.Unmarshal(r.Value, &l); err != nil {
			t.Fatal(err)
		}
		sources[string(l.Source)]++
	}
	if len(sources) != 64 {
		t.Errorf("letters of %d records, not 64", len(sources))
	}
}
