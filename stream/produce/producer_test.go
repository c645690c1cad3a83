package produce_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/bench/kafkatest"
	"sluice/stream/produce"
	"sluice/stream/wire"
)

// world is a broker, a topic and a transport to it.
type world struct {
	seeds []string
	topic string
	peer  *kgo.Client
	flaky atomic.Int32 // of 1000 writes, how many lose their answer
	lasts atomic.Int64 // a connection breaks after so many bytes; 0: never
}

func newWorld(t *testing.T, partitions int32, configs map[string]*string) *world {
	t.Helper()
	w := &world{topic: fmt.Sprintf("%s-%d", strings.ReplaceAll(t.Name(), "/", "-"), time.Now().UnixNano())}
	if named := os.Getenv("SLUICE_TEST_BROKERS"); named != "" {
		w.seeds = strings.Split(named, ",")
	} else {
		c, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		w.seeds = c.ListenAddrs()
	}
	var err error
	if w.peer, err = kgo.NewClient(kgo.SeedBrokers(w.seeds...), kgo.ConsumeTopics(w.topic)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.peer.Close)
	kafkatest.Create(t, w.peer, partitions, configs, w.topic)
	return w
}

func (w *world) options(t *testing.T) produce.Options {
	tr := &kafka.Transport{
		MetadataTTL: 200 * time.Millisecond,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			return &conn{Conn: c, w: w}, err
		},
	}
	t.Cleanup(tr.CloseIdleConnections)
	addr := kafka.TCP(w.seeds...)
	return produce.Options{
		Transport: tr, Addr: addr, Client: "test", Topic: w.topic, Log: slog.New(slog.DiscardHandler),
		Leaders: func(ctx context.Context, topic string) (map[int32]int32, error) {
			c := kafka.Client{Addr: addr, Transport: tr}
			m, err := c.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
			if err != nil {
				return nil, err
			}
			out := map[int32]int32{}
			for _, p := range m.Topics[0].Partitions {
				out[int32(p.ID)] = int32(p.Leader.ID)
			}
			return out, nil
		},
	}
}

// conn loses answers: what was sent arrives, and the connection breaks.
type conn struct {
	net.Conn
	w   *world
	cut atomic.Bool

	sent int64 // of the writer
}

func (c *conn) Write(b []byte) (int, error) {
	if len(b) > 200 && rand.Int32N(1000) < c.w.flaky.Load() {
		c.cut.Store(true)
	}
	if c.sent += int64(len(b)); c.w.lasts.Load() > 0 && c.sent > c.w.lasts.Load() {
		_ = c.Close()
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(b)
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.cut.Load() {
		_ = c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// hung: what has not moved for so long will not. It is far more than a busy machine
// needs, for a test must fail of what is wrong only.
const hung = 4 * time.Minute

// read reads n records and makes sure that there are no more.
func (w *world) read(t *testing.T, n int) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n && ctx.Err() == nil {
		out = append(out, w.peer.PollFetches(ctx).Records()...)
	}
	more, stop := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer stop()
	out = append(out, w.peer.PollFetches(more).Records()...)
	if len(out) != n {
		t.Fatalf("%d records, %d expected", len(out), n)
	}
	return out
}

// TestOnce loses answers all the time: every record stands in the topic once,
// in order, and where the producer says.
func TestOnce(t *testing.T) {
	const partitions, n = 3, 3000
	w := newWorld(t, partitions, nil)
	type place struct {
		partition int32
		offset    int64
	}
	var mu sync.Mutex
	places := map[int]place{}
	p := produce.New(w.options(t), partitions, func(partition int32, base int64, tokens []int) {
		mu.Lock()
		defer mu.Unlock()
		for i, token := range tokens {
			if _, twice := places[token]; twice {
				t.Errorf("record %d acknowledged twice", token)
			}
			places[token] = place{partition, base + int64(i)}
		}
	}, func(token int, err error) { t.Errorf("record %d: %v", token, err) })
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	w.flaky.Store(200)
	for i := range n {
		if err := p.Append(int32(i%partitions), int64(i), fmt.Append(nil, i), fmt.Appendf(nil, "value %d", i), i); err != nil {
			t.Fatal(err)
		}
		if i%20 == 0 {
			p.Flush()
			time.Sleep(time.Millisecond)
		}
	}
	if err := p.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	if p.Queued() != 0 || p.Acknowledged() != n {
		t.Errorf("%d bytes queued, %d acknowledged", p.Queued(), p.Acknowledged())
	}
	w.flaky.Store(0)
	last := map[int32]int64{}
	for _, r := range w.read(t, n) {
		var i int
		if _, err := fmt.Sscan(string(r.Key), &i); err != nil {
			t.Fatal(err)
		}
		if places[i] != (place{r.Partition, r.Offset}) {
			t.Fatalf("record %d stands at %d/%d, said to be at %+v", i, r.Partition, r.Offset, places[i])
		}
		if string(r.Value) != fmt.Sprintf("value %d", i) || r.Timestamp.UnixMilli() != int64(i) {
			t.Fatalf("record %d came back as %s at %s", i, r.Value, r.Timestamp)
		}
		if before, ok := last[r.Partition]; ok && int64(i) < before {
			t.Fatalf("record %d stands behind %d", i, before)
		}
		last[r.Partition] = int64(i)
	}
	cancel()
	all.Wait()
}

// TestTooLarge: a batch too large for the topic is cut, a record too large is
// refused with a reason, and what follows goes through.
func TestTooLarge(t *testing.T) {
	limit := "2000"
	w := newWorld(t, 1, map[string]*string{"max.message.bytes": &limit})
	var refused atomic.Int32
	p := produce.New(w.options(t), 1, func(int32, int64, []int) {}, func(token int, err error) {
		var why *produce.RefusedError
		if token != 5 || !errors.As(err, &why) || !strings.Contains(err.Error(), "max.message.bytes") {
			t.Errorf("record %d: %v", token, err)
		}
		refused.Add(1)
	})
	for i := range 10 {
		size := 500
		if i == 5 {
			size = 5000
		}
		if err := p.Append(0, 1, nil, []byte(strings.Repeat("x", size)), i); err != nil {
			t.Fatal(err)
		}
	}
	var huge *produce.TooLargeError
	if err := p.Append(0, 1, nil, make([]byte, 2<<20), 99); !errors.As(err, &huge) {
		t.Errorf("a huge record: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = p.Run(ctx) })
	if err := p.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	all.Wait()
	w.read(t, 9)
	if refused.Load() != 1 {
		t.Errorf("%d refused", refused.Load())
	}
}

// TestFull: a producer that gets nothing through says so, and has room again.
func TestFull(t *testing.T) {
	w := newWorld(t, 1, nil)
	o := w.options(t)
	space := make(chan struct{}, 1)
	o.MaxQueued, o.Space = 1000, space
	p := produce.New(o, 1, func(int32, int64, []int) {}, func(int, error) {})
	for i := 0; !p.Full(); i++ {
		if err := p.Append(0, 1, nil, make([]byte, 100), i); err != nil || i > 10 {
			t.Fatal(i, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = p.Run(ctx) })
	p.Flush()
	<-space
	if p.Full() {
		t.Error("full although it has room")
	}
	cancel()
	all.Wait()
}

// TestNarrow: where a request of all partitions never gets through, smaller ones do.
func TestNarrow(t *testing.T) {
	const partitions, each, size = 4, 60, 1000
	w := newWorld(t, partitions, nil)
	w.lasts.Store(each * size * partitions / 2)
	p := produce.New(w.options(t), partitions, func(int32, int64, []int) {}, func(int, error) {})
	for i := range partitions * each {
		if err := p.Append(int32(i%partitions), 1, nil, make([]byte, size), i); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = p.Run(ctx) })
	p.Flush()
	w.read(t, partitions*each)
	cancel()
	all.Wait()
}

// TestBatch reads back what was built, and nothing of a damaged one.
func TestBatch(t *testing.T) {
	var b wire.Batch
	for i := range 300 {
		var key []byte
		if i%3 > 0 {
			key = fmt.Append(nil, i)
		}
		b.Append(1000-int64(i), key, []byte(strings.Repeat("v", i)), wire.Header{Key: "h", Value: nil})
	}
	sealed := b.Seal(wire.Producer{ID: 7, Epoch: 1, Valid: true}, 5)
	var r wire.Records
	var rec wire.Record
	r.Reset(sealed, 10, nil)
	i := 10
	for ; r.Next(&rec); i++ {
		if rec.Offset != int64(i) || rec.Time != 1000-int64(i) || len(rec.Value) != i || (rec.Key == nil) != (i%3 == 0) {
			t.Fatalf("record %d: %+v", i, rec)
		}
	}
	if i != 300 || r.Err() != nil || r.NextOffset() != 300 {
		t.Errorf("%d records, %v", i, r.Err())
	}
	for range 200 {
		damaged := append([]byte(nil), sealed...)
		damaged[21+rand.IntN(len(damaged)-21)] ^= 1 << rand.IntN(8)
		r.Reset(damaged, 0, nil)
		if r.Next(&rec) || !errors.Is(r.Err(), wire.ErrCorrupt) {
			t.Fatalf("a damaged batch is read: %v", r.Err())
		}
	}
}

// TestTroubleEnds: what was in the way is over once it is, also for a producer
// that has nothing to send.
func TestTroubleEnds(t *testing.T) {
	w := newWorld(t, 1, nil)
	o := w.options(t)
	leaders := o.Leaders
	var asked atomic.Int32
	o.Leaders = func(ctx context.Context, topic string) (map[int32]int32, error) {
		if asked.Add(1) < 4 {
			return map[int32]int32{0: -1}, nil
		}
		return leaders(ctx, topic)
	}
	p := produce.New(o, 1, func(int32, int64, []int) {}, func(int, error) {})
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = p.Run(ctx) })
	for end := time.Now().Add(hung); p.Trouble() == nil && asked.Load() < 4; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no trouble without a leader")
		}
	}
	for end := time.Now().Add(hung); asked.Load() < 4 || p.Trouble() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the leader is there, and it says: %v", p.Trouble())
		}
	}
	cancel()
	all.Wait()
}
