package jsonschema

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// Hold fails a test if a file is not the schema, or makes it so.
func Hold(t *testing.T, file string, s *Schema, update bool) {
	t.Helper()
	want, err := s.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s does not say what the Go types say (%v); write it anew by running this test with -update", file, err)
	}
}

// Compile makes a validator of a schema's file.
func Compile(t *testing.T, file string) *validator.Schema {
	t.Helper()
	s, err := validator.NewCompiler().Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Validate says what an editor finds wrong with the text of a YAML file.
func Validate(s *validator.Schema, text []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || doc.Kind == 0 {
		return err // nothing stands there yet
	}
	undated(&doc)
	var v any
	if err := doc.Decode(&v); err != nil {
		return err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if v, err = validator.UnmarshalJSON(bytes.NewReader(b)); err != nil {
		return err
	}
	return s.Validate(v)
}

// undated makes dates the texts that they are to an editor.
func undated(n *yaml.Node) {
	if n.Tag == "!!timestamp" {
		n.Tag = "!!str"
	}
	for _, c := range n.Content {
		undated(c)
	}
}
