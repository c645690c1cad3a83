package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/scoring/event"
)

// TestExamples writes out what examples say: every payment, with what it has
// from the transaction or by default.
func TestExamples(t *testing.T) {
	schema := testSchema(t)
	set, err := Load("testdata/good/examples", schema)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i := range set.Examples {
		e := &set.Examples[i]
		fmt.Fprintf(&b, "%s:%d:%d: %s (rule %d) %q expects rule %q verdict %q", filepath.ToSlash(e.Place.File), e.Place.Line, e.Place.Column,
			e.RuleID, e.Rule, e.Name, e.Expect.Rule, e.Expect.Verdict)
		if e.Expect.Score != nil {
			fmt.Fprintf(&b, " score %d", *e.Expect.Score)
		}
		if e.Expect.Fired != nil {
			fmt.Fprintf(&b, " fired %q", e.Expect.Fired)
		}
		b.WriteByte('\n')
		for k := range e.History {
			writePayment(t, &b, "past", &e.History[k], schema)
		}
		writePayment(t, &b, "now ", &e.Transaction, schema)
	}
	if *update {
		if err := os.WriteFile("testdata/good/examples.txt", []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/good/examples.txt")
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func writePayment(t *testing.T, b *strings.Builder, what string, p *Payment, schema *event.Schema) {
	t.Helper()
	var tx event.Transaction
	if err := NewPaymentDecoder(schema).Decode(&tx, p); err != nil {
		t.Fatal(err)
	}
	if tx.Arrival != tx.Time || tx.Time != p.Time {
		t.Errorf("arrival %d, time %d, said %d", tx.Arrival, tx.Time, p.Time)
	}
	b.WriteString("    " + what)
	for i := range schema.Fields {
		if text := tx.AppendText(nil, i); len(text) > 0 {
			fmt.Fprintf(b, " %s=%s", schema.Fields[i].Name, text)
		}
	}
	if p.Fraud {
		b.WriteString(" fraud")
	}
	if p.Verdict != NoVerdict {
		fmt.Fprintf(b, " verdict=%s", p.Verdict)
	}
	b.WriteByte('\n')
}

// TestExamplesOfAnySchema: what a schema requires has a default.
func TestExamplesOfAnySchema(t *testing.T) {
	schema, err := event.ParseSchema("schema.yaml", []byte(`
zone: Europe/Berlin
fields:
  id:      {type: integer, required: true}
  time:    {type: timestamp, unit: ms, from: created.at, required: true}
  booked:  {type: timestamp, unit: s, required: true}
  payer:   {type: integer, required: true, entity: true}
  payee:   {type: string, required: true, entity: true}
  ip:      {type: ip, required: true}
  country: {type: country, required: true}
  paid:    {type: money, currency_from: unit}
  unit:    {type: currency}
  weight:  {type: number, required: true}
  trusted: {type: bool, required: true}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := LoadFS(files("a.yaml", `
rules:
  - id: a
    when: tx.paid > 5
    examples: [{transaction: {paid: 7.50}, history: [{times: 2, every: 1h}], expect: fires}]
`), "", schema)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	e := &set.Examples[0]
	writePayment(t, &b, "past", &e.History[1], schema)
	writePayment(t, &b, "now", &e.Transaction, schema)
	const rest = " booked=2026-03-02T11:00:00Z payer=1 payee=payee-1 ip=192.0.2.1 country=DE paid=7.50 unit=EUR weight=1 trusted=false\n"
	if want := "    past id=2001 time=2026-03-02T10:00:00Z" + rest + "    now id=1 time=2026-03-02T11:00:00Z" + rest; b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestExamplesAreBounded: they are run before every reload.
func TestExamplesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := range 21 {
		fmt.Fprintf(&b, "  - {id: r%d, when: 'true', examples: [{history: [{times: 999, every: 1s}], transaction: {}, expect: fires}]}\n", i)
	}
	_, err := LoadFS(files("a.yaml", b.String()), "", testSchema(t))
	if err == nil || strings.Count(err.Error(), "more than 20000 payments") != 1 {
		t.Error(err)
	}
}

// TestExamplesDoNotChangeARule: a rule in quarantine is not let out because an
// example was added.
func TestExamplesDoNotChangeARule(t *testing.T) {
	const rule = "rules:\n  - id: a\n    when: tx.amount > 5\n"
	without, err := LoadFS(files("a.yaml", rule), "", testSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	with, err := LoadFS(files("a.yaml", rule+"    examples: [{transaction: {amount: 6}, expect: fires}]\n"), "", testSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	if with.Rules[0].Hash != without.Rules[0].Hash || with.Hash == without.Hash {
		t.Errorf("rules %s and %s, sets %s and %s", with.Rules[0].Hash, without.Rules[0].Hash, with.Hash, without.Hash)
	}
}
