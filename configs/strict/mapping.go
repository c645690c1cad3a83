package strict

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Entry is one key of a Map with its value.
type Entry[V any] struct {
	Key   Text
	Value V
}

// Map is a mapping with keys of the writer's choice, in the order of the file.
type Map[V any] []Entry[V]

// UnmarshalStrict reads a mapping.
func (m *Map[V]) UnmarshalStrict(d *Decoder, n *yaml.Node) {
	*m = nil
	d.Each(n, func(key, value *yaml.Node) {
		e := Entry[V]{Key: Text{key.Value, key}}
		d.Decode(value, &e.Value)
		*m = append(*m, e)
	})
}

// Raw is a value that is kept as it stands.
type Raw struct{ Node *yaml.Node }

// UnmarshalStrict keeps the node.
func (r *Raw) UnmarshalStrict(_ *Decoder, n *yaml.Node) { r.Node = n }

// Each calls f with every key and value of a mapping; repeated keys, and a node
// that is no mapping, are reported.
func (d *Decoder) Each(n *yaml.Node, f func(key, value *yaml.Node)) {
	if isNull(n) || d.doc.refused[n] {
		return
	}
	if n.Kind != yaml.MappingNode {
		found := kindOf(n)
		if key, _, colon := strings.Cut(n.Value, ":"); colon && n.Kind == yaml.ScalarNode && n.Style == 0 && !strings.ContainsAny(key, " \t") {
			found += ": a blank is missing behind the first colon"
		}
		d.Fault(n, "expected a mapping (lines like \"key: value\"), found %s", found)
		return
	}
	lines := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if d.doc.refused[key] {
			continue
		}
		if line, twice := lines[key.Value]; twice {
			d.Fault(key, "%q stands here a second time; the first is in line %d", clip(key.Value), line)
			continue
		}
		lines[key.Value] = key.Line
		f(key, value)
	}
}

// field is a field of a struct that a key fills.
type field struct {
	name     string
	index    int
	required bool
}

// shape is a struct as keys fill it.
type shape struct {
	fields []field
	names  []string
	marks  []int // fields that hold where it stands
}

// shapeOf gives the shape of a struct. A file may hold a million of them.
func (d *Decoder) shapeOf(t reflect.Type) shape {
	s, known := d.shapes[t]
	if known {
		return s
	}
	for i := range t.NumField() {
		if t.Field(i).Type == reflect.TypeFor[Mark]() {
			s.marks = append(s.marks, i)
		}
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		s.fields = append(s.fields, field{name, i, options == "required"})
		s.names = append(s.names, name)
	}
	d.shapes[t] = s
	return s
}

// fill reads a mapping into a struct.
func (d *Decoder) fill(n *yaml.Node, v reflect.Value) {
	shape := d.shapeOf(v.Type())
	for _, i := range shape.marks {
		v.Field(i).Set(reflect.ValueOf(Mark{max(n.Line, 1), max(n.Column, 1)}))
	}
	fields, names := shape.fields, shape.names
	values := make(map[string]*yaml.Node, len(fields))
	faulty := make(map[string]bool)
	before := len(d.faults)
	d.Each(n, func(key, value *yaml.Node) {
		for _, f := range fields {
			if f.name != key.Value {
				continue
			}
			values[f.name] = value
			count := len(d.faults)
			d.Decode(value, v.Field(f.index).Addr().Interface())
			faulty[f.name] = len(d.faults) > count || d.doc.refused[value]
			return
		}
		d.Fault(key, "unknown key %q%s", clip(key.Value), didYouMean(key.Value, names))
	})
	if n.Kind != yaml.MappingNode && !isNull(n) {
		return
	}
	for _, f := range fields {
		if f.required && values[f.name] == nil {
			d.Fault(n, "%q is missing here", f.name)
			faulty[f.name] = true
		}
	}
	faulty[""] = len(d.faults) > before
	if c, ok := v.Addr().Interface().(Checker); ok {
		d.check(c, n, values, faulty)
	}
}

// check lets a struct report what is wrong across its fields.
func (d *Decoder) check(c Checker, n *yaml.Node, values map[string]*yaml.Node, faulty map[string]bool) {
	c.Check(func(key, message string) {
		if faulty[key] {
			return
		}
		at := n
		if value := values[key]; value != nil {
			at = value
		}
		d.Fault(at, "%s", message)
	})
}
