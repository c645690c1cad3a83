package rules

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"sluice/configs/strict"
	"sluice/scoring/event"
)

// draft is a payment while it is read.
type draft struct {
	id      string
	at      time.Time
	cells   []string
	nodes   map[string]*yaml.Node // of what the payment says, by key
	ago     time.Duration         // -1: not said
	times   int
	every   time.Duration
	fraud   bool
	verdict Verdict
}

// payment gives the nth repetition.
func (p *draft) payment(n int, at time.Time) Payment {
	out := Payment{ID: p.id, Time: at.UnixNano(), Cells: p.cells, Fraud: p.fraud, Verdict: p.verdict}
	if p.times == 0 {
		return out
	}
	if p.nodes["id"] == nil {
		out.ID += "000"[len(strconv.Itoa(n-1)):] + strconv.Itoa(n-1)
	} else {
		out.ID = numbered(p.id, n)
	}
	for i, cell := range p.cells {
		if !strings.Contains(cell, "#") {
			continue
		}
		if &out.Cells[0] == &p.cells[0] {
			out.Cells = slices.Clone(p.cells)
		}
		out.Cells[i] = numbered(cell, n)
	}
	return out
}

// id names a payment that has no id of its own: the transaction by 0, past ones
// from 1 on, to which their repetitions append three digits. Any schema takes it.
func (x *exampleReader) id(i int) string { return strconv.Itoa(i + 1) }

// numbered puts the number of a repetition in where a # stands for it.
func numbered(text string, n int) string { return strings.ReplaceAll(text, "#", strconv.Itoa(n)) }

// past reads a past payment, with its repetitions.
func (x *exampleReader) past(out *Example, now *draft, text paymentText, mark strict.Mark, i int) {
	p := &draft{cells: slices.Clone(now.cells), at: now.at, ago: -1, id: x.id(i + 1)}
	before := len(x.l.faults)
	x.fields(p, text, true)
	if len(text) > 0 {
		mark = strict.Mark{Line: text[0].Key.Node.Line, Column: text[0].Key.Node.Column}
	}
	if len(x.l.faults) > before {
		one := p.payment(1, now.at)
		x.try(mark, p, &one) // for the rest of what is wrong
		return
	}
	if !x.when(p, now, mark) {
		return
	}
	times := max(p.times, 1)
	if x.payments += times; x.payments > maxExamplePayments {
		return
	}
	for n := range times {
		one := p.payment(n+1, p.at.Add(time.Duration(n)*p.every))
		if !x.try(mark, p, &one) {
			return
		}
		out.History = append(out.History, one)
	}
}

// try decodes a payment, and reports all that is wrong with its values. A faulty
// one becomes what it would be unsaid, so that past payments, which have it from
// the transaction, are not blamed for it again.
func (x *exampleReader) try(mark strict.Mark, p *draft, one *Payment) bool {
	for good := true; ; good = false {
		err := x.decoder.Decode(&x.tx, one)
		if err == nil {
			return good
		}
		var f *event.Fault
		if !errors.As(err, &f) || p.nodes[f.Field] == nil || f.Field == x.l.schema.Fields[x.l.schema.ID].Name {
			x.l.faults = append(x.l.faults, x.doc.Fault(mark.Line, mark.Column, "this payment does not fit the schema: "+err.Error()))
			return false
		}
		x.fault(p.nodes[f.Field], "%s", f.Message)
		field := x.l.schema.Field(f.Field)
		p.cells[field] = x.defaults()[field]
		delete(p.nodes, f.Field)
		*one = p.payment(1, time.Unix(0, one.Time))
	}
}

// fields reads what a payment says.
func (x *exampleReader) fields(p *draft, text paymentText, past bool) {
	p.nodes = map[string]*yaml.Node{}
	for _, e := range text {
		key, n := e.Key.Value, e.Value.Node
		if n == nil { // refused already
			continue
		}
		p.nodes[key] = n
		if past && slices.Contains(pastKeys, key) {
			x.pastKey(p, key, n)
			continue
		}
		field := x.l.schema.Field(key)
		if field < 0 {
			x.unknown(e.Key, past)
			continue
		}
		x.field(p, field, n)
	}
}

func (x *exampleReader) unknown(key strict.Text, past bool) {
	switch {
	case slices.Contains(pastKeys, key.Value):
		x.fault(key.Node, "%q is of past payments, under `history`; the transaction itself has only the fields of the schema", key.Value)
		return
	case !x.l.hint():
		x.fault(key.Node, "unknown field %q", clip(key.Value))
		return
	}
	var names []string
	for i := range x.l.schema.Fields {
		names = append(names, x.l.schema.Fields[i].Name)
	}
	all := names
	if past {
		all = append(slices.Clone(names), pastKeys...)
	}
	if s := strict.Suggest(key.Value, all); s != "" {
		x.fault(key.Node, "unknown field %q, did you mean %q?", clip(key.Value), s)
		return
	}
	x.fault(key.Node, "unknown field %q; the fields are %s", clip(key.Value), strings.Join(names, ", "))
}

// isMissing reports a value that says that there is none: as conditions write it.
func isMissing(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 &&
		(n.Value == "nil" || n.Tag == "!!null")
}

// field reads the value of a schema's field.
func (x *exampleReader) field(p *draft, field int, n *yaml.Node) {
	switch {
	case n.Kind != yaml.ScalarNode:
		x.fault(n, "%s takes a single value", x.l.schema.Fields[field].Name)
	case field == x.l.schema.Time:
		x.time(p, n)
	case isMissing(n) && x.l.schema.Fields[field].Required:
		x.fault(n, "%s is required by the schema and never missing", x.l.schema.Fields[field].Name)
	case isMissing(n):
		p.cells[field] = ""
	case n.Value == "":
		x.fault(n, "write `nil` for a value that is missing")
	case field == x.l.schema.ID:
		p.id = n.Value
	default:
		p.cells[field] = n.Value
	}
}

// pastKey reads a key that only past payments have.
func (x *exampleReader) pastKey(p *draft, key string, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode || isMissing(n) {
		x.fault(n, "%s takes a single value", key)
		return
	}
	var err error
	switch key {
	case "ago":
		p.ago, err = strict.ParseDuration(n.Value)
	case "every":
		p.every, err = strict.ParseDuration(n.Value)
	case "times":
		p.times, err = strconv.Atoi(n.Value)
		if err != nil || p.times < 1 || p.times > maxExamplePayments {
			err = fmt.Errorf("%q is not a number from 1 to %d", clip(n.Value), maxExamplePayments)
		}
	case "fraud":
		if p.fraud = n.Value == "true"; !p.fraud && n.Value != "false" {
			err = fmt.Errorf("%q is neither true nor false", clip(n.Value))
		}
	case "verdict":
		err = p.verdict.UnmarshalText([]byte(n.Value))
	}
	if err != nil {
		x.fault(n, "%s: %s", key, err)
	}
	if p.ago > maxAgo || p.every > maxAgo {
		x.fault(n, "%s: rules look back 400 days at most", key)
		p.ago, p.every = 0, 0
	}
}

// maxAgo keeps times in range; no rule looks back farther than 400 days.
const maxAgo = 1000 * 24 * time.Hour

// defaults gives a value to every field that must have one: an example names
// only what matters.
func (x *exampleReader) defaults() []string {
	s := x.l.schema
	cells := make([]string, len(s.Fields))
	for i := range s.Fields {
		f := &s.Fields[i]
		if f.Required {
			cells[i] = x.filler(f)
		}
		if f.Type == event.TypeMoney && f.CurrencyFrom >= 0 { // an amount is nothing without a currency
			cells[f.CurrencyFrom] = x.filler(&s.Fields[f.CurrencyFrom])
		}
	}
	return cells
}

// filler is a value that a required field may have.
func (x *exampleReader) filler(f *event.Field) string {
	switch f.Type {
	case event.TypeInteger, event.TypeNumber:
		return "1"
	case event.TypeMoney:
		return "10"
	case event.TypeBool:
		return "false"
	case event.TypeTimestamp:
		return x.base.UTC().Format(time.RFC3339)
	case event.TypeIP:
		return "192.0.2.1" // for documentation (RFC 5737)
	case event.TypeCountry:
		return "DE"
	case event.TypeCurrency:
		return cmp.Or(x.l.schema.BaseCurrency, "EUR")
	}
	return f.Name + "-1"
}
