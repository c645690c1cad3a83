package stream

import (
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/scoring/event"
	"sluice/stream/journal"
)

// TestDeadMemberLeaves: the member that a run was which died goes when its
// journal is opened again, not when its session ends. Members of others stay, and
// the one that asks.
func TestDeadMemberLeaves(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "tx"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	schema, err := event.ParseSchema("schema.yaml", []byte("fields: {id: {type: integer}, time: {type: timestamp}, card: {type: string, entity: true}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(journal.Options{Dir: t.TempDir(), Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	cluster, err := Dial(Kafka{Brokers: fake.ListenAddrs()}, "tx")
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	p := &Processor{o: Options{Group: "g"}, cluster: cluster, journal: j, log: slog.New(slog.DiscardHandler)}
	p.nameJournal()
	name := j.Run().Name
	if p.nameJournal(); name == "" || j.Run().Name != name {
		t.Fatalf("the name of a journal is %q, then %q", name, j.Run().Name)
	}

	var admin *kadm.Client
	members := func(client string) (ids []string) {
		groups, err := admin.DescribeGroups(t.Context(), "g")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range groups["g"].Members {
			if m.ClientID == client {
				ids = append(ids, m.MemberID)
			}
		}
		return ids
	}
	join := func(client string, n int) {
		for range n {
			// They hardly ever say that they are alive, as if they weren't.
			c, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("tx"), kgo.ClientID(client),
				kgo.HeartbeatInterval(4*time.Minute), kgo.SessionTimeout(5*time.Minute), kgo.RebalanceTimeout(5*time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.CloseAllowingRebalance)
			admin = kadm.NewClient(c)
		}
		for len(members(client)) < n {
			time.Sleep(time.Millisecond)
		}
	}
	join("sluice-of-another-journal", 1)
	if dead, ok := p.takeLeave(t.Context(), ""); dead != 0 || !ok {
		t.Fatalf("%d dead members, and nobody is dead; all is known: %v", dead, ok)
	}
	join(p.groupClient(), 2)
	but := members(p.groupClient())[0]
	if dead, ok := p.takeLeave(t.Context(), but); dead != 1 || !ok {
		t.Errorf("%d dead members; all is known: %v", dead, ok)
	}
	if left := members(p.groupClient()); len(left) != 1 || left[0] != but {
		t.Errorf("%q are left, not %q alone", left, but)
	}
	if left := members("sluice-of-another-journal"); len(left) != 1 {
		t.Errorf("%q of another journal are left, not the one", left)
	}
}
