package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sluice/bench/kafkatest"
)

// loading is a cluster, a configuration with topics of its own, and a directory
// for data.
type loading struct {
	seeds  []string
	fake   *kfake.Cluster // nil: a real one
	name   string         // what the topics' names begin with
	dir    string
	config string
}

// newLoading takes the cluster of SLUICE_TEST_BROKERS, or an embedded one. more
// is further lines of the configuration; labels names the labels topic.
func newLoading(t *testing.T, labels, more string) *loading {
	t.Helper()
	l := &loading{dir: t.TempDir(), name: fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano())}
	if named := os.Getenv("SLUICE_TEST_BROKERS"); named != "" {
		l.seeds = strings.Split(named, ",")
	} else {
		fake, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(fake.Close)
		l.fake, l.seeds = fake, fake.ListenAddrs()
	}
	handbook, err := filepath.Abs("../../configs/handbook")
	if err != nil {
		t.Fatal(err)
	}
	if labels != "" {
		labels = l.name + labels
	}
	l.config = l.file(t, "sluice.yaml", fmt.Sprintf(`
brokers: [%s]
topics: {transactions: %[2]s-tx, labels: "%[3]s", verdicts: %[2]s-verdicts, dead_letters: %[2]s-dead, alerts: ""}
schema: %[4]s/schema.yaml
rules: %[4]s/rules
log: {level: warn}
%s`, strings.Join(l.seeds, ", "), l.name, labels, handbook, more))
	return l
}

func (l *loading) file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (l *loading) load(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return sluice(t, append([]string{"load", "--config", l.config}, args...)...)
}

// create makes a topic with a setting.
func (l *loading) create(t *testing.T, topic, key, value string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(l.seeds...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	kafkatest.Create(t, client, 4, map[string]*string{key: &value}, l.name+topic)
}

// read gives the records of a topic, which must be n, by partition in the order
// of their offsets.
func (l *loading) read(t *testing.T, topic string, n int) map[int32][]*kgo.Record {
	t.Helper()
	topic = l.name + topic
	client, err := kgo.NewClient(kgo.SeedBrokers(l.seeds...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if there := kafkatest.Records(t, client, topic); there != int64(n) {
		t.Fatalf("%s holds %d records, not %d", topic, there, n)
	}
	out := map[int32][]*kgo.Record{}
	for got := 0; got < n; {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			out[r.Partition] = append(out[r.Partition], r)
			got++
		})
	}
	return out
}

// payment is a line of a handbook file.
type payment struct {
	id       int
	at       time.Time
	customer int
	terminal int
	cents    int
	fraud    bool
}

func (r payment) csv() string {
	fraud := 0
	if r.fraud {
		fraud = 1
	}
	return fmt.Sprintf("%d,%s,%d,%d,%d.%02d,%d\n", r.id, r.at.Format(time.RFC3339), r.customer, r.terminal, r.cents/100, r.cents%100, fraud)
}

const handbookHeader = "transaction_id,tx_datetime,customer_id,terminal_id,tx_amount,tx_fraud\n"

func csvOf(rows []payment) string {
	var b strings.Builder
	b.WriteString(handbookHeader)
	for _, r := range rows {
		b.WriteString(r.csv())
	}
	return b.String()
}

// randomRows makes n rows in order, with many ties.
func randomRows(n int) []payment {
	r := rand.New(rand.NewPCG(3, 7))
	at := time.Date(2018, 4, 1, 0, 0, 0, 0, time.UTC)
	rows := make([]payment, n)
	for i := range rows {
		at = at.Add(time.Duration(r.IntN(3)) * time.Second)
		rows[i] = payment{i, at, r.IntN(50), r.IntN(20), r.IntN(30_000), r.IntN(20) == 0}
	}
	return rows
}

// message is a transaction or a label on its topic.
type message struct {
	ID       int       `json:"transaction_id"`
	At       time.Time `json:"tx_datetime"`
	Customer string    `json:"customer_id"`
	Terminal string    `json:"terminal_id"`
	Amount   float64   `json:"tx_amount"`
	TxTime   time.Time `json:"tx_time"`
	Fraud    bool      `json:"fraud"`
}

// hold compares both topics with the rows, in the order in which they must come.
func (l *loading) hold(t *testing.T, rows []payment, delay time.Duration) {
	t.Helper()
	var frauds []payment
	for _, r := range rows {
		if r.fraud {
			frauds = append(frauds, r)
		}
	}
	l.holdTopic(t, "-tx", rows, 0, func(m message, r payment) bool {
		return m.At.Equal(r.at) && m.Amount == float64(r.cents)/100
	})
	l.holdTopic(t, "-labels", frauds, delay, func(m message, r payment) bool {
		return m.TxTime.Equal(r.at) && m.Fraud
	})
}

func (l *loading) holdTopic(t *testing.T, topic string, rows []payment, delay time.Duration, same func(message, payment) bool) {
	t.Helper()
	partitioner := kgo.StickyKeyPartitioner(nil).ForTopic(topic)
	want := map[int32][]payment{}
	for _, r := range rows {
		p := int32(partitioner.Partition(&kgo.Record{Key: []byte(strconv.Itoa(r.customer))}, 4))
		want[p] = append(want[p], r)
	}
	got := l.read(t, topic, len(rows))
	for p := range int32(4) {
		if len(got[p]) != len(want[p]) {
			t.Fatalf("%s/%d holds %d records, not %d", topic, p, len(got[p]), len(want[p]))
		}
		for i, record := range got[p] {
			r := want[p][i]
			var m message
			if err := json.Unmarshal(record.Value, &m); err != nil {
				t.Fatalf("%s: %v", record.Value, err)
			}
			if m.ID != r.id || m.Customer != strconv.Itoa(r.customer) || m.Terminal != strconv.Itoa(r.terminal) || !same(m, r) ||
				string(record.Key) != m.Customer || !record.Timestamp.Equal(r.at.Add(delay)) {
				t.Fatalf("%s/%d at %d: %s %q %s, for %+v", topic, p, i, record.Timestamp, record.Key, record.Value, r)
			}
		}
	}
}

func TestEndToEndLoad(t *testing.T) {
	l := newLoading(t, "-labels", "")
	rows := randomRows(3000)
	stdout, stderr, code := l.load(t, "--label-delay", "10m", l.file(t, "data.csv", csvOf(rows)))
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if !strings.HasPrefix(stdout, "3,000 transactions and ") || strings.Count(stdout, "\n") != 1 {
		t.Errorf("%s", stdout)
	}
	l.hold(t, rows, 10*time.Minute)

	client, err := kgo.NewClient(kgo.SeedBrokers(l.seeds...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var configs kadm.ResourceConfigs
	kafkatest.Eventually(t, "the topics' settings", func() (err error) {
		configs, err = kadm.NewClient(client).DescribeTopicConfigs(t.Context(), l.name+"-tx", l.name+"-labels", l.name+"-verdicts", l.name+"-dead")
		return err
	})
	for _, c := range configs {
		if c.Err != nil {
			t.Errorf("topic %s: %v", c.Name, c.Err)
		}
	}
}

func TestLoadRealData(t *testing.T) {
	path := handbook(t, "transactions.csv.gz")
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 1<<20)
	n, err := z.Read(head)
	for n < len(head) && err == nil {
		var more int
		more, err = z.Read(head[n:])
		n += more
	}
	if err != nil {
		t.Fatal(err)
	}
	text := string(head[:bytes.LastIndexByte(head, '\n')+1])
	var rows []payment
	for line := range strings.Lines(text) {
		c := strings.Split(strings.TrimSpace(line), ",")
		var r payment
		if r.id, err = strconv.Atoi(c[0]); err != nil {
			continue // the header
		}
		r.customer, _ = strconv.Atoi(c[2])
		r.terminal, _ = strconv.Atoi(c[3])
		amount, _ := strconv.ParseFloat(c[4], 64)
		r.cents, r.fraud = int(amount*100+0.5), c[6] == "1"
		if r.at, err = time.Parse(time.RFC3339, c[1]); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	l := newLoading(t, "-labels", "")
	if _, stderr, code := l.load(t, l.file(t, "data.csv", text)); code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	l.hold(t, rows, 7*24*time.Hour)
}

// Files of all kinds, out of order, come out in order.
func TestLoadSorts(t *testing.T) {
	l := newLoading(t, "-labels", "")
	rows := randomRows(1500)
	var first, second, third []payment
	for i, r := range rows {
		switch i % 3 {
		case 0:
			first = append(first, r)
		case 1:
			second = append(second, r)
		default:
			r.fraud = false // JSON has no label
			rows[i].fraud = false
			third = append(third, r)
		}
	}
	slices.Reverse(second)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(csvOf(first)))
	_ = z.Close()
	var lines strings.Builder
	for _, r := range third {
		fmt.Fprintf(&lines, `{"tx_datetime":%q,"transaction_id":%d,"customer_id":%d,"terminal_id":"%d","tx_amount":%d.%02d,"unknown":[1]}`+"\n\n",
			r.at.Format(time.RFC3339), r.id, r.customer, r.terminal, r.cents/100, r.cents%100)
	}
	stdout, stderr, code := l.load(t, l.file(t, "a.csv.gz", zipped.String()), l.file(t, "b.csv", csvOf(second)),
		"--label-delay", "0s", l.file(t, "c.ndjson", lines.String()))
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if !strings.Contains(stderr, "b.csv: not sorted by time and id: reading everything into memory to sort it") {
		t.Errorf("%s", stderr)
	}
	if !strings.HasPrefix(stdout, "1,500 transactions and ") {
		t.Errorf("%s", stdout)
	}
	l.hold(t, rows, 0)
}

func TestLoadInvalidLines(t *testing.T) {
	for _, sorted := range []bool{true, false} {
		t.Run(fmt.Sprintf("sorted=%v", sorted), func(t *testing.T) {
			l := newLoading(t, "-labels", "")
			l.name = strings.ReplaceAll(l.name, "/sorted=", "-")
			config, err := os.ReadFile(l.config)
			if err != nil {
				t.Fatal(err)
			}
			l.file(t, "sluice.yaml", strings.ReplaceAll(string(config), "/sorted=", "-"))
			rows := randomRows(60)
			text := handbookHeader
			for i, r := range rows {
				text += r.csv()
				if i < 25 {
					text += fmt.Sprintf("%d,2018-04-01T00:00:00Z,1,2,-1.00,0\n", 1000+i)
				}
			}
			if !sorted {
				text += payment{2000, rows[0].at.Add(-time.Hour), 1, 1, 100, true}.csv()
				rows = append([]payment{{2000, rows[0].at.Add(-time.Hour), 1, 1, 100, true}}, rows...)
			}
			stdout, stderr, code := l.load(t, l.file(t, "data.csv", text))
			if code != exitFault {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			for i := range 25 {
				if want := fmt.Sprintf("data.csv:%d: ", 3+2*i); strings.Count(stderr, want) != map[bool]int{true: 1}[i < 20] {
					t.Errorf("%q stands %d times in\n%s", want, strings.Count(stderr, want), stderr)
				}
			}
			if !strings.Contains(stderr, "… and 5 more lines\n") || !strings.Contains(stdout, "25 lines were not valid transactions and not sent\n") {
				t.Errorf("%s\n%s", stdout, stderr)
			}
			l.hold(t, rows, 7*24*time.Hour)
		})
	}
}

// TestLoadOne: one of each is told as one.
func TestLoadOne(t *testing.T) {
	l := newLoading(t, "-labels", "")
	row := payment{1, time.Date(2018, 4, 1, 0, 0, 0, 0, time.UTC), 1, 2, 100, true}
	stdout, stderr, code := l.load(t, l.file(t, "data.csv", handbookHeader+row.csv()+"x\n"))
	if code != exitFault || !strings.HasPrefix(stdout, "1 transaction and 1 label acknowledged in ") ||
		!strings.Contains(stdout, "\n1 line was not a valid transaction and not sent\n") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestLoadWithoutLabelsTopic(t *testing.T) {
	l := newLoading(t, "", "")
	rows := randomRows(100)
	frauds := 0
	for _, r := range rows {
		if r.fraud {
			frauds++
		}
	}
	stdout, stderr, code := l.load(t, l.file(t, "data.csv", csvOf(rows)))
	if code != exitOK || !strings.Contains(stdout, fmt.Sprintf("%d labels were not sent: the configuration names no labels topic\n", frauds)) {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	l.read(t, "-tx", 100)
}

func TestLoadNeedsItsTopics(t *testing.T) {
	l := newLoading(t, "-labels", "create_topics: false")
	_, stderr, code := l.load(t, l.file(t, "data.csv", csvOf(randomRows(1))))
	if code != exitFault || !strings.Contains(stderr, "sluice: no topic "+l.name+"-tx, ") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// A topic that stamps records itself makes every arrival now: that is said.
func TestEndToEndLoadAppendTime(t *testing.T) {
	l := newLoading(t, "-labels", "")
	l.create(t, "-tx", "message.timestamp.type", "LogAppendTime")
	stdout, stderr, code := l.load(t, l.file(t, "data.csv", csvOf(randomRows(10))))
	if code != exitOK || !strings.Contains(stderr, "message.timestamp.type=LogAppendTime") || !strings.Contains(stderr, l.name+"-tx") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}

// A broker that refuses the timestamps is explained, embedded and real.
func TestEndToEndLoadRefused(t *testing.T) {
	l := newLoading(t, "-labels", "")
	if l.fake != nil {
		l.fake.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
			l.fake.KeepControl()
			req := r.(*kmsg.ProduceRequest)
			if req.Topics[0].Topic != l.name+"-tx" {
				return nil, nil, false
			}
			res := req.ResponseKind().(*kmsg.ProduceResponse)
			for _, topic := range req.Topics {
				answer := kmsg.NewProduceResponseTopic()
				answer.Topic = topic.Topic
				for _, p := range topic.Partitions {
					a := kmsg.NewProduceResponseTopicPartition()
					a.Partition, a.ErrorCode = p.Partition, kerr.InvalidTimestamp.Code
					answer.Partitions = append(answer.Partitions, a)
				}
				res.Topics = append(res.Topics, answer)
			}
			return res, nil, true
		})
	} else {
		l.create(t, "-tx", "message.timestamp.before.max.ms", "3600000")
	}
	stdout, stderr, code := l.load(t, l.file(t, "data.csv", csvOf(randomRows(100))))
	if code != exitFault {
		t.Fatalf("exit %d: %s", code, stdout)
	}
	for _, want := range []string{
		"(32)", l.name + "-tx", "here 2018-04-01T00:0", "--bootstrap-server " + l.seeds[0], "message.timestamp.before.max.ms=9223372036854775807",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not in\n%s", want, stderr)
		}
	}
	if !strings.HasPrefix(stdout, "0 transactions and ") || !strings.Contains(stdout, " records were refused\n") || strings.Contains(stdout, "may stand") {
		t.Errorf("%s", stdout)
	}
}

// An interrupted load says how far it came, and that is what the topic holds.
func TestEndToEndLoadInterrupted(t *testing.T) {
	l := newLoading(t, "-labels", "")
	data := l.file(t, "data.csv", csvOf(randomRows(10_000)))
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	client, err := kgo.NewClient(kgo.SeedBrokers(l.seeds...), kgo.ConsumeTopics(l.name+"-tx"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.UnknownTopicRetries(-1), kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	go func() {
		for client.PollFetches(ctx).NumRecords() == 0 && ctx.Err() == nil {
		}
		interrupt()
	}()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"load", "--config", l.config, "--rate", "100", data}, console{&stdout, messagesTo(&stderr), os.LookupEnv})
	if code != exitFault || !strings.Contains(stderr.String(), "interrupted before everything was sent") {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	said, _, _ := strings.Cut(stdout.String(), " ")
	n, err := strconv.Atoi(strings.ReplaceAll(said, ",", ""))
	if err != nil || n == 0 || n == 10_000 {
		t.Fatalf("%s", stdout.String())
	}
	l.read(t, "-tx", n)
}

func TestLoadUsage(t *testing.T) {
	l := newLoading(t, "-labels", "")
	data := l.file(t, "data.csv", csvOf(nil))
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--rate", "-1", data}, exitUsage, "--rate: -1 is no rate"},
		{[]string{"--rate", "NaN", data}, exitUsage, "--rate: NaN is no rate"},
		{[]string{"--label-delay", "-1s", data}, exitUsage, "--label-delay"},
		{[]string{"--label-delay", "292y", data}, exitUsage, "--label-delay"},
		{nil, exitUsage, "give at least one file"},
		{[]string{filepath.Join(l.dir, "none.csv")}, exitFault, "none.csv: no such file"},
		{[]string{l.dir}, exitFault, "is a directory"},
		{[]string{l.config}, exitFault, "must end in .csv"},
		{[]string{l.file(t, "other.csv", "a,b\n1,2\n")}, exitFault, `no column "transaction_id"`},
	} {
		_, stderr, code := l.load(t, c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: exit %d: %s", c.args, code, stderr)
		}
	}
	stdout, stderr, code := l.load(t, data)
	if code != exitOK || !strings.HasPrefix(stdout, "0 transactions and 0 labels acknowledged") {
		t.Errorf("an empty file: exit %d: %s%s", code, stdout, stderr)
	}
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := &pace{rate: 4, due: start}
		idle := 0
		wait := func() {
			if err := p.wait(t.Context(), func() { idle++ }); err != nil {
				t.Fatal(err)
			}
		}
		for range 9 {
			wait()
		}
		if d := time.Since(start); d != 2*time.Second || idle != 8 {
			t.Errorf("9 transactions took %v and slept %d times", d, idle)
		}
		time.Sleep(time.Minute) // a hold-up is not made up for
		wait()
		wait()
		if d := time.Since(start); d < 62*time.Second || d > 62*time.Second+300*time.Millisecond {
			t.Errorf("after a hold-up: %v", d)
		}
		wait()
		if d := time.Since(start); d < 62*time.Second+300*time.Millisecond {
			t.Errorf("the hold-up was made up for: %v", d)
		}
	})
}

func TestFloorMilli(t *testing.T) {
	for ns, want := range map[int64][2]int64{
		0: {0, 0}, 1: {0, 1}, 999_999: {0, 1}, 1_000_000: {1, 1}, 1_000_001: {1, 2}, -1: {-1, 0}, -1_000_000: {-1, -1}, -1_000_001: {-2, -1},
	} {
		if floor, ceil := floorMilli(ns), -floorMilli(-ns); floor != want[0] || ceil != want[1] {
			t.Errorf("%d ns: %d and %d", ns, floor, ceil)
		}
	}
}
