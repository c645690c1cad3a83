package rules

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"sluice/configs/jsonschema"
)

// editorKinds say how the types that read themselves look in a rule file.
func editorKinds() map[reflect.Type]*jsonschema.Schema {
	scalar := &jsonschema.Schema{Type: []string{"string", "number", "boolean"}}
	span := &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(ms|s|m|h|d|w))+$`}
	payment := &jsonschema.Schema{Type: "object", Additional: scalar, Properties: map[string]*jsonschema.Schema{}}
	for key, p := range map[string]*jsonschema.Schema{
		"ago":     {Type: span.Type, Pattern: span.Pattern, Description: "How long before the transaction"},
		"times":   {Type: "integer", Description: "So many payments of this kind"},
		"every":   {Type: span.Type, Pattern: span.Pattern, Description: "The time between them"},
		"fraud":   {Type: "boolean", Description: "It was found out to be fraud by the time of the transaction"},
		"verdict": {Type: "string", Enum: []string{"allow", "review", "deny"}, Description: "What was decided; without it what the rules say"},
	} {
		payment.Properties[key] = p
	}
	reaction := jsonschema.OneOf(reactionWords...)
	verdict := jsonschema.OneOf("allow", "review", "deny")
	share := &jsonschema.Schema{Type: "string", Pattern: `^([1-9]|[1-9][0-9]|100)%$`, Examples: []any{"10%"}}
	return map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[Verdict]():     verdict,
		reflect.TypeFor[Mode]():        jsonschema.OneOf("live", "shadow", "off"),
		reflect.TypeFor[alertLevel]():  jsonschema.OneOf("ticket", "page"),
		reflect.TypeFor[date]():        {Type: "string", Pattern: `^\d{4}-\d{2}-\d{2}$`, Examples: []any{"2027-01-31"}},
		reflect.TypeFor[upperSnake]():  {Type: "string", Pattern: `^[A-Z][A-Z0-9_]*$`, MaxLength: maxID, Examples: []any{"CARD_TESTING"}},
		reflect.TypeFor[paymentText](): payment,
		reflect.TypeFor[breakerEntry](): {AnyOf: []*jsonschema.Schema{jsonschema.OneOf("off"), {
			Type: "object", Additional: false, Properties: map[string]*jsonschema.Schema{
				"times":   {Type: "integer", Minimum: new(int64(2)), Maximum: new(int64(maxTimes)), Default: breakerTimes, Description: "The multiple of what is usual for the rule"},
				"fall_to": {Type: "string", Enum: []string{"shadow"}, Description: "While the breaker is open the rule has no effect; not for one that denies"},
			},
		}}},
		reflect.TypeFor[rolloutEntry](): {AnyOf: []*jsonschema.Schema{share, {
			Type: "object", Additional: false, Required: []string{"share"}, Properties: map[string]*jsonschema.Schema{
				"share": share, "by": {Type: "string", Description: "The entity of the event schema, its key without it"},
			},
		}}},
		reflect.TypeFor[expectEntry](): {AnyOf: []*jsonschema.Schema{reaction, {
			Type: "object", Additional: false, Properties: map[string]*jsonschema.Schema{
				"rule": reaction, "verdict": verdict, "score": {Type: "integer"},
				"fired": {Type: "array", Items: jsonschema.Text(), Description: "The ids of exactly the rules that fire, those in shadow too"},
			},
		}}},
	}
}

// TestEditorSchema holds what editors are told of a rule file to the types that
// it is read into.
func TestEditorSchema(t *testing.T) {
	comments, err := jsonschema.Read(".")
	if err != nil {
		t.Fatal(err)
	}
	w := jsonschema.Writer{Comments: comments, Kinds: editorKinds()}
	s, err := w.Document("Sluice: rules", "A file of a rule directory; rules/README.md is the page on it.", ruleFile{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("..", "configs", "rules.schema.json")
	jsonschema.Hold(t, file, s, *update)

	editor := jsonschema.Compile(t, file)
	checked := 0
	for _, dir := range []string{"../configs/rules", "../configs/heavy/rules", "../configs/handbook/rules", "../configs/handbook/rules-tuned", "testdata/good/*"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := jsonschema.Validate(editor, text); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			checked++
		}
	}
	if checked < 8 {
		t.Errorf("only %d files", checked)
	}
	for _, bad := range []string{
		"rulez: []", "rules: [{id: a}]", "rules: [{id: a, when: x, mode: lively}]", "rules: [{id: a, when: x, expires: soon}]",
		"rules: [{id: a, when: x, rollout: 10}]", "rules: [{id: a, when: x, rollout: {by: card}}]",
		"rules: [{id: a, when: x, reason: card testing}]", "policy: {review: low}",
		"rules: [{id: a, when: x, examples: [{transaction: {amount: 1}, expect: deny}]}]",
	} {
		if jsonschema.Validate(editor, []byte(bad)) == nil {
			t.Errorf("nothing wrong with %s", bad)
		}
	}
}
