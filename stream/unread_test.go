package stream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sluice/stream"
)

// unreadable has the broker refuse to give a partition, a number of times (-1: until
// that is taken back), to who asks for several at once.
func unreadable(fake *kfake.Cluster, topic string, partition int32, times int) *kfake.FaultHandle {
	return fake.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Fetch}, Topic: topic, Partitions: []int32{partition}, Err: kerr.KafkaStorageError, Count: times,
		When: func(r kmsg.Request) bool {
			n := 0
			for _, t := range r.(*kmsg.FetchRequest).Topics {
				n += len(t.Partitions)
			}
			return n > 1
		},
	})
}

// TestPassingFaultsOfAPartition: where the broker does not give one partition, that
// one says so, and all others go on.
func TestPassingFaultsOfAPartition(t *testing.T) {
	b, fake := embedded(t)
	b.create(t, b.options())
	const sick = 0 // the one that is asked for first
	fault := unreadable(fake, b.topics.Transactions, sick, -1)
	o := b.options()
	o.Journal = &stream.Journaling{Dir: t.TempDir(), Interval: 20 * time.Millisecond}
	p, stop := b.run(t, o)
	const n = 400
	for i := range n {
		c := fmt.Sprintf("c%d", i%40)
		b.send(t, b.topics.Transactions, c, b.start, b.body(i, c, b.start, 100))
		b.send(t, b.topics.Labels, c, b.start, fmt.Appendf(nil, `{"id":%d,"fraud":false}`, i))
	}
	b.flush(t)
	await(t, "the others are decided", func() bool {
		decided, end := int64(0), int64(0)
		for _, s := range p.State().Partitions {
			end += s.End
			if s.Topic == b.topics.Transactions && s.Partition == sick {
				if s.Position != 0 {
					t.Fatalf("%+v was never given", s)
				}
				end -= s.End
				continue
			}
			decided += s.Committed
		}
		return end > n && decided == end
	})
	said := ""
	await(t, "it says so", func() bool {
		said = strings.Join(p.State().Troubles, "; ")
		return strings.Contains(said, fmt.Sprintf("fetching %s/%d: [56]", b.topics.Transactions, sick))
	})
	if p.CaughtUp() {
		t.Errorf("it is caught up, and says %q", said)
	}
	fault.Remove()
	await(t, "caught up", b.drained(t, p))
	await(t, "no trouble", func() bool { return len(p.State().Troubles) == 0 })
	stop()
	b.verdicts(t, n)
}

// TestPassingFaultsOfAReadback: nothing is decided before the histories are whole,
// also where the broker does not give a part of them for a while.
func TestPassingFaultsOfAReadback(t *testing.T) {
	b, fake := embedded(t)
	b.create(t, b.options())
	one, other, partition := customers()
	p, stop := b.run(t, b.options())
	for i := range 3 {
		b.send(t, b.topics.Transactions, one, b.start, b.body(i, one, b.start, 100))
	}
	b.send(t, b.topics.Transactions, other, b.start, b.body(3, other, b.start, 100))
	b.flush(t)
	b.decided(t, p, 4)
	stop()
	b.send(t, b.topics.Transactions, other, b.start, b.body(4, one, b.start, 100)) // in another partition than the others of its customer
	b.flush(t)
	fault := unreadable(fake, b.topics.Transactions, partition, 1)
	o := b.options()
	o.Patience = time.Millisecond // the merge would wait for the partition as well
	_, stop = b.run(t, o)
	if got := b.verdicts(t, 5); got[4].Verdict != "deny" || fault.Hits() != 1 {
		t.Errorf("%+v, after %d faults", got[4], fault.Hits())
	}
	stop()
}
