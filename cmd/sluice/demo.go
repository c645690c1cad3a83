package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/alerts"
	"sluice/cmd/sluice/demo"
	"sluice/configs"
	"sluice/rules"
	"sluice/scoring"
	"sluice/stream"
)

// The demo's own settings.
const (
	demoPartitions = 4
	demoMalformed  = 0.0005          // share of messages
	demoLasts      = 3 * time.Hour   // of simulated time, as alerts go by arrival
	demoPatience   = 3 * time.Second // for the last verdicts
)

var demoTopics = stream.Topics{Transactions: "transactions", Labels: "labels", Verdicts: "verdicts", DeadLetters: "dead-letters", Alerts: "alerts"}

// demoCommand runs the main job on an embedded broker and shows it.
func demoCommand(ctx context.Context, args []string, c console) error {
	f := flags("demo", "[--for 20s] [--rate N] [--seed N]", c)
	long := f.String("for", "", "end by itself after so long, as 20s or 5m (default: at Ctrl-C)")
	seed := f.Uint64("seed", 1, "seed of the simulated world: the same seed, the same payments")
	rate := f.Float64("rate", 1000, "payments per second")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	var lasts time.Duration
	if *long != "" {
		lasts, err = parseDelay(*long)
	}
	switch {
	case len(rest) > 0:
		return misused(f, "it takes no arguments")
	case err != nil || *long != "" && lasts == 0:
		return misused(f, "--for: %q is no time that it could last; write 20s or 5m", *long)
	case math.IsNaN(*rate) || math.IsInf(*rate, 0) || *rate <= 0:
		return misused(f, "--rate: %v is no rate; write payments a second, as 500", *rate)
	}
	out, ok := c.out.(*os.File)
	if !ok {
		return errors.New("the demo writes to a file or a terminal")
	}
	if lasts > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, lasts)
		defer cancel()
	}
	d, err := newDemo(*seed, *rate, lasts)
	if err != nil {
		return err
	}
	defer d.broker.Close()
	return d.run(ctx, out, c.env)
}

// demonstration is everything that the demo runs.
type demonstration struct {
	broker     *kfake.Cluster
	processor  *stream.Processor
	book       *alerts.Book
	dispatcher *alerts.Dispatcher
	world      *demo.Generator
	board      *demo.Board
	pacer      demo.Pacer

	mu   sync.Mutex
	sent map[string]time.Time // payments without a verdict
}

func newDemo(seed uint64, rate float64, lasts time.Duration) (*demonstration, error) {
	schema, err := loadSchema("")
	if err != nil {
		return nil, err
	}
	set, err := shippedRules()
	if err != nil {
		return nil, err
	}
	d := &demonstration{sent: map[string]time.Time{}, book: alerts.NewBook(demoLasts, maxIncidents)}
	start := time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC)
	d.world = demo.NewGenerator(demo.Options{Seed: seed, Start: start, Malformed: demoMalformed})
	speed := d.world.Speed(rate)
	d.pacer = demo.Pacer{Speed: speed}
	d.board = demo.NewBoard(demo.Setting{Seed: seed, Start: start, Live: d.world.Live(), Speed: speed, For: lasts})
	if d.broker, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.DefaultNumPartitions(demoPartitions)); err != nil {
		return nil, fmt.Errorf("the embedded broker: %w", err)
	}
	quiet := slog.New(slog.DiscardHandler) // the picture is the log
	d.processor, err = stream.New(stream.Options{
		Kafka: stream.Kafka{Brokers: d.broker.ListenAddrs()}, Topics: demoTopics,
		Creation: stream.Creation{Allowed: true, Partitions: demoPartitions, Replication: 1},
		Group:    "demo", Schema: schema, Set: set, Core: scoring.Options{Run: newRun()}, Log: quiet,
		OnDecision: func(x *scoring.Decision) { d.book.Observe(x, time.Now()) },
	})
	if err != nil {
		d.broker.Close()
		return nil, err
	}
	d.dispatcher = alerts.NewDispatcher(d.book, time.Second, quiet, shown{d.board})
	return d, nil
}

// shippedRules compiles the rules that come with Sluice.
func shippedRules() (*rules.Set, error) {
	schema, err := loadSchema("")
	if err != nil {
		return nil, err
	}
	fsys, err := fs.Sub(configs.FS, "rules")
	if err != nil {
		return nil, err
	}
	return rules.LoadFS(fsys, "rules", schema)
}

// shown is the channel of alerts to the board.
type shown struct{ board *demo.Board }

// Name is "demo".
func (shown) Name() string { return "demo" }

// Send shows an alert.
func (s shown) Send(_ context.Context, a alerts.Alert) error {
	if a.Status == alerts.Firing {
		s.board.Alert(demo.Alert{Level: a.Severity, Rule: a.Rule, Entity: a.Entity, Value: a.Value, Count: a.Count})
	}
	return nil
}

// run shows the demo until ctx ends, waits for the last verdicts, and sums up.
func (d *demonstration) run(ctx context.Context, out *os.File, env func(string) (string, bool)) error {
	deciding, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var all, screen sync.WaitGroup
	ended := make(chan error, 3)
	all.Go(func() { ended <- d.processor.Run(deciding) })
	all.Go(func() { d.dispatcher.Run(deciding, time.Second) })
	all.Go(func() { d.read(deciding) })
	all.Go(func() { d.lag(deciding) })
	showing, hide := context.WithCancel(context.WithoutCancel(ctx))
	defer hide()
	screen.Go(func() { demo.Show(showing, out, d.board, env) })

	sending := make(chan error, 1)
	all.Go(func() { sending <- d.send(ctx) })
	var err error
	select {
	case err = <-sending:
	case err = <-ended:
	}
	for end := time.Now().Add(demoPatience); d.board.Waiting() > 0 && time.Now().Before(end) && err == nil; {
		time.Sleep(20 * time.Millisecond)
	}
	hide()
	screen.Wait()
	stop()
	all.Wait()
	picture := d.board.Picture()
	demo.WriteSummary(out, &picture)
	return err
}

// send plays the world until ctx ends.
func (d *demonstration) send(ctx context.Context) error {
	for !d.processor.State().CaughtUp {
		if sleepFor(ctx, 10*time.Millisecond) != nil {
			return nil
		}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(d.broker.ListenAddrs()...), kgo.ProducerLinger(0), kgo.MaxBufferedRecords(2000))
	if err != nil {
		return err
	}
	defer client.Close()
	failed := make(chan error, 1)
	done := func(_ *kgo.Record, err error) {
		if err != nil && ctx.Err() == nil {
			select {
			case failed <- err:
			default:
			}
		}
	}
	past := true
	for ctx.Err() == nil && len(failed) == 0 {
		m := d.world.Next()
		if past && !m.Warmup {
			past = false
			d.settle(ctx, client) // what is live must not wait behind the past
		}
		if d.pacer.Wait(ctx, &m) != nil {
			break
		}
		d.board.Sent(m)
		topic := demoTopics.Transactions
		if m.Kind == demo.Label {
			topic = demoTopics.Labels
		}
		if m.Kind == demo.Payment && !m.Repeat {
			d.mu.Lock()
			d.sent[m.ID] = time.Now()
			d.mu.Unlock()
		}
		client.Produce(context.WithoutCancel(ctx), &kgo.Record{Topic: topic, Key: m.Key, Value: m.JSON, Timestamp: m.Arrival}, done)
	}
	if err := client.Flush(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// settle waits until everything sent has its verdict, within a bound.
func (d *demonstration) settle(ctx context.Context, client *kgo.Client) {
	_ = client.Flush(ctx)
	for end := time.Now().Add(demoPatience); d.board.Waiting() > 0 && time.Now().Before(end); {
		if sleepFor(ctx, 5*time.Millisecond) != nil {
			return
		}
	}
}

// read takes verdicts and dead letters from their topics, as a user's programs would.
func (d *demonstration) read(ctx context.Context) {
	client, err := kgo.NewClient(kgo.SeedBrokers(d.broker.ListenAddrs()...),
		kgo.ConsumeTopics(demoTopics.Verdicts, demoTopics.DeadLetters), kgo.UnknownTopicRetries(-1),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		return
	}
	defer client.Close()
	for ctx.Err() == nil {
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if r.Topic == demoTopics.DeadLetters {
				d.board.DeadLetter()
			} else {
				d.verdict(r.Value)
			}
		})
	}
}

func (d *demonstration) verdict(record []byte) {
	var v struct {
		ID      string   `json:"transaction_id"`
		Verdict string   `json:"verdict"`
		Score   int64    `json:"score"`
		Rules   []string `json:"rules"`
		Reasons []string `json:"reasons"`
	}
	if json.Unmarshal(record, &v) != nil {
		return
	}
	d.mu.Lock()
	sent, waits := d.sent[v.ID]
	delete(d.sent, v.ID)
	d.mu.Unlock()
	latency := time.Duration(0)
	if waits {
		latency = time.Since(sent)
	}
	d.board.Observe(demo.Verdict{ID: v.ID, Verdict: v.Verdict, Score: v.Score, Rules: v.Rules, Reasons: v.Reasons, Latency: latency})
}

// lag tells the board how far behind Sluice is.
func (d *demonstration) lag(ctx context.Context) {
	for sleepFor(ctx, 250*time.Millisecond) == nil {
		lag := int64(0)
		for _, p := range d.processor.State().Partitions {
			lag += p.Lag
		}
		d.board.Lag(lag)
	}
}

// sleepFor waits, or returns the error of ctx.
func sleepFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
