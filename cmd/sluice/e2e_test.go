package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/bench/kafkatest"
)

const e2eSchema = `
key: account
fields:
  id:       {type: integer}
  time:     {type: timestamp}
  account:  {type: string, entity: true, required: true}
  card:     {type: string, entity: true}
  amount:   {type: money, currency_from: currency, required: true}
  currency: {type: currency, required: true}
  cvv:      {type: string, secret: true}
label:
  id: id
  value: fraud
`

const e2eConfig = `
brokers: ${SLUICE_BROKERS}
group: %[1]s
topics: {transactions: %[1]s-tx, labels: %[1]s-labels, verdicts: %[1]s-verdicts, dead_letters: %[1]s-dead, alerts: %[1]s-alerts}
schema: schema.yaml
rules: rules
listen: 127.0.0.1:0
ready: {max_lag: 0}
`

// place is a broker, topics of its own, and a directory with a configuration.
type place struct {
	seeds  []string
	name   string
	dir    string
	client *kgo.Client
}

// newPlace uses the cluster of SLUICE_TEST_BROKERS, or an embedded broker.
func newPlace(t *testing.T, rules string) *place {
	t.Helper()
	var seeds []string
	if named := os.Getenv("SLUICE_TEST_BROKERS"); named != "" {
		seeds = strings.Split(named, ",")
	} else {
		fake, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(fake.Close)
		seeds = fake.ListenAddrs()
	}
	p := placeAt(t, seeds, rules, "")
	client, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.UnknownTopicRetries(-1), kgo.ProducerLinger(0),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil))) // as Java's clients
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	p.client = client
	return p
}

func placeAt(t *testing.T, seeds []string, rules, more string) *place {
	t.Helper()
	p := &place{seeds: seeds, dir: t.TempDir(), name: fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano())}
	put(t, filepath.Join(p.dir, "sluice.yaml"), fmt.Sprintf(e2eConfig, p.name)+more)
	put(t, filepath.Join(p.dir, "schema.yaml"), e2eSchema)
	p.rules(t, rules)
	return p
}

// rules replaces the rule file as a deployment would, at once.
func (p *place) rules(t *testing.T, text string) {
	t.Helper()
	put(t, filepath.Join(p.dir, "next.yaml"), text)
	path := filepath.Join(p.dir, "rules", "rules.yaml")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(p.dir, "next.yaml"), path); err != nil {
		t.Fatal(err)
	}
}

// process is a running `sluice serve`.
type process struct {
	cmd   *exec.Cmd
	url   string
	ended chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

var listens = regexp.MustCompile(`msg=serving listen=(\S+)`)

// serve starts the program and waits until it listens.
func (p *place) serve(t *testing.T, env ...string) *process {
	t.Helper()
	s := &process{ended: make(chan struct{})}
	s.cmd = exec.Command("sluice", "serve", "--config", filepath.Join(p.dir, "sluice.yaml"))
	s.cmd.Env = append(append(os.Environ(), "SLUICE_BROKERS="+strings.Join(p.seeds, ",")), env...)
	s.cmd.Stdout, s.cmd.Stderr = s, s
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.cmd.Wait(); close(s.ended) }()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.ended
		if t.Failed() {
			log := s.logged()
			t.Logf("log of process %d, its end:\n%s", s.cmd.Process.Pid, log[max(0, len(log)-8000):])
		}
	})
	s.await(t, "it listens", func() bool { return listens.MatchString(s.logged()) })
	s.url = "http://" + listens.FindStringSubmatch(s.logged())[1]
	return s
}

// hung: what has not moved for so long will not. It is far more than a busy machine
// needs, for a test must fail of what is wrong only.
const hung = 4 * time.Minute

func (s *process) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(hung); !ok(); time.Sleep(10 * time.Millisecond) {
		select {
		case <-s.ended:
			t.Fatalf("it ended while this was waited for: %s", what)
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func (s *process) awaitReady(t *testing.T) {
	t.Helper()
	s.await(t, "ready", func() bool { status, _ := s.do(t, "GET", "/readyz", ""); return status == http.StatusOK })
}

func (s *process) awaitLog(t *testing.T, text string) {
	t.Helper()
	s.await(t, "log says "+text, func() bool { return strings.Contains(s.logged(), text) })
}

// do asks over HTTP.
func (s *process) do(t *testing.T, method, path, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
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
	return res.StatusCode, string(b)
}

// stop sends a signal and waits for the end.
func (s *process) stop(t *testing.T, sig os.Signal) (code int) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(hung):
		t.Fatalf("%v does not end it", sig)
	}
	return s.cmd.ProcessState.ExitCode()
}

// terminate stops it as an operator does.
func (s *process) terminate(t *testing.T) {
	t.Helper()
	if code := s.stop(t, syscall.SIGTERM); code != 0 || !strings.Contains(s.logged(), "msg=stopped") {
		t.Errorf("SIGTERM: exit code %d", code)
	}
}

// send produces a record; flush waits for all.
func (p *place) send(t *testing.T, topic, key, value string, at time.Time) {
	t.Helper()
	r := &kgo.Record{Topic: p.name + "-" + topic, Value: []byte(value), Timestamp: at}
	if key != "" {
		r.Key = []byte(key)
	}
	p.client.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
		if err != nil {
			t.Errorf("sending: %v", err)
		}
	})
}

func (p *place) flush(t *testing.T) {
	t.Helper()
	if err := p.client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// read gives n records of a topic, and fails if there are more.
func (p *place) read(t *testing.T, topic string, n int) []*kgo.Record {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(p.seeds...), kgo.ConsumeTopics(p.name+"-"+topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.UnknownTopicRetries(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n && ctx.Err() == nil {
		out = append(out, unmarked(c.PollFetches(ctx).Records())...)
	}
	more, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	if out = append(out, unmarked(c.PollFetches(more).Records())...); len(out) != n {
		t.Fatalf("%s holds %d records, not %d", topic, len(out), n)
	}
	return out
}

// unmarked leaves out what runs mark verdicts with.
func unmarked(records []*kgo.Record) []*kgo.Record {
	return slices.DeleteFunc(records, func(r *kgo.Record) bool {
		return slices.ContainsFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == "sluice-run" })
	})
}

// verdictLine is what the tests look at of a verdict record.
type verdictLine struct {
	ID      int      `json:"transaction_id"`
	Verdict string   `json:"verdict"`
	Rules   []string `json:"rules"`
	Flags   []string `json:"flags"`
	RuleSet string   `json:"rule_set"`
	Run     string   `json:"run"`
	Windows []struct {
		Expr  string `json:"expr"`
		Value any    `json:"value"`
	} `json:"windows"`
}

// verdicts reads n verdicts, each of another transaction.
func (p *place) verdicts(t *testing.T, n int) map[int]verdictLine {
	t.Helper()
	out := map[int]verdictLine{}
	for _, r := range p.read(t, "verdicts", n) {
		var v verdictLine
		if err := json.Unmarshal(r.Value, &v); err != nil {
			t.Fatalf("%s: %v", r.Value, err)
		}
		if first, twice := out[v.ID]; twice {
			t.Errorf("two verdicts of %d, of runs %s and %s", v.ID, first.Run, v.Run)
		}
		out[v.ID] = v
	}
	return out
}

// tx is a transaction as JSON.
func tx(id int, account string, at time.Time, amount, more string) string {
	return fmt.Sprintf(`{"id":%d,"time":%q,"account":%q,"amount":%s,"currency":"EUR"%s}`, id, at.UTC().Format(time.RFC3339Nano), account, amount, more)
}

// count gives how many records a topic holds.
func (p *place) count(t *testing.T, topic string) int {
	t.Helper()
	return int(kafkatest.Records(t, p.client, p.name+"-"+topic))
}

// move renames something in the directory.
func (p *place) move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(p.dir, from), filepath.Join(p.dir, to)); err != nil {
		t.Fatal(err)
	}
}

// serveOnce runs the program where it is expected to end by itself.
func serveOnce(p *place) (output string, err error) {
	cmd := exec.Command("sluice", "serve", "--config", filepath.Join(p.dir, "sluice.yaml"))
	cmd.Env = append(os.Environ(), "SLUICE_BROKERS="+strings.Join(p.seeds, ","))
	b, err := cmd.CombinedOutput()
	return string(b), err
}
