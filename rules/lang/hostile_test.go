package lang

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"sluice/rules/hostile"
)

// TestHostile checks every hostile text in a process of its own, since some of
// them would take this one down with them. go test's own time limit and the bound
// of that process are the watchdogs.
func TestHostile(t *testing.T) {
	if os.Getenv("LANG_TEST_HOSTILE") == "" {
		run := exec.Command(os.Args[0], "-test.run=^TestHostile$", "-test.timeout=60s")
		run.Env = append(os.Environ(), "LANG_TEST_HOSTILE=1", "GOMEMLIMIT=512MiB")
		if out, err := run.CombinedOutput(); err != nil {
			if len(out) > 4000 {
				out = out[:4000]
			}
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	for _, c := range hostile.Conditions() {
		t.Run(c.Name, func(t *testing.T) { sound(t, c.When) })
	}
}

// sound checks what must hold for any text at all.
func sound(t *testing.T, source string) {
	t.Helper()
	tree, faults := checkTest(source)
	if (tree == nil) != (len(faults) > 0) {
		t.Fatalf("tree %v with faults %v", tree, faults)
	}
	runes := len([]rune(source))
	last := 0
	for _, f := range faults {
		if f.Pos < last || f.Pos > runes || f.Pos == runes && runes > 0 || f.Message == "" {
			t.Fatalf("fault %+v after position %d in a text of %d runes", f, last, runes)
		}
		last = f.Pos
	}
	if tree != nil {
		soundTree(t, tree, runes)
	}
}

func soundTree(t *testing.T, tree *Node, runes int) {
	t.Helper()
	if tree.Kind != Bool || Size(tree) > MaxNodes {
		t.Fatalf("a condition of kind %s and size %d", tree.Kind.Words(), Size(tree))
	}
	seen := map[*Node]bool{}
	Walk(tree, func(n *Node) bool {
		switch {
		case seen[n]:
			t.Fatalf("a node is shared: %s", dump(n))
		case n.Op == 0 || n.Kind == Invalid || n.Kind == Nil:
			t.Fatalf("an unfinished node: %s", dump(n))
		case n.Pos < 0 || n.Pos >= runes:
			t.Fatalf("a node at %d in a text of %d runes", n.Pos, runes)
		}
		seen[n] = true
		return true
	})
	again := Text(tree, testSchema())
	wide := bounds{1 << 20, 1 << 10, 1 << 10}
	second, faults := check(again, testSchema(), someLists(), wide)
	if second == nil {
		t.Fatalf("%s\nis rendered as\n%s\nwhich has the faults %v", dump(tree), again, faults)
	}
	if !Equal(tree, second) {
		t.Fatalf("rendered as\n%s\nthe tree is\n%s\ninstead of\n%s", again, dump(second), dump(tree))
	}
	if twice := Text(second, testSchema()); twice != again {
		t.Fatalf("rendered twice as\n%s\nand\n%s", again, twice)
	}
}

// TestLimits checks texts right at the bounds and one beyond.
func TestLimits(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) + "true" + strings.Repeat(")", n) }
	long := func(n int) string { return "true" + strings.Repeat(" ", n-4) }
	large := func(n int) string { return "true" + strings.Repeat("and true", (n-1)/2) }
	cases := []struct {
		name, source string
		fault        string
	}{
		{"deep", deep(MaxDepth), ""},
		{"too deep", deep(MaxDepth + 1), "too many brackets"},
		{"brackets in text do not count", `tx.merchant == "` + strings.Repeat("(", MaxDepth+1) + `"`, ""},
		{"brackets in comments do not count", "true /*" + strings.Repeat("(", MaxDepth+1) + "*/", ""},
		{"long", long(MaxSource), ""},
		{"too long", long(MaxSource + 1), "too long"},
		{"large", strings.ReplaceAll(large(MaxNodes-1), "trueand", "true and"), ""},
		{"too large", strings.ReplaceAll(large(MaxNodes+1), "trueand", "true and"), "too large"},
		{"a long list is one", "tx.items in [" + strings.Repeat("1,", MaxNodes) + "1]", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tree, faults := checkTest(c.source)
			if c.fault == "" && tree == nil {
				t.Fatalf("faults: %v", faults)
			}
			if c.fault != "" && (len(faults) != 1 || !strings.Contains(faults[0].Message, c.fault)) {
				t.Fatalf("faults: %v, want %q", faults, c.fault)
			}
		})
	}
}
