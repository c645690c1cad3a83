package rules

import (
	"fmt"

	"sluice/configs/strict"
	"sluice/scoring/event"
)

// Example is a past, a payment, and what must become of it. Package
// scoring/example runs examples.
type Example struct {
	RuleID      string
	Rule        int // index into Set.Rules; -1: the rule is off, and can't be asked
	Name        string
	Place       strict.Fault // where its expectation stands, for a message to be put in
	History     []Payment    // by time
	Transaction Payment
	Expect      Expectation
}

// Payment is a payment of an example.
type Payment struct {
	ID      string
	Time    int64    // ns; it arrives at that time
	Cells   []string // the text of each field of the schema, "": missing; id and time are not there
	Fraud   bool     // of a past one: found out by the time of the transaction
	Verdict Verdict  // of a past one: what was decided; NoVerdict: what the rules say
}

// Reaction is what a rule makes of a payment.
type Reaction uint8

// The reactions. NoReaction expects nothing.
const (
	NoReaction Reaction = iota
	Fires
	Quiet
	Skips
)

var reactionWords = []string{"fires", "does not fire", "skipped"}

// String gives the reaction as it stands in rule files.
func (r Reaction) String() string {
	if r == NoReaction {
		return ""
	}
	return reactionWords[r-1]
}

// UnmarshalText reads fires, does not fire or skipped.
func (r *Reaction) UnmarshalText(text []byte) error {
	i, err := oneOf("reaction of a rule", string(text), reactionWords...)
	*r = Fires + Reaction(i)
	return err
}

// Expectation is what must become of an example's transaction.
type Expectation struct {
	Rule    Reaction // of the rule that the example belongs to
	Verdict Verdict  // of the whole set
	Score   *int64   // of the whole set, nil: any
	Fired   []string // ids of exactly the rules that fire, shadow ones too; nil: any
}

// PaymentDecoder makes transactions of the payments of examples. It is scratch
// space: one goroutine uses it.
type PaymentDecoder struct {
	schema *event.Schema
	csv    *event.CSV
	record []string
}

// NewPaymentDecoder makes a decoder for payments of a schema.
func NewPaymentDecoder(schema *event.Schema) *PaymentDecoder {
	header := make([]string, len(schema.Fields))
	for i := range schema.Fields {
		header[i] = schema.Fields[i].From
	}
	csv, err := event.NewCSV(schema, header)
	if err != nil {
		panic(fmt.Sprintf("a schema that does not match itself: %v", err))
	}
	return &PaymentDecoder{schema: schema, csv: csv, record: make([]string, len(header))}
}

// Decode makes a transaction of p, into dst, whose slices are used again. The
// error is an *event.Fault.
func (d *PaymentDecoder) Decode(dst *event.Transaction, p *Payment) error {
	copy(d.record, p.Cells)
	d.record[d.schema.ID] = p.ID
	d.record[d.schema.Time] = string(event.AppendTime(nil, p.Time))
	_, _, err := d.csv.Record(dst, d.record)
	return err
}
