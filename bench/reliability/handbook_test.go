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

// reference gives the verdicts of the first n payments, by id.
func reference(t *testing.T, n int) []string {
	t.Helper()
	names := map[string]string{"allow": "allow", "review": "review", "deny": "deny"}
	out := make([]string, n)
	rows(t, filepath.Join(handbook(t), "verdicts_ref.csv.gz"), n, func(r []string) {
		id, err := strconv.Atoi(r[0])
		if err != nil || id >= n {
			t.Fatalf("the reference has the id %s", r[0])
		}
		out[id] = names[r[len(r)-1]]
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
// 0 to len(want)-1 once. A verdict "" in want is not compared.
func (p *place) judge(t *testing.T, want []string) outcome {
	t.Helper()
	var o outcome
	got := make([]string, len(want))
	p.readVerdicts(t, func(v *verdict) {
		if v == nil {
			o.markers++
			return
		}
		if v.ID < 0 || v.ID >= len(want) {
			t.Fatalf("a verdict of %d, which was never sent", v.ID)
		}
		switch got[v.ID] {
		case "":
			got[v.ID] = v.Verdict
			o.decided++
		case v.Verdict:
			o.twice++
		default:
			o.twice++
			o.conflicting++
		}
	})
	for id, v := range got {
		switch {
		case v == "":
			o.lost++
		case want[id] != "" && v != want[id]:
			if o.bad++; o.bad <= 5 {
				t.Errorf("transaction %d: %s, not %s", id, v, want[id])
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
