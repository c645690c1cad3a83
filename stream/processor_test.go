package stream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream"
)

const testSchema = `
key: customer
fields:
  id:       {type: integer}
  time:     {type: timestamp, unit: ms}
  customer: {type: string, entity: true, required: true}
  amount:   {type: money, currency: EUR, required: true}
  pin:      {type: string, secret: true}
label:
  id: id
  value: fraud
`

const testRules = `
rules:
  - id: burst
    when: count(customer.last("1h")) >= 3
    verdict: deny
  - id: known-fraud
    when: any(customer.last("30d"), .fraud)
    verdict: review
`

func schemaOf(t *testing.T) *event.Schema {
	t.Helper()
	s, err := event.ParseSchema("schema.yaml", []byte(testSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func setOf(t *testing.T, s *event.Schema, text string) *rules.Set {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// bench is a processor under test and what it reads and writes.
type bench struct {
	seeds  []string
	topics stream.Topics
	schema *event.Schema
	set    *rules.Set
	group  string
	out    *kgo.Client
	start  time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{seeds: brokers(t), topics: topicsFor(t), schema: schemaOf(t), start: time.Now().Add(-time.Hour).Truncate(time.Second)}
	b.set = setOf(t, b.schema, testRules)
	b.group = b.topics.Transactions
	b.out = peer(t, b.seeds, kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	return b
}

func (b *bench) options() stream.Options {
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return stream.Options{
		Kafka: stream.Kafka{Brokers: b.seeds}, Topics: b.topics, Group: b.group,
		Creation: stream.Creation{Allowed: true, Partitions: 4}, Schema: b.schema, Set: b.set,
		Core: scoring.Options{Run: "test"}, Log: log,
		DrainTimeout: hung, // who counts across a stop counts what was decided before it
	}
}

// run starts a processor; stop stops it and fails the test if it failed.
func (b *bench) run(t *testing.T, o stream.Options) (p *stream.Processor, stop func()) {
	t.Helper()
	p, err := stream.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("Run: %v", err)
				}
			case <-time.After(hung):
				t.Error("the processor does not stop")
			}
		})
	}
	t.Cleanup(stop)
	await(t, "deciding", func() bool { return p.State().Phase == "deciding" })
	return p, stop
}

// hung: what has not moved for so long will not. It is far more than a busy machine
// needs, for a test must fail of what is wrong only.
const hung = 4 * time.Minute

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(hung); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// drained says whether a processor has decided, and seen acknowledged, all that
// stands in its partitions. The broker is asked for their ends: right after a record
// was sent a processor may not have heard of it, and believe itself at the end.
func (b *bench) drained(t *testing.T, p *stream.Processor) func() bool {
	admin := kadm.NewClient(b.out)
	return func() bool {
		partitions := p.State().Partitions
		for _, s := range partitions {
			if s.Lag != 0 || s.Committed != s.End {
				return false
			}
		}
		if !p.CaughtUp() {
			return false
		}
		ends, err := admin.ListEndOffsets(t.Context(), b.topics.Transactions, b.topics.Labels)
		if err != nil {
			return false
		}
		for _, s := range partitions {
			if end, ok := ends.Lookup(s.Topic, s.Partition); !ok || end.Err != nil || end.Offset != s.End {
				return false
			}
		}
		return true
	}
}

func (b *bench) body(id int, customer string, at time.Time, cents int) []byte {
	return fmt.Appendf(nil, `{"id":%d,"time":%d,"customer":%q,"amount":%d.%02d,"pin":"1234"}`, id, at.UnixMilli(), customer, cents/100, cents%100)
}

func (b *bench) send(t *testing.T, topic, key string, at time.Time, value []byte) {
	t.Helper()
	r := &kgo.Record{Topic: topic, Value: value, Timestamp: at}
	if key != "" {
		r.Key = []byte(key)
	}
	b.out.Produce(t.Context(), r, func(_ *kgo.Record, err error) {
		if err != nil {
			t.Errorf("sending: %v", err)
		}
	})
}

func (b *bench) flush(t *testing.T) {
	t.Helper()
	if err := b.out.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

type record struct {
	ID      int      `json:"transaction_id"`
	Verdict string   `json:"verdict"`
	Rules   []string `json:"rules"`
}

// verdicts reads the verdicts topic: n records, each id once.
func (b *bench) verdicts(t *testing.T, n int) map[int]record {
	t.Helper()
	out := map[int]record{}
	for _, r := range readAll(t, b.seeds, b.topics.Verdicts, n) {
		var v record
		if err := json.Unmarshal(r.Value, &v); err != nil {
			t.Fatalf("%s: %v", r.Value, err)
		}
		if _, twice := out[v.ID]; twice {
			t.Errorf("two verdicts of %d", v.ID)
		}
		out[v.ID] = v
	}
	return out
}

func TestTopicsToVerdicts(t *testing.T) {
	b := newBench(t)
	p, stop := b.run(t, b.options())
	const n = 2000
	for i := range n {
		c := fmt.Sprintf("c%d", i%250)
		at := b.start.Add(time.Duration(i) * time.Second)
		b.send(t, b.topics.Transactions, c, at, b.body(i, c, at, 100))
	}
	b.flush(t)
	got := b.verdicts(t, n)
	for i := range n {
		want := "allow"
		if i/250 >= 3 { // the fourth within the hour
			want = "deny"
		}
		if got[i].Verdict != want {
			t.Fatalf("transaction %d: %q, not %q", i, got[i].Verdict, want)
		}
	}
	await(t, "caught up", b.drained(t, p))
	stop()

	// A second run remembers, and decides nothing twice.
	p, stop = b.run(t, b.options())
	at := b.start.Add(n * time.Second)
	b.send(t, b.topics.Transactions, "c7", at, b.body(n, "c7", at, 100))
	b.flush(t)
	if got := b.verdicts(t, n+1); got[n].Verdict != "deny" {
		t.Errorf("after a restart: %+v; the histories were not read back", got[n])
	}
	if c := p.Counts(); c.Decisions() != 1 {
		t.Errorf("%d decisions after a restart", c.Decisions())
	}
	stop()
}

func TestRepeatsAndConflicts(t *testing.T) {
	b := newBench(t)
	p, stop := b.run(t, b.options())
	at := b.start
	for range 3 {
		b.send(t, b.topics.Transactions, "a", at, b.body(1, "a", at, 100))
	}
	b.send(t, b.topics.Transactions, "a", at, b.body(1, "a", at, 999))
	const card = 4111111111111111 // as an id
	b.send(t, b.topics.Transactions, "a", at, b.body(card, "a", at, 100))
	b.send(t, b.topics.Transactions, "a", at, b.body(card, "a", at, 999))
	b.flush(t)
	b.verdicts(t, 2)
	await(t, "counts", func() bool { c := p.Counts(); return c.Repeats == 2 && c.Conflicts == 2 })
	letters := readAll(t, b.seeds, b.topics.DeadLetters, 2)
	for i, want := range []string{"1", `"************1111"`} {
		var l struct {
			Code string
			ID   json.RawMessage `json:"transaction_id"`
		}
		if json.Unmarshal(letters[i].Value, &l) != nil || l.Code != "conflicting_repeat" || string(l.ID) != want {
			t.Errorf("dead letter: %s", letters[i].Value)
		}
	}
	stop()
	p, _ = b.run(t, b.options()) // reads all of it back, and tells nothing a second time
	await(t, "caught up", b.drained(t, p))
	b.send(t, b.topics.Transactions, "a", at, b.body(2, "a", at, 100))
	b.flush(t)
	b.verdicts(t, 3)
	if c := p.Counts(); c.Conflicts != 0 || c.Repeats != 0 || c.Remembered != 6 {
		t.Errorf("after a restart: %+v", c)
	}
	readAll(t, b.seeds, b.topics.DeadLetters, 2)
}

func TestDeadLetters(t *testing.T) {
	b := newBench(t)
	_, stop := b.run(t, b.options())
	at := b.start
	b.send(t, b.topics.Transactions, "a", at, []byte(`{"id":`))
	b.send(t, b.topics.Transactions, "a", at, []byte(`{"id":2,"time":1,"customer":"a","amount":"x","pin":"4321"}`))
	b.send(t, b.topics.Transactions, "a", at, b.body(3, "a", at, 100))
	b.flush(t)
	b.verdicts(t, 1)
	for i, r := range readAll(t, b.seeds, b.topics.DeadLetters, 2) {
		var l struct {
			Code, Reason string
			Source       stream.Place
			Body         map[string]any
			Message      *struct {
				SHA256 string
				Length int
			}
		}
		if err := json.Unmarshal(r.Value, &l); err != nil {
			t.Fatalf("%s: %v", r.Value, err)
		}
		if l.Code == "" || l.Reason == "" || l.Source.Topic != b.topics.Transactions || l.Source.Offset != int64(i) {
			t.Errorf("dead letter: %s", r.Value)
		}
		if i == 0 && (l.Message == nil || l.Message.Length != 6 || len(l.Message.SHA256) != 64) {
			t.Errorf("what can't be parsed is not a hash: %s", r.Value)
		}
		if i == 1 && (l.Body["pin"] == nil || l.Body["pin"] == "4321") {
			t.Errorf("a secret is not masked: %s", r.Value)
		}
	}
	stop()
	p, stop := b.run(t, b.options())
	await(t, "caught up", b.drained(t, p))
	stop()
	readAll(t, b.seeds, b.topics.DeadLetters, 2) // committed behind them
}

func TestLabelsAreSeen(t *testing.T) {
	b := newBench(t)
	p, stop := b.run(t, b.options())
	at := b.start
	b.send(t, b.topics.Transactions, "a", at, b.body(1, "a", at, 100))
	b.flush(t)
	b.verdicts(t, 1)
	b.send(t, b.topics.Labels, "", at.Add(time.Minute), []byte(`{"id":1,"fraud":true}`))
	b.flush(t)
	await(t, "the label is read", b.drained(t, p))
	b.send(t, b.topics.Transactions, "a", at.Add(time.Minute), b.body(2, "a", at.Add(time.Minute), 100))
	b.flush(t)
	if got := b.verdicts(t, 2); got[2].Verdict != "review" {
		t.Errorf("%+v", got[2])
	}
	stop()
	_, stop = b.run(t, b.options())
	defer stop()
	at = at.Add(2 * time.Hour)
	b.send(t, b.topics.Transactions, "a", at, b.body(3, "a", at, 100))
	b.flush(t)
	if got := b.verdicts(t, 3); got[3].Verdict != "review" {
		t.Errorf("after a restart: %+v", got[3])
	}
}

func TestRequests(t *testing.T) {
	b := newBench(t)
	p, stop := b.run(t, b.options())
	now := time.Now()
	body := b.body(1, "a", now, 100)
	first, err := p.Decide(t.Context(), body)
	if err != nil || first.Verdict != rules.Allow || first.Repeat {
		t.Fatalf("%+v %v", first, err)
	}
	again, err := p.Decide(t.Context(), body)
	if err != nil || !again.Repeat || string(again.Record) != string(first.Record) {
		t.Fatalf("%+v %v", again, err)
	}
	if _, err := p.Decide(t.Context(), b.body(1, "a", now, 999)); !errors.Is(err, stream.ErrConflict) {
		t.Errorf("a conflict: %v", err)
	}
	var fault *event.Fault
	if _, err := p.Decide(t.Context(), []byte(`{}`)); !errors.As(err, &fault) || fault.Code != event.MissingField {
		t.Errorf("a fault: %v", err)
	}
	if rec, err := p.Verdict(t.Context(), "1"); err != nil || string(rec) != string(first.Record) {
		t.Errorf("%s %v", rec, err)
	}
	if _, err := p.Verdict(t.Context(), "77"); !errors.Is(err, stream.ErrUnknown) {
		t.Errorf("an unknown id: %v", err)
	}
	// It comes back from Kafka, is known, and makes no second verdict.
	await(t, "the repeat", func() bool { return p.Counts().Repeats >= 2 })
	b.verdicts(t, 1)
	readAll(t, b.seeds, b.topics.Transactions, 1)
	stop()

	// After a restart the answer is still the same.
	p, stop = b.run(t, b.options())
	again, err = p.Decide(t.Context(), body)
	if err != nil || !again.Repeat || string(again.Record) != string(first.Record) {
		t.Errorf("after a restart: %+v %v", again, err)
	}
	stop()
	if _, err := p.Decide(t.Context(), body); !errors.Is(err, stream.ErrClosing) {
		t.Errorf("after the end: %v", err)
	}
}
