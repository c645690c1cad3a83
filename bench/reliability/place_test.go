package reliability

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/bench/kafkatest"
)

const (
	partitions = 4
	// seedOf the random places, unless SLUICE_RELIABILITY_SEED says otherwise.
	defaultSeed = 20181123
)

// full says that the long form is wanted.
func full() bool { return os.Getenv("SLUICE_RELIABILITY") == "full" }

// scale gives how much of something: in the short form, and in the full one.
func scale(short, long int) int {
	if full() {
		return long
	}
	return short
}

func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(defaultSeed)
	if named := os.Getenv("SLUICE_RELIABILITY_SEED"); named != "" {
		var err error
		if s, err = strconv.ParseUint(named, 10, 64); err != nil {
			t.Fatalf("SLUICE_RELIABILITY_SEED: %v", err)
		}
	}
	t.Logf("seed %d", s)
	return s
}

var built struct {
	once sync.Once
	path string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.path != "" {
		_ = os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}

// program builds the program, once.
func program(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		dir, err := os.MkdirTemp("", "sluice-reliability")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(dir, "sluice")
		out, err := exec.Command("go", "build", "-o", built.path, "sluice/cmd/sluice").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("building the program: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// place is a broker, topics of its own, and a directory with a configuration
// and a journal.
type place struct {
	seeds []string
	name  string
	dir   string
	// through is the address that the program reaches the broker at, if it is another one.
	through string
	client  *kgo.Client
	admin   *kadm.Client
	kept    int // of the payments of run so many are left to disturb to send
	// patience of the merge. It is long: which verdict is right depends on the
	// order in which payments and labels of several partitions are taken, and that
	// is exact as long as no partition is given up waiting for.
	patience string
}

// newPlace makes topics on the broker of SLUICE_TEST_KAFKA or
// SLUICE_TEST_BROKERS, or skips.
func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{dir: t.TempDir(), patience: "1m"}
	p.name = fmt.Sprintf("%s-%d", compact(t.Name()), time.Now().UnixNano())
	if named := os.Getenv("SLUICE_TEST_BROKERS"); named != "" && os.Getenv("SLUICE_TEST_KAFKA") == "" {
		p.seeds = strings.Split(named, ",")
	} else {
		p.seeds = []string{kafkatest.Named(t).Says(t, "address")}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(p.seeds...), kgo.UnknownTopicRetries(-1),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil))) // as Java's clients
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	p.client, p.admin = client, kadm.NewClient(client)
	var topics []string
	for _, which := range []string{"tx", "labels", "verdicts", "dead", "alerts"} {
		topics = append(topics, p.topic(which))
	}
	kafkatest.Create(t, client, partitions, nil, topics...)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_, _ = p.admin.DeleteTopics(ctx, topics...)
	})
	return p
}

func (p *place) topic(which string) string { return p.name + "-" + which }

// configure writes a configuration with a journal in a folder of its own, and
// gives its path.
func (p *place) configure(t *testing.T, name, journal string, more ...string) string {
	t.Helper()
	configs, err := filepath.Abs(filepath.Join("..", "..", "configs", "handbook"))
	if err != nil {
		t.Fatal(err)
	}
	handbook, err := os.ReadFile(filepath.Join(configs, "rules", "handbook.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rules := filepath.Join(p.dir, "rules")
	if err := os.MkdirAll(rules, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"handbook.yaml": string(handbook), "counting.yaml": countingRules()} {
		if err := os.WriteFile(filepath.Join(rules, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf(`brokers: %[1]s
group: %[2]s
topics: {transactions: %[2]s-tx, labels: %[2]s-labels, verdicts: %[2]s-verdicts, dead_letters: %[2]s-dead, alerts: %[2]s-alerts}
create_topics: false
schema: %[3]s/schema.yaml
rules: rules
listen: 127.0.0.1:0
ready: {max_lag: 0}
merge: {wait: %[4]s}
`, cmp.Or(p.through, strings.Join(p.seeds, ",")), p.name, configs, p.patience)
	if journal != "" {
		text += "journal: " + journal + "\n"
	}
	text += strings.Join(more, "\n") + "\n"
	path := filepath.Join(p.dir, name+".yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// verdict is what is looked at of a verdict record.
type verdict struct {
	ID      int      `json:"transaction_id"`
	Verdict string   `json:"verdict"`
	Run     string   `json:"run"`
	Score   int      `json:"score"`
	Flags   []string `json:"flags"`
	Windows []struct {
		Maturity float64 `json:"maturity"`
	} `json:"windows"`
	Source source `json:"source"`
}

// source is where a transaction stands; over HTTP it came from nowhere.
type source struct {
	HTTP      bool  `json:"-"`
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
}

// UnmarshalJSON takes "http", or the place.
func (s *source) UnmarshalJSON(b []byte) error {
	if s.HTTP = string(b) == `"http"`; s.HTTP {
		return nil
	}
	type place source // without this method
	return json.Unmarshal(b, (*place)(s))
}

func verdictOf(r *kgo.Record) (*verdict, error) {
	if r.Value == nil {
		return nil, nil // the marker of a run
	}
	var v verdict
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Value, err)
	}
	return &v, nil
}

// readVerdicts reads the verdicts topic from its beginning to what is its end
// now, each partition in order; a marker is nil.
func (p *place) readVerdicts(t *testing.T, each func(*verdict)) {
	t.Helper()
	p.readRecords(t, func(r *kgo.Record) {
		v, err := verdictOf(r)
		if err != nil {
			t.Fatal(err)
		}
		each(v)
	})
}

// readRecords reads the verdicts topic as it is.
func (p *place) readRecords(t *testing.T, each func(*kgo.Record)) {
	t.Helper()
	ends := kafkatest.Ends(t, p.client, p.topic("verdicts"))
	open := maps.Clone(ends)
	maps.DeleteFunc(open, func(_ int32, end int64) bool { return end == 0 })
	c, err := kgo.NewClient(kgo.SeedBrokers(p.seeds...), kgo.ConsumeTopics(p.topic("verdicts")), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for len(open) > 0 {
		f := c.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("reading verdicts: %d partitions are not read to their end", len(open))
		}
		f.EachRecord(func(r *kgo.Record) {
			if r.Offset >= ends[r.Partition] {
				return
			}
			each(r)
			if r.Offset == ends[r.Partition]-1 {
				delete(open, r.Partition)
			}
		})
	}
}

// watch follows the verdicts topic, to tell how far deciding is.
type watch struct {
	seen atomic.Int64 // verdict records
	stop func()
}

func (p *place) watch(t *testing.T) *watch {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(p.seeds...), kgo.ConsumeTopics(p.topic("verdicts")),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	w := &watch{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			c.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				if r.Value != nil {
					w.seen.Add(1)
				}
			})
		}
	}()
	w.stop = func() { cancel(); <-ended; c.Close() }
	t.Cleanup(w.stop)
	return w
}

// await waits until at least n verdicts are there.
func (w *watch) await(t *testing.T, n int, s *process, within time.Duration) {
	t.Helper()
	s.await(t, fmt.Sprintf("%d verdicts", n), within, func() bool { return w.seen.Load() >= int64(n) })
}

var errEnded = errors.New("it ended by itself")
