package stream

import (
	"context"
	"errors"
	"testing"
	"testing/fstest"
	"time"

	"sluice/rules"
	"sluice/scoring/event"
)

// TestRequestsGivenUp: those whose clients have gone still wait for their verdicts,
// and are bounded with the others.
func TestRequestsGivenUp(t *testing.T) {
	schema, err := event.ParseSchema("schema.yaml", []byte("fields: {id: {type: integer}, time: {type: timestamp}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.LoadFS(fstest.MapFS{"a.yaml": {Data: []byte("rules: []\n")}}, "rules", schema)
	if err != nil {
		t.Fatal(err)
	}
	const bound = 5
	p, err := New(Options{
		Kafka: Kafka{Brokers: []string{"127.0.0.1:1"}}, Topics: Topics{Transactions: "t", Verdicts: "v", DeadLetters: "d"},
		Group: "g", Schema: schema, Set: set, Requests: bound,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.replies.Close()
	defer p.cluster.Close()
	p.knowing.Store(true)
	gone, leave := context.WithCancel(t.Context())
	leave()
	body := []byte(`{"id":1,"time":"` + time.Now().UTC().Format(time.RFC3339) + `"}`)
	ask := func() error { _, err := p.Decide(gone, body); return err }
	var calls []*call
	for range bound {
		if err := ask(); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		calls = append(calls, <-p.engine.requests) // as the engine takes them, and Kafka takes no verdict
	}
	for range 2 {
		if err := ask(); !errors.Is(err, ErrBusy) {
			t.Errorf("one too many: %v", err)
		}
	}
	calls[0].finish(nil)
	calls[0].finish(nil) // of two ends the first one counts
	if err := ask(); !errors.Is(err, context.Canceled) {
		t.Errorf("one has ended: %v", err)
	}
	if err := ask(); !errors.Is(err, ErrBusy) {
		t.Errorf("and another one has come: %v", err)
	}
	if n := p.Counts().Busy; n != 3 {
		t.Errorf("%d turned away, not 3", n)
	}
}
