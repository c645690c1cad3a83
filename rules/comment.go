package rules

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"sluice/configs/strict"
	"sluice/rules/lang"
)

// What stands in a comment and may have been meant to count.

// noteEmpty notes a file in which nothing but comments stands, or stands where
// its rules should.
func (l *loader) noteEmpty(doc *strict.Document) {
	if doc.Root == nil {
		l.notes = append(l.notes, doc.Fault(1, 1, "the file holds nothing but comments; remove it, or write `rules: []` if that is meant"))
		return
	}
	for i := 0; i+1 < len(doc.Root.Content) && doc.Root.Kind == yaml.MappingNode; i += 2 {
		if key, value := doc.Root.Content[i], doc.Root.Content[i+1]; key.Value == "rules" && value.Tag == "!!null" {
			l.notes = append(l.notes, doc.Fault(key.Line, key.Column, "the file holds no rule: nothing but comments stands below `rules:`; write `rules: []` if that is meant"))
		}
	}
}

// cut tells conditions that YAML ends at a comment which goes on with the
// condition.
func (l *loader) cut() (out strict.Faults) {
	for i := range l.rules {
		r := &l.rules[i]
		rest := strings.TrimLeft(r.when.Node.LineComment, "# \t")
		words := strings.Fields(rest)
		if r.when.Node.Style != 0 || len(words) < 2 || !slices.Contains([]string{"and", "or", "&&", "||"}, words[0]) {
			continue
		}
		if _, faults := lang.Check(r.when.Value+" "+rest, l.schema, l.lists); len(faults) > 0 {
			continue
		}
		line, column := r.doc.Position(r.when.Node, 0)
		out = append(out, r.doc.Fault(line, column, fmt.Sprintf("YAML takes `%s` for a comment, and the condition ends before it; if it belongs to the condition, write `when: |` and the condition on the next line",
			clip(r.when.Node.LineComment))))
	}
	return out
}

// silent reports whether nothing follows when a rule fires that is not in shadow.
// With a breaker of its own it is there to be told of.
func (r *Rule) silent() bool {
	usual := r.Breaker == Breaker{} || r.Breaker == Breaker{Times: breakerTimes}
	return r.Mode == Live && r.Verdict == NoVerdict && r.Score == 0 && r.Reason == "" && r.Alert == "" && usual
}
