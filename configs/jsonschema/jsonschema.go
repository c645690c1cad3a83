// Package jsonschema writes the JSON Schemas (draft-07) by which editors
// complete, explain and check the YAML files that people write. They follow
// from the Go types that the files are read into, so that they can't say
// anything else than the program does; what an editor shows beside a key is the
// comment of its field.
//
// Only tests use it: they hold the files in configs/ to the types, and write
// them with -update.
package jsonschema

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"sluice/configs/strict"
)

// draft is the version that yaml-language-server knows best.
const draft = "http://json-schema.org/draft-07/schema#"

// Schema is a JSON Schema, as far as it is needed.
type Schema struct {
	Draft       string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        any                `json:"type,omitempty"` // one, or several
	Enum        []string           `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	Minimum     *int64             `json:"minimum,omitempty"`
	Maximum     *int64             `json:"maximum,omitempty"`
	MaxLength   int                `json:"maxLength,omitempty"`
	Default     any                `json:"default,omitempty"`
	Examples    []any              `json:"examples,omitempty"`
	Items       *Schema            `json:"items,omitempty"`
	Properties  map[string]*Schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	// Additional is false, or the Schema of what other keys hold.
	Additional any       `json:"additionalProperties,omitempty"`
	AnyOf      []*Schema `json:"anyOf,omitempty"`
}

// Writer makes the schemas of types.
type Writer struct {
	// Comments give what is said of a field.
	Comments Comments
	// Kinds are the schemas of types that read themselves.
	Kinds map[reflect.Type]*Schema
	// Variables allows ${NAME} where a single value stands.
	Variables bool
}

// Document makes the schema of a file that is read into a value like this one;
// what is set in it is the default.
func (w *Writer) Document(title, description string, value any) (*Schema, error) {
	s, err := w.of(reflect.ValueOf(value))
	if err != nil {
		return nil, err
	}
	s.Draft, s.Title, s.Description = draft, title, description
	return s, nil
}

// Text is the schema of any text: one of digits need not be in quotes.
func Text() *Schema { return &Schema{Type: []string{"string", "number"}} }

// OneOf is the schema of a word out of some.
func OneOf(words ...string) *Schema { return &Schema{Type: "string", Enum: words} }

// JSON gives the schema as it stands in a file.
func (s *Schema) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

// variable is how ${NAME} and ${NAME:default} look.
const variable = `\$\{[^}]*\}`

// of makes the schema of a value.
func (w *Writer) of(v reflect.Value) (*Schema, error) {
	t := v.Type()
	if s, ok := w.Kinds[t]; ok {
		own := *s
		return w.variables(&own), nil
	}
	switch t {
	case reflect.TypeFor[time.Duration]():
		return w.variables(&Schema{Type: "string", Pattern: `^([0-9]+(ms|s|m|h|d|w))+$|^0$`, Examples: []any{"1s", "5m", "24h"}}), nil
	case reflect.TypeFor[strict.Text](), reflect.TypeFor[strict.Secret]():
		return Text(), nil
	case reflect.TypeFor[strict.Bytes]():
		return w.variables(&Schema{Type: []string{"string", "integer"}, Pattern: `^[0-9]+ ?([kKMGT]?B|[KMGT]iB)?$`, Examples: []any{"256MiB", "4GiB"}}), nil
	}
	if _, self := reflect.New(t).Interface().(strict.Unmarshaler); self {
		return nil, fmt.Errorf("%v reads itself: Kinds must say how it looks", t)
	}
	if _, self := reflect.New(t).Interface().(encoding.TextUnmarshaler); self {
		return nil, fmt.Errorf("%v reads itself: Kinds must say how it looks", t)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return w.of(reflect.New(t.Elem()).Elem())
	case reflect.Struct:
		return w.object(v)
	case reflect.Slice:
		items, err := w.of(reflect.New(t.Elem()).Elem())
		return &Schema{Type: "array", Items: items}, err
	case reflect.String:
		return Text(), nil
	case reflect.Bool:
		return w.variables(&Schema{Type: "boolean"}), nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return w.variables(&Schema{Type: "integer"}), nil
	}
	return nil, fmt.Errorf("there is no schema for %v", t)
}

// variables allows ${NAME} in the place of a value that is not any text.
func (w *Writer) variables(s *Schema) *Schema {
	if !w.Variables || s.Type != "boolean" && s.Type != "integer" && s.Pattern == "" && s.Enum == nil {
		return s
	}
	return &Schema{AnyOf: []*Schema{s, {Type: "string", Pattern: variable}}}
}

// object makes the schema of a struct: its keys, and no others.
func (w *Writer) object(v reflect.Value) (*Schema, error) {
	s := &Schema{Type: "object", Properties: map[string]*Schema{}, Additional: false}
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		p, err := w.of(v.Field(i))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		p.Description = w.Comments.of(t, f.Name)
		if p.Type != "object" && p.Type != "array" {
			p.Default = standard(v.Field(i))
		}
		s.Properties[name] = p
		if options == "required" {
			s.Required = append(s.Required, name)
		}
	}
	return s, nil
}

// standard gives a value as the default that a file would write; nil: none.
func standard(v reflect.Value) any {
	if v.IsZero() || v.Kind() == reflect.Pointer {
		return nil
	}
	if d, ok := v.Interface().(time.Duration); ok {
		text := d.String()
		if strings.HasSuffix(text, "m0s") {
			text = strings.TrimSuffix(text, "0s")
		}
		if strings.HasSuffix(text, "h0m") {
			text = strings.TrimSuffix(text, "0m")
		}
		return text
	}
	if s, ok := v.Interface().(fmt.Stringer); ok {
		return s.String()
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.String:
		return v.String()
	case reflect.Int, reflect.Int32, reflect.Int64:
		return v.Int()
	}
	return nil
}
