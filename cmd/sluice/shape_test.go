package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// shape is a JSON Schema, as far as verdict.schema.json goes.
type shape struct {
	root map[string]any
}

func verdictShape(t *testing.T) shape {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "configs", "verdict.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s shape
	if err := json.Unmarshal(b, &s.root); err != nil {
		t.Fatal(err)
	}
	return s
}

// faults says what of a record does not fit.
func (s shape) faults(record []byte) []string {
	var v any
	if err := json.Unmarshal(record, &v); err != nil {
		return []string{err.Error()}
	}
	return s.check("", s.root, v)
}

func (s shape) check(at string, want map[string]any, v any) (out []string) {
	fault := func(format string, args ...any) { out = append(out, at+": "+fmt.Sprintf(format, args...)) }
	for key, arg := range want {
		switch key {
		case "$schema", "title", "description", "definitions", "additionalProperties", "properties", "items":
		case "$ref":
			name := strings.TrimPrefix(arg.(string), "#/definitions/")
			out = append(out, s.check(at, s.root["definitions"].(map[string]any)[name].(map[string]any), v)...)
		case "type":
			types, several := arg.([]any)
			if !several {
				types = []any{arg}
			}
			if !slices.ContainsFunc(types, func(t any) bool { return isType(t.(string), v) }) {
				fault("%v is not of type %v", v, arg)
			}
		case "enum":
			if !slices.Contains(arg.([]any), v) {
				fault("%v is none of %v", v, arg)
			}
		case "const":
			if arg != v {
				fault("%v is not %v", v, arg)
			}
		case "oneOf":
			fits := 0
			for _, one := range arg.([]any) {
				if len(s.check(at, one.(map[string]any), v)) == 0 {
					fits++
				}
			}
			if fits != 1 {
				fault("%v fits %d of %v", v, fits, arg)
			}
		case "required":
			o, _ := v.(map[string]any)
			for _, name := range arg.([]any) {
				if _, ok := o[name.(string)]; !ok {
					fault("no %s", name)
				}
			}
		case "pattern":
			if text, ok := v.(string); ok && !regexp.MustCompile(arg.(string)).MatchString(text) {
				fault("%q does not match %s", text, arg)
			}
		case "maxLength":
			if text, ok := v.(string); ok && len(text) > int(arg.(float64)) {
				fault("%q is too long", text)
			}
		case "minimum":
			if n, ok := v.(float64); ok && n < arg.(float64) {
				fault("%g is below %g", n, arg)
			}
		case "maximum":
			if n, ok := v.(float64); ok && n > arg.(float64) {
				fault("%g is above %g", n, arg)
			}
		case "format":
			if text, ok := v.(string); ok {
				if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
					fault("%v", err)
				}
			}
		default:
			fault("the test does not know %s", key)
		}
	}
	return append(out, s.parts(at, want, v)...)
}

// parts checks what a value holds.
func (s shape) parts(at string, want map[string]any, v any) (out []string) {
	switch v := v.(type) {
	case []any:
		if items, ok := want["items"].(map[string]any); ok {
			for i, x := range v {
				out = append(out, s.check(fmt.Sprintf("%s[%d]", at, i), items, x)...)
			}
		}
	case map[string]any:
		properties, _ := want["properties"].(map[string]any)
		for name, x := range v {
			if p, ok := properties[name].(map[string]any); ok {
				out = append(out, s.check(at+"."+name, p, x)...)
			} else if want["additionalProperties"] == false {
				out = append(out, at+": "+name+" is not described")
			}
		}
	}
	return out
}

func isType(name string, v any) bool {
	switch v := v.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case float64:
		return name == "number" || name == "integer" && v == float64(int64(v))
	case []any:
		return name == "array"
	}
	return name == "object"
}

// TestShapeFindsFaults: a check that finds nothing proves nothing.
func TestShapeFindsFaults(t *testing.T) {
	const good = `{"transaction_id":1,"verdict":"deny","score":-3,"rules":["a"],"reasons":["A_B"],"shadow":[],"skipped":[{"rule":"a","why":"x"}],` +
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
		{`"value":null`, `"value":[]`},
	} {
		bad := strings.Replace(good, c[0], c[1], 1)
		if bad == good || len(s.faults([]byte(bad))) == 0 {
			t.Errorf("no fault found with %s", c[1])
		}
	}
}
