package stream_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/stream"
)

// TestCollector gathers from a processor that never ran: names and labels must fit.
func TestCollector(t *testing.T) {
	s := schemaOf(t)
	p, err := stream.New(stream.Options{
		Kafka: stream.Kafka{Brokers: []string{"localhost:1"}}, Group: "g", Schema: s, Set: setOf(t, s, testRules),
		Topics: stream.Topics{Transactions: "t", Verdicts: "v", DeadLetters: "d"},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(p.Collector())
	families, err := r.Gather()
	if err != nil || len(families) < 15 {
		t.Errorf("%d families, %v", len(families), err)
	}
}
