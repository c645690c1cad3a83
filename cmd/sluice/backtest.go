package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sluice/cmd/sluice/report"
	"sluice/configs"
	"sluice/rules"
	"sluice/rules/lang"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/scoring/tally"
	"sluice/stream"
	"sluice/stream/files"
)

// backtestFlags are the flags of backtest as they were written.
type backtestFlags struct {
	rules, against, schema   string
	config, from, to         string
	delay, lag, cost, format string
	verdicts, flips          string
}

// backtestCommand runs rules over past transactions.
func backtestCommand(ctx context.Context, args []string, c console) error {
	f := flags("backtest", "--rules DIR [--against DIR] [--schema FILE] [--label-delay 168h] [--format FORMAT] [--verdicts OUT.csv] (DATA... | --config FILE [--from TIME] [--to TIME])", c)
	var o backtestFlags
	f.StringVar(&o.rules, "rules", "", "directory of rule files (with --config: by default those of the configuration); lists are those in it: changes through the API are left out, and the report says how many there were")
	f.StringVar(&o.against, "against", "", "directory of the rule files to compare with, such as those in force")
	f.StringVar(&o.schema, "schema", "", "event schema of the data (default: the card and wallet payment that comes with Sluice)")
	f.StringVar(&o.config, "config", "", "configuration file of serve: transactions and labels are read from its topics, and nothing is written there")
	f.StringVar(&o.from, "from", "", "with --config: report transactions that arrived at this time or later, as 2026-03-31 or 2026-03-31T18:00:00Z (default: all)")
	f.StringVar(&o.to, "to", "", "with --config: and before this time (default: the end of the topic)")
	f.StringVar(&o.delay, "label-delay", "", "when a fraud becomes known after its transaction, as 7d or 168h; without it labels serve the report alone and .fraud stays false")
	f.StringVar(&o.lag, "label-lag", "", "how long it takes at most until a fraud is known: younger transactions are left out of net money (default: the label delay; with --config the days within which 99 of 100 labels came)")
	f.StringVar(&o.cost, "good-cost", tally.DefaultCost.String(), "what a good payment costs that is reviewed or denied, in its currency: a person's minutes, a sale that is lost")
	f.StringVar(&o.format, "format", "text", "how the report is written: "+report.Formats())
	f.StringVar(&o.verdicts, "verdicts", "", "write a CSV of every verdict: transaction_id, verdict, score, rules")
	f.StringVar(&o.flips, "flips", "", "write a CSV of every verdict that is another one than by the rules compared with")
	data, err := parse(f, args)
	if err != nil {
		return err
	}
	b := &backtest{console: c, data: data}
	if err := b.configure(f, &o); err != nil {
		return err
	}
	return b.run(ctx)
}

// configure takes the command line in, and loads what it names.
func (b *backtest) configure(f *flag.FlagSet, o *backtestFlags) (err error) {
	switch {
	case o.rules == "" && o.config == "":
		return misused(f, "--rules is missing: give the directory of rule files")
	case len(b.data) == 0 && o.config == "":
		return misused(f, "give at least one file of transactions (.csv, .ndjson, also with .gz), or --config FILE to read topics")
	case len(b.data) > 0 && o.config != "":
		return misused(f, "give files or --config, not both")
	case o.config == "" && (o.from != "" || o.to != ""):
		return misused(f, "--from and --to cut topics: give --config FILE")
	case o.config != "" && (o.delay != "" || o.schema != ""):
		return misused(f, "--label-delay and --schema are for files: with --config labels come from their topic when they came, and the configuration names the schema")
	case o.flips != "" && o.against == "":
		return misused(f, "--flips needs --against: without a second set no verdict flips")
	case !report.Known(o.format):
		return misused(f, "--format: there is no format %q; the formats are %s", o.format, report.Formats())
	}
	b.format, b.verdictsFile, b.flipsFile = o.format, o.verdicts, o.flips
	if err := b.amounts(f, o); err != nil {
		return err
	}
	if o.config != "" {
		if err := b.topicsOf(f, o); err != nil {
			return err
		}
	}
	if err := b.apart(f, o); err != nil {
		return err
	}
	if b.schema, err = loadSchema(o.schema); err != nil {
		return faults(b.err, err)
	}
	return b.load(o)
}

// amounts reads durations and the cost.
func (b *backtest) amounts(f *flag.FlagSet, o *backtestFlags) (err error) {
	b.delay = -1
	if o.delay != "" {
		if b.delay, err = parseDelay(o.delay); err != nil {
			return misused(f, "--label-delay: %v", err)
		}
	}
	b.lag = b.delay
	if o.lag != "" {
		if b.lag, err = parseDelay(o.lag); err != nil {
			return misused(f, "--label-lag: %v", err)
		}
	}
	if b.cost, err = tally.ParseCost(o.cost); err != nil {
		return misused(f, "--good-cost: %v", err)
	}
	return nil
}

// topicsOf says which topics are read, and what the configuration names besides.
func (b *backtest) topicsOf(f *flag.FlagSet, o *backtestFlags) (err error) {
	b.topics = &pastTopics{to: stream.EndOfTime}
	for _, bound := range []struct {
		name, text string
		at         *int64
	}{{"from", o.from, &b.topics.from}, {"to", o.to, &b.topics.to}} {
		if bound.text == "" {
			continue
		}
		if *bound.at, err = parseTime(bound.text); err != nil {
			return misused(f, "--%s: %v", bound.name, err)
		}
	}
	if b.topics.from >= b.topics.to {
		return misused(f, "--from %s lies behind --to %s", o.from, o.to)
	}
	if b.topics.config, err = configs.Load(o.config, b.env); err != nil {
		return faults(b.err, err)
	}
	o.schema = b.topics.config.Schema.Path
	if o.rules == "" {
		o.rules = b.topics.config.Rules.Path
	}
	return nil
}

// load reads the rule sets.
func (b *backtest) load(o *backtestFlags) (err error) {
	if b.set, err = rules.Load(o.rules, b.schema); err != nil {
		return ruleFaults(b.err, err, o.schema)
	}
	if o.against == "" {
		return nil
	}
	if b.was, err = rules.Load(o.against, b.schema); err != nil {
		return ruleFaults(b.err, err, o.schema)
	}
	return nil
}

// maxDelay is what a label can be late at most.
const maxDelay = 10 * 365 * 24 * time.Hour

// parseDelay reads a duration as the rule language writes it, as Go does, or 0.
func parseDelay(s string) (time.Duration, error) {
	if d, err := lang.ParseDuration(s); err == nil {
		return d, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > maxDelay {
		return 0, fmt.Errorf("%q is no duration up to ten years; write 7d, 168h or 0s", s)
	}
	return d, nil
}

// backtest is one run over past transactions.
type backtest struct {
	console
	schema                  *event.Schema
	set, was                *rules.Set // was: to compare with, or nil
	data                    []string
	topics                  *pastTopics   // to read in place of data, or nil
	delay                   time.Duration // of labels; -1: they are for the report alone
	lag                     time.Duration // -1: not said
	cost                    tally.Cost
	format                  string
	verdictsFile, flipsFile string // "": not written

	replay     *replay
	tally      *tally.Tally
	outputs    outputs
	verdicts   *verdictRows // nil: not written
	flips      *flipRows
	shown      *progress
	told       sync.Map     // what was told of which file's columns
	unlabelled atomic.Int64 // files without the label's column
	complains  sync.Mutex
	complaints int // faults and conflicts printed so far
}

// maxComplaints bounds how many faulty lines are printed one by one.
const maxComplaints = 20

func (b *backtest) run(ctx context.Context) error {
	if b.topics != nil {
		return b.runTopics(ctx)
	}
	size, err := files.Size(b.data)
	if err != nil {
		return err
	}
	b.shown = startProgress(b.err, "transactions", size)
	defer b.outputs.discard()
	err = b.pass(ctx, false)
	if errors.Is(err, files.ErrOrder) {
		fmt.Fprintf(b.err, "%v: reading everything into memory to sort it\n", err)
		b.shown.done.Store(0)
		b.shown.items.Store(0)
		err = b.pass(ctx, true)
	}
	b.shown.stop()
	if err != nil {
		return err
	}
	switch {
	case b.tally.Total() > 0:
	case b.tally.Invalid == 0:
		return errors.New("the files hold no transactions")
	default:
		return fmt.Errorf("no transactions to decide: %s valid", plural(b.tally.Invalid, "line, which is not", "lines, none of them"))
	}
	return b.finish()
}

// finish keeps what was written, writes the report, and warns.
func (b *backtest) finish() error {
	b.tally.NoLabels = b.noLabels()
	if err := b.keep(); err != nil {
		return err
	}
	if err := b.print(); err != nil {
		return err
	}
	for _, h := range b.replay.held() {
		fmt.Fprintf(b.err, "warning: the rule %s is %s\n", h.Rule, h.Why)
	}
	for _, t := range b.replay.trips {
		times := "once"
		if t.times > 1 {
			times = fmt.Sprintf("%d times, the first time", t.times)
		}
		fmt.Fprintf(b.err, "warning: the breaker of the rule %s opened %s at %s: %s\n",
			t.first.Rule.ID, times, time.Unix(0, t.first.Since).UTC().Format(time.RFC3339), t.first.Why)
	}
	return nil
}

// print writes the report.
func (b *backtest) print() error {
	out := bufio.NewWriter(b.out)
	err := report.Write(out, b.format, b.tally.Report())
	return errors.Join(err, out.Flush())
}

// pass runs the engine over the data once, from empty histories.
func (b *backtest) pass(ctx context.Context, sort bool) error {
	if err := b.begin(tally.Options{Unit: "lines"}); err != nil {
		return err
	}
	o := files.Options{Sort: sort, Fault: b.fault, Unread: b.unread, Lacking: b.lacking, Progress: func(n int64) { b.shown.done.Add(n) }}
	return files.Read(ctx, b.schema, b.data, o, func(items []files.Item) error {
		for i := range items {
			b.replay.take(&items[i])
		}
		b.replay.flush()
		b.shown.items.Add(int64(len(items)))
		return ctx.Err()
	})
}

// begin starts from empty histories, an empty tally and empty outputs.
func (b *backtest) begin(o tally.Options) error {
	o.Now, o.Was, o.Lag, o.Cost = b.set, b.was, int64(max(b.lag, 0)), b.cost
	b.tally = tally.New(b.schema, o)
	b.replay = newReplay(b.schema, b.set, b.was, b.delay)
	b.replay.settle = b.settle
	b.complaints, b.verdicts, b.flips = 0, nil, nil
	b.outputs.discard()
	if b.verdictsFile != "" {
		file, err := b.outputs.create(b.verdictsFile)
		if err != nil {
			return err
		}
		b.verdicts = newVerdictRows(file, b.set)
	}
	if b.flipsFile != "" {
		file, err := b.outputs.create(b.flipsFile)
		if err != nil {
			return err
		}
		b.flips = newFlipRows(file, b.set, b.was)
	}
	return nil
}

// keep ends what is written besides the report.
func (b *backtest) keep() error {
	if b.verdicts != nil {
		if err := b.verdicts.out.Flush(); err != nil {
			return err
		}
	}
	if b.flips != nil {
		if err := b.flips.flush(); err != nil {
			return err
		}
	}
	return b.outputs.keep()
}

// settle reports a decision.
func (b *backtest) settle(d *scoring.Decision, was *rules.Outcome, item *files.Item) {
	if b.topics.before(d.Tx) {
		return
	}
	switch d.Status {
	case scoring.Decided:
	case scoring.Conflict:
		b.tally.Conflicts++
		b.complain("transaction %s comes again with other content; the first one stands", idText(d.Tx))
		return
	default:
		b.tally.Repeats++
		return
	}
	c := tally.Case{Tx: d.Tx, Label: labelOf(item), Now: &d.Outcome, Was: was}
	b.tally.Add(&c)
	if b.verdicts != nil {
		b.verdicts.write(d.Tx, &d.Outcome)
	}
	if b.flips != nil {
		b.flips.write(&c)
	}
}

func labelOf(item *files.Item) tally.Label {
	switch {
	case !item.Label:
		return tally.Unknown
	case item.Fraud:
		return tally.Fraud
	}
	return tally.Good
}

// fault reports a line that is not a valid transaction.
func (b *backtest) fault(f files.Fault) error {
	b.tally.Invalid++
	b.complain("%v", f)
	return nil
}

// complain is called from several goroutines where topics are read.
func (b *backtest) complain(format string, args ...any) {
	b.complains.Lock()
	defer b.complains.Unlock()
	b.complaints++
	switch {
	case b.complaints < maxComplaints:
		fmt.Fprintf(b.err, format+"\n", args...)
	case b.complaints == maxComplaints:
		fmt.Fprintln(b.err, "… more of these are counted below")
	}
}

func idText(tx *event.Transaction) string { return string(tx.AppendText(nil, tx.Schema.ID)) }
