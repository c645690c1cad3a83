package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"sluice/configs"
	"sluice/rules"
	"sluice/scoring/event"
	"sluice/stream"
	"sluice/stream/files"
)

// loadCommand sends transactions of files, and the labels in them, to Kafka.
func loadCommand(ctx context.Context, args []string, c console) error {
	f := flags("load", "--config FILE [--rate N] [--label-delay 168h] DATA...", c)
	path := f.String("config", "", "configuration file of serve: brokers, topics and schema are taken from it")
	rate := f.Float64("rate", 0, "transactions a second at most; 0: as fast as it goes")
	delay := f.String("label-delay", "168h", "when a fraud becomes known after its transaction, as 7d, 168h or 0s")
	data, err := parse(f, args)
	if err != nil {
		return err
	}
	l := &load{console: c, data: data, rate: *rate}
	if *path == "" {
		return misused(f, "--config is missing: give the configuration file, as configs/sluice.yaml")
	}
	if len(data) == 0 {
		return misused(f, "give at least one file of transactions (.csv, .ndjson, also with .gz)")
	}
	if math.IsNaN(l.rate) || math.IsInf(l.rate, 0) || l.rate < 0 {
		return misused(f, "--rate: %v is no rate; write transactions a second, as 2000", l.rate)
	}
	if l.delay, err = parseDelay(*delay); err != nil {
		return misused(f, "--label-delay: %v", err)
	}
	if l.config, err = configs.Load(*path, c.env); err != nil {
		return faults(c.err, err)
	}
	if l.schema, err = event.LoadSchema(l.config.Schema.Path); err != nil {
		return faults(c.err, err)
	}
	if l.size, err = files.Size(data); err != nil {
		return err
	}
	return l.run(ctx)
}

// load is one run over files.
type load struct {
	console
	config *configs.Config
	schema *event.Schema
	data   []string
	rate   float64 // transactions a second; 0: no limit
	delay  time.Duration

	size       int64 // bytes of the files
	total      int64 // transactions in them
	unsorted   bool
	invalid    int64
	complaints []string // the first faults
}

// run looks all files over before it sends anything: what is in a topic can't be
// taken back, and its order matters.
func (l *load) run(ctx context.Context) error {
	how, err := kafkaOf(l.config)
	if err != nil {
		return err
	}
	topics := topicsOf(l.config.Topics)
	cluster, err := stream.Dial(how, topics.Transactions, topics.Labels, topics.Verdicts, topics.DeadLetters, topics.Alerts)
	if err != nil {
		return err
	}
	defer cluster.Close()
	log := logger(l.console, l.config.Log)
	creation := stream.Creation{Allowed: l.config.CreateTopics, Partitions: l.config.Partitions, Replication: l.config.ReplicationFactor}
	if err := cluster.Prepare(ctx, topics, creation, l.retention(), log); err != nil {
		return err
	}
	if err := l.survey(ctx); err != nil {
		return err
	}
	s, err := newSender(ctx, cluster, topics, l.delay, log)
	if err != nil {
		return err
	}
	return l.send(ctx, s)
}

// retention is how far the rules look back: a topic that keeps less is warned
// of. Faulty rules are not load's business.
func (l *load) retention() time.Duration {
	if set, err := rules.Load(l.config.Rules.Path, l.schema); err == nil {
		return set.Program.Plan().Retention
	}
	return 30 * 24 * time.Hour
}

// survey reads the files once, counts, and finds out whether they are in order.
func (l *load) survey(ctx context.Context) error {
	shown := startProgress(l.err, "transactions checked", l.size)
	o := files.Options{Fault: l.fault, Unread: l.unread, Progress: func(n int64) { shown.done.Add(n) }}
	err := files.Read(ctx, l.schema, l.data, o, func(items []files.Item) error {
		shown.items.Add(int64(len(items)))
		return ctx.Err()
	})
	l.total = shown.items.Load()
	shown.stop()
	if errors.Is(err, files.ErrOrder) {
		fmt.Fprintf(l.err, "%v: reading everything into memory to sort it\n", err)
		l.unsorted, l.total, l.invalid, l.complaints = true, 0, 0, nil
		return nil
	}
	if err != nil {
		return err
	}
	l.complain(l.err)
	return nil
}

// unread tells of columns that are not sent, as no field stands for them.
func (l *load) unread(path string, columns []string) {
	fmt.Fprintf(l.err, "%s: no field of the schema reads %s\n", path, columnNames(columns))
}

// fault notes a line that is not a valid transaction.
func (l *load) fault(f files.Fault) error {
	l.invalid++
	if len(l.complaints) < maxComplaints {
		l.complaints = append(l.complaints, f.Error())
	}
	return nil
}

// complain prints the first faults.
func (l *load) complain(w io.Writer) {
	for _, text := range l.complaints {
		fmt.Fprintln(w, text)
	}
	if more := l.invalid - int64(len(l.complaints)); more > 0 {
		fmt.Fprintf(w, "… and %s\n", plural(more, "more line", "more lines"))
	}
}

// send reads the files again and sends what they hold.
func (l *load) send(ctx context.Context, s *sender) error {
	total := l.total
	o := files.Options{Sort: l.unsorted, Fault: func(files.Fault) error { return nil }}
	if l.unsorted { // nothing was counted yet
		total, o.Fault = l.size, l.fault
	}
	shown := startProgress(l.err, "transactions acknowledged", total)
	if l.unsorted {
		o.Progress = func(n int64) { shown.done.Add(n) }
	}
	s.progress = func(n int64) {
		shown.items.Add(n)
		if !l.unsorted {
			shown.done.Add(n)
		}
	}
	start := time.Now()
	p := &pace{rate: l.rate, due: start}
	err := s.run(ctx, func(ctx context.Context) error {
		err := files.Read(ctx, l.schema, l.data, o, func(items []files.Item) error {
			for i := range items {
				if err := p.wait(ctx, s.flush); err != nil {
					return err
				}
				if err := s.take(ctx, &items[i]); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
		return s.labelsUntil(ctx, math.MaxInt64)
	})
	shown.stop()
	if l.unsorted {
		l.complain(l.err)
	}
	l.report(s, time.Since(start))
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(l.err, "sluice: interrupted before everything was sent")
		return errFaults
	case err != nil:
		return l.explain(err)
	case l.invalid > 0:
		return errFaults
	}
	return nil
}

// report says what stands in the topics.
func (l *load) report(s *sender, took time.Duration) {
	transactions, labels := s.acknowledged()
	fmt.Fprintf(l.out, "%s and %s acknowledged in %v (%s transactions/s)\n", plural(transactions, "transaction", "transactions"), plural(labels, "label", "labels"),
		took.Round(time.Millisecond), thousands(int64(float64(transactions)/max(took.Seconds(), 1e-3))))
	refused := s.refused.Load()
	if refused > 0 {
		fmt.Fprintln(l.out, plural(refused, "record was refused", "records were refused"))
	}
	if open := s.sent - transactions - labels - refused; open > 0 {
		fmt.Fprintf(l.out, "%s, sent and not acknowledged, may stand in the topics or not\n", plural(open, "more record", "more records"))
	}
	if s.withheld > 0 {
		fmt.Fprintf(l.out, "%s not sent: the configuration names no labels topic\n", plural(s.withheld, "label was", "labels were"))
	}
	if l.invalid > 0 {
		fmt.Fprintln(l.out, plural(l.invalid, "line was not a valid transaction and not sent", "lines were not valid transactions and not sent"))
	}
}

// explain adds to the broker's refusal of a timestamp what to do about it.
func (l *load) explain(err error) error {
	var refused *refusal
	if !errors.As(err, &refused) || !errors.Is(err, kafka.InvalidTimestamp) {
		return err
	}
	return fmt.Errorf(`%w
A record's timestamp is the time of the payment, or the moment at which a fraud becomes known: here %s.
Let the topic take it, for as long as you load:
  kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config message.timestamp.before.max.ms=%d,message.timestamp.after.max.ms=%d
(before Kafka 3.6 the two are one, message.timestamp.difference.max.ms)`,
		err, time.UnixMilli(refused.stamp).UTC().Format(time.RFC3339), l.config.Brokers[0], refused.topic, math.MaxInt64, math.MaxInt64)
}
