package stream_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"sluice/bench/kafkatest"
	"sluice/stream"
)

// pay sends payments with ids from one up to another one.
func (b *bench) pay(t *testing.T, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		at := b.start.Add(time.Duration(i) * time.Second)
		customer := fmt.Sprint("c", i)
		b.send(t, b.topics.Transactions, customer, at, b.body(i, customer, at, 100))
	}
	b.flush(t)
}

// TestVerdictsExpired: a run starts although the verdicts topic's retention has
// passed the place up to which the journal knows it. Where a partition is quiet,
// only markers lie behind that place, and go in time.
func TestVerdictsExpired(t *testing.T) {
	b := newBench(t)
	b.create(t, b.options())
	o := b.options()
	o.Journal = &stream.Journaling{Dir: t.TempDir(), Interval: 20 * time.Millisecond}
	p, stop := b.run(t, o)
	b.pay(t, 0, 1) // three partitions of four hold nothing
	b.decided(t, p, 1)
	stop()
	_, stop = b.run(t, o) // leaves its markers
	stop()
	for partition, end := range kafkatest.Ends(t, b.out, b.topics.Verdicts) {
		kafkatest.DeleteRecords(t, b.out, b.topics.Verdicts, partition, end)
	}
	p, stop = b.run(t, o)
	b.pay(t, 1, 2)
	b.decided(t, p, 1)
	stop()
	b.verdicts(t, 1)
}

// TestVerdictsAnew: where the verdicts topic was made anew, what stands in it is
// read after a crash as what stood in the former one would be.
func TestVerdictsAnew(t *testing.T) {
	b := newBench(t)
	b.create(t, b.options())
	o := b.options()
	o.Journal = &stream.Journaling{Dir: t.TempDir(), Interval: 20 * time.Millisecond}
	p, stop := b.run(t, o)
	b.pay(t, 0, 100)
	b.decided(t, p, 100)
	stop()
	kafkatest.Delete(t, b.out, b.topics.Verdicts)
	p, stop = b.run(t, o) // makes it
	b.pay(t, 100, 110)
	b.decided(t, p, 10)
	stop()
	kept := t.TempDir() // as after a crash whose last cuts were not written
	if err := os.CopyFS(kept, os.DirFS(o.Journal.Dir)); err != nil {
		t.Fatal(err)
	}
	p, stop = b.run(t, o)
	b.pay(t, 110, 250)
	b.decided(t, p, 140)
	stop()

	o.Journal.Dir = kept
	p, stop = b.run(t, o)
	b.pay(t, 250, 260)
	b.decided(t, p, 10)
	stop()
	b.verdicts(t, 160)
}

// TestLettersAnew: where the topic of dead letters was made anew, none that stands
// there is written once more after a crash.
func TestLettersAnew(t *testing.T) {
	b := newBench(t)
	b.create(t, b.options())
	o := b.options()
	o.Journal = &stream.Journaling{Dir: t.TempDir(), Interval: 20 * time.Millisecond}
	fail := func(p *stream.Processor, n int) {
		for i := range n {
			b.send(t, b.topics.Transactions, "c", b.start, fmt.Appendf(nil, "no JSON %d", i))
		}
		b.flush(t)
		await(t, "letters", b.drained(t, p))
	}
	p, stop := b.run(t, o)
	fail(p, 20)
	stop()
	kept := t.TempDir() // as after a crash before the first cut of the run that follows
	if err := os.CopyFS(kept, os.DirFS(o.Journal.Dir)); err != nil {
		t.Fatal(err)
	}
	kafkatest.Delete(t, b.out, b.topics.DeadLetters)
	p, stop = b.run(t, o)
	fail(p, 5)
	stop()
	o.Journal.Dir = kept
	p, stop = b.run(t, o)
	await(t, "the end", b.drained(t, p))
	stop()
	readAll(t, b.seeds, b.topics.DeadLetters, 5)
}
