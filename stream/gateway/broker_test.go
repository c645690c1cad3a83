package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream"
	"sluice/stream/gateway"
)

const paymentSchema = `
key: card
fields:
  id:     {type: string}
  time:   {type: timestamp}
  card:   {type: string, entity: true, required: true}
  amount: {type: money, currency: EUR, required: true}
  cvv:    {type: string, secret: true}
`

const paymentRules = `
rules:
  - id: again
    when: count(card.last("1h")) >= 1
    verdict: review
    score: 7
  - id: large
    when: tx.amount > 1000
    verdict: deny
    reason: LARGE
    owner: risk
    expires: 2199-01-31
  - {id: sleeping, when: tx.amount > 1, mode: "off"}
`

// door is a gateway before a real processor.
type door struct {
	seeds   []string
	fake    *kfake.Cluster // nil where a broker is given
	options stream.Options
	url     string
	dir     string
	p       *stream.Processor
	stop    func()
}

// open starts a processor and a gateway before it.
func open(t *testing.T) *door {
	t.Helper()
	d := &door{dir: t.TempDir()}
	if named := os.Getenv("SLUICE_TEST_BROKERS"); named != "" {
		d.seeds = strings.Split(named, ",")
	} else {
		fake, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(fake.Close)
		d.fake, d.seeds = fake, fake.ListenAddrs()
	}
	schema, err := event.ParseSchema("schema.yaml", []byte(paymentSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, paymentRules)
	set, err := rules.Load(d.dir, schema)
	if err != nil {
		t.Fatal(err)
	}
	n := fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano())
	d.options = stream.Options{
		Kafka: stream.Kafka{Brokers: d.seeds}, Group: n, Schema: schema, Set: set,
		Topics:   stream.Topics{Transactions: n + "-tx", Verdicts: n + "-verdicts", DeadLetters: n + "-dead"},
		Creation: stream.Creation{Allowed: true, Partitions: 4}, Log: slog.New(slog.DiscardHandler),
		Core: scoring.Options{Run: "test"},
	}
	d.start(t)
	d.await(t, "ready", func() bool { return d.get(t, "/readyz").status == 200 })
	return d
}

func (d *door) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, "rules.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// start runs a processor; after stop, another one can be started.
func (d *door) start(t *testing.T) {
	t.Helper()
	p, err := stream.New(d.options)
	if err != nil {
		t.Fatal(err)
	}
	reloader, err := rules.NewReloader(d.dir, d.options.Schema, nil, func(r rules.Reload) {
		if r.Changed {
			if err := p.Swap(t.Context(), r.Set); err != nil {
				t.Errorf("Swap: %v", err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gateway.New(gateway.Options{
		Engine: p, Rules: reloader.Current, Reload: reloader.Reload, Metrics: http.NotFoundHandler(),
		Ready: func() error {
			if s := p.State(); !s.CaughtUp {
				return fmt.Errorf("%s", s.Phase)
			}
			return nil
		},
		Log: d.options.Log, Timeout: hung, MaxBytes: event.DefaultMaxBytes, MaxInFlight: 256,
	}))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	d.p, d.url = p, server.URL
	d.stop = sync.OnceFunc(func() {
		server.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(d.stop)
}

// hung: what has not moved for so long will not. It is far more than a busy machine
// needs, for a test must fail of what is wrong only.
const hung = 4 * time.Minute

func (d *door) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(hung); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s; %+v", what, d.p.State())
		}
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (d *door) do(t *testing.T, method, path, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

func (d *door) get(t *testing.T, path string) answer { t.Helper(); return d.do(t, "GET", path, "") }

func (d *door) post(t *testing.T, body string) answer {
	t.Helper()
	return d.do(t, "POST", "/v1/verdicts", body)
}

func payment(id, card string, amount int, more string) string {
	return fmt.Sprintf(`{"id":%q,"time":%q,"card":%q,"amount":%d%s}`, id, time.Now().UTC().Truncate(time.Second).Format(time.RFC3339), card, amount, more)
}

type verdict struct {
	ID      string   `json:"transaction_id"`
	Verdict string   `json:"verdict"`
	Score   int      `json:"score"`
	Rules   []string `json:"rules"`
	Flags   []string `json:"flags"`
	Source  any      `json:"source"`
}

func (a answer) verdict(t *testing.T) (v verdict) {
	t.Helper()
	if a.status != 200 || a.header.Get("Content-Type") != "application/json" || json.Unmarshal([]byte(a.body), &v) != nil {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return v
}

func (a answer) problem(t *testing.T, status int, code, field string) {
	t.Helper()
	var p gateway.Problem
	if a.status != status || json.Unmarshal([]byte(a.body), &p) != nil || p.Code != code || p.Field != field {
		t.Errorf("%d %s, not %d %s of %q", a.status, a.body, status, code, field)
	}
}

// read reads n records of a topic.
func (d *door) read(t *testing.T, topic string, n int) []*kgo.Record {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(d.seeds...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n {
		if out = append(out, c.PollFetches(ctx).Records()...); ctx.Err() != nil {
			t.Fatalf("%s holds %d records, not %d", topic, len(out), n)
		}
	}
	more, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if out = append(out, c.PollFetches(more).Records()...); len(out) != n {
		t.Fatalf("%s holds %d records, not %d", topic, len(out), n)
	}
	return out
}

func TestBrokerVerdicts(t *testing.T) {
	d := open(t)
	odd := "a/b %2F\"é?#;1"
	bodies := map[string]string{
		"1": payment("1", "c1", 5, ""), "2": payment("2", "c1", 5, ""), odd: payment(odd, "c2", 1001, `,"cvv":"987"`),
	}
	want := map[string]string{"1": "allow", "2": "review", odd: "deny"}
	given := map[string]string{}
	for _, id := range []string{"1", "2", odd} {
		a := d.post(t, bodies[id])
		if v := a.verdict(t); v.ID != id || v.Verdict != want[id] || v.Source != "http" || a.header.Get(gateway.HeaderRepeat) != "" {
			t.Errorf("%s: %s", id, a.body)
		}
		given[id] = a.body
	}
	same := func(when string) {
		t.Helper()
		for id, body := range bodies {
			if a := d.post(t, body); a.status != 200 || a.body != given[id] || a.header.Get(gateway.HeaderRepeat) != "true" {
				t.Errorf("%s, %s again: %d %s", when, id, a.status, a.body)
			}
			if a := d.get(t, "/v1/verdicts/"+url.PathEscape(id)); a.status != 200 || a.body != given[id] {
				t.Errorf("%s, GET %s: %d %s", when, id, a.status, a.body)
			}
		}
	}
	same("at once")
	d.post(t, payment("1", "c1", 6, "")).problem(t, 409, "conflict", "id")
	d.get(t, "/v1/verdicts/nobody").problem(t, 404, "not_found", "")
	d.await(t, "they come back from Kafka", func() bool { return d.p.Counts().Repeats >= 6 && d.p.CaughtUp() })
	same("come back from Kafka")
	d.stop()

	d.start(t)
	d.await(t, "ready again", func() bool { return d.get(t, "/readyz").status == 200 })
	same("after a restart")
	for _, r := range d.read(t, d.options.Topics.Verdicts, 3) {
		var v verdict
		if json.Unmarshal(r.Value, &v) != nil || string(r.Value) != given[v.ID] {
			t.Errorf("in the topic: %s", r.Value)
		}
	}
	for _, r := range d.read(t, d.options.Topics.Transactions, 3) {
		var b struct{ ID, Card string }
		if json.Unmarshal(r.Value, &b) != nil || string(r.Value) != bodies[b.ID] || string(r.Key) != b.Card {
			t.Errorf("in the topic: %q %s", r.Key, r.Value)
		}
	}
}

func TestBrokerFaultsNameTheField(t *testing.T) {
	d := open(t)
	const card = "4111111111111111"
	for _, c := range []struct {
		body   string
		status int
		code   string
		field  string
	}{
		{``, 400, "not_an_object", ""},
		{`null`, 400, "not_an_object", ""},
		{`[]`, 400, "not_an_object", ""},
		{`{"id":"` + card + `"`, 400, "malformed_json", "id"},
		{payment("1", card, 1, `,"id":"1"`), 400, "duplicate_key", "id"},
		{payment("1", card, 1, "") + card, 400, "trailing_data", ""},
		{payment("1", card, 1, ",\"x\":\"\xff\""), 400, "bad_utf8", ""},
		{payment("1", strings.Repeat("x", event.DefaultMaxBytes), 1, ""), 413, "oversize", ""},
		{`{"id":"1","time":"2026-01-01T00:00:00Z","amount":1}`, 422, "missing_field", "card"},
		{`{"id":"1","time":"2026-01-01T00:00:00Z","card":` + card + `,"amount":"x"}`, 422, "bad_value", "amount"},
		{`{"id":"1","time":"2026-01-01T00:00:00Z","card":"c","amount":[]}`, 422, "wrong_type", "amount"},
		{`{"id":"1","time":"` + card + `","card":"c","amount":1}`, 422, "bad_value", "time"},
		{payment("1", "c", -1, `,"cvv":"`+card+`"`), 422, "out_of_range", "amount"},
		{payment("1", "c", 1, `,"cvv":`+card[:5]+`.5`), 422, "wrong_type", "cvv"},
	} {
		a := d.post(t, c.body)
		a.problem(t, c.status, c.code, c.field)
		if strings.Contains(a.body, card[:5]) {
			t.Errorf("a secret got out: %s", a.body)
		}
	}
	if c := d.p.Counts(); c.Decisions() != 0 {
		t.Errorf("%d decisions", c.Decisions())
	}
}

// TestBrokerOneAnswer asks for the same ids from many sides at once.
func TestBrokerOneAnswer(t *testing.T) {
	d := open(t)
	const ids, askers = 20, 8
	answers := [ids][askers]answer{}
	var all sync.WaitGroup
	for i := range ids {
		body := payment(fmt.Sprint(i), fmt.Sprintf("c%d", i%3), 5, "")
		for k := range askers {
			all.Go(func() { answers[i][k] = d.post(t, body) })
		}
	}
	all.Wait()
	for i := range answers {
		first := 0
		for k := range answers[i] {
			if a := answers[i][k]; a.status != 200 || a.body != answers[i][0].body {
				t.Errorf("id %d: %d %s\nand %s", i, a.status, a.body, answers[i][0].body)
			}
			if answers[i][k].header.Get(gateway.HeaderRepeat) == "" {
				first++
			}
		}
		if first != 1 {
			t.Errorf("id %d: %d answers are of a first request", i, first)
		}
	}
	d.read(t, d.options.Topics.Verdicts, ids)
	d.read(t, d.options.Topics.Transactions, ids)
}

func TestBrokerRules(t *testing.T) {
	d := open(t)
	var set struct {
		RuleSet string `json:"rule_set"`
		Policy  struct{ Review, Deny int }
		Rules   []map[string]any
	}
	show := func(a answer) {
		t.Helper()
		if a.status != 200 || json.Unmarshal([]byte(a.body), &set) != nil {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	show(d.get(t, "/v1/rules"))
	if set.Policy.Review != 50 || set.Policy.Deny != 80 || len(set.Rules) != 3 || len(set.RuleSet) != 16 {
		t.Errorf("%+v", set)
	}
	want := map[string]any{
		"id": "large", "when": "tx.amount > 1000", "verdict": "deny", "reason": "LARGE", "mode": "live", "owner": "risk",
		"expires": "2199-01-31", "file": filepath.Join(d.dir, "rules.yaml"), "line": 7.0,
		"breaker": "10 times what is usual",
	}
	if got := set.Rules[1]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, not %v", got, want)
	}
	if set.Rules[2]["mode"] != "off" {
		t.Errorf("%v", set.Rules[2])
	}
	before := set.RuleSet

	d.write(t, "rules:\n  - {id: large, when: tx.amuont > 2}\n")
	a := d.do(t, "POST", "/-/reload", "")
	a.problem(t, 422, "bad_rules", "")
	if !strings.Contains(a.body, `did you mean`) || !strings.Contains(a.body, "rules.yaml:2") {
		t.Errorf("%s", a.body)
	}
	if show(d.get(t, "/v1/rules")); set.RuleSet != before {
		t.Error("a bad set changed something")
	}
	if v := d.post(t, payment("1", "c1", 5, "")).verdict(t); v.Verdict != "allow" {
		t.Errorf("%+v", v)
	}
	d.write(t, "rules:\n  - {id: large, when: tx.amount > 2, verdict: deny}\n")
	if show(d.do(t, "POST", "/-/reload", "")); set.RuleSet == before || len(set.Rules) != 1 {
		t.Errorf("%+v", set)
	}
	if v := d.post(t, payment("2", "c1", 5, "")).verdict(t); v.Verdict != "deny" {
		t.Errorf("%+v", v)
	}
}

// TestAnswersThroughAStart asks while the processor starts: what was decided
// before the start must not be decided again, and what is answered before the
// histories are whole says so.
func TestAnswersThroughAStart(t *testing.T) {
	d := open(t)
	if d.fake == nil {
		t.Skip("it needs a broker that can be made to wait")
	}
	body := payment("1", "c1", 5, "")
	given := d.post(t, body).body
	d.await(t, "it comes back", func() bool { return d.p.Counts().Repeats == 1 })
	d.stop()

	gate := make(chan struct{})
	hold := func(key kmsg.Key) {
		d.fake.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
			d.fake.KeepControl()
			d.fake.SleepControl(func() { <-gate })
			return nil, nil, false
		})
	}
	hold(kmsg.ListOffsets) // which reading back begins with
	d.start(t)
	for range 3 {
		d.post(t, body).problem(t, 503, "starting", "")
		d.get(t, "/v1/verdicts/1").problem(t, 503, "starting", "")
		if a := d.get(t, "/readyz"); a.status != 503 || !strings.HasPrefix(a.body, "not ready: ") {
			t.Errorf("%+v", a)
		}
	}
	close(gate)
	d.await(t, "it answers", func() bool { return d.post(t, body).status == 200 })
	if a := d.post(t, body); a.body != given {
		t.Errorf("%s\nand before the start %s", a.body, given)
	}
	d.read(t, d.options.Topics.Verdicts, 1)
}
