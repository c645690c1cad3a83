package rules

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"sluice/scoring/event"
)

// aDay is when the tests look rules over.
var aDay = time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC)

// TestWarnings compares what is told of each directory of testdata/lint.
func TestWarnings(t *testing.T) {
	schema := testSchema(t)
	dirs, err := filepath.Glob("testdata/lint/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			set, warnings, err := Check(dir, schema, aDay)
			if err != nil || set == nil {
				t.Fatal(err)
			}
			got := filepath.ToSlash(warnings.Error()) + "\n"
			if *update {
				if err := os.WriteFile(dir+".txt", []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(dir + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestShippedRulesAreMeant: nothing is told of the rules that come with Sluice.
func TestShippedRulesAreMeant(t *testing.T) {
	for schemaFile, dirs := range map[string][]string{
		"../configs/schema.yaml":          {"../configs/rules"},
		"../configs/handbook/schema.yaml": {"../configs/handbook/rules"},
	} {
		schema, err := event.LoadSchema(schemaFile)
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range dirs {
			_, warnings, err := Check(dir, schema, aDay)
			if err != nil {
				t.Fatal(err)
			}
			if len(warnings) > 0 {
				t.Errorf("%s", warnings)
			}
		}
	}
}
