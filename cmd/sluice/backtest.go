package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"sluice/rules"
	"sluice/rules/lang"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/files"
)

// backtestCommand runs rules over files of past transactions.
func backtestCommand(ctx context.Context, args []string, c console) error {
	f := flags("backtest", "--rules DIR [--schema FILE] [--label-delay 168h] [--verdicts OUT.csv] DATA...", c)
	dir := f.String("rules", "", "directory of rule files")
	schemaFile := f.String("schema", "", "event schema of the data (default: the card and wallet payment that comes with Sluice)")
	delay := f.String("label-delay", "", "when a fraud becomes known after its transaction, as 7d or 168h; without it labels serve the report alone and .fraud stays false")
	out := f.String("verdicts", "", "write a CSV of every verdict: transaction_id, verdict, score, rules")
	data, err := parse(f, args)
	if err != nil {
		return err
	}
	if *dir == "" {
		return misused(f, "--rules is missing: give the directory of rule files")
	}
	if len(data) == 0 {
		return misused(f, "give at least one file of transactions (.csv, .ndjson, also with .gz)")
	}
	b := &backtest{console: c, data: data, delay: -1}
	if *delay != "" {
		if b.delay, err = parseDelay(*delay); err != nil {
			return misused(f, "--label-delay: %v", err)
		}
	}
	if b.schema, err = loadSchema(*schemaFile); err != nil {
		return faults(c.err, err)
	}
	if b.set, err = rules.Load(*dir, b.schema); err != nil {
		return ruleFaults(c.err, err, *schemaFile)
	}
	return b.run(ctx, *out)
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

// later gives the time after a delay, or the end of time where 64 bits of
// nanoseconds hold no later one.
func later(at int64, delay time.Duration) int64 {
	if at > math.MaxInt64-int64(delay) {
		return math.MaxInt64
	}
	return at + int64(delay)
}

// backtest is one run over files.
type backtest struct {
	console
	schema *event.Schema
	set    *rules.Set
	data   []string
	delay  time.Duration // of labels; -1: they are for the report alone

	core       *scoring.Core
	batch      []scoring.Input
	items      []*files.Item // of the batch
	labels     []event.Label // not yet known, by time
	known      int64         // when the first label of the open batch becomes known
	report     *report
	rows       *bufio.Writer // the verdicts file, or nil
	row        []byte
	shown      *progress
	told       sync.Map // files whose unread columns were told
	complaints int      // faults and conflicts printed so far
}

// maxComplaints bounds how many faulty lines are printed one by one.
const maxComplaints = 20

func (b *backtest) run(ctx context.Context, out string) error {
	size, err := files.Size(b.data)
	if err != nil {
		return err
	}
	b.shown = startProgress(b.err, "transactions", size)
	err = b.pass(ctx, out, false)
	if errors.Is(err, files.ErrOrder) {
		fmt.Fprintf(b.err, "%v: reading everything into memory to sort it\n", err)
		b.shown.done.Store(0)
		b.shown.items.Store(0)
		err = b.pass(ctx, out, true)
	}
	b.shown.stop()
	if err != nil {
		return err
	}
	switch {
	case b.report.total > 0:
	case b.report.invalid == 0:
		return errors.New("the files hold no transactions")
	default:
		return fmt.Errorf("no transactions to decide: %s lines, none of them valid", thousands(b.report.invalid))
	}
	b.report.print(b.out)
	for _, h := range b.core.Held() {
		fmt.Fprintf(b.err, "warning: the rule %s is %s\n", h.Rule, h.Why)
	}
	return nil
}

// unread tells once of columns that no rule can ever see: one may be misspelt.
func (b *backtest) unread(path string, columns []string) {
	if _, told := b.told.LoadOrStore(path, true); !told {
		fmt.Fprintf(b.err, "%s: no field of the schema reads %s\n", path, columnNames(columns))
	}
}

// columnNames lists columns for people.
func columnNames(columns []string) string {
	noun := "the columns"
	if len(columns) == 1 {
		noun = "the column"
	}
	return noun + " " + strings.Join(columns, ", ")
}

// pass runs the engine over the data once, from empty histories.
func (b *backtest) pass(ctx context.Context, out string, sort bool) (err error) {
	b.core = scoring.New(b.schema, b.set, scoring.Options{KeepIDs: 200 * 365 * 24 * time.Hour, NoRecord: true})
	b.report = newReport(b.schema, b.set)
	b.labels, b.known, b.complaints = nil, math.MaxInt64, 0
	b.rows = nil
	if out != "" {
		file, err := os.Create(out)
		if err != nil {
			return err
		}
		b.rows = bufio.NewWriterSize(file, 256<<10)
		fmt.Fprintln(b.rows, "transaction_id,verdict,score,rules")
		defer func() { err = errors.Join(err, b.rows.Flush(), file.Close()) }()
	}
	o := files.Options{Sort: sort, Fault: b.fault, Unread: b.unread, Progress: func(n int64) { b.shown.done.Add(n) }}
	return files.Read(ctx, b.schema, b.data, o, func(items []files.Item) error {
		for i := range items {
			b.take(&items[i])
		}
		b.flush()
		b.shown.items.Add(int64(len(items)))
		return ctx.Err()
	})
}

// take adds a transaction to the batch, after the labels known by its time.
func (b *backtest) take(item *files.Item) {
	if item.Tx.Time >= b.known {
		b.flush()
	}
	for len(b.labels) > 0 && b.labels[0].Time <= item.Tx.Time {
		b.flush()
		b.core.Label(&b.labels[0])
		b.labels = b.labels[1:]
	}
	if b.delay >= 0 && item.Label && item.Fraud {
		b.known = min(b.known, later(item.Tx.Time, b.delay))
	}
	b.batch = append(b.batch, scoring.Input{Tx: &item.Tx})
	b.items = append(b.items, item)
	if len(b.batch) == 256 {
		b.flush()
	}
}

// flush decides the batch.
func (b *backtest) flush() {
	if len(b.batch) == 0 {
		return
	}
	decisions := b.core.Decide(b.batch, 0)
	for i := range decisions {
		b.settle(&decisions[i], b.items[i])
	}
	b.batch, b.items, b.known = b.batch[:0], b.items[:0], math.MaxInt64
}

// settle reports a decision and schedules the label of its transaction.
func (b *backtest) settle(d *scoring.Decision, item *files.Item) {
	switch d.Status {
	case scoring.Decided:
	case scoring.Conflict:
		b.report.conflicts++
		b.complain("transaction %s comes again with other content; the first one stands", idText(d.Tx))
		return
	default:
		b.report.repeats++
		return
	}
	b.report.add(d, item)
	if b.rows != nil {
		b.writeRow(d)
	}
	if b.delay >= 0 && item.Label && item.Fraud {
		b.labels = append(b.labels, event.Label{
			IDKey: d.Tx.IDKey, Time: later(d.Tx.Time, b.delay), Fraud: true,
			TxTime: d.Tx.Time, Entities: append([]event.Key(nil), d.Tx.Entities...),
		})
	}
}

// writeRow writes a verdict to the CSV file. A rule id never needs quotes, a
// transaction id may.
func (b *backtest) writeRow(d *scoring.Decision) {
	r := append(b.row[:0], csvText(idText(d.Tx))...)
	r = append(append(r, ','), d.Outcome.Verdict.String()...)
	r = strconv.AppendInt(append(r, ','), d.Outcome.Score, 10)
	r = append(r, ',')
	for i, rule := range d.Outcome.Fired {
		if i > 0 {
			r = append(r, '|')
		}
		r = append(r, b.set.Rules[rule].ID...)
	}
	b.row = append(r, '\n')
	_, _ = b.rows.Write(b.row) // Flush returns what failed
}

// fault reports a line that is not a valid transaction.
func (b *backtest) fault(f files.Fault) error {
	b.report.invalid++
	b.complain("%v", f)
	return nil
}

func (b *backtest) complain(format string, args ...any) {
	b.complaints++
	switch {
	case b.complaints < maxComplaints:
		fmt.Fprintf(b.err, format+"\n", args...)
	case b.complaints == maxComplaints:
		fmt.Fprintln(b.err, "… more of these are counted below")
	}
}

func idText(tx *event.Transaction) string { return string(tx.AppendText(nil, tx.Schema.ID)) }

// csvText quotes a text where CSV wants it.
func csvText(s string) string {
	if !strings.ContainsAny(s, ",\"\n\r") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}
