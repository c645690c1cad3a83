package rules

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"sluice/rules/lang"
	"sluice/rules/plan"
	"sluice/scoring/event"
)

// TestReadme holds the analyst's page to the language: what it shows loads, and
// what it says is refused is.
func TestReadme(t *testing.T) {
	source, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := event.LoadSchema("../configs/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(string(source), -1)
	lists := &Lists{byName: map[string]list{}}
	for _, name := range regexp.MustCompile(`lists\.(\w+)`).FindAllStringSubmatch(string(source), -1) {
		if !lists.Has(name[1]) {
			lists.add(name[1], nothing{})
		}
	}
	conditions := 0
	for _, b := range blocks {
		switch b[1] {
		case "yaml":
			if _, err := LoadFS(files("README.yaml", b[2]), "", schema); err != nil {
				t.Error(err)
			}
		case "rule":
			for line := range strings.Lines(b[2]) {
				conditions++
				tree, faults := lang.Check(strings.TrimSpace(line), schema, lists)
				if len(faults) > 0 {
					t.Errorf("%s\n%+v", line, faults)
					continue
				}
				program, err := plan.Compile(schema, []plan.Condition{{Tree: tree, Source: line}}, lists)
				if err != nil {
					t.Fatal(err)
				}
				if f, expensive := program.Cost(0).Fault(); expensive {
					t.Errorf("%s\n%+v", line, f)
				}
			}
		}
	}
	if conditions < 30 {
		t.Errorf("only %d conditions found", conditions)
	}
	_, refused, _ := strings.Cut(string(source), "## What is refused")
	rows := regexp.MustCompile("(?m)^\\| (`[^|]*?) \\|").FindAllStringSubmatch(refused, -1)
	for _, row := range rows {
		for _, code := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			if _, faults := lang.Check(code[1], schema, lists); len(faults) == 0 {
				t.Errorf("%s is not refused", code[1])
			}
		}
	}
	if len(rows) < 5 {
		t.Errorf("only %d refusals found", len(rows))
	}
}
