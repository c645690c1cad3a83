package stream_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/stream"
)

// brokers gives a cluster to test on: the one of SLUICE_TEST_BROKERS, or an
// embedded one.
func brokers(t *testing.T, opts ...kfake.Opt) []string {
	t.Helper()
	if named := os.Getenv("SLUICE_TEST_BROKERS"); named != "" {
		return strings.Split(named, ",")
	}
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()
}

// topicsFor names topics that no other test uses.
func topicsFor(t *testing.T) stream.Topics {
	n := fmt.Sprintf("%s-%d", strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()), time.Now().UnixNano())
	return stream.Topics{
		Transactions: n + "-tx", Labels: n + "-labels", Verdicts: n + "-verdicts",
		DeadLetters: n + "-dead", Alerts: n + "-alerts",
	}
}

// peer is an independent client, to write what the processor reads and to read
// what it wrote.
func peer(t *testing.T, seeds []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(seeds...)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// readAll reads n records of a topic, markers aside, and makes sure that no
// more follow.
func readAll(t *testing.T, seeds []string, topic string, n int) []*kgo.Record {
	t.Helper()
	c := peer(t, seeds, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n {
		f := c.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%s holds %d records, %d expected", topic, len(out), n)
		}
		out = append(out, unmarked(f.Records())...)
	}
	more, stop := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer stop()
	out = append(out, unmarked(c.PollFetches(more).Records())...)
	if len(out) != n {
		t.Fatalf("%s holds %d records, %d expected", topic, len(out), n)
	}
	return out
}

// unmarked leaves the markers of runs out.
func unmarked(records []*kgo.Record) (out []*kgo.Record) {
	for _, r := range records {
		if r.Value != nil {
			out = append(out, r)
		}
	}
	return out
}
