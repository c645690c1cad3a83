package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"sluice/configs"
	"sluice/rules"
	"sluice/scoring/event"
	"sluice/scoring/explanation"
	"sluice/stream"
	"sluice/stream/files"
)

// explainFlags are the flags of explain as they were written.
type explainFlags struct {
	rules, schema, config, delay, record, format string
	verify                                       bool
}

// explainCommand says why a transaction got its verdict.
func explainCommand(ctx context.Context, args []string, c console) error {
	f := flags("explain", "ID --rules DIR [--schema FILE] [--label-delay 168h] [--verify --record FILE] [--format text|json] (DATA... | --config FILE)", c)
	var o explainFlags
	f.StringVar(&o.rules, "rules", "", "directory of rule files (with --config: by default those that decided, where Sluice has kept them, or else those of the configuration)")
	f.StringVar(&o.schema, "schema", "", "event schema of the data (default: the card and wallet payment that comes with Sluice)")
	f.StringVar(&o.config, "config", "", "configuration file of serve: the verdict is looked up in its verdicts topic, the transaction and its past in the others; nothing is written there")
	f.StringVar(&o.delay, "label-delay", "", "of files: when a fraud becomes known after its transaction, as 7d or 168h; without it .fraud stays false")
	f.BoolVar(&o.verify, "verify", false, "decide the recorded verdict again, by its recorded window values")
	f.StringVar(&o.record, "record", "", "file with the verdict record to verify (default: the one in the verdicts topic)")
	f.StringVar(&o.format, "format", "text", "how it is written: text or json")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	e := &explain{console: c, verify: o.verify, format: o.format, delay: -1, anyRules: o.rules == ""}
	if err := e.configure(f, &o, rest); err != nil {
		return err
	}
	return e.run(ctx)
}

// configure takes the command line in, and loads what it names.
func (e *explain) configure(f *flag.FlagSet, o *explainFlags, rest []string) (err error) {
	switch {
	case len(rest) == 0 || rest[0] == "":
		return misused(f, "give the id of a transaction")
	case o.rules == "" && o.config == "":
		return misused(f, "--rules is missing: give the directory of rule files")
	case len(rest) == 1 && o.config == "":
		return misused(f, "give the files that hold the transaction and its past, behind its id, or --config FILE to read topics")
	case len(rest) > 1 && o.config != "":
		return misused(f, "give files or --config, not both")
	case o.verify && o.record == "" && o.config == "":
		return misused(f, "--verify needs the recorded verdict: --record FILE, or --config FILE to look it up")
	case o.record != "" && !o.verify:
		return misused(f, "--record is for --verify")
	case o.config != "" && (o.delay != "" || o.schema != ""):
		return misused(f, "--label-delay and --schema are for files: with --config labels come from their topic, and the configuration names the schema")
	case o.format != "text" && o.format != "json":
		return misused(f, "--format is text or json, not %q", o.format)
	}
	e.id, e.data = rest[0], rest[1:]
	if o.delay != "" {
		if e.delay, err = parseDelay(o.delay); err != nil {
			return misused(f, "--label-delay: %v", err)
		}
	}
	if o.config != "" {
		e.topics = &pastTopics{to: stream.EndOfTime}
		if e.topics.config, err = configs.Load(o.config, e.env); err != nil {
			return faults(e.err, err)
		}
		if o.schema = e.topics.config.Schema.Path; o.rules == "" {
			o.rules = e.topics.config.Rules.Path
		}
	}
	if e.schema, err = loadSchema(o.schema); err != nil {
		return faults(e.err, err)
	}
	if e.set, err = rules.Load(o.rules, e.schema); err != nil {
		return ruleFaults(e.err, err, o.schema)
	}
	var ok bool
	if e.key, ok = e.schema.IDKey(e.id); !ok {
		return misused(f, "%q can't be the id of a transaction: the schema says that ids are whole numbers", e.id)
	}
	if o.record != "" {
		return e.readRecord(o.record)
	}
	return nil
}

// explain is one run.
type explain struct {
	console
	schema *event.Schema
	set    *rules.Set
	id     string
	key    event.Key
	data   []string
	topics *pastTopics // to read in place of data, or nil
	delay  time.Duration
	verify bool
	format string
	// anyRules: no rules are named, and those that decided are taken where they are kept.
	anyRules bool

	record *explanation.Record // nil: not known
	replay *replay
	kept   kept
	people *byPeople
	lines  refusedLines
	tx     *event.Transaction       // once it is found
	why    *explanation.Explanation // as it was then
}

// explained is what explain writes as JSON.
type explained struct {
	*explanation.Explanation
	Recorded     *explanation.Record       `json:"recorded"`     // nil: not looked up, or not found
	Verification *explanation.Verification `json:"verification"` // nil without --verify
	People       *byPeople                 `json:"changes_by_people"`
}

func (e *explain) readRecord(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if e.record, err = explanation.ParseRecord(text); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if !e.recordedHere(text) {
		return fmt.Errorf("%s is the verdict of transaction %s, not of %s", path, e.record.ID, event.Mask(e.id))
	}
	return nil
}

// recordedHere tells whether a record is that of the transaction.
func (e *explain) recordedHere(record []byte) bool {
	start := []byte(`{"transaction_id":`)
	if e.schema.Fields[e.schema.ID].Type == event.TypeInteger {
		start = append(start, e.id...)
	} else {
		start = event.AppendString(start, e.id)
	}
	return bytes.HasPrefix(bytes.TrimSpace(record), append(start, ','))
}

// errFound ends the reading.
var errFound = errors.New("found")

func (e *explain) run(ctx context.Context) error {
	read := e.readFiles
	if e.topics != nil {
		read = e.readTopics
	}
	if err := read(ctx); err != nil && !errors.Is(err, errFound) {
		return err
	}
	switch {
	case e.why != nil:
	case e.record != nil && e.topics != nil:
		return fmt.Errorf("the verdict on transaction %s is in the topic %s, but the transaction itself is not in %s any more: it can't be explained",
			event.Mask(e.id), e.topics.config.Topics.Verdicts, e.topics.config.Topics.Transactions)
	default:
		return fmt.Errorf("there is no transaction %s there%s", event.Mask(e.id), e.lines.words())
	}
	if !e.people.Known {
		e.people.resting(e.why)
	}
	out := explained{Explanation: e.why, Recorded: e.record, People: e.people}
	if e.verify {
		if e.record == nil {
			return fmt.Errorf("there is no verdict on transaction %s in the topic %s: nothing to verify", event.Mask(e.id), e.topics.config.Topics.Verdicts)
		}
		out.Verification = explanation.Verify(e.set, e.tx, e.record, e.people.Known)
	}
	if err := e.write(&out); err != nil {
		return err
	}
	if v := out.Verification; v != nil && len(v.Wrong)+len(v.Open) > 0 {
		return errFaults
	}
	return nil
}

func (e *explain) write(out *explained) error {
	w := bufio.NewWriter(e.out)
	if e.format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false) // conditions hold < and >
		return errors.Join(enc.Encode(out), w.Flush())
	}
	writeExplained(w, out)
	return w.Flush()
}

// begin starts from empty histories.
func (e *explain) begin() {
	e.replay = newReplay(e.schema, e.set, nil, e.delay)
	e.replay.ignoreDecisions()
	e.kept.under = e.replay.core.Change
}

// take remembers a transaction, or explains it if it is the one.
func (e *explain) take(item *files.Item) error {
	if item.Tx.IDKey != e.key {
		if e.set.Program.ReadsVerdicts() {
			e.kept.follow(item.Tx.Arrival, e.replay.flush)
		}
		e.replay.take(item)
		return nil
	}
	e.replay.catchUp(item.Tx.MergeTime())
	core := e.replay.core
	e.tx = &item.Tx
	e.people = e.kept.layFor(e.tx, e.record)
	var err error
	e.why, err = explanation.Explain(explanation.Subject{
		Set: e.set, Store: core.Store(), Tx: e.tx, Held: core.Held(), Restraints: core.Restraints(),
		Late: e.tx.Arrival-e.tx.Time > int64(e.set.Program.Plan().Retention),
	})
	return errors.Join(err, errFound)
}

// readFiles goes through the files up to the transaction.
func (e *explain) readFiles(ctx context.Context) error {
	if _, err := files.Size(e.data); err != nil { // which says what is wrong with a path
		return err
	}
	pass := func(sort bool) error {
		e.begin()
		e.lines = refusedLines{}
		o := files.Options{Sort: sort, Fault: func(f files.Fault) error { e.lines.take(f, e.key); return nil }}
		return files.Read(ctx, e.schema, e.data, o, func(items []files.Item) error {
			for i := range items {
				if err := e.take(&items[i]); err != nil {
					return err
				}
			}
			e.replay.flush()
			return ctx.Err()
		})
	}
	err := pass(false)
	if errors.Is(err, files.ErrOrder) {
		err = pass(true)
	}
	return err
}

// refusedLines are those of the files that are no valid transactions.
type refusedLines struct {
	n    int64
	asks []files.Fault // of the transaction that is looked for
}

// maxAsks bounds the lines that are told.
const maxAsks = 3

func (r *refusedLines) take(f files.Fault, id event.Key) {
	if r.n++; f.IDKey == id && len(r.asks) < maxAsks {
		r.asks = append(r.asks, f)
	}
}

// words says why a transaction that is not there may be missing.
func (r *refusedLines) words() string {
	switch {
	case r.n == 0:
		return ""
	case len(r.asks) > 0:
		var all strings.Builder
		for _, f := range r.asks {
			fmt.Fprintf(&all, "\n%s", f.Error())
		}
		return ": what has this id was refused" + all.String()
	case r.n == 1:
		return ", but a line that was refused: backtest says which, and why"
	}
	return fmt.Sprintf(", but %s lines that were refused: backtest says which, and why", thousands(r.n))
}

// readTopics looks the verdict up, and goes through what came before it.
func (e *explain) readTopics(ctx context.Context) error {
	if err := e.topics.open(ctx, e.schema, 0, func(error) {}); err != nil {
		return err
	}
	defer e.topics.cluster.Close()
	if e.record == nil {
		if err := e.lookUp(ctx); err != nil {
			return err
		}
	}
	e.kept = keptOf(e.topics.config)
	from, to := int64(0), int64(stream.EndOfTime)
	if e.record != nil {
		if err := e.takeItsRules(); err != nil {
			return err
		}
		if at, err := time.Parse(time.RFC3339Nano, e.record.Arrival); err == nil {
			from = at.UnixNano() - int64(e.set.Program.Plan().Retention) - event.MaxAhead
			to = at.Add(time.Minute).UnixNano() // records of other partitions may be of a little later
		}
	}
	stretch, err := e.topics.cluster.Stretch(ctx, e.schema, e.topics.config.Topics.Transactions, from, to)
	if err != nil {
		return err
	}
	e.begin()
	e.replay.labels = e.topics.labels
	items := make([]files.Item, 0, 512)
	shown := startProgress(e.err, "transactions", stretch.Records())
	defer shown.stop()
	return stretch.Transactions(ctx, func(batch []*event.Transaction) error {
		items = items[:0]
		for _, tx := range batch {
			items = append(items, e.topics.item(tx))
			if err := e.take(&items[len(items)-1]); err != nil {
				return err
			}
		}
		e.replay.flush()
		shown.items.Add(int64(len(batch)))
		return nil
	}, func(n int64) { shown.done.Add(n) })
}

// takeItsRules takes the rule set that made the verdict, if it is kept.
func (e *explain) takeItsRules() error {
	if !e.anyRules || e.record.RuleSet == e.set.Hash {
		return nil
	}
	set, err := e.kept.set(e.record.RuleSet, e.schema)
	if err != nil || set == nil {
		return err
	}
	e.set = set
	return nil
}

// lookUp finds the verdict record, if there is one.
func (e *explain) lookUp(ctx context.Context) error {
	stretch, err := e.topics.cluster.Stretch(ctx, e.schema, e.topics.config.Topics.Verdicts, 0, stream.EndOfTime)
	if err != nil {
		return err
	}
	text, ok, err := stretch.Verdict(ctx, e.recordedHere)
	if err != nil || !ok {
		return err
	}
	e.record, err = explanation.ParseRecord(text)
	return err
}
