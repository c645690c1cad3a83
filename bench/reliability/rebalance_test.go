package reliability

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// tenure is when a partition belonged to somebody else.
type tenure struct {
	partition int32
	from, to  time.Time
}

// stranger joins the group, gets its share of the partitions, decides nothing,
// and leaves.
type stranger struct {
	mu       sync.Mutex
	held     map[int32]time.Time
	tenures  []tenure
	assigned chan struct{}
}

func (x *stranger) visit(t *testing.T, p *place, stay time.Duration) {
	t.Helper()
	x.held, x.assigned = map[int32]time.Time{}, make(chan struct{}, 1)
	end := func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
		x.mu.Lock()
		defer x.mu.Unlock()
		for _, partition := range lost[p.topic("tx")] {
			x.tenures = append(x.tenures, tenure{partition, x.held[partition], time.Now()})
			delete(x.held, partition)
		}
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(p.seeds...), kgo.ConsumerGroup(p.name), kgo.ConsumeTopics(p.topic("tx"), p.topic("labels")),
		kgo.Balancers(kgo.RangeBalancer()), kgo.DisableAutoCommit(), kgo.HeartbeatInterval(200*time.Millisecond),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, got map[string][]int32) {
			x.mu.Lock()
			defer x.mu.Unlock()
			for _, partition := range got[p.topic("tx")] {
				x.held[partition] = time.Now()
			}
			select {
			case x.assigned <- struct{}{}:
			default:
			}
		}),
		kgo.OnPartitionsRevoked(end), kgo.OnPartitionsLost(end))
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-x.assigned:
	case <-time.After(hung):
		t.Error("the group does not take another member in")
	}
	time.Sleep(stay)
	c.Close() // it leaves
}

// TestReliabilityRebalances lets another member join and leave the group again
// and again while transactions flow. Nobody but the owner of a partition
// decides what lies in it, and no committed offset moves backwards.
func TestReliabilityRebalances(t *testing.T) {
	t.Parallel()
	visits, n := scale(5, 50), scale(60_000, 300_000) // a visit makes two rebalances
	p := newPlace(t)
	random := rand.New(rand.NewPCG(seed(t), 40))
	all := payments(t, n)
	w := p.watch(t)
	s := serve(t, p.configure(t, "sluice", "{dir: journal, interval: 100ms}"))
	s.awaitReady(t)

	stop := make(chan struct{})
	var around sync.WaitGroup
	around.Go(func() { // payments keep coming, all the time
		for i := 0; i < n && t.Context().Err() == nil; {
			next := min(n, i+max(1, n/(visits*20)))
			p.send(t, all[i:next])
			i = next
			time.Sleep(50 * time.Millisecond)
		}
	})
	rewinds, commits := 0, 0
	around.Go(func() {
		last := map[string]int64{}
		for ; !closed(stop); time.Sleep(20 * time.Millisecond) {
			offsets, err := p.admin.FetchOffsets(context.Background(), p.name)
			if err != nil {
				continue
			}
			for topic, byPartition := range offsets {
				for partition, o := range byPartition {
					at := fmt.Sprint(topic, "/", partition)
					was, known := last[at]
					if known && o.At < was {
						rewinds++
						t.Logf("%s: committed %d after %d", at, o.At, was)
					}
					if !known || o.At != was {
						commits++
					}
					last[at] = o.At
				}
			}
		}
	})
	x := &stranger{}
	for range visits {
		x.visit(t, p, time.Duration(random.Int64N(int64(500*time.Millisecond))))
		s.await(t, "it has all partitions again", hung, func() bool { return p.assigned(t, s) == partitions })
	}
	w.await(t, n, s, hung)
	s.awaitReady(t)
	close(stop)
	around.Wait()
	s.terminate(t)
	foreign := p.foreign(t, x.tenures)
	o := p.judge(t, reference(t, n))
	t.Logf("%d rebalances, %d tenures of another member, %d commits seen: %d rewinds, %d decisions by a non-owner; %+v", 2*visits, len(x.tenures), commits, rewinds, foreign, o)
	if rewinds > 0 || foreign > 0 {
		t.Errorf("%d rewinds, %d decisions by a non-owner", rewinds, foreign)
	}
}

// assigned counts the partitions of transactions that a process has.
func (p *place) assigned(t *testing.T, s *process) int {
	t.Helper()
	group, err := p.admin.DescribeGroups(t.Context(), p.name)
	if err != nil || len(group[p.name].Members) != 1 {
		return 0
	}
	a, ok := group[p.name].Members[0].Assigned.AsConsumer()
	if !ok {
		return 0
	}
	for _, topic := range a.Topics {
		if topic.Topic == p.topic("tx") {
			return len(topic.Partitions)
		}
	}
	return 0
}

// foreign counts verdicts of transactions that were decided while their
// partition belonged to another member.
func (p *place) foreign(t *testing.T, tenures []tenure) (n int) {
	t.Helper()
	p.readRecords(t, func(r *kgo.Record) {
		var v struct {
			Source  source    `json:"source"`
			Decided time.Time `json:"decided_at"`
		}
		if r.Value == nil {
			return
		}
		if err := json.Unmarshal(r.Value, &v); err != nil {
			t.Fatal(err)
		}
		for _, x := range tenures {
			if x.partition == v.Source.Partition && v.Decided.After(x.from) && v.Decided.Before(x.to) {
				n++
			}
		}
	})
	return n
}
