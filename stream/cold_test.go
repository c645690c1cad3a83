package stream

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/journal"
	"sluice/stream/wire"
)

// echo is a topic that acknowledges at once.
type echo[T any] struct {
	acked func(int32, int64, []T)
	n     int64
}

func (p *echo[T]) Append(_ int32, _ int64, _, _ []byte, token T, _ ...wire.Header) error {
	p.acked(0, p.n, []T{token})
	p.n++
	return nil
}
func (p *echo[T]) Flush()          {}
func (p *echo[T]) Full() bool      { return false }
func (p *echo[T]) Queued() int64   { return 0 }
func (p *echo[T]) Partitions() int { return 1 }

// coldShop is an engine that decides the payments at one shop, and the disk
// beside it, one step after the other.
type coldShop struct {
	t       *testing.T
	schema  *event.Schema
	set     *rules.Set
	journal *journal.Journal
	e       *engine
	decoder *event.Decoder
	seen    func(*scoring.Decision)
	peak    int64 // bytes of the histories
	reads   int
	keep    time.Duration // of decided ids
	most    int           // of them
}

const coldRules = `
rules:
  - {id: day, when: 'count(shop.last("1d")) >= 0'}
  - {id: week, when: 'sum(shop.last("7d"), .amount) >= 0'}
  - {id: month, when: 'count(shop.last("30d"), .fraud) >= 0'}
`

// coldMore are rules that ask for other sums, and for a sketch.
const coldMore = `
  - {id: dear, when: 'count(shop.last("30d"), .amount >= 50) >= 0'}
  - {id: cards, when: 'distinct(shop.last("30d"), .card) >= 0'}
`

// coldSets gives rule sets, all on one schema.
func coldSets(t *testing.T, texts ...string) (schema *event.Schema, sets []*rules.Set) {
	t.Helper()
	schema, err := event.ParseSchema("schema.yaml", []byte(simSchemaText), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		set, err := rules.LoadFS(fstest.MapFS{"r.yaml": {Data: []byte(text)}}, "cold", schema)
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, set)
	}
	return schema, sets
}

// newColdShop gives a shop; open begins its first run.
func newColdShop(t *testing.T, schema *event.Schema, set *rules.Set) *coldShop {
	return &coldShop{t: t, schema: schema, set: set, decoder: event.NewDecoder(schema), seen: func(*scoring.Decision) {}}
}

// open begins a run on what is in a directory.
func (c *coldShop) open(dir string, memory int64) {
	c.t.Helper()
	var err error
	if c.journal, err = journal.Open(journal.Options{Dir: dir, Schema: c.schema}); err != nil {
		c.t.Fatal(err)
	}
	c.e = newEngine(scoring.New(c.schema, c.set, scoring.Options{Run: "cold", Workers: 1, KeepIDs: c.keep, MaxIDs: c.most}), 0, 1, slog.New(slog.DiscardHandler))
	c.e.out = &outputs{
		verdicts: &echo[token]{acked: c.e.acknowledged}, transactions: &echo[*call]{}, counts: c.e.counts,
		dead:       &deadLetters{producer: &echo[answered]{}},
		onDecision: func(d *scoring.Decision) { c.seen(d) },
	}
	fail := func(err error) { c.t.Fatal(err) }
	if err := c.e.keep(c.journal, &Journaling{Memory: memory}, c.schema, fail, func(error) {}); err != nil {
		c.t.Fatal(err)
	}
	c.e.pre.bound = 2000
}

// bring brings what some payments need.
func (c *coldShop) bring(txs []event.Transaction) {
	c.t.Helper()
	h := &held{arrival: arrival{c: &chunk{txs: txs}}}
	done := false
	c.e.pre.unhold = func(h *held) { done = !c.e.pre.again(h) }
	for i := range txs {
		c.e.pre.need(&txs[i], h)
	}
	for done = h.missing == 0; !done; c.look() {
		for len(c.e.pre.wants) > 0 {
			l := <-c.e.pre.wants
			if err := c.e.pre.once(l); err != nil {
				c.t.Fatal(err)
			}
			c.reads++
			c.e.pre.arrived = append(c.e.pre.arrived, l)
		}
		c.e.pre.settle()
	}
}

// decide decides some payments, once all that they need is there.
func (c *coldShop) decide(txs []event.Transaction) {
	c.t.Helper()
	c.bring(txs)
	for i := range txs {
		c.e.batch = append(c.e.batch, scoring.Input{Tx: &txs[i]})
		c.e.origins = append(c.e.origins, origin{})
	}
	c.e.decide(c.t.Context())
	c.e.intake()
	c.look()
}

func (c *coldShop) look() { c.peak = max(c.peak, c.e.core.Store().Stats().Bytes) }

// cut lets a second pass.
func (c *coldShop) cut() {
	c.t.Helper()
	for range stretches {
		c.e.cuts.tick(c.e)
	}
	select {
	case job := <-c.e.cuts.jobs:
		var all []*journal.Segment
		for _, s := range job.stretches {
			all = append(all, s.Segment)
		}
		if err := c.journal.Write(all, job.progress); err != nil {
			c.t.Fatal(err)
		}
		c.e.cuts.done(c.e, &job)
	default:
	}
	c.look()
}

// close ends a run.
func (c *coldShop) close() {
	c.t.Helper()
	c.cut()
	c.cut()
	if err := c.journal.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// coldPast is what a shop did, as one would write it down: what happened before
// payment i is at i.
type coldPast struct {
	amounts, dear, frauds []int64
}

const coldStep = 12 * time.Second // between two payments

// since gives the number of the first payment in a window before number i.
func since(i int, window time.Duration) int { return max(0, i-int((window-1)/coldStep)) }

func (p *coldPast) windows(i int) map[string]string {
	week, month := since(i, 7*days), since(i, 30*days)
	return map[string]string{
		`count(shop.last("1d"))`:                 fmt.Sprint(i - since(i, days)),
		`sum(shop.last("7d"), .amount)`:          fmt.Sprint(float64(p.amounts[i]-p.amounts[week]) / 100),
		`count(shop.last("30d"), .fraud)`:        fmt.Sprint(p.frauds[i] - p.frauds[month]),
		`count(shop.last("30d"), .amount >= 50)`: fmt.Sprint(p.dear[i] - p.dear[month]),
		`distinct(shop.last("30d"), .card)`:      "3",
	}
}

// A shop with very many payments is in memory up to a small multiple of what all
// histories together may take: while it is asked about all the time, when rules
// ask for other sums, when labels come late, and after a restart. Its windows are
// those of all that it did.
func TestHotHistoryLiesOnDisk(t *testing.T) {
	const memory, batch = 4 << 20, 250
	n := 60_000
	if testing.Short() {
		n = 20_000
	}
	schema, sets := coldSets(t, coldRules, coldRules+coldMore)
	c := newColdShop(t, schema, sets[0])
	dir := t.TempDir()
	c.open(dir, memory)
	past := &coldPast{make([]int64, 1), make([]int64, 1), make([]int64, 1)}
	next, looked := 0, 0
	c.seen = func(d *scoring.Decision) {
		if next++; next%97 > 0 {
			return
		}
		for expr, got := range readOutcome(d.Record).windows {
			looked++
			if got, _, _ := strings.Cut(got, " "); got != past.windows(next - 1)[expr] {
				t.Fatalf("payment %d: %s is %s, not %s", next-1, expr, got, past.windows(next - 1)[expr])
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	txs := make([]event.Transaction, batch)
	play := func(upTo int) {
		for next < upTo {
			for i := range txs {
				at, amount := next+i, r.Int64N(10_000)
				ms := int64(1_700_000_000_000) + int64(at)*coldStep.Milliseconds()
				msg := fmt.Sprintf(`{"id":"p%07d","time":%d,"shop":"s","card":"c%d","amount":"%d.%02d"}`, at, ms, at%3, amount/100, amount%100)
				if err := c.decoder.Transaction(&txs[i], []byte(msg), ms*1e6); err != nil {
					t.Fatal(err)
				}
				past.amounts = append(past.amounts, past.amounts[at]+amount)
				past.dear = append(past.dear, past.dear[at]+amount/5000)
				past.frauds = append(past.frauds, past.frauds[at])
			}
			c.decide(txs)
			c.cut()
		}
	}
	bounded := func(when string) {
		t.Helper()
		s := c.e.core.Store().Stats()
		t.Logf("%s: %d entries in memory, %d on disk alone; %d reads, %d of them late; at most %.1f MiB", when, s.References, s.EntriesAway, c.reads, c.e.pre.late, float64(c.peak)/(1<<20))
		if c.peak > 3*memory || s.EntriesAway < next/2 {
			t.Errorf("%s: histories took up to %d bytes, of which %d were to be; %d entries are on disk alone", when, c.peak, memory, s.EntriesAway)
		}
		c.peak, c.reads = 0, 0
	}
	play(n)
	bounded("all the time")
	for range 30 {
		at := next - 1 - r.IntN(n*9/10)
		id := fmt.Sprintf("p%07d", at)
		key, _ := schema.IDKey(id)
		l := event.Label{ID: id, IDKey: key, Time: txs[0].Time, Fraud: true}
		if past.frauds[at+1] > past.frauds[at] {
			continue
		}
		for i := at + 1; i < len(past.frauds); i++ {
			past.frauds[i]++
		}
		c.e.core.Label(&l)
		c.e.cuts.label(schema, &l)
	}
	play(n + 500)
	bounded("labels")
	c.e.swap(sets[1])
	play(n + 1000)
	bounded("other rules")
	c.close()
	c.set = sets[1]
	c.open(dir, memory)
	play(n + 1500)
	bounded("after a restart")
	c.close()
	if looked < 3*n/100 {
		t.Errorf("only %d windows were looked at", looked)
	}
}
