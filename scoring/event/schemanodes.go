package event

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"sluice/configs/strict"
)

// yamlEntry is a key of a mapping with its value.
type yamlEntry struct{ key, value *yaml.Node }

func (r *schemaReader) fault(n *yaml.Node, format string, args ...any) {
	r.faults = append(r.faults, r.doc.Fault(max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...)))
}

// plain refuses what YAML can do and a schema does not need.
func (r *schemaReader) plain(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		r.fault(n, "aliases (*) are not allowed; write it out, or put text that begins with * in quotes")
	case n.Anchor != "":
		r.fault(n, "anchors (&) are not allowed; remove it, or put text that begins with & in quotes")
	case n.Style&yaml.TaggedStyle != 0:
		r.fault(n, "tags (!) are not allowed; remove it, or put text that begins with ! in quotes")
	default:
		return true
	}
	return false
}

// entries gives the entries of a mapping in their order, the first of equal keys.
func (r *schemaReader) entries(n *yaml.Node, what string) []yamlEntry {
	if !r.plain(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.fault(n, "%s must be a mapping (key: value)", what)
		return nil
	}
	lines := map[string]int{}
	list := []yamlEntry{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if !r.plain(key) {
			continue
		}
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			r.fault(key, "a key of %s must be a word", what)
			continue
		}
		if line, ok := lines[key.Value]; ok {
			r.fault(key, "%s stands twice in %s, first in line %d", key.Value, what, line)
			continue
		}
		lines[key.Value] = key.Line
		list = append(list, yamlEntry{key, n.Content[i+1]})
	}
	return list
}

// mapping gives the entries of a mapping by key, and reports unknown keys. It
// is nil if there is no mapping.
func (r *schemaReader) mapping(n *yaml.Node, what string, known []string) map[string]yamlEntry {
	list := r.entries(n, what)
	if list == nil {
		return nil
	}
	m := map[string]yamlEntry{}
	for _, e := range list {
		if !contains(known, e.key.Value) {
			hint := didYouMean(e.key.Value, known)
			if hint == "" {
				hint = "; known are " + strings.Join(known, ", ")
			}
			r.fault(e.key, "unknown key %q in %s%s", e.key.Value, what, hint)
			continue
		}
		m[e.key.Value] = e
	}
	return m
}

// text reads a scalar that must be text and not empty.
func (r *schemaReader) text(e yamlEntry) (string, bool) {
	n := e.value
	if !r.plain(n) {
		return "", false
	}
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "":
		r.fault(n, "%s needs a text", e.key.Value)
	case n.Tag != "!!str":
		r.fault(n, "%s needs a text; put it in quotes", e.key.Value)
	default:
		return n.Value, true
	}
	return "", false
}

// boolean reads true or false.
func (r *schemaReader) boolean(e yamlEntry) (value, ok bool) {
	n := e.value
	if !r.plain(n) {
		return false, false
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!bool" {
		return strings.EqualFold(n.Value, "true"), true
	}
	r.fault(n, "%s is true or false", e.key.Value)
	return false, false
}

// path reads where something stands in a message.
func (r *schemaReader) path(e yamlEntry) (string, bool) {
	path, ok := r.text(e)
	if !ok {
		return "", false
	}
	if strings.ContainsFunc(path, func(c rune) bool { return c < ' ' || c == '"' || c == '\\' }) {
		r.fault(e.value, "a name in a message can't hold quotes, backslashes or control characters here")
		return "", false
	}
	parts := strings.Split(path, ".")
	if contains(parts, "") || len(parts) > MaxDepth/2 {
		r.fault(e.value, "%q is no path: names joined by dots, none of them empty", path)
		return "", false
	}
	return path, true
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// didYouMean gives `, did you mean "x"?` or "".
func didYouMean(name string, candidates []string) string {
	if s := strict.Suggest(name, candidates); s != "" {
		return fmt.Sprintf(", did you mean %q?", s)
	}
	return ""
}

// clash reports paths of which one is, or leads through, another.
func (r *schemaReader) clash(nodes []*yaml.Node, paths []string) {
	for i, p := range paths {
		for j, q := range paths {
			switch {
			case p == "" || q == "" || i == j:
			case p == q && j < i:
				r.fault(nodes[i], "%q is read twice, first in line %d", p, nodes[j].Line)
			case strings.HasPrefix(p, q+"."):
				r.fault(nodes[i], "%q leads through %q, which line %d reads as a value", p, q, nodes[j].Line)
			}
		}
	}
}
