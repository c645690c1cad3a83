package stream_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/bench/kafkatest"
)

// TestSixtyFourPartitions decides real data that lies in 64 partitions, with
// labels in 8 and verdicts in 4, in one process that is stopped twice in the
// middle. The verdicts are those of the reference, which knows no partitions:
// the heavy job's windows over terminals need the merge across all 64, as
// customers decide where a transaction lies.
func TestSixtyFourPartitions(t *testing.T) {
	const partitions, stops = 64, 2
	for _, job := range []struct {
		rules, ref   string
		limit, short int
	}{
		{"handbook", "verdicts_ref.csv.gz", 150_000, 20_000}, // the first labels count after 14 days
		{"heavy", "heavy_ref.csv.gz", 50_000, 15_000},
	} {
		t.Run(job.rules, func(t *testing.T) {
			limit := job.limit
			if testing.Short() {
				limit = job.short
			}
			want := reference(t, job.ref, limit)
			b := newBench(t)
			b.handbook(t, filepath.Join("..", "configs", job.rules, "rules"))
			// A broker takes its time to know all of its new partitions.
			b.out = peer(t, b.seeds, kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.UnknownTopicRetries(-1))
			b.topic(t, b.topics.Transactions, partitions)
			b.topic(t, b.topics.Labels, 8)
			b.topic(t, b.topics.Verdicts, 4)
			n := b.preload(t, limit)
			b.holdsIn(t, partitions, n)

			decided := 0
			for run := range stops + 1 {
				o := b.options()
				o.Patience = hung // what is right depends on the order in which partitions are taken
				p, stop := b.run(t, o)
				goal := n
				if run < stops {
					goal = min(n, decided+1+rand.N(n/stops-n/8)) // a run may be far past its goal when it is stopped
				}
				await(t, "decisions", func() bool { return decided+int(p.Counts().Decisions()) >= goal })
				if run == stops {
					await(t, "caught up", b.drained(t, p))
				}
				stop()
				decided += int(p.Counts().Decisions())
				t.Logf("run %d ends after %d of %d decisions", run, decided, n)
			}
			if decided != n {
				t.Errorf("%d decisions on %d transactions", decided, n)
			}
			wrong := 0
			for id, got := range b.outcomes(t, n) {
				if got != want[id] {
					if wrong++; wrong <= 10 {
						t.Errorf("transaction %s: %q, not %q", id, got, want[id])
					}
				}
			}
			if wrong > 0 {
				t.Errorf("%d of %d verdicts differ", wrong, n)
			}
		})
	}
}

// reference gives verdict and score by id.
func reference(t *testing.T, file string, limit int) map[string]string {
	t.Helper()
	out := map[string]string{}
	rows(t, filepath.Join(data(t), "handbook", file), limit, func(r []string) {
		score := "0"
		if file == "heavy_ref.csv.gz" {
			score = r[1]
		}
		out[r[0]] = r[len(r)-1] + " " + score
	})
	return out
}

// outcomes reads n verdicts, each of another transaction: verdict and score by id.
func (b *bench) outcomes(t *testing.T, n int) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, r := range readAll(t, b.seeds, b.topics.Verdicts, n) {
		var v struct {
			ID      json.Number `json:"transaction_id"`
			Verdict string
			Score   int64
		}
		if err := json.Unmarshal(r.Value, &v); err != nil {
			t.Fatal(err)
		}
		if _, twice := out[v.ID.String()]; twice {
			t.Errorf("two verdicts of %s", v.ID)
		}
		out[v.ID.String()] = fmt.Sprint(v.Verdict, " ", v.Score)
	}
	return out
}

// topic creates a topic as it would be found.
func (b *bench) topic(t *testing.T, name string, partitions int32) {
	t.Helper()
	forever := "-1"
	kafkatest.Create(t, b.out, partitions, map[string]*string{"retention.ms": &forever}, name)
}

// holdsIn makes sure that the transactions lie in all the partitions.
func (b *bench) holdsIn(t *testing.T, partitions, n int) {
	t.Helper()
	total, used := 0, 0
	for _, end := range kafkatest.Ends(t, b.out, b.topics.Transactions) {
		total += int(end)
		if end > 0 {
			used++
		}
	}
	if total != n || used != partitions {
		t.Fatalf("%d transactions in %d partitions, not %d in %d", total, used, n, partitions)
	}
}
