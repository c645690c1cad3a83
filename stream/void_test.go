package stream_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/stream"
)

// past fills the topics as earlier runs left them, all in one partition: a and
// then b, which a, frozen meanwhile, did not notice; and c, which kept no journal.
func (b *bench) past(t *testing.T) {
	t.Helper()
	_, stop := b.run(t, b.options()) // makes the topics
	stop()
	const key = "c1"
	verdict := func(id int, run, verdict string) {
		b.send(t, b.topics.Verdicts, key, b.start, fmt.Appendf(nil,
			`{"transaction_id":%d,"verdict":%q,"score":0,"rules":[],"reasons":[],"shadow":[],"skipped":[],"flags":[],"arrival_time":%q,"run":%q,"windows":[]}`,
			id, verdict, b.start.UTC().Format(time.RFC3339), run))
	}
	for id := 1; id <= 4; id++ {
		b.send(t, b.topics.Transactions, key, b.start, b.body(id, key, b.start, 100))
	}
	verdict(1, "a", "deny")
	marker := kgo.RecordHeader{Key: "sluice-run", Value: []byte("b")}
	b.out.Produce(t.Context(), &kgo.Record{Topic: b.topics.Verdicts, Key: []byte(key), Headers: []kgo.RecordHeader{marker}}, nil)
	verdict(2, "a", "deny") // void
	verdict(3, "a", "deny") // void
	verdict(2, "b", "review")
	verdict(4, "c", "review")
	b.flush(t)
}

// TestBrokerVoidVerdicts: what a run sent when another had followed it is no
// verdict to the start of the next run, to who asks for it over HTTP, and to
// explain; nor is the marker between them.
func TestBrokerVoidVerdicts(t *testing.T) {
	for name, journaled := range map[string]bool{"no journal": false, "lost journal": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.past(t)
			o := b.options()
			o.Group += "-next"
			if journaled { // a new one: the former was lost
				o.Journal = &stream.Journaling{Dir: t.TempDir(), Interval: 10 * time.Millisecond}
			}
			p, stop := b.run(t, o)
			await(t, "caught up", b.drained(t, p))
			if c := p.Counts(); c.Decisions() != 1 {
				t.Errorf("%d decided, not the one whose verdict is void", c.Decisions())
			}
			for id, want := range map[string]string{"1": `"run":"a"`, "2": `"run":"b"`, "3": `"run":"test"`, "4": `"run":"c"`} {
				record, err := p.Verdict(t.Context(), id)
				for ; errors.Is(err, stream.ErrPending); record, err = p.Verdict(t.Context(), id) {
					time.Sleep(time.Millisecond)
				}
				if err != nil || !strings.Contains(string(record), want) {
					t.Errorf("verdict on %s: %s %v, want %s", id, record, err, want)
				}
			}
			stop()
			b.looksUp(t)
		})
	}
}

// looksUp looks the same verdicts up as explain does.
func (b *bench) looksUp(t *testing.T) {
	t.Helper()
	cluster, err := stream.Dial(stream.Kafka{Brokers: b.seeds}, b.topics.Verdicts)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	s, err := cluster.Stretch(t.Context(), b.schema, b.topics.Verdicts, 0, stream.EndOfTime)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"1": `"run":"a"`, "2": `"run":"b"`, "3": `"run":"test"`, "4": `"run":"c"`} {
		record, ok, err := s.Verdict(t.Context(), func(r []byte) bool { return strings.HasPrefix(string(r), `{"transaction_id":`+id+`,`) })
		if err != nil || !ok || !strings.Contains(string(record), want) {
			t.Errorf("looking up %s: %s %v %v, want %s", id, record, ok, err, want)
		}
	}
}
