//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/scoring/event"
)

// The stream of BenchmarkWorstRuleKafka: so many payments a second, of which a
// share are at shops that have as many payments in their window as are looked at.
const (
	rate      = 2_000
	crowded   = 5 // percent of payments
	shops     = 200
	crowd     = 1_000 // past payments of each
	warmUp    = 5 * time.Second
	measuring = 30 * time.Second
)

// BenchmarkWorstRuleKafka is BenchmarkWorstRule Kafka to Kafka, on the cluster of
// SLUICE_TEST_BROKERS: the program with the shipped rules alone and with the worst
// accepted rule, in turn; from when a payment was due to be sent to when its
// verdict was read.
func BenchmarkWorstRuleKafka(b *testing.B) {
	seeds := os.Getenv("SLUICE_TEST_BROKERS")
	if seeds == "" {
		b.Skip("SLUICE_TEST_BROKERS names no Kafka")
	}
	schema, err := event.LoadSchema("../configs/schema.yaml")
	if err != nil {
		b.Fatal(err)
	}
	worst := findWorst(b, schema)
	program := filepath.Join(b.TempDir(), "sluice")
	if out, err := exec.Command("go", "build", "-o", program, "../cmd/sluice").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for range b.N {
		for _, c := range []struct{ name, when string }{{"light", ""}, {"worst", worst}} {
			took := runKafka(b, program, seeds, c.when)
			for _, percent := range []int{50, 99} {
				b.ReportMetric(float64(percentile(took, percent))/1e6, fmt.Sprintf("%s-p%d-ms", c.name, percent))
			}
			fmt.Printf("%s: p50 %v, p99 %v, max %v of %d\n", c.name, percentile(took, 50), percentile(took, 99), percentile(took, 100), len(took))
		}
	}
}

// kafkaConfig is a configuration with topics of its own.
const kafkaConfig = `
brokers: %[2]s
group: %[1]s
topics: {transactions: %[1]s-tx, labels: "", verdicts: %[1]s-verdicts, dead_letters: %[1]s-dead, alerts: ""}
schema: schema.yaml
rules: rules
listen: 127.0.0.1:0
`

// runKafka gives how long the payments of a run took.
func runKafka(b *testing.B, program, seeds, when string) []time.Duration {
	b.Helper()
	dir, name := b.TempDir(), fmt.Sprintf("worst-%d", time.Now().UnixNano())
	write := func(path string, text []byte) {
		b.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	write("sluice.yaml", fmt.Appendf(nil, kafkaConfig, name, seeds))
	schema, err := os.ReadFile("../configs/schema.yaml")
	if err != nil {
		b.Fatal(err)
	}
	write("schema.yaml", schema)
	shipped := os.DirFS("../configs/rules")
	err = fs.WalkDir(shipped, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(shipped, path)
		write(filepath.Join("rules", path), text)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	if when != "" {
		write("rules/worst.yaml", []byte("rules:\n  - id: worst\n    when: |\n      "+when+"\n"))
	}
	var log bytes.Buffer
	serve := exec.Command(program, "serve", "--config", filepath.Join(dir, "sluice.yaml"))
	serve.Stdout, serve.Stderr = &log, &log
	if err := serve.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = serve.Process.Kill()
		_ = serve.Wait()
		if b.Failed() {
			b.Log(log.String())
		}
	}()
	return feed(b, strings.Split(seeds, ","), name)
}

// feed sends the past and then the payments that are measured, and reads verdicts.
func feed(b *testing.B, seeds []string, name string) []time.Duration {
	b.Helper()
	const past = shops * crowd
	const live = int((warmUp + measuring) / time.Second * rate)
	out, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.DefaultProduceTopic(name+"-tx"), kgo.UnknownTopicRetries(-1), kgo.ProducerLinger(0))
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	in, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.ConsumeTopics(name+"-verdicts"), kgo.UnknownTopicRetries(-1),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond))
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	var read atomic.Int64
	arrived := make([]time.Time, past+live)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for read.Load() < past+int64(live) && b.Context().Err() == nil {
			f := in.PollFetches(b.Context())
			now := time.Now()
			f.EachRecord(func(r *kgo.Record) {
				if i, ok := number(r.Value); ok {
					arrived[i] = now
					read.Add(1)
				}
			})
		}
	}()
	r := rand.New(rand.NewPCG(1, 2))
	send := func(i int, at time.Time, shop string) {
		card := r.IntN(2000)
		out.Produce(b.Context(), &kgo.Record{Key: strconv.AppendInt(nil, int64(card), 10), Timestamp: at, Value: fmt.Appendf(nil,
			`{"id":"t%d","time":%q,"type":"payment","amount":%d.%02d,"currency":"EUR","account":"a%d","card":"c%d","device":"d%d","ip":"10.0.%d.%d","merchant":%q,"mcc":"%04d","country":"DE","channel":"ecom","lat":%.4f,"lon":%.4f}`,
			i, at.UTC().Format(time.RFC3339Nano), r.IntN(300), r.IntN(100), card, card, card, card/250, card%250, shop, r.IntN(10000), 90*r.Float64(), 90*r.Float64())}, nil)
	}
	began := time.Now()
	for i := range past {
		send(i, began.Add(-20*24*time.Hour+time.Duration(i)*19*24*time.Hour/past), fmt.Sprintf("crowded-%d", i%shops))
	}
	if err := out.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	for read.Load() < past {
		if time.Since(began) > 3*time.Minute {
			b.Fatalf("%d of %d verdicts", read.Load(), past)
		}
		time.Sleep(50 * time.Millisecond)
	}
	due := make([]time.Time, live)
	start := time.Now().Add(time.Second)
	for i := range live {
		due[i] = start.Add(time.Duration(i) * time.Second / rate)
		time.Sleep(time.Until(due[i]))
		shop := fmt.Sprintf("m-%d", r.IntN(20_000))
		if r.IntN(100) < crowded {
			shop = fmt.Sprintf("crowded-%d", r.IntN(shops))
		}
		send(past+i, due[i], shop)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		b.Fatalf("%d verdicts are missing", past+int64(live)-read.Load())
	}
	var took []time.Duration
	for i := int(warmUp / time.Second * rate); i < live; i++ {
		took = append(took, arrived[past+i].Sub(due[i]))
	}
	return took
}

// number gives the number of a payment of whose verdict this is.
func number(record []byte) (int, bool) {
	rest, ok := bytes.CutPrefix(record, []byte(`{"transaction_id":"t`))
	digits, _, quoted := bytes.Cut(rest, []byte{'"'})
	n, err := strconv.Atoi(string(digits))
	return n, ok && quoted && err == nil
}
