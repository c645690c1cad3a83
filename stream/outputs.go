package stream

import (
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/produce"
)

// outputs are the topics that decisions go to, as the engine sees them.
type outputs struct {
	verdicts     *produce.Producer[token]
	transactions *produce.Producer[*call]
	dead         *deadLetters
	onDecision   func(*scoring.Decision)
	counts       *counts
	key          []byte
	// logged is told of what a stretch of the log need not wait for any more,
	// from any goroutine; nil without a journal.
	logged func(*stretch)
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
		n := o.transactions.Partitions()
		err := o.transactions.Append(int32(event.Partition(o.key, n)), d.Tx.Arrival/1e6, o.key, t.call.body, t.call)
		if err != nil {
			o.finish(t.call, err)
		}
	}
	n := o.verdicts.Partitions()
	err := o.verdicts.Append(int32(event.Partition(o.key, n)), now/1e6, o.key, d.Record, t)
	if err != nil {
		o.lost(t, err)
	}
}

// lost is told of verdicts that can't be written, ever. The partition stops
// there: its offset is never committed.
func (o *outputs) lost(t token, err error) {
	if t.call != nil {
		o.finish(t.call, err)
	}
	if t.lane != nil {
		t.lane.stick(err)
	}
}

// finish ends a request of which a part can't be written.
func (o *outputs) finish(c *call, err error) {
	c.finish(err)
	o.appended(c)
}

// appended notes that one part of a request's decision is not waited for any more.
func (o *outputs) appended(c *call) {
	if o.logged != nil && c.log != nil {
		o.logged(c.log)
	}
}

// conflict reports a transaction whose id was decided with another body.
func (o *outputs) conflict(d *scoring.Decision, done func()) {
	fault := &event.Fault{Code: conflicting, Offset: -1, Message: "the same id came before with another body; the first one stands"}
	l := newLetter(fault, Place{o.dead.transactions, d.Source.Partition, d.Source.Offset}, d.Tx.Arrival/1e6, nil, nil)
	l.ID = d.Tx.AppendID(nil)
	l.done = func(error) { done() }
	o.dead.append(l)
}
