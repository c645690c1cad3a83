package stream

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"sluice/scoring/event"
	"sluice/stream/journal"
)

// TestTroubleOfMarkers: a run that can't set its markers, here because its
// journal takes nothing, says why it does not begin.
func TestTroubleOfMarkers(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "verdicts"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	cluster, err := Dial(Kafka{Brokers: fake.ListenAddrs()}, "verdicts")
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	schema, err := event.ParseSchema("schema.yaml", []byte("fields: {id: {type: integer}, time: {type: timestamp}, card: {type: string, entity: true}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(journal.Options{Dir: t.TempDir(), Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	p := &Processor{
		o: Options{Topics: Topics{Verdicts: "verdicts"}}, cluster: cluster, journal: j, log: log, engine: &engine{wake: make(chan struct{}, 1)},
	}
	options := p.produceOptions("verdicts")
	p.identity = &identity{journal: j, newID: options.NewID}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = p.mark(ctx, []int32{0})
	}()
	for len(p.troubles()) == 0 {
		select {
		case <-ended:
			t.Fatal("it gave up, or was done")
		case <-time.After(time.Millisecond):
		}
	}
	if got := strings.Join(p.troubles(), "\n"); !strings.Contains(got, "journal") {
		t.Errorf("the trouble is %q", got)
	}
	cancel()
	<-ended
	if got := p.troubles(); len(got) != 0 {
		t.Errorf("afterwards there is %q", got)
	}
}
