package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// arrow forbids imports. Packages are named from the module's root; a trailing
// /... means all below.
type arrow struct {
	from, to string
	why      string
}

var forbidden = []arrow{
	{"scoring/...", "stream/...", "the engine is driven by stream; it must run without Kafka, in tests, backtest and explain"},
	{"rules/...", "stream/...", "rules are pure: files in, a compiled set out"},
	{"rules/...", "alerts", "what a rule means does not depend on who is told"},
	{"scoring/...", "alerts", "alerts read verdicts, verdicts know nothing of alerts"},
	{"rules/...", "scoring", "scoring uses rules; the arrow back would be a cycle of meaning"},
	{"scoring/event", "rules/...", "what a transaction is does not depend on the rules of the day"},
	{"scoring/history", "rules/...", "histories answer queries; they do not know who asks"},
	{"scoring/event", "scoring/history", "a transaction exists before it is remembered"},
	{"rules/lang", "rules/plan", "the language has a meaning before it has a fast form"},
	{"rules/interp", "rules/plan", "the VM is the oracle of the fast path and must not lean on it"},
	{"stream/...", "alerts", "verdicts flow to alerts through a hook, so that alerts can change freely"},
	{"alerts", "stream/...", "alerts get an append function, not Kafka"},
	{"configs/strict", "scoring/...", "reading YAML strictly is below everything"},
	{"configs/strict", "rules/...", "reading YAML strictly is below everything"},
	{"scoring/...", "net/http", "the engine does no I/O"},
	{"scoring/...", "github.com/segmentio/kafka-go", "the engine does no I/O"},
	{"scoring/history", "go.yaml.in/yaml/v3", "histories need the standard library alone"},
}

// TestArrows holds the directions in which packages may import each other.
func TestArrows(t *testing.T) {
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "sluice/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	seen := 0
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		words := strings.Fields(line)
		pkg := strings.TrimPrefix(words[0], "sluice/")
		for _, imported := range words[1:] {
			imported = strings.TrimPrefix(imported, "sluice/")
			for _, a := range forbidden {
				if matches(a.from, pkg) {
					seen++
					if matches(a.to, imported) {
						t.Errorf("%s imports %s: %s", pkg, imported, a.why)
					}
				}
			}
		}
	}
	if seen == 0 {
		t.Fatal("no package was looked at: the patterns are out of date")
	}
}

func matches(pattern, pkg string) bool {
	if root, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == root || strings.HasPrefix(pkg, root+"/")
	}
	return pkg == pattern
}
