package reliability

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// labelDelay is how long after its payment a fraud becomes known.
const labelDelay = 7 * 24 * time.Hour

// handbook gives the folder of the real payments, or skips.
func handbook(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("SLUICE_TEST_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir = filepath.Join(dir, "handbook")
	if _, err := os.Stat(filepath.Join(dir, "transactions.csv.gz")); err != nil {
		t.Skip("no handbook data: set SLUICE_TEST_DATA")
	}
	return dir
}

// rows reads up to limit rows of a gzipped CSV file, without its header.
func rows(t *testing.T, path string, limit int, each func(row []string)) {
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
	for range limit {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		each(row)
	}
}

// payment is one row of the handbook.
type payment struct {
	id       int
	customer string
	at       time.Time
	value    []byte
	label    []byte // nil: no fraud
	terminal string
}

// payments reads the first n.
func payments(t *testing.T, n int) []payment {
	t.Helper()
	out := make([]payment, 0, n)
	rows(t, filepath.Join(handbook(t), "transactions.csv.gz"), n, func(r []string) {
		at, err := time.Parse(time.RFC3339, r[1])
		if err != nil {
			t.Fatal(err)
		}
		id, err := strconv.Atoi(r[0])
		if err != nil {
			t.Fatal(err)
		}
		p := payment{id: id, customer: strings.Clone(r[2]), terminal: strings.Clone(r[3]), at: at}
		p.value = fmt.Appendf(nil, `{"transaction_id":%s,"tx_datetime":"%s","customer_id":%s,"terminal_id":%s,"tx_amount":%s}`, r[0], r[1], r[2], r[3], r[4])
		if r[6] == "1" {
			p.label = fmt.Appendf(nil, `{"transaction_id":%s,"terminal_id":%s,"customer_id":%s,"tx_time":"%s","fraud":true}`, r[0], r[3], r[2], r[1])
		}
		out = append(out, p)
	})
	if len(out) != n {
		t.Fatalf("the handbook has %d payments, not %d", len(out), n)
	}
	return out
}

// send produces payments, and the labels of the frauds among them.
func (p *place) send(t *testing.T, all []payment) {
	t.Helper()
	failed := func(_ *kgo.Record, err error) {
		if err != nil {
			t.Errorf("sending: %v", err)
		}
	}
	for i := range all {
		x := &all[i]
		p.client.Produce(context.Background(), &kgo.Record{Topic: p.topic("tx"), Key: []byte(x.customer), Value: x.value, Timestamp: x.at}, failed)
		if x.label != nil {
			p.client.Produce(context.Background(), &kgo.Record{Topic: p.topic("labels"), Key: []byte(x.terminal), Value: x.label, Timestamp: x.at.Add(labelDelay)}, failed)
		}
	}
	if err := p.client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// expected is what the reference says of a payment. The score is how many
// frauds were known at its terminal, up to mostFrauds: that is what a lost label
// or payment changes first, long before a verdict.
type expected struct {
	verdict string
	score   int
}

const mostFrauds = 20

// countingRules say by their score how many frauds are known; it is too small to
// change a verdict.
func countingRules() string {
	text := "rules:\n"
	for k := 1; k <= mostFrauds; k++ {
		text += fmt.Sprintf("  - {id: known-%02d, when: 'count(terminal.between(\"14d\", \"7d\"), .fraud) >= %d', score: 1}\n", k, k)
	}
	return text
}

// reference gives what is expected of the first n payments, by id.
func reference(t *testing.T, n int) []expected {
	t.Helper()
	names := map[string]string{"allow": "allow", "review": "review", "deny": "deny"}
	out := make([]expected, n)
	rows(t, filepath.Join(handbook(t), "verdicts_ref.csv.gz"), n, func(r []string) {
		id, err := strconv.Atoi(r[0])
		if err != nil || id >= n {
			t.Fatalf("the reference has the id %s", r[0])
		}
		frauds, err := strconv.Atoi(r[3])
		if err != nil {
			t.Fatal(err)
		}
		out[id] = expected{names[r[len(r)-1]], min(frauds, mostFrauds)}
	})
	return out
}

// outcome is what the verdicts topic says in the end.
type outcome struct {
	decided, markers              int
	lost, twice, conflicting, bad int
}

// judge reads the whole verdicts topic, with a client that knows nothing of
// what was seen before, and holds it against the reference: each of the ids
// 0 to len(want)-1 once. What want does not know is not compared.
func (p *place) judge(t *testing.T, want []expected) outcome {
	t.Helper()
	var o outcome
	got := make([]expected, len(want))
	p.readVerdicts(t, func(v *verdict) {
		if v == nil {
			o.markers++
			return
		}
		if v.ID < 0 || v.ID >= len(want) {
			t.Fatalf("a verdict of %d, which was never sent", v.ID)
		}
		switch now := (expected{v.Verdict, v.Score}); got[v.ID] {
		case expected{}:
			got[v.ID] = now
			o.decided++
		case now:
			o.twice++
		default:
			o.twice++
			o.conflicting++
		}
	})
	for id, v := range got {
		switch {
		case v.verdict == "":
			o.lost++
		case want[id].verdict != "" && v != want[id]:
			if o.bad++; o.bad <= 20 {
				t.Errorf("transaction %d: %s and %d known frauds, not %s and %d", id, v.verdict, v.score, want[id].verdict, want[id].score)
			}
		}
	}
	if o.lost+o.twice+o.bad > 0 {
		t.Errorf("of %d: %d lost, %d twice, %d of those conflicting, %d differ from the reference", len(want), o.lost, o.twice, o.conflicting, o.bad)
	}
	return o
}

// compact makes a test's name one of topics.
func compact(name string) string {
	return string(bytes.Map(func(r rune) rune {
		if r == '/' || r == ' ' {
			return '-'
		}
		return r
	}, []byte(name)))
}
