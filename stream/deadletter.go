package stream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"sluice/scoring/event"
)

// conflicting is the code of a transaction whose id came before with another body.
const conflicting event.Code = "conflicting_repeat"

// Place is where a record stands.
type Place struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// letter is a record that can't be decided. Its JSON is what stands in the
// dead letters topic.
type letter struct {
	Code   event.Code      `json:"code"`
	Reason string          `json:"reason"`
	Field  string          `json:"field,omitempty"`
	ID     json.RawMessage `json:"transaction_id,omitempty"` // of a conflict, whose body is not at hand any more
	Source Place           `json:"source"`
	Time   string          `json:"time"` // of the record
	Body   json.RawMessage `json:"body,omitempty"`
	Print  *print          `json:"message,omitempty"`
	Raw    []byte          `json:"raw,omitempty"`

	key   []byte
	value []byte // until it is written
	done  answered
}

// answered is told what became of a letter: where it stands, or why not.
type answered func(at deadPlace, err error)

// print stands in for a message that can't be parsed and so can't be masked.
type print struct {
	SHA256 string `json:"sha256"`
	Length int    `json:"length"`
	Fault  int    `json:"fault_offset"`
}

func newLetter(f *event.Fault, source Place, timeMs int64, key, value []byte) letter {
	return letter{
		Code: f.Code, Reason: f.Message, Field: f.Field, Source: source,
		Time: time.UnixMilli(timeMs).UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		// The bytes are the fetcher's: a letter outlives them.
		key: append([]byte(nil), key...), value: append([]byte(nil), value...),
		Print: &print{Fault: f.Offset, Length: len(value)},
	}
}

// deadLetters writes what can't be decided. Nothing is dropped: who has one to
// write waits until it stands in the topic.
type deadLetters struct {
	producer     appender[answered]
	schema       *event.Schema
	transactions string // topic
	raw          bool   // carry what can't be masked as it is
	counts       *counts
	now          func() int64
	told         *told // nil without a journal
}

// write writes letters and waits for what becomes of them: it gives those that
// the broker refuses, and why.
func (d *deadLetters) write(ctx context.Context, letters []letter) (refused []letter, err error) {
	type answer struct {
		i   int
		err error
	}
	answers := make(chan answer, len(letters))
	for i := range letters {
		l := letters[i]
		l.done = func(_ deadPlace, err error) { answers <- answer{i, err} }
		d.append(l)
	}
	d.producer.Flush()
	for range letters {
		select {
		case a := <-answers:
			if a.err != nil {
				refused, err = append(refused, letters[a.i]), a.err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return refused, err
}

// insist writes letters, again and again if need be: the partition does not go
// on without them. It is false if ctx ended it.
func (d *deadLetters) insist(ctx context.Context, l *lane, letters []letter) bool {
	for i := range letters {
		d.counts.deadLetter(letters[i].Code)
	}
	back := delay{next: refetchDelay / 4}
	for {
		refused, err := d.write(ctx, letters)
		if ctx.Err() != nil {
			return false
		}
		if err == nil {
			l.stick(nil)
			return true
		}
		l.stick(fmt.Errorf("%s/%d stops: what can't be decided there must stand in the dead letters topic first, and that takes it not: %w; trying again",
			l.topic, l.partition, err))
		letters = refused
		if back.wait(ctx) != nil {
			return false
		}
	}
}

// append queues a letter. One that the broker finds too large goes with the hash of
// its message in place of the body.
func (d *deadLetters) append(l letter) {
	slim := d.fill(&l)
	partition := int32(event.Partition(l.key, d.producer.Partitions()))
	stands := func(at deadPlace, err error) {
		if err == nil && d.told != nil {
			d.told.note(l.Source, at)
		}
		l.done(at, err)
	}
	done := func(at deadPlace, err error) {
		if err == nil {
			stands(at, nil)
			return
		}
		again := d.producer.Append(partition, d.now()/1e6, nil, slim.json(), stands)
		if again != nil {
			l.done(at, again)
		}
		d.producer.Flush()
	}
	if err := d.producer.Append(partition, d.now()/1e6, nil, l.json(), done); err != nil {
		done(deadPlace{}, err)
	}
}

// stands says whether the letter of a record stands in the topic already.
func (d *deadLetters) stands(source Place) bool { return d.told != nil && d.told.knows(source) }

// fill puts in what may be shown of the message: the body with secrets and
// card numbers masked where it can be parsed, else its hash. slim is the letter with
// the hash alone.
func (d *deadLetters) fill(l *letter) (slim letter) {
	if len(l.value) == 0 && l.Print.Length == 0 && l.Code == conflicting {
		l.Print = nil
		return *l
	}
	sum := sha256.Sum256(l.value)
	l.Print.SHA256 = hex.EncodeToString(sum[:])
	value := l.value
	l.value = nil
	slim = *l
	if masked, ok := event.MaskBody(d.schema, value); ok {
		l.Body, l.Print = masked, nil
	} else if d.raw {
		l.Raw = value
	}
	return slim
}

func (l *letter) json() []byte {
	b, err := json.Marshal(l)
	if err != nil { // a body that is no JSON after all
		l.Body = nil
		b, _ = json.Marshal(l)
	}
	return b
}
