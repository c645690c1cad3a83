package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// shape is what configs/verdict.schema.json says of a record.
type shape struct{ schema *jsonschema.Schema }

func verdictShape(t *testing.T) shape {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(filepath.Join("..", "..", "configs", "verdict.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	return shape{s}
}

// faults says what of a record does not fit.
func (s shape) faults(record []byte) []string {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(record))
	if err == nil {
		err = s.schema.Validate(v)
	}
	if err != nil {
		return []string{err.Error()}
	}
	return nil
}

// TestShapeFindsFaults: a check that finds nothing proves nothing.
func TestShapeFindsFaults(t *testing.T) {
	const good = `{"transaction_id":1,"verdict":"deny","score":-3,"rules":["a"],"reasons":["A_B"],"shadow":["b"],"demoted":[{"rule":"b","by":"snooze","why":"y"}],"skipped":[{"rule":"a","why":"x"}],` +
		`"flags":["late"],"rule_set":"0123456789abcdef","event_time":"2026-01-01T00:00:00Z","arrival_time":"2026-01-01T00:00:00.5Z","decided_at":"2026-01-01T00:00:00Z",` +
		`"latency_ms":0.5,"source":{"partition":0,"offset":7},"run":"r","windows":[{"expr":"e","value":null,"maturity":0.5,"approx":true,"error":0.1}]}`
	s := verdictShape(t)
	if f := s.faults([]byte(good)); len(f) > 0 {
		t.Errorf("%q", f)
	}
	for _, c := range [][2]string{
		{`"score":-3`, `"score":-3.5`},
		{`"score":-3,`, ``},
		{`"deny"`, `"denied"`},
		{`"transaction_id":1`, `"transaction_id":1.5`},
		{`"A_B"`, `"a b"`},
		{`"late"`, `"early"`},
		{`"partition":0`, `"partition":-1`},
		{`"offset":7`, `"offset":"7"`},
		{`"source":{`, `"source":{"x":1,`},
		{`{"partition":0,"offset":7}`, `"kafka"`},
		{`"run":"r"`, `"run":"r","more":1`},
		{`"maturity":0.5`, `"maturity":1.5`},
		{`00.5Z`, `0`},
		{`["a"]`, `"a"`},
		{`"why":"x"`, `"whom":"x"`},
		{`"by":"snooze"`, `"by":"sleep"`},
		{`"rule":"b",`, ``},
		{`,"why":"y"`, ``},
		{`"value":null`, `"value":[]`},
	} {
		bad := strings.Replace(good, c[0], c[1], 1)
		if bad == good || len(s.faults([]byte(bad))) == 0 {
			t.Errorf("no fault found with %s", c[1])
		}
	}
}
