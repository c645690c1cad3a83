package event

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"sluice/configs/strict"
)

func TestShippedSchemas(t *testing.T) {
	s, err := LoadSchema("../../configs/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var names, entities, required []string
	for _, f := range s.Fields {
		names = append(names, f.Name)
		if f.Entity {
			entities = append(entities, f.Name)
		}
		if f.Required {
			required = append(required, f.Name)
		}
	}
	want := "id time type amount currency account card device ip merchant mcc country channel lat lon | account card device ip merchant | id time amount currency"
	if got := strings.Join(names, " ") + " | " + strings.Join(entities, " ") + " | " + strings.Join(required, " "); got != want {
		t.Errorf("the default schema is\n%s, want\n%s", got, want)
	}
	if s.Key != s.Field("account") {
		t.Error("the default key is not the account")
	}

	s, err = LoadSchema("../../configs/handbook/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tx := mustDecode(t, s, handbookPayment)
	label := `{"transaction_id":1466281,"terminal_id":"3059","customer_id":"3774","tx_time":"2018-08-31T23:59:59Z","fraud":true}`
	if got := string(AppendLabelJSON(nil, tx, 0)); got != label {
		t.Errorf("the label is\n%s, want\n%s", got, label)
	}
	if got := string(KeyBytes(nil, tx)); got != "3774" {
		t.Errorf("the key is %s", got)
	}
}

// TestSchemaFaults holds each fault's message and place. In the sources, the
// place is right behind a ^.
func TestSchemaFaults(t *testing.T) {
	const head = "fields:\n  id: {type: string}\n  time: {type: timestamp}\n"
	tests := []struct{ src, want string }{
		{"", "the schema is empty"},
		{"^[]", "must be a mapping"},
		{"^zone: UTC", "fields is missing"},
		{"fields: ^[]", "fields must be a mapping"},
		{"^fields: {time: {type: timestamp}}", "fields has no id"},
		{"^feilds: {}\nfields:\n  id: {type: string}\n  time: {type: timestamp}", `did you mean "fields"?`},
		{"^fields:\n  id: {type: string}", "fields has no time"},
		{head + "zone: ^Mars/Olympus", "there is no time zone"},
		{head + "zone: ^Local", "there is no time zone"},
		{head + "zone: ^3", "put it in quotes"},
		{head + "zone: ^[UTC]", "needs a text"},
		{head + "zone:^ ", "needs a text"},
		{head + "key: ^cart\n", "key names no field"},
		{head + "  lat: {type: number}\nkey: ^lat", "can't be the key"},
		{head + "  cvv: {type: string, secret: true}\nkey: ^cvv", "is secret"},
		{head + "  ^id: {type: string}", "stands twice"},
		{head + "  a: {type: string, from: ^time}", "read twice"},
		{head + "  a: {type: string, from: ^time.zone}", "leads through"},
		{head + "  a: {type: string, from: ^a..b}", "is no path"},
		{head + "  a: {type: string, from: ^'a\"b'}", "can't hold quotes"},
		{head + "  a: {type: ^strnig}", `did you mean "string"?`},
		{head + "  a: {type: ^Blob}", "it is one of string, integer"},
		{head + "  ^a: {}", "has no type"},
		{head + "  a: ^string", "must be a mapping"},
		{head + "  a: {type: string, ^requird: true}", `did you mean "required"?`},
		{head + "  a: {type: string, required: ^yes}", "true or false"},
		{head + "  a: {type: string, required: ^'true'}", "true or false"},
		{head + "  a: {type: number, entity: ^true}", "can't be an entity"},
		{head + "  ^count: {type: string, entity: true}", "can't name an entity"},
		{head + "  ^hour: {type: integer}", "meaning of its own"},
		{head + "  ^a-b: {type: integer}", "can't be a field's name"},
		{head + "  a: {type: string, ^unit: s}", "goes with type timestamp"},
		{head + "  a: {type: timestamp, unit: ^us}", "unit is s or ms"},
		{head + "  ^a: {type: money}", "needs currency"},
		{head + "  a: {type: string, ^currency: EUR}", "goes with type money"},
		{head + "  a: {type: money, currency: ^EURO}", `did you mean "EUR"?`},
		{head + "  a: {type: money, currency: ^eur}", `did you mean "EUR"?`},
		{head + "  a: {type: money, currency: EUR, ^currency_from: c}\n  c: {type: currency}", "one of them is enough"},
		{head + "  a: {type: money, currency_from: ^c}", "there is no field"},
		{head + "  a: {type: money, currency_from: ^c}\n  c: {type: string}", "not a field of type currency"},
		{head + "  a: {type: money, currency: EUR}\n  ^b: {type: money, currency: USD}", "different currencies"},
		{head + "  a: {type: money, currency: EUR}\n  ^a_minor: {type: integer}", "already names the minor units"},
		{"fields:\n  id: {type: ^number}\n  time: {type: timestamp}", "must be of type string or integer"},
		{"fields:\n  id: {type: string, required: ^false}\n  time: {type: timestamp}", "always required"},
		{"fields:\n  id: {type: string, secret: ^true}\n  time: {type: timestamp}", "can't be secret"},
		{head + "base_currency: ^EUX", "there is no currency"},
		{head + "  a: {type: money, currency: USD}\n^base_currency: EUR", "needs rates"},
		{head + "^rates: r.csv", "goes with base_currency"},
		{head + "rates: ^none.csv\nbase_currency: EUR", "can't be read"},
		{head + "^label: {id: x}", "label has no value"},
		{head + "^label: {value: x}", "label has no id"},
		{head + "label: {id: x, value: ^x}", "read twice"},
		{head + "label: {id: x, value: y, ^when: z}", "unknown key"},
		{head + "label: {id: x, value: y, csv: ^z}", "must be a mapping"},
		{head + "label: {id: x, value: y, ^csv: {}}", "csv has no value"},
		{head + "label: {id: x, value: y, entities: {^time: z}}", "not an entity"},
		{head + "  card: {type: string, entity: true}\nlabel: {id: x, value: y, entities: {^crad: z}}", `did you mean "card"?`},
		{head + "  a: ^&x {type: string}", "nchors"},
		{head + "  a: {type: string, from: ^!!str b}", "ags"},
		{"fields: {id: {type: string}, time: {type: timestamp}\n^", ""}, // not YAML
		{head + "^---\nfields: {}", "second document"},
	}
	for _, test := range tests {
		marked := strings.ReplaceAll(test.src, "^", "")
		before, _, _ := strings.Cut(test.src, "^")
		line := strings.Count(before, "\n") + 1
		column := len(before) - strings.LastIndex(before, "\n")
		_, err := ParseSchema("s.yaml", []byte(marked), func(string) ([]byte, error) { return nil, os.ErrNotExist })
		var faults strict.Faults
		if !errors.As(err, &faults) {
			t.Errorf("%s\nwas taken: %v", marked, err)
			continue
		}
		if test.want == "" {
			continue
		}
		if len(faults) != 1 || !strings.Contains(faults[0].Message, test.want) {
			t.Errorf("%s\nwant one fault with %q, got\n%v", marked, test.want, faults)
		} else if strings.Contains(test.src, "^") && (faults[0].Line != line || faults[0].Column != column) {
			t.Errorf("%s\nthe fault is at %d:%d, want %d:%d: %s", marked, faults[0].Line, faults[0].Column, line, column, faults[0].Message)
		}
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	src := `zoen: UTC
key: cart
fields:
  id:     {type: bool}
  time:   {type: timestamp, required: false}
  card:   {type: text, entity: true}
  amount: {type: money}
label: {id: id}
`
	_, err := ParseSchema("s.yaml", []byte(src), nil)
	var faults strict.Faults
	if !errors.As(err, &faults) {
		t.Fatal(err)
	}
	var lines []int
	for _, f := range faults {
		lines = append(lines, f.Line)
		if f.File != "s.yaml" || f.Source == "" {
			t.Errorf("file %q, source %q", f.File, f.Source)
		}
	}
	if got := fmt.Sprint(lines); got != "[1 2 4 5 6 7 8]" {
		t.Errorf("faults in lines %s:\n%v", got, faults)
	}
}

func TestSchemaBounds(t *testing.T) {
	var b strings.Builder
	b.WriteString("fields:\n  id: {type: string}\n  time: {type: timestamp}\n")
	for i := range MaxFields - 2 {
		fmt.Fprintf(&b, "  f%d: {type: string}\n", i)
	}
	if _, err := ParseSchema("s.yaml", []byte(b.String()), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := ParseSchema("s.yaml", []byte(b.String()+"  more: {type: string}\n"), nil); err == nil {
		t.Error("one field too many was taken")
	}
	if _, err := ParseSchema("s.yaml", []byte(strings.Repeat("# \n", 1<<20)), nil); err == nil {
		t.Error("a file of three mebibytes was taken")
	}
}

func TestDefaultKey(t *testing.T) {
	const head = "fields:\n  id: {type: string}\n  time: {type: timestamp}\n"
	for src, want := range map[string]int{
		head: -1,
		head + "  pan: {type: string, entity: true, secret: true}\n":                                       -1,
		head + "  pan: {type: string, entity: true, secret: true}\n  card: {type: string, entity: true}\n": 3,
	} {
		if s := mustSchema(t, src); s.Key != want {
			t.Errorf("%s has the key %d, want %d", src, s.Key, want)
		}
	}
}

func FuzzSchema(f *testing.F) {
	f.Add([]byte(wideSchema))
	f.Add([]byte(plainSchema))
	f.Add([]byte("fields:\n  id: {type: string}\n  time: {type: timestamp}\nbase_currency: EUR\nrates: r\n"))
	f.Fuzz(func(_ *testing.T, src []byte) {
		s, err := ParseSchema("s.yaml", src, func(string) ([]byte, error) { return src, nil })
		if err != nil {
			return
		}
		var tx Transaction
		_ = NewDecoder(s).Transaction(&tx, []byte(payment), 0)
	})
}
