package stream_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/scoring/event"
	"sluice/stream"
)

// TestStretch reads part of a topic of several partitions on the side: in the
// merge's order, with what can't be read told and left out.
func TestStretch(t *testing.T) {
	b := newBench(t)
	_, stop := b.run(t, b.options()) // makes the topics
	stop()
	const n = 1000
	at := func(i int) time.Time { return b.start.Add(time.Duration(i) * time.Second) }
	for i := range n {
		c := fmt.Sprintf("c%d", i%50)
		if i%100 == 99 {
			b.send(t, b.topics.Transactions, c, at(i), []byte(`{"id":`))
			continue
		}
		b.send(t, b.topics.Transactions, c, at(i), b.body(i, c, at(i), 100))
	}
	b.flush(t)
	cluster, err := stream.Dial(stream.Kafka{Brokers: b.seeds}, b.topics.Transactions)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	for _, part := range []struct{ from, to, first, last int }{{0, n, 0, n - 1}, {200, 500, 200, 499}, {n - 3, n + 50, n - 3, n - 1}, {n, 2 * n, 0, -1}, {-50, 10, 0, 9}} {
		to := at(part.to).UnixNano()
		if part.to == n {
			to = stream.EndOfTime
		}
		s, err := cluster.Stretch(t.Context(), b.schema, b.topics.Transactions, at(part.from).UnixNano(), to)
		if err != nil {
			t.Fatal(err)
		}
		var faults, done atomic.Int64
		s.Fault = func(err error) {
			faults.Add(1)
			if !strings.Contains(err.Error(), b.topics.Transactions+"/") {
				t.Errorf("where is it? %v", err)
			}
		}
		next := part.first
		err = s.Transactions(t.Context(), func(txs []*event.Transaction) error {
			for _, tx := range txs {
				if next%100 == 99 {
					next++
				}
				if got := tx.ID(); got != fmt.Sprint(next) {
					t.Fatalf("%+v: transaction %s, not %d", part, got, next)
				}
				next++
			}
			return nil
		}, func(records int64) { done.Add(records) })
		if err != nil {
			t.Fatal(err)
		}
		if next%100 == 99 {
			next++
		}
		if next != part.last+1 && part.last >= 0 {
			t.Errorf("%+v ends before %d", part, next)
		}
		want := int64(max(0, (part.last+1)/100-part.first/100))
		if faults.Load() != want || done.Load() != s.Records() {
			t.Errorf("%+v: %d faults, not %d; %d of %d records", part, faults.Load(), want, done.Load(), s.Records())
		}
	}
	s, err := cluster.Stretch(t.Context(), b.schema, b.topics.Transactions, 0, stream.EndOfTime)
	if err != nil {
		t.Fatal(err)
	}
	value, ok, err := s.Verdict(t.Context(), func(v []byte) bool { return strings.HasPrefix(string(v), `{"id":777,`) })
	if err != nil || !ok || !strings.Contains(string(value), `"c27"`) {
		t.Errorf("%s %v %v", value, ok, err)
	}
	if _, ok, err := s.Verdict(t.Context(), func([]byte) bool { return false }); err != nil || ok {
		t.Errorf("%v %v", ok, err)
	}
}
