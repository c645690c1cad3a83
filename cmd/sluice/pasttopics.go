package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"sluice/configs"
	"sluice/scoring/event"
	"sluice/scoring/tally"
	"sluice/stream"
	"sluice/stream/files"
	"sluice/stream/ledger"
)

// pastTopics is what a backtest reads from the topics of a configuration. It is in
// no group and commits nothing.
type pastTopics struct {
	config   *configs.Config
	from, to int64 // arrivals, ns; to is left out

	cluster *stream.Cluster
	labels  []event.Label // by time
	truth   map[event.Key]event.Label
}

// parseTime reads a day or a time; a day is its beginning in UTC.
func parseTime(s string) (int64, error) {
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UnixNano(), nil
		}
	}
	return 0, fmt.Errorf("%q is no time; write 2026-03-31 or 2026-03-31T18:00:00Z", s)
}

// open connects, and reads all labels: those behind the stretch say what became of
// the transactions in it.
func (p *pastTopics) open(ctx context.Context, schema *event.Schema, reach int64, fault func(error)) error {
	kafka, err := kafkaOf(p.config)
	if err != nil {
		return err
	}
	topics := topicsOf(p.config.Topics)
	if p.cluster, err = stream.Dial(kafka, topics.Transactions, topics.Labels, topics.Verdicts); err != nil {
		return err
	}
	p.truth = map[event.Key]event.Label{}
	if topics.Labels == "" || schema.Label == nil {
		return nil
	}
	stretch, err := p.cluster.Stretch(ctx, schema, topics.Labels, p.from-reach, stream.EndOfTime)
	if err != nil {
		return err
	}
	stretch.Fault = fault
	if p.labels, err = stretch.Labels(ctx); err != nil {
		return err
	}
	for _, l := range p.labels {
		// The newest holds; of several at once, one that says fraud.
		if before, ok := p.truth[l.IDKey]; !ok || l.Time > before.Time || l.Time == before.Time && l.Fraud {
			p.truth[l.IDKey] = l
		}
	}
	return nil
}

// horizon is the time up to which labels were read; 0: there are none.
func (p *pastTopics) horizon() int64 {
	if len(p.labels) == 0 {
		return 0
	}
	return p.labels[len(p.labels)-1].Time
}

// usualLag is the label lag where nothing tells how late labels are.
const usualLag = 7 * 24 * time.Hour

// lag gives the whole days within which 99 of 100 labels came.
func (p *pastTopics) lag() time.Duration {
	var late []int64
	for _, l := range p.labels {
		if l.Fraud && l.TxTime > 0 && l.Time > l.TxTime {
			late = append(late, l.Time-l.TxTime)
		}
	}
	if len(late) == 0 {
		return usualLag
	}
	slices.Sort(late)
	const day = 24 * time.Hour
	return (time.Duration(late[len(late)*99/100]) + day - 1) / day * day
}

// runTopics is run over topics.
func (b *backtest) runTopics(ctx context.Context) (err error) {
	reach := int64(b.reach()) + event.MaxAhead
	var invalid atomic.Int64
	fault := func(err error) {
		invalid.Add(1)
		b.complain("%v", err)
	}
	if err := b.topics.open(ctx, b.schema, reach, fault); err != nil {
		return err
	}
	defer b.topics.cluster.Close()
	stretch, err := b.topics.cluster.Stretch(ctx, b.schema, b.topics.config.Topics.Transactions, b.topics.from-reach, b.topics.to)
	if err != nil {
		return err
	}
	stretch.Fault = fault
	if b.lag < 0 {
		b.lag = b.topics.lag()
	}
	defer b.outputs.discard()
	if err := b.begin(tally.Options{Horizon: b.topics.horizon(), Presume: len(b.topics.labels) > 0, Unit: "records"}); err != nil {
		return err
	}
	b.replay.labels = b.topics.labels
	b.leaveOut()
	b.shown = startProgress(b.err, "transactions", stretch.Records())
	items := make([]files.Item, 0, 512)
	err = stretch.Transactions(ctx, func(batch []*event.Transaction) error {
		items = items[:0]
		for _, tx := range batch {
			items = append(items, b.topics.item(tx))
			b.replay.take(&items[len(items)-1])
		}
		b.replay.flush()
		b.shown.items.Add(int64(len(batch)))
		return nil
	}, func(n int64) { b.shown.done.Add(n) })
	b.shown.stop()
	b.tally.Invalid = invalid.Load()
	if err != nil {
		return err
	}
	if b.tally.Total() == 0 {
		return errors.New("the topic holds no transactions between these times")
	}
	return b.finish()
}

// leaveOut counts what people had changed meanwhile: a backtest says what the
// files come to, which are what it may lead somebody to change.
func (b *backtest) leaveOut() {
	k := keptOf(b.topics.config)
	switch {
	case k.past != nil:
		b.tally.LeftOut = int64(k.past.Between(time.Unix(0, b.topics.from), time.Unix(0, b.topics.to)))
	case !errors.Is(k.err, ledger.ErrNone):
		b.complain("whether people had changed lists meanwhile is not known: %v", k.err)
	}
}

// item is a transaction with what labels say of it.
func (p *pastTopics) item(tx *event.Transaction) files.Item {
	l, labelled := p.truth[tx.IDKey]
	return files.Item{Tx: *tx, Label: labelled, Fraud: labelled && l.Fraud}
}

// before tells whether a transaction is only there to be seen by others.
func (p *pastTopics) before(tx *event.Transaction) bool { return p != nil && tx.Arrival < p.from }

// reach is how far back the rules look.
func (b *backtest) reach() time.Duration {
	reach := b.set.Program.Plan().Retention
	if b.was != nil {
		reach = max(reach, b.was.Program.Plan().Retention)
	}
	return reach
}
