package strict

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Unmarshaler reads itself from a node, reporting what is wrong to d.
type Unmarshaler interface {
	UnmarshalStrict(d *Decoder, n *yaml.Node)
}

// Checker looks over a struct whose fields have been read. It reports what is
// wrong with the value of a key; key "" is the whole. What has been reported
// already for the same key is not reported again.
type Checker interface {
	Check(report func(key, message string))
}

// Decoder fills Go values from nodes and collects the faults.
type Decoder struct {
	doc    *Document
	env    Env
	faults Faults
	shapes map[reflect.Type]shape // of the structs met so far
}

// Decode fills what into points at from the document. An empty document is an
// empty mapping.
func (d *Document) Decode(into any, env Env) Faults {
	decoder := &Decoder{doc: d, env: env, shapes: map[reflect.Type]shape{}}
	root := d.Root
	if root == nil {
		root = &yaml.Node{Kind: yaml.MappingNode, Line: 1, Column: 1}
	}
	decoder.Decode(root, into)
	faults := append(append(Faults(nil), d.faults...), decoder.faults...)
	faults.Sort()
	for i := range faults { // now that all secrets are known
		faults[i].Source = d.line(faults[i].Line)
	}
	if len(faults) > maxFaults {
		last := faults[maxFaults]
		last.Message = fmt.Sprintf("%s (and %d more faults, not shown)", last.Message, len(faults)-maxFaults-1)
		faults = append(faults[:maxFaults:maxFaults], last)
	}
	if len(faults) == 0 {
		return nil
	}
	return faults
}

// Fault reports that something is wrong with a node.
func (d *Decoder) Fault(n *yaml.Node, format string, args ...any) {
	d.faults = append(d.faults, d.doc.at(n, fmt.Sprintf(format, args...)))
}

// Decode fills what into points at from a node.
func (d *Decoder) Decode(n *yaml.Node, into any) {
	if d.doc.refused[n] {
		return
	}
	switch u := into.(type) {
	case Unmarshaler:
		u.UnmarshalStrict(d, n)
		return
	case *time.Duration:
		d.convert(n, func(text string) (err error) {
			*u, err = ParseDuration(text)
			return err
		})
		return
	case encoding.TextUnmarshaler:
		d.convert(n, func(text string) error { return u.UnmarshalText([]byte(text)) })
		return
	}
	d.value(n, reflect.ValueOf(into).Elem())
}

// convert reads a scalar through f.
func (d *Decoder) convert(n *yaml.Node, f func(text string) error) {
	text, _, ok := d.Scalar(n)
	if !ok {
		return
	}
	if err := f(text); err != nil {
		d.Fault(n, "%s", err)
	}
}

// Scalar gives the text of a scalar with its ${…} replaced; expanded says that
// there were some. If it is none or has no value, that is reported.
func (d *Decoder) Scalar(n *yaml.Node) (text string, expanded, ok bool) {
	if d.doc.refused[n] {
		return "", false, false
	}
	if n.Kind != yaml.ScalarNode {
		d.Fault(n, "expected a single value, found %s", kindOf(n))
		return "", false, false
	}
	if isNull(n) {
		d.Fault(n, "a value is missing here; write one, or remove the line")
		return "", false, false
	}
	if d.env == nil || !strings.Contains(n.Value, "${") {
		return n.Value, false, true
	}
	text, err := expand(n.Value, d.env)
	if err != nil {
		d.Fault(n, "%s", err)
		return "", false, false
	}
	return text, true, true
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Style == 0 && n.Tag == "!!null" }

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping (key: value)"
	case yaml.SequenceNode:
		return "a list"
	}
	if isNull(n) {
		return "nothing"
	}
	return "a single value"
}

// clip shortens a text for a message.
func clip(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

func (d *Decoder) value(n *yaml.Node, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.Decode(n, v.Interface())
	case reflect.Struct:
		d.fill(n, v)
	case reflect.Slice:
		d.slice(n, v)
	case reflect.String:
		d.str(n, v)
	default:
		d.scalar(n, v)
	}
}

func (d *Decoder) str(n *yaml.Node, v reflect.Value) {
	text, expanded, ok := d.Scalar(n)
	if !ok {
		return
	}
	if n.Tag == "!!bool" && n.Style == 0 && !expanded {
		d.Fault(n, "expected text, found %s, which is a truth value; put it in quotes if it is meant as text", n.Value)
		return
	}
	v.SetString(text)
}

func (d *Decoder) scalar(n *yaml.Node, v reflect.Value) {
	text, expanded, ok := d.Scalar(n)
	if !ok {
		return
	}
	what := map[bool]string{true: "true or false", false: "a number"}[v.Kind() == reflect.Bool]
	if n.Style&^yaml.FlowStyle != 0 && !expanded {
		d.Fault(n, "expected %s, found text in quotes", what)
		return
	}
	var err error
	switch {
	case v.Kind() == reflect.Bool:
		var b bool
		if b, err = parseBool(text); err == nil {
			v.SetBool(b)
		}
	case v.CanInt():
		var i int64
		if i, err = parseInt(text, v.Type().Bits()); err == nil {
			v.SetInt(i)
		}
	case v.CanFloat():
		var f float64
		if f, err = parseFloat(text); err == nil {
			v.SetFloat(f)
		}
	default:
		panic("strict: no way to read into " + v.Type().String())
	}
	if err != nil {
		d.Fault(n, "expected %s: %s", what, err)
	}
}

func (d *Decoder) slice(n *yaml.Node, v reflect.Value) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.Fault(n, "expected a list (lines that begin with \"- \"), found %s", kindOf(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, c := range n.Content {
		d.Decode(c, v.Index(i).Addr().Interface())
	}
}
