package event

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/configs/jsonschema"
)

var update = flag.Bool("update", false, "write what comes out as what is expected")

// The keys of a schema file and what editors say of them. The names come from
// the lists by which schemas are read.
var editorWords = map[string]string{
	"zone":          "Time zone of tx.hour and tx.weekday, by its IANA name, such as Europe/Berlin; UTC without one",
	"key":           "The field by which topics are partitioned; without it the first entity",
	"base_currency": "All amounts are converted to it, with rates",
	"rates":         "File of exchange rates by date, relative to this one",
	"fields":        "What a transaction has, by the names that rules write",
	"label":         "Where in a label's message what stands",

	"from":          "Where it stands in the message, dots between levels; by default under its own name",
	"type":          "What it holds; money is exact and never a number",
	"required":      "A message without it is refused",
	"entity":        "It has a history: rules may ask card.last(\"10m\")",
	"secret":        "Rules may compare it; it is not remembered or shown, but the transactions topic holds it as it was sent",
	"currency":      "Of money: always the same one, three letters of ISO 4217",
	"currency_from": "Of money: the field that says the currency",
	"unit":          "What an integer counts since 1970, in a timestamp",

	"id":               "Of the transaction that the label is about",
	"value":            "true or 1: it was fraud",
	"time":             "When it became known; without it the record's timestamp",
	"transaction_time": "Of the transaction, where the label says it",
	"entities":         "Where the label names its transaction's entities",
	"csv":              "In files of transactions",
}

// described makes an object of keys.
func described(t *testing.T, kinds map[string]*jsonschema.Schema, keys []string, required ...string) *jsonschema.Schema {
	t.Helper()
	s := &jsonschema.Schema{Type: "object", Additional: false, Properties: map[string]*jsonschema.Schema{}, Required: required}
	for _, key := range keys {
		p := jsonschema.Schema{Type: "string"}
		if kind := kinds[key]; kind != nil {
			p = *kind
		}
		if p.Description = editorWords[key]; p.Description == "" {
			t.Errorf("there are no words on %s", key)
		}
		s.Properties[key] = &p
	}
	return s
}

// TestEditorSchema holds what editors are told of an event schema to the lists
// by which it is read.
func TestEditorSchema(t *testing.T) {
	flag := &jsonschema.Schema{Type: "boolean"}
	currencies := currencyNames()
	slices.Sort(currencies)
	field := described(t, map[string]*jsonschema.Schema{
		"type": jsonschema.OneOf(typeNames...), "unit": jsonschema.OneOf("s", "ms"), "currency": jsonschema.OneOf(currencies...),
		"required": flag, "entity": flag, "secret": flag,
	}, fieldKeys, "type")
	text := &jsonschema.Schema{Type: "string"}
	label := described(t, map[string]*jsonschema.Schema{
		"entities": {Type: "object", Additional: text},
		"csv": {
			Type: "object", Additional: false, Required: []string{"value"},
			Properties: map[string]*jsonschema.Schema{"value": {Type: "string", Description: "The column that carries the label"}},
		},
	}, labelKeys, "id", "value")
	s := described(t, map[string]*jsonschema.Schema{
		"base_currency": jsonschema.OneOf(currencies...),
		"fields":        {Type: "object", Additional: field, Required: []string{"id", "time"}},
		"label":         label,
	}, schemaKeys, "fields")
	s.Draft, s.Title = "http://json-schema.org/draft-07/schema#", "Sluice: event schema"
	file := filepath.Join("..", "..", "configs", "event.schema.json")
	jsonschema.Hold(t, file, s, *update)

	editor := jsonschema.Compile(t, file)
	for _, good := range []string{"../../configs/schema.yaml", "../../configs/handbook/schema.yaml"} {
		text, err := os.ReadFile(good)
		if err != nil {
			t.Fatal(err)
		}
		if err := jsonschema.Validate(editor, text); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	const start = "fields:\n  id: {type: string}\n  time: {type: timestamp}\n"
	if err := jsonschema.Validate(editor, []byte(start)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{
		"feelds: {}\n", "base_currency: Euro\n", start + "  x: {type: text}\n", start + "  x: {entity: true}\n",
		start + "  x: {type: money, currenzy: EUR}\n", start + "label: {id: id}\n", strings.Replace(start, "id:", "ib:", 1),
	} {
		if jsonschema.Validate(editor, []byte(bad)) == nil {
			t.Errorf("nothing wrong with %s", bad)
		}
	}
}
