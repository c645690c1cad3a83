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
// journal is opened again, not when its session ends.
func TestDeadMemberLeaves(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "tx"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	// It hardly ever says that it is alive, as if it weren't.
	dead, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("tx"),
		kgo.HeartbeatInterval(4*time.Minute), kgo.SessionTimeout(5*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer dead.CloseAllowingRebalance()
	admin := kadm.NewClient(dead)
	members := func() []kadm.DescribedGroupMember {
		groups, err := admin.DescribeGroups(t.Context(), "g")
		if err != nil {
			t.Fatal(err)
		}
		return groups["g"].Members
	}
	for len(members()) == 0 {
		time.Sleep(time.Millisecond)
	}

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
	p.takeLeave(t.Context())
	if n := len(members()); n != 1 {
		t.Fatalf("%d members, and nobody is known to be dead", n)
	}
	if err := (&identity{journal: j}).member(members()[0].MemberID); err != nil {
		t.Fatal(err)
	}
	p.takeLeave(t.Context())
	if n := len(members()); n != 0 {
		t.Errorf("%d members, and the only one is dead", n)
	}
}
