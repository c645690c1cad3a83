package configs

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sluice/configs/jsonschema"
)

// TestEditorSchema holds what editors are told of a configuration to the types
// that it is read into.
func TestEditorSchema(t *testing.T) {
	comments, err := jsonschema.Read(".")
	if err != nil {
		t.Fatal(err)
	}
	address := &jsonschema.Schema{Type: "string"}
	w := jsonschema.Writer{Comments: comments, Variables: true, Kinds: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[Brokers]():   {AnyOf: []*jsonschema.Schema{address, {Type: "array", Items: address}}},
		reflect.TypeFor[File]():      {Type: "string"},
		reflect.TypeFor[LogLevel]():  jsonschema.OneOf("debug", "info", "warn", "error", "DEBUG", "INFO", "WARN", "ERROR"),
		reflect.TypeFor[LogFormat](): jsonschema.OneOf(string(Text), string(JSON)),
		reflect.TypeFor[Mechanism](): jsonschema.OneOf(string(Plain), string(ScramSHA256), string(ScramSHA512)),
	}}
	s, err := w.Document("Sluice: configuration", "What `sluice serve --config` reads; sluice.yaml beside this file is a commented example.", Default())
	if err != nil {
		t.Fatal(err)
	}
	jsonschema.Hold(t, "sluice.schema.json", s, *update)

	editor := jsonschema.Compile(t, "sluice.schema.json")
	for _, good := range []string{"sluice.yaml", "handbook/sluice.yaml", "testdata/good/minimal.yaml", "testdata/good/whole.yaml"} {
		text, err := os.ReadFile(good)
		if err != nil {
			t.Fatal(err)
		}
		if err := jsonschema.Validate(editor, text); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	const start = "brokers: b:1\nschema: s.yaml\nrules: r\n"
	if err := jsonschema.Validate(editor, []byte(start)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"groop: x\n", "partitions: many\n", "journal: {interval: soon}\n", "tls: {ca: x}\n", "log: {level: loud}\n"} {
		if jsonschema.Validate(editor, []byte(start+bad)) == nil {
			t.Errorf("nothing wrong with %s", bad)
		}
	}
}

// TestEditorLine: every file that is shipped names its schema in its first line,
// so that an editor helps without being told.
func TestEditorLine(t *testing.T) {
	const line = "# yaml-language-server: $schema="
	checked := 0
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Name() == "testdata" {
			return fs.SkipDir
		}
		if filepath.Ext(name) != ".yaml" {
			return nil
		}
		want := "rules.schema.json"
		switch entry.Name() {
		case "sluice.yaml":
			want = "sluice.schema.json"
		case "schema.yaml":
			want = "event.schema.json"
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		checked++
		first, _, _ := strings.Cut(string(text), "\n")
		path, ok := strings.CutPrefix(first, line)
		if !ok || filepath.Join(filepath.Dir(name), path) != want {
			t.Errorf("%s begins with %q; it should lead to configs/%s", name, first, want)
		}
		return nil
	})
	if err != nil || checked < 8 {
		t.Errorf("%d files: %v", checked, err)
	}
}
