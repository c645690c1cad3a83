package rules

import (
	"io/fs"
	"testing"

	"sluice/configs"
	"sluice/scoring/event"
)

func TestShippedRules(t *testing.T) {
	for _, c := range []struct {
		schema, dir string
		rules       int // at least
		policy      Policy
	}{
		{"../configs/schema.yaml", "../configs/rules", 1, DefaultPolicy()},
		{"../configs/handbook/schema.yaml", "../configs/handbook/rules", 3, DefaultPolicy()},
		{"../configs/handbook/schema.yaml", "../configs/handbook/rules-tuned", 5, DefaultPolicy()},
		{"../configs/handbook/schema.yaml", "../configs/heavy/rules", 100, Policy{127, 202}},
	} {
		schema, err := event.LoadSchema(c.schema)
		if err != nil {
			t.Error(err)
			continue
		}
		set, err := Load(c.dir, schema)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(set.Rules) < c.rules || set.Policy != c.policy {
			t.Errorf("%s: %d rules, policy %+v", c.dir, len(set.Rules), set.Policy)
		}
	}
}

func TestEmbeddedRulesAreTheShippedOnes(t *testing.T) {
	source, err := fs.ReadFile(configs.FS, "schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := event.ParseSchema("schema.yaml", source, nil)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := fs.Sub(configs.FS, "rules")
	if err != nil {
		t.Fatal(err)
	}
	embedded, err := LoadFS(sub, "configs/rules", schema)
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := Load("../configs/rules", schema)
	if err != nil || shipped.Hash != embedded.Hash {
		t.Errorf("%v", err)
	}
}
