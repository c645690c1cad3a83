package stream_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/bench/kafkatest"
	"sluice/rules"
	"sluice/scoring/event"
	"sluice/stream"
)

// data gives the folder of the real data, or skips.
func data(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("SLUICE_TEST_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	if _, err := os.Stat(filepath.Join(dir, "handbook", "transactions.csv.gz")); err != nil {
		t.Skip("no handbook data: set SLUICE_TEST_DATA")
	}
	return dir
}

// rows reads a gzipped CSV file up to a number of rows, without its header.
func rows(t *testing.T, path string, limit int, each func(row []string)) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(z)
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for n < limit {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		each(row)
		n++
	}
	return n
}

// preload sends the first transactions and the labels of the frauds among
// them, a week later, as a user would have them in the topics.
func (b *bench) preload(t *testing.T, limit int) int {
	t.Helper()
	label := []byte(nil)
	n := rows(t, filepath.Join(data(t), "handbook", "transactions.csv.gz"), limit, func(r []string) {
		at, err := time.Parse(time.RFC3339, r[1])
		if err != nil {
			t.Fatal(err)
		}
		value := fmt.Appendf(nil, `{"transaction_id":%s,"tx_datetime":"%s","customer_id":%s,"terminal_id":%s,"tx_amount":%s}`, r[0], r[1], r[2], r[3], r[4])
		b.send(t, b.topics.Transactions, strings.Clone(r[2]), at, value)
		if r[6] == "1" {
			label = fmt.Appendf(nil, `{"transaction_id":%s,"terminal_id":%s,"customer_id":%s,"tx_time":"%s","fraud":true}`, r[0], r[3], r[2], r[1])
			b.send(t, b.topics.Labels, strings.Clone(r[3]), at.Add(7*24*time.Hour), label)
		}
	})
	b.flush(t)
	return n
}

// TestHandbook decides real data from topics to topics, and compares every
// verdict: all of it on a real broker, the beginning on the embedded one.
func TestHandbook(t *testing.T) {
	limit := 60_000
	if os.Getenv("SLUICE_TEST_BROKERS") != "" {
		limit = 1 << 30
	}
	if testing.Short() {
		limit = 20_000
	}
	for _, job := range []struct {
		name, rules, ref string
		partitions       int
	}{
		{"light-4", "handbook", "verdicts_ref.csv.gz", 4},
		{"light-1", "handbook", "verdicts_ref.csv.gz", 1},
		{"heavy-4", "heavy", "heavy_ref.csv.gz", 4},
	} {
		t.Run(job.name, func(t *testing.T) {
			dir := data(t)
			b := newBench(t)
			b.handbook(t, filepath.Join("..", "configs", job.rules, "rules"))
			o := b.options()
			o.Creation.Partitions = job.partitions
			o.Patience = hung // what is right depends on the order in which partitions are taken
			b.create(t, o)
			n := b.preload(t, limit)

			before, start := cpu(), time.Now()
			p, _ := b.run(t, o)
			await(t, "all decided and acknowledged", func() bool {
				return p.Counts().Decisions() == int64(n) && p.State().Queued == 0
			})
			spent, wall := cpu()-before, time.Since(start)
			t.Logf("%d transactions: %.2f µs of CPU each, %.0f/s", n, float64(spent.Nanoseconds())/1e3/float64(n), float64(n)/wall.Seconds())

			got := map[string]string{}
			for _, r := range readAll(t, b.seeds, b.topics.Verdicts, n) {
				var v struct {
					ID      json.Number `json:"transaction_id"`
					Verdict string
					Score   int64
				}
				if err := json.Unmarshal(r.Value, &v); err != nil {
					t.Fatal(err)
				}
				if _, twice := got[v.ID.String()]; twice {
					t.Fatalf("two verdicts of %s", v.ID)
				}
				got[v.ID.String()] = fmt.Sprint(v.Verdict, " ", v.Score)
			}
			wrong := 0
			rows(t, filepath.Join(dir, "handbook", job.ref), n, func(r []string) {
				want := r[len(r)-1] + " 0"
				if job.rules == "heavy" {
					want = r[2] + " " + r[1]
				}
				if got[r[0]] != want {
					if wrong++; wrong <= 10 {
						t.Errorf("transaction %s: %q, not %q", r[0], got[r[0]], want)
					}
				}
			})
			if wrong > 0 {
				t.Errorf("%d of %d verdicts differ", wrong, n)
			}
		})
	}
}

// handbook makes it a bench of the handbook's events.
func (b *bench) handbook(t *testing.T, dir string) {
	t.Helper()
	var err error
	if b.schema, err = event.LoadSchema(filepath.Join("..", "configs", "handbook", "schema.yaml")); err != nil {
		t.Fatal(err)
	}
	if b.set, err = rules.Load(dir, b.schema); err != nil {
		t.Fatal(err)
	}
}

// create makes the topics before anything runs.
func (b *bench) create(t *testing.T, o stream.Options) {
	t.Helper()
	c, err := stream.Dial(o.Kafka, b.topics.Transactions, b.topics.Labels, b.topics.Verdicts, b.topics.DeadLetters, b.topics.Alerts)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	kafkatest.Eventually(t, "the topics are there", func() error {
		return c.Prepare(t.Context(), b.topics, o.Creation, 0, o.Log)
	})
}

// cpu gives the time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestHandbookRestarts stops the processor at random points while it decides
// real data: histories and decided ids are read back, or are in the journal,
// and the verdicts are those of one uninterrupted run, each once.
func TestHandbookRestarts(t *testing.T) {
	t.Run("read back", func(t *testing.T) { handbookRestarts(t, nil) })
	t.Run("journal", func(t *testing.T) {
		handbookRestarts(t, &stream.Journaling{Dir: t.TempDir(), Interval: 20 * time.Millisecond})
	})
	t.Run("journal and little memory", func(t *testing.T) {
		handbookRestarts(t, &stream.Journaling{Dir: t.TempDir(), Interval: 20 * time.Millisecond, Memory: 1 << 20})
	})
}

func handbookRestarts(t *testing.T, journal *stream.Journaling) {
	dir := data(t)
	b := newBench(t)
	b.handbook(t, filepath.Join("..", "configs", "handbook", "rules"))
	b.create(t, b.options())
	n := 60_000
	if testing.Short() {
		n = 6_000 // with the race detector, Pebble notes a stack for each table that is read
	}
	n = b.preload(t, n)
	decided := 0
	for stops := 0; decided < n; stops++ {
		o := b.options()
		o.Journal, o.Patience = journal, hung
		p, stop := b.run(t, o)
		goal := 0
		if stops < 8 {
			goal = 1 + rand.N(n/8)
		}
		await(t, "some decisions", func() bool {
			d := int(p.Counts().Decisions())
			return goal > 0 && d >= goal || decided+d == n
		})
		stop()
		decided += int(p.Counts().Decisions())
		if back := p.Counts().Remembered; journal != nil && back > 0 {
			t.Errorf("with a journal, %d transactions were read back", back)
		}
	}
	got := b.verdicts(t, n)
	rows(t, filepath.Join(dir, "handbook", "verdicts_ref.csv.gz"), n, func(r []string) {
		id, _ := strconv.Atoi(r[0])
		if got[id].Verdict != r[len(r)-1] {
			t.Errorf("transaction %s: %q, not %q", r[0], got[id].Verdict, r[len(r)-1])
		}
	})
}
