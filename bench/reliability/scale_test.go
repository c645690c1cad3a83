package reliability

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/bench/kafkatest"
)

// TestReliabilityScale starts the program on a journal with very many entities,
// beside one with none, and then has it decide about entities that are in
// memory, on the disk alone, and nowhere.
//
//	SLUICE_SCALE        how many cards; 20,000 in the short form, 10 million in the full one
//	SLUICE_SCALE_DIR    keeps the filled journal for the next time
//	SLUICE_SCALE_MEMORY history.memory in MiB; 64 and 512
func TestReliabilityScale(t *testing.T) {
	cards := scale(20_000, 10_000_000)
	if named := os.Getenv("SLUICE_SCALE"); named != "" {
		var err error
		if cards, err = strconv.Atoi(named); err != nil {
			t.Fatal(err)
		}
	}
	memory := int64(scale(64, 512))
	if named := os.Getenv("SLUICE_SCALE_MEMORY"); named != "" {
		var err error
		if memory, err = strconv.ParseInt(named, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	program(t) // building it is no part of a start
	dir, w := filled(t, cards)
	empty, whole := newScaled(t, "empty", memory), newScaled(t, "whole", memory)
	lend(t, dir, whole.journal)
	rounds := scale(2, 5)
	for range rounds {
		empty.restart(t, w)
		whole.restart(t, w)
	}
	empty.started(t)
	whole.started(t)
	if full() { // the short form has few entities and may share its machine
		within(t, "answer over HTTP", whole.http, empty.http)
		within(t, "verdict of a record", whole.kafka, empty.kafka)
	}
	for _, s := range []*scaled{empty, whole} {
		s.pace(t, w, scale(2_000, 50_000))
	}
	whole.again(t, w, scale(2_000, 50_000))
}

// within holds starts on a full journal against those on an empty one.
func within(t *testing.T, what string, whole, empty []time.Duration) {
	t.Helper()
	if e, f := median(empty), median(whole); f > 2*time.Second || f > e+e/2 {
		t.Errorf("first %s after %v, with an empty journal after %v", what, f, e)
	}
}

// scaled is a place with a journal.
type scaled struct {
	*place
	name    string
	config  string
	journal string
	budget  int64 // bytes
	next    int   // id
	http    []time.Duration
	kafka   []time.Duration
	served  *process
}

func newScaled(t *testing.T, name string, memory int64) *scaled {
	t.Helper()
	s := &scaled{place: newPlace(t), name: name, next: 1 << 40, budget: memory << 20}
	var meta kadm.Metadata
	kafkatest.Eventually(t, "the cluster's name", func() (err error) {
		meta, err = s.admin.BrokerMetadata(t.Context())
		return err
	})
	s.config = s.configure(t, "sluice", "{dir: journal}", fmt.Sprintf("history: {memory: %dMiB}", memory))
	s.journal = filepath.Join(s.dir, "journal", s.place.name+"@"+meta.Cluster)
	return s
}

// some gives a payment of a card at a merchant.
func (s *scaled) some(card, merchant int, at time.Time) (id int, message []byte) {
	s.next++
	return s.next, appendPayment(nil, s.next, card, merchant, at, 1000+s.next%5000)
}

// restart kills the program and measures how long it takes from the start of
// the process to the first answer over HTTP, and to the first verdict of a record
// that waits in its topic. Both are of cards and merchants that it has to
// load, where it has them.
func (s *scaled) restart(t *testing.T, w *world) {
	t.Helper()
	if s.served != nil {
		s.served.kill(t)
	}
	now := time.Now().Truncate(time.Second)
	waiting, record := s.some(w.r.IntN(w.cards), worldHot+w.r.IntN(worldMerchants-worldHot), now)
	_, request := s.some(w.r.IntN(w.cards), worldHot+w.r.IntN(worldMerchants-worldHot), now)
	if err := s.client.ProduceSync(t.Context(), &kgo.Record{Topic: s.topic("tx"), Key: fmt.Append(nil, waiting), Value: record}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	came := s.expect(t, waiting)
	began := time.Now()
	s.served = start(t, s.config)
	s.served.await(t, "it listens", hung, func() bool { return listens.MatchString(s.served.logged()) })
	s.served.url = "http://" + listens.FindStringSubmatch(s.served.logged())[1]
	s.served.await(t, "a verdict", hung, func() bool {
		status, _ := s.served.ask(t, http.MethodPost, "/v1/verdicts", string(request))
		return status == http.StatusOK
	})
	s.http = append(s.http, time.Since(began))
	select {
	case at := <-came:
		s.kafka = append(s.kafka, at.Sub(began))
	case <-time.After(hung):
		t.Fatal("no verdict of the record")
	}
}

// expect tells when the verdict of an id is read.
func (s *scaled) expect(t *testing.T, id int) <-chan time.Time {
	t.Helper()
	from := map[int32]kgo.Offset{}
	for partition, end := range kafkatest.Ends(t, s.client, s.topic("verdicts")) {
		from[partition] = kgo.NewOffset().At(end)
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(s.seeds...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{s.topic("verdicts"): from}), kgo.FetchMaxWait(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	came := make(chan time.Time, 1)
	go func() {
		defer c.Close()
		for ctx.Err() == nil {
			c.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				var v verdict
				if r.Value != nil && json.Unmarshal(r.Value, &v) == nil && v.ID == id {
					came <- time.Now()
					cancel()
				}
			})
		}
	}()
	return came
}

func median(all []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(all))[len(all)/2].Round(time.Millisecond)
}

func (s *scaled) started(t *testing.T) {
	t.Helper()
	t.Logf("%s: from the start to the first answer over HTTP %v of %v, to the first verdict of a record %v of %v", s.name,
		median(s.http), rounded(s.http), median(s.kafka), rounded(s.kafka))
}

func rounded(all []time.Duration) (out []time.Duration) {
	for _, d := range all {
		out = append(out, d.Round(time.Millisecond))
	}
	return out
}

// Payments of the pace are at a few of the merchants, so that what is needed of
// these fits into memory.
const paceMerchants = 40

// phase is a stretch of records, and how they were decided.
type phase struct {
	name           string
	n              int
	card, merchant func(i int) int
	rate           float64 // a second
	cpu            time.Duration
}

// phases gives stretches of n records: of cards that are in memory, of ones that
// are on the disk alone, and of ones that nobody has seen, at merchants that
// nobody has seen.
func (s *scaled) phases(w *world, n int, names ...string) (all []*phase) {
	few := func(i int) int {
		if i%5 == 0 {
			return i / 5 % 2
		}
		return worldHot + i%paceMerchants
	}
	unseen := func(int) int { return newCards + s.next }
	cold := func(i int) int { return w.shuffled(i + w.cards/3) }
	same := func(i int) int { return w.shuffled(i%(n/10) + w.cards/3) } // few enough to be in memory
	for _, name := range names {
		p := &phase{name: name, n: n, card: same, merchant: few}
		switch name {
		case "merchants":
			p.n = paceMerchants * 10
		case "warming up":
			p.n = n / 5
		case "cold":
			p.card = cold
		case "new":
			p.card, p.merchant = unseen, unseen
		}
		all = append(all, p)
	}
	return all
}

// pace has n records decided at a time, and says how fast.
func (s *scaled) pace(t *testing.T, w *world, n int) {
	t.Helper()
	s.settled(t)
	s.run(t, s.phases(w, n, "merchants", "warming up", "warm", "cold", "warming up", "warm", "new", "warming up", "warm"))
}

// settled waits until the program knows what its journal holds.
func (s *scaled) settled(t *testing.T) {
	t.Helper()
	s.served.await(t, "what the journal holds is known", 10*time.Minute, func() bool {
		return strings.Contains(s.served.logged(), "what the journal holds is known")
	})
}

// again holds what a warm record costs after one more start against what it
// cost before that.
func (s *scaled) again(t *testing.T, w *world, n int) {
	t.Helper()
	names := []string{"merchants", "warming up", "warm", "warm", "warm"}
	before := s.phases(w, n, names...)
	s.run(t, before)
	s.restart(t, w)
	s.settled(t)
	after := s.phases(w, n, names...)
	s.run(t, after)
	cost := func(all []*phase) (cpu, rate float64) {
		slices.SortFunc(all[2:], func(a, b *phase) int { return cmp.Compare(a.cpu, b.cpu) })
		return float64(all[3].cpu), all[3].rate
	}
	was, slow := cost(before)
	is, fast := cost(after)
	t.Logf("%s: after a start a warm record takes %.2f of the CPU, at %.2f of the rate", s.name, is/was, fast/slow)
	if full() && is > 1.1*was {
		t.Errorf("a warm record takes %.2f of the CPU that it took before the start", is/was)
	}
}

// run has the records of some phases decided.
func (s *scaled) run(t *testing.T, all []*phase) {
	t.Helper()
	watch := s.watch(t)
	s.served.await(t, "what is there is read", hung, func() bool { return watch.seen.Load() > 0 })
	for n := int64(-1); n != watch.seen.Load(); time.Sleep(time.Second) {
		n = watch.seen.Load()
	}
	for _, p := range all {
		before, loads, most := watch.seen.Load(), s.loads(t), int64(0)
		used := s.served.cpu()
		began := time.Now()
		for i := range p.n {
			id, message := s.some(p.card(i), p.merchant(i), time.Now().Truncate(time.Second))
			s.client.Produce(t.Context(), &kgo.Record{Topic: s.topic("tx"), Key: fmt.Append(nil, id), Value: message}, nil)
		}
		s.served.await(t, p.name, 10*time.Minute, func() bool {
			most = max(most, s.served.memory())
			return watch.seen.Load() >= before+int64(p.n)
		})
		p.rate, p.cpu = float64(p.n)/time.Since(began).Seconds(), s.served.cpu()-used
		held := int64(s.metric(t, "history_memory_bytes"))
		t.Logf("%-5s %-10s %6d records, %6.0f/s, %5.1f µs of CPU each, %6.0f loads, histories %4d MiB, process at most %4d MiB", s.name, p.name, p.n,
			p.rate, float64(p.cpu.Microseconds())/float64(p.n), s.loads(t)-loads, held>>20, most>>20)
		if held > s.budget+s.budget/4 {
			t.Errorf("%s: the histories take %d MiB of memory, and have %d", p.name, held>>20, s.budget>>20)
		}
	}
	watch.stop()
}

func (s *scaled) loads(t *testing.T) float64 { return s.metric(t, "history_loads_total") }

// metric reads one of the program's metrics.
func (s *scaled) metric(t *testing.T, name string) float64 {
	t.Helper()
	_, text := s.served.get(t, "/metrics")
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 2 && strings.HasSuffix(fields[0], name) {
			v, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
