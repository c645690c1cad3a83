package stream

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/bench/kafkatest"
)

// TestReadOne reads records that are there, that are gone, and that a leader
// does not give: only the second kind may be told to a client as forgotten.
func TestReadOne(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "v"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for range 4 {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "v", Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	kafkatest.DeleteRecords(t, client, "v", 0, 2)
	cluster, err := Dial(Kafka{Brokers: fake.ListenAddrs()}, "v")
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	for offset, want := range map[int64]struct{ there, gone bool }{1: {gone: true}, 2: {there: true}, 3: {there: true}, 4: {}, 5: {}} {
		value, err := cluster.readOne(t.Context(), "v", 0, offset)
		if there, gone := err == nil && string(value) == "x", errors.Is(err, ErrUnknown); there != want.there || gone != want.gone {
			t.Errorf("%d: %q, %v", offset, value, err)
		}
	}
}
