package stream_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sluice/stream"
)

// closed in place of a code: the connection breaks without an answer.
const closed = -1

// faults a broker answers with while it starts, stops or moves leaders, by
// request. All of them pass.
func faults() map[kmsg.Key][]int16 {
	const (
		topic, leaderless, moved, timeout           = 3, 5, 6, 7
		loading, coordinator, elsewhere, rebalance  = 14, 15, 16, 27
		replicas, replicasAfter, disk, unknownEpoch = 19, 20, 56, 76
	)
	return map[kmsg.Key][]int16{
		kmsg.Produce:         {topic, leaderless, moved, timeout, replicas, replicasAfter, disk, closed},
		kmsg.Fetch:           {topic, leaderless, moved, disk, unknownEpoch, closed},
		kmsg.ListOffsets:     {topic, leaderless, moved, disk, closed},
		kmsg.Metadata:        {topic, leaderless, closed},
		kmsg.FindCoordinator: {loading, coordinator, closed},
		kmsg.JoinGroup:       {loading, coordinator, elsewhere, closed},
		kmsg.SyncGroup:       {loading, coordinator, elsewhere, rebalance, closed},
		kmsg.Heartbeat:       {elsewhere, closed},
		kmsg.OffsetCommit:    {loading, coordinator, elsewhere, closed},
		kmsg.OffsetFetch:     {loading, coordinator, elsewhere, closed},
		kmsg.InitProducerID:  {loading, coordinator, elsewhere, closed},
	}
}

// faulty answers a request with an error.
func faulty(req kmsg.Request, code int16, address string) kmsg.Response {
	host, port, _ := net.SplitHostPort(address)
	number, _ := strconv.Atoi(port)
	switch q := req.(type) {
	case *kmsg.ProduceRequest:
		res := q.ResponseKind().(*kmsg.ProduceResponse)
		for _, t := range q.Topics {
			rt := kmsg.NewProduceResponseTopic()
			rt.Topic, rt.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				rp := kmsg.NewProduceResponseTopicPartition()
				rp.Partition, rp.ErrorCode, rp.BaseOffset = p.Partition, code, -1
				rt.Partitions = append(rt.Partitions, rp)
			}
			res.Topics = append(res.Topics, rt)
		}
		return res
	case *kmsg.FetchRequest:
		res := q.ResponseKind().(*kmsg.FetchResponse)
		for _, t := range q.Topics {
			rt := kmsg.NewFetchResponseTopic()
			rt.Topic, rt.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				rp := kmsg.NewFetchResponseTopicPartition()
				rp.Partition, rp.ErrorCode, rp.HighWatermark = p.Partition, code, -1
				rt.Partitions = append(rt.Partitions, rp)
			}
			res.Topics = append(res.Topics, rt)
		}
		return res
	case *kmsg.ListOffsetsRequest:
		res := q.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, t := range q.Topics {
			rt := kmsg.NewListOffsetsResponseTopic()
			rt.Topic = t.Topic
			for _, p := range t.Partitions {
				rp := kmsg.NewListOffsetsResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, code
				rt.Partitions = append(rt.Partitions, rp)
			}
			res.Topics = append(res.Topics, rt)
		}
		return res
	case *kmsg.MetadataRequest:
		res := q.ResponseKind().(*kmsg.MetadataResponse)
		b := kmsg.NewMetadataResponseBroker()
		b.Host, b.Port = host, int32(number)
		res.Brokers = append(res.Brokers, b)
		for _, t := range q.Topics {
			rt := kmsg.NewMetadataResponseTopic()
			rt.Topic, rt.TopicID = t.Topic, t.TopicID
			if rt.ErrorCode = code; code == 5 { // the topic is there, and its partition has no leader
				rt.ErrorCode = 0
				rp := kmsg.NewMetadataResponseTopicPartition()
				rp.ErrorCode, rp.Leader = code, -1
				rt.Partitions = append(rt.Partitions, rp)
			}
			res.Topics = append(res.Topics, rt)
		}
		return res
	case *kmsg.FindCoordinatorRequest:
		res := q.ResponseKind().(*kmsg.FindCoordinatorResponse)
		res.ErrorCode, res.NodeID = code, -1
		for _, key := range q.CoordinatorKeys {
			c := kmsg.NewFindCoordinatorResponseCoordinator()
			c.Key, c.ErrorCode, c.NodeID = key, code, -1
			res.Coordinators = append(res.Coordinators, c)
		}
		return res
	case *kmsg.JoinGroupRequest:
		res := q.ResponseKind().(*kmsg.JoinGroupResponse)
		res.ErrorCode, res.Generation = code, -1
		return res
	case *kmsg.SyncGroupRequest:
		res := q.ResponseKind().(*kmsg.SyncGroupResponse)
		res.ErrorCode = code
		return res
	case *kmsg.HeartbeatRequest:
		res := q.ResponseKind().(*kmsg.HeartbeatResponse)
		res.ErrorCode = code
		return res
	case *kmsg.OffsetCommitRequest:
		res := q.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, t := range q.Topics {
			rt := kmsg.NewOffsetCommitResponseTopic()
			rt.Topic, rt.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				rp := kmsg.NewOffsetCommitResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, code
				rt.Partitions = append(rt.Partitions, rp)
			}
			res.Topics = append(res.Topics, rt)
		}
		return res
	case *kmsg.OffsetFetchRequest:
		res := q.ResponseKind().(*kmsg.OffsetFetchResponse)
		res.ErrorCode = code
		for _, g := range q.Groups {
			rg := kmsg.NewOffsetFetchResponseGroup()
			rg.Group, rg.ErrorCode = g.Group, code
			res.Groups = append(res.Groups, rg)
		}
		return res
	case *kmsg.InitProducerIDRequest:
		res := q.ResponseKind().(*kmsg.InitProducerIDResponse)
		res.ErrorCode, res.ProducerID, res.ProducerEpoch = code, -1, -1
		return res
	}
	return nil
}

// embedded gives a bench on an embedded broker that can be told what to answer.
func embedded(t *testing.T) (*bench, *kfake.Cluster) {
	t.Helper()
	if os.Getenv("SLUICE_TEST_BROKERS") != "" {
		t.Skip("needs a broker that answers as it is told")
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	t.Setenv("SLUICE_TEST_BROKERS", strings.Join(c.ListenAddrs(), ","))
	return newBench(t), c
}

// TestPassingFaults has the broker answer every kind of request with every
// fault that passes, at a start and under load: each transaction gets its verdict
// once, and in the end nothing is wrong any more.
func TestPassingFaults(t *testing.T) {
	b, fake := embedded(t)
	b.create(t, b.options())
	var mu sync.Mutex
	left, turn, open := faults(), map[kmsg.Key]int{}, 0
	for _, codes := range left {
		open += len(codes)
	}
	for key := range left {
		fake.ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) {
			fake.KeepControl()
			mu.Lock()
			defer mu.Unlock()
			if turn[key]++; len(left[key]) == 0 || turn[key]%2 == 0 && key != kmsg.InitProducerID { // every other one is answered well
				return nil, nil, false
			}
			code := left[key][0]
			if m, ok := req.(*kmsg.MetadataRequest); ok && len(m.Topics) == 0 && code != closed {
				return nil, nil, false
			}
			left[key] = left[key][1:]
			open--
			if code == closed {
				return nil, errors.New("the connection breaks"), true
			}
			return faulty(req, code, fake.ListenAddrs()[0]), nil, true
		})
	}
	remain := func() int { mu.Lock(); defer mu.Unlock(); return open }
	o := b.options()
	o.Journal = &stream.Journaling{Dir: t.TempDir()}
	n := 0
	var told []string
	for start := 0; remain() > 0; start++ {
		if start == 10 {
			mu.Lock()
			t.Fatalf("not asked for: %v", left)
		}
		p, stop := b.run(t, o)
		for range 8 {
			for range 50 {
				c := fmt.Sprintf("c%d", n%40)
				b.send(t, b.topics.Transactions, c, b.start, b.body(n, c, b.start, 100))
				n++
			}
			b.flush(t)
			time.Sleep(20 * time.Millisecond)
		}
		await(t, "caught up", b.drained(t, p))
		var troubles []string
		await(t, "no trouble", func() bool {
			if troubles = p.State().Troubles; len(troubles) > 0 && !slices.Equal(troubles, told) {
				told = troubles
				t.Log(start, ": ", told)
			}
			return len(troubles) == 0
		})
		stop()
	}
	b.verdicts(t, n)
}

// TestDeadLetterStopsItsPartition: while a dead letter can't be written, its
// partition stands and says so, the others go on; then it goes on, and nothing
// is missing or there twice.
func TestDeadLetterStopsItsPartition(t *testing.T) {
	for _, x := range []struct {
		code int16
		says string // with its cause
	}{
		{7, "timed out"}, {29, "not authorized"}, {87, "must stand in the dead letters topic first"},
	} {
		t.Run(fmt.Sprint("code ", x.code), func(t *testing.T) {
			b, fake := embedded(t)
			b.create(t, b.options())
			var sick atomic.Bool
			sick.Store(true)
			fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
				fake.KeepControl()
				dead := slices.ContainsFunc(req.(*kmsg.ProduceRequest).Topics, func(q kmsg.ProduceRequestTopic) bool { return q.Topic == b.topics.DeadLetters })
				if !dead || !sick.Load() {
					return nil, nil, false
				}
				return faulty(req, x.code, ""), nil, true
			})
			o := b.options()
			o.Journal = &stream.Journaling{Dir: t.TempDir(), Interval: 20 * time.Millisecond}
			p, stop := b.run(t, o)
			const n = 400
			// Records of one customer lie in one partition, behind one that is none.
			b.send(t, b.topics.Transactions, "c0", b.start, []byte("{"))
			b.flush(t)
			all := ""
			defer func() { t.Log(all) }()
			await(t, "it is said", func() bool {
				s := p.State()
				all = strings.Join(s.Troubles, "; ")
				for _, lane := range s.Partitions {
					all += "; " + lane.Trouble
				}
				return strings.Contains(strings.ToLower(all), x.says)
			})
			for i := range n {
				c := fmt.Sprintf("c%d", i%40)
				b.send(t, b.topics.Transactions, c, b.start, b.body(i, c, b.start, 100))
			}
			b.flush(t)
			othersThrough := func() bool { // all is fetched, and one partition alone is behind
				end, behind := int64(0), 0
				for _, lane := range p.State().Partitions {
					if lane.Topic == b.topics.Transactions {
						end += lane.End
						if lane.Lag > 0 {
							behind++
						}
					}
				}
				return end == n+1 && behind == 1
			}
			await(t, "the others go on", othersThrough)
			time.Sleep(300 * time.Millisecond)
			if !othersThrough() {
				t.Errorf("its partition does not wait for the dead letter: %+v", p.State().Partitions)
			}
			sick.Store(false)
			await(t, "caught up", b.drained(t, p))
			b.verdicts(t, n)
			readAll(t, b.seeds, b.topics.DeadLetters, 1)
			stop()
		})
	}
}
