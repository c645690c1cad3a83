package strict

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// This file shows why this package takes the plain part of YAML alone: what the
// YAML library makes by itself of what is refused here. Where a test fails after
// the library was changed, a danger is gone.

func wantRefused(t *testing.T, source string) {
	t.Helper()
	var into struct {
		Rules []Text `yaml:"rules"`
	}
	if Read("a.yaml", []byte(source), &into, nil) == nil {
		t.Errorf("%.200s is accepted", source)
	}
}

// TestDangerAliases: a text of two hundred bytes becomes 2,560 values, which
// is below the bound that the library has for that: of a mebibyte millions.
func TestDangerAliases(t *testing.T) {
	source := "a: &a [" + strings.Repeat("x,", 40) + "]\n"
	for i := range 2 {
		name, before := string(rune('b'+i)), string(rune('a'+i))
		source += name + ": &" + name + " [" + strings.Repeat("*"+before+",", 8) + "]\n"
	}
	var got map[string]any
	if err := yaml.Unmarshal([]byte(source), &got); err != nil {
		t.Fatal(err)
	}
	if n := values(got["c"]); n != 8*8*40 || len(source) > 250 {
		t.Errorf("%d bytes become %d values", len(source), n)
	}
	wantRefused(t, source)
	wantRefused(t, "rules: &a [*a]\n")
}

func values(v any) int {
	list, ok := v.([]any)
	if !ok {
		return 1
	}
	n := 0
	for _, item := range list {
		n += values(item)
	}
	return n
}

// TestDangerMeanings: what a person would read otherwise.
func TestDangerMeanings(t *testing.T) {
	for source, other := range map[string]string{
		"rules: [&a x, *a]\n":                                                  "an alias",
		"rules: !!binary aGVsbG8=\n":                                           "a tag",
		"base: &b {rules: [x]}\nthis:\n  <<: *b\n":                             "a merge",
		"rules: [x]\n---\nrules: [y]\n":                                        "a second document, which is not read",
		"rules: [x]\nruels: [y]\n":                                             "a misspelt key, which is not read",
		"rules: [" + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "]\n": "forty levels",
	} {
		var got map[string]any
		if err := yaml.Unmarshal([]byte(source), &got); err != nil {
			t.Errorf("%s: the library refuses it, too: %v", other, err)
		}
		wantRefused(t, source)
	}
}
