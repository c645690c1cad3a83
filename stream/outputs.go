package stream

import (
	"context"
	"errors"

	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/produce"
	"sluice/stream/wire"
)

// appender is a producer of a topic as the engine sees it: nothing blocks.
type appender[T any] interface {
	Append(partition int32, timeMs int64, key, value []byte, token T, headers ...wire.Header) error
	Flush()
	Full() bool
	Queued() int64
	Partitions() int
}

// senders are the producers behind the outputs.
type senders struct {
	verdicts     *produce.Producer[token]
	transactions *produce.Producer[*call]
	dead         *produce.Producer[answered]
}

// drain waits until everything appended is acknowledged.
func (s *senders) drain(ctx context.Context) error {
	return errors.Join(s.verdicts.Drain(ctx), s.transactions.Drain(ctx), s.dead.Drain(ctx))
}

// outputs are the topics that decisions go to, as the engine sees them.
type outputs struct {
	verdicts     appender[token]
	transactions appender[*call]
	dead         *deadLetters
	onDecision   func(*scoring.Decision)
	counts       *counts
	key          []byte
	// posted is told of requests whose transaction stands in its topic, or never
	// will, from any goroutine; nil without a journal.
	posted func(*call)
}

// full says that the engine must not decide more for now.
func (o *outputs) full() bool {
	return o.verdicts.Full() || o.transactions.Full() || o.dead.producer.Full()
}

func (o *outputs) flush() {
	o.verdicts.Flush()
	o.transactions.Flush()
	o.dead.producer.Flush()
}

// verdict sends a decision's record, and for a request the transaction too:
// both at the same time, and the request is answered when both stand there.
func (o *outputs) verdict(d *scoring.Decision, t token, now int64) {
	o.key = event.KeyBytes(o.key[:0], d.Tx)
	if t.call != nil {
		t.call.decided(d)
		o.transaction(t.call)
	}
	n := o.verdicts.Partitions()
	err := o.verdicts.Append(int32(event.Partition(o.key, n)), now/1e6, o.key, d.Record, t)
	if err != nil {
		o.lost(t, err)
	}
}

// transaction sends the transaction of a request.
func (o *outputs) transaction(c *call) {
	o.key = event.KeyBytes(o.key[:0], &c.tx)
	n := o.transactions.Partitions()
	err := o.transactions.Append(int32(event.Partition(o.key, n)), c.tx.Arrival/1e6, o.key, c.body, c)
	if err != nil {
		o.finish(c, err)
	}
}

// again sends the transaction of a request whose verdict stands in its topic
// already: the run that decided it may have ended before the transaction did, or
// it is on its way for another request. Where it stands twice, the id says that
// it is the same.
func (o *outputs) again(c *call) {
	c.left.Add(1)
	o.transaction(c)
}

// lost is told of verdicts that can't be written, ever. The partition stops
// there: its offset is never committed.
func (o *outputs) lost(t token, err error) {
	if t.call != nil {
		o.finish(t.call, err)
	}
	if t.lane != nil {
		t.lane.stop(err)
	}
}

// finish ends a request of which a part can't be written.
func (o *outputs) finish(c *call, err error) {
	c.finish(err)
	o.appended(c)
}

// appended notes that one part of a request's decision is not waited for any more.
func (o *outputs) appended(c *call) {
	if o.posted != nil && c.log != nil {
		o.posted(c)
	}
}

// conflict reports a transaction whose id was decided with another body.
func (o *outputs) conflict(d *scoring.Decision, done func(error)) {
	source := Place{o.dead.transactions, d.Source.Partition, d.Source.Offset}
	if o.dead.stands(source) {
		done(nil)
		return
	}
	o.counts.deadLetter(conflicting)
	fault := &event.Fault{Code: conflicting, Offset: -1, Message: "the same id came before with another body; the first one stands"}
	l := newLetter(fault, source, d.Tx.Arrival/1e6, nil, nil)
	l.ID = d.Tx.AppendMaskedID(nil) // the source says where the whole one is
	l.done = func(_ deadPlace, err error) { done(err) }
	o.dead.append(l)
}
