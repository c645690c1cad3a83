package stream_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/bench/kafkatest"
	"sluice/rules"
	"sluice/scoring"
)

// journal keeps what is logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) has(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.text.String(), text)
}

// TestRebalance lets a second member of the group come and go while
// transactions flow: partitions are lost and come back, every transaction gets
// its verdict, and no offset moves backwards.
func TestRebalance(t *testing.T) {
	b := newBench(t)
	o := b.options()
	b.create(t, o)
	logged := &journal{}
	o.Log = slog.New(slog.NewTextHandler(logged, nil))
	p, stop := b.run(t, o)
	const n = 1500
	committed := map[int32]int64{}
	adm := kadm.NewClient(b.out)
	check := func() {
		offsets, err := adm.FetchOffsets(t.Context(), b.group)
		if err != nil {
			return // the group may be between two generations
		}
		offsets.Each(func(r kadm.OffsetResponse) {
			if r.Topic == b.topics.Transactions && r.At >= 0 {
				if r.At < committed[r.Partition] {
					t.Errorf("partition %d went back from %d to %d", r.Partition, committed[r.Partition], r.At)
				}
				committed[r.Partition] = r.At
			}
		})
	}
	for round := range 3 {
		for i := round * n / 3; i < (round+1)*n/3; i++ {
			c := fmt.Sprintf("c%d", i%100)
			at := b.start.Add(time.Duration(i) * time.Minute)
			b.send(t, b.topics.Transactions, c, at, b.body(i, c, at, 100))
		}
		b.flush(t)
		check()
		if round == 2 {
			break
		}
		other, leave := b.run(t, o)
		await(t, "the second member has partitions", func() bool {
			return len(other.State().Partitions) > 0 && p.State().Phase == "deciding"
		})
		check()
		await(t, "somebody is warned that there are two", func() bool { return logged.has("other processes of the group") })
		leave()
		await(t, "the first has all again", func() bool { return len(p.State().Partitions) == 8 && p.CaughtUp() })
		check()
	}
	got := b.verdicts(t, n)
	await(t, "caught up", b.drained(t, p))
	stop()
	check()
	total := int64(0)
	for _, at := range committed {
		total += at
	}
	if total != n {
		t.Errorf("committed %d of %d", total, n)
	}
	for i := range n {
		if _, ok := got[i]; !ok {
			t.Fatalf("no verdict of %d", i)
		}
	}
}

// TestRebalanceOfABusyEngine: an engine that is too busy to let its partitions go
// in the time that a rebalance has does so before it is given new ones. What is in
// memory is known then, and not read a second time.
func TestRebalanceOfABusyEngine(t *testing.T) {
	b := newBench(t)
	o := b.options()
	b.create(t, o)
	logged := &journal{}
	o.Log = slog.New(slog.NewTextHandler(logged, nil))
	p, stop := b.run(t, o)
	const n = 40
	for i := range n {
		c := fmt.Sprintf("c%d", i)
		b.send(t, b.topics.Transactions, c, b.start, b.body(i, c, b.start, 100))
	}
	b.flush(t)
	b.verdicts(t, n)
	await(t, "caught up", b.drained(t, p))

	busy, rest := make(chan struct{}), make(chan struct{})
	inspected := make(chan error, 1)
	go func() {
		inspected <- p.Inspect(t.Context(), func(*scoring.Core) { close(busy); <-rest })
	}()
	<-busy
	_, leave := b.run(t, o)
	await(t, "the partitions go unfinished", func() bool { return logged.has("letting partitions go before all verdicts") })
	await(t, "the group goes on", func() bool { return p.State().Phase != "joining" })
	time.Sleep(100 * time.Millisecond) // for what should wait, and did not
	close(rest)
	if err := <-inspected; err != nil {
		t.Error(err)
	}
	leave()
	await(t, "the first has all again", func() bool { return len(p.State().Partitions) == 8 && b.drained(t, p)() })
	if c := p.Counts(); c.Remembered != 0 || c.Decisions() != n {
		t.Errorf("%d decided, %d read back of what was in memory", c.Decisions(), c.Remembered)
	}
	stop()
}

// TestReloads swaps a thousand rule sets under load: every verdict is one of a
// whole set.
func TestReloads(t *testing.T) {
	b := newBench(t)
	// Under both sets exactly two rules fire, of the same generation.
	const text = `
rules:
  - {id: X-one, when: tx.amount > 0, verdict: review}
  - {id: X-two, when: tx.amount >= 1, score: 1}
`
	sets := []*rules.Set{
		setOf(t, b.schema, strings.ReplaceAll(text, "X", "old")),
		setOf(t, b.schema, strings.ReplaceAll(text, "X", "new")),
	}
	b.set = sets[0]
	p, _ := b.run(t, b.options())
	const n = 20_000
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range n {
			c := fmt.Sprintf("c%d", i%5000)
			b.send(t, b.topics.Transactions, c, b.start, b.body(i, c, b.start, 100))
		}
		b.flush(t)
	}()
	for i := range 1000 {
		if err := p.Swap(t.Context(), sets[i%2]); err != nil {
			t.Fatal(err)
		}
	}
	<-sent
	for id, v := range b.verdicts(t, n) {
		if len(v.Rules) != 2 || v.Rules[0][:3] != v.Rules[1][:3] || v.Verdict != "review" {
			t.Fatalf("verdict of %d by a mixture: %+v", id, v)
		}
	}
}

// TestSeveralBrokers spreads the partitions over leaders, and moves one.
func TestSeveralBrokers(t *testing.T) {
	if os.Getenv("SLUICE_TEST_BROKERS") != "" {
		t.Skip("needs a cluster of its own")
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	b := &bench{seeds: cluster.ListenAddrs(), topics: topicsFor(t), schema: schemaOf(t), start: time.Now().Add(-time.Hour)}
	b.set = setOf(t, b.schema, testRules)
	b.group = "g"
	b.out = peer(t, b.seeds)
	o := b.options()
	o.Creation.Partitions = 6
	b.create(t, o)
	p, _ := b.run(t, o)
	const n = 3000
	for i := range n {
		c := fmt.Sprintf("c%d", i%1000)
		b.send(t, b.topics.Transactions, c, b.start, b.body(i, c, b.start, 100))
		if i%500 == 250 {
			for _, topic := range []string{b.topics.Transactions, b.topics.Verdicts} {
				_ = cluster.MoveTopicPartition(topic, int32(rand.N(6)), int32(rand.N(3)))
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	b.flush(t)
	b.verdicts(t, n)
	await(t, "caught up", b.drained(t, p))
}

// TestGap deletes records that were never decided: nothing is skipped in silence.
func TestGap(t *testing.T) {
	b := newBench(t)
	o := b.options()
	o.Creation.Partitions = 1
	b.create(t, o)
	for i := range 10 {
		b.send(t, b.topics.Transactions, "a", b.start, b.body(i, "a", b.start, 100))
	}
	b.flush(t)
	p, stop := b.run(t, o)
	b.decided(t, p, 10)
	stop()
	for i := 10; i < 20; i++ {
		b.send(t, b.topics.Transactions, "a", b.start, b.body(i, "a", b.start, 100))
	}
	b.flush(t)
	kafkatest.DeleteRecords(t, b.out, b.topics.Transactions, 0, 15)
	p, stop = b.run(t, o)
	await(t, "the trouble is told", func() bool {
		s := p.State()
		return !s.CaughtUp && len(s.Troubles) > 0 && strings.Contains(s.Troubles[0], "10 to 14 are gone")
	})
	stop()
	b.verdicts(t, 10)
	o.AcceptGap = true
	b.run(t, o)
	got := b.verdicts(t, 15)
	for i := 15; i < 20; i++ {
		if _, ok := got[i]; !ok {
			t.Errorf("no verdict of %d", i)
		}
	}
}

// TestTransactional reads what a transactional producer wrote: aborted records
// are no payments, and control batches do not stop anything.
func TestTransactional(t *testing.T) {
	b := newBench(t)
	o := b.options()
	b.create(t, o)
	w := peer(t, b.seeds, kgo.TransactionalID(b.group))
	for i, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} {
		if err := w.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for j := range 100 {
			id := 100*i + j
			r := &kgo.Record{Topic: b.topics.Transactions, Key: fmt.Append(nil, j%10), Value: b.body(id, "c", b.start, 100), Timestamp: b.start}
			if err := w.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	p, _ := b.run(t, o)
	for id := range b.verdicts(t, 200) {
		if id/100 == 1 {
			t.Fatalf("an aborted transaction was decided: %d", id)
		}
	}
	await(t, "caught up", b.drained(t, p))
}
