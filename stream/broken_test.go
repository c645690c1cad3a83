package stream_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/twmb/franz-go/pkg/kfake"

	"sluice/bench/kafkatest"
	"sluice/stream"
)

// TestBrokerDies kills and freezes a real broker (started by .ci/kafka in
// SLUICE_TEST_KAFKA) while transactions flow: every one gets its verdict once.
func TestBrokerDies(t *testing.T) {
	broker := kafkatest.Named(t)
	t.Setenv("SLUICE_TEST_BROKERS", broker.Says(t, "address"))
	b := newBench(t)
	b.create(t, b.options())
	p, _ := b.run(t, b.options())
	const rounds, each = 4, 5000
	for round := range rounds {
		for i := round * each; i < (round+1)*each; i++ {
			c := fmt.Sprintf("c%d", i%2500)
			b.send(t, b.topics.Transactions, c, b.start, b.body(i, c, b.start, 100))
			if i%each != each/2 {
				continue
			}
			if round%2 == 0 {
				broker.Kill(t)
				time.Sleep(500 * time.Millisecond)
				broker.Restart(t)
			} else {
				broker.Freeze(t)
				time.Sleep(3 * time.Second)
				broker.Thaw(t)
			}
		}
		b.flush(t)
	}
	b.verdicts(t, rounds*each)
	await(t, "caught up", b.drained(t, p))
}

// TestBrokerComesLater starts the processor before its broker: it says what is
// wrong, and works once the broker is there.
func TestBrokerComesLater(t *testing.T) {
	port, release, err := kafkatest.Port()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	b := &bench{seeds: []string{fmt.Sprintf("127.0.0.1:%d", port)}, topics: topicsFor(t), schema: schemaOf(t), group: "g", start: time.Now()}
	b.set = setOf(t, b.schema, testRules)
	p, wait := startQuietly(t, b.options())
	await(t, "the trouble", func() bool {
		s := p.State()
		return len(s.Troubles) > 0 && strings.Contains(s.Troubles[0], "nobody listens there")
	})
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	await(t, "deciding", func() bool { return p.State().Phase == "deciding" })
	if _, err := p.Decide(t.Context(), b.body(1, "a", time.Now(), 100)); err != nil {
		t.Error(err)
	}
	wait()
}

// TestRefusedLogin is told as what it is.
func TestRefusedLogin(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "sluice", "right"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := &bench{seeds: c.ListenAddrs(), topics: topicsFor(t), schema: schemaOf(t), group: "g", start: time.Now()}
	b.set = setOf(t, b.schema, testRules)
	o := b.options()
	o.Kafka.SASL = plain.Mechanism{Username: "sluice", Password: "wrong"}
	p, wait := startQuietly(t, o)
	await(t, "the trouble", func() bool {
		s := p.State()
		return len(s.Troubles) > 0 && strings.Contains(s.Troubles[0], "login")
	})
	wait()
	o.Kafka.SASL = plain.Mechanism{Username: "sluice", Password: "right"}
	p, wait = startQuietly(t, o)
	await(t, "deciding", func() bool { return p.State().Phase == "deciding" })
	wait()
}

// startQuietly runs a processor without waiting for it; the function it gives
// stops it.
func startQuietly(t *testing.T, o stream.Options) (*stream.Processor, func()) {
	t.Helper()
	p, err := stream.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	return p, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
