package lang

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// hostile are texts made to hurt. Each must end in a tree or in faults, soon:
// go test's own time limit and the bound of the child process are the watchdogs.
func hostile() map[string]string {
	fill := func(unit string) string { return strings.Repeat(unit, MaxSource/len(unit)) }
	nest := func(open, middle, end string, n int) string {
		return strings.Repeat(open, n) + middle + strings.Repeat(end, n)
	}
	return map[string]string{
		"megabyte of brackets":    strings.Repeat("[", 1<<20),
		"megabyte of round ones":  strings.Repeat("(", 1<<20),
		"megabyte of minus":       strings.Repeat("-", 1<<20) + "1",
		"brackets":                fill("["),
		"braces":                  fill("{"),
		"mixed brackets":          fill("([{"),
		"closing":                 fill(")"),
		"pairs":                   fill("()"),
		"balanced, too deep":      nest("(", "1", ")", 4000),
		"balanced, allowed":       nest("(", "tx.present", ")", MaxDepth),
		"brackets in strings":     `tx.merchant == "` + strings.Repeat("[", 1000) + `"`,
		"calls in calls":          nest("abs(", "1", ")", MaxDepth-1) + " > 1",
		"filters in filters":      nest("filter(", `card.last("1h")`, ", .fraud)", MaxDepth-2),
		"closures in closures":    nest("count(card.last(\"1h\"), ", "true", " > 1)", 60),
		"any in any, short":       nest("any(0,", "1", ")", 60),
		"chained":                 "1" + strings.Repeat(" < 1", 1500),
		"chained, nested 16 deep": nest("(1 < ", "1", " < 1)", 16),
		"chained, nested 60 deep": nest("(1 < ", "1", " < 1)", 60),
		"chained on the left":     nest("(", "1 < 2", " < 3 < 4)", 60),
		"elvis":                   nest("(", "tx.present", " ?: true)", 60),
		"elvis, flat":             "tx.present" + strings.Repeat(" ?: true", 800),
		"unary":                   fill("!")[:MaxSource-10] + "tx.present",
		"unary words":             strings.Repeat("not ", 2000) + "true",
		"unary minus":             strings.Repeat("-", 8000) + "1",
		"coalesce":                "tx.lat" + strings.Repeat("??1", 2500),
		"coalesce in brackets":    nest("(tx.lat ?? ", "1.5", ")", 60) + " > 1",
		"ternaries":               strings.Repeat("true?1:", 1000) + "1",
		"ternaries in front":      strings.Repeat("true?", 800) + "1" + strings.Repeat(":1", 800),
		"ternaries in brackets":   nest("(", "true", "?true:false)", 60),
		"and":                     "true" + strings.Repeat(" and true", 900),
		"plus":                    "1" + strings.Repeat("+1", 4000) + ">1",
		"plus with fields":        ".a" + strings.Repeat("+.a", 2700),
		"powers":                  "1" + strings.Repeat("**1", 2700),
		"dots":                    "tx" + strings.Repeat(".a", 4000),
		"optional dots":           "tx" + strings.Repeat("?.a", 2600),
		"calls in a row":          "tx" + strings.Repeat(".a()", 2000),
		"indexes":                 "tx" + strings.Repeat("[0]", 2700),
		"slices":                  "tx" + strings.Repeat("[:]", 2700),
		"huge list":               "tx.items in [" + strings.Repeat("1,", 4000) + "1]",
		"huge list of texts":      "tx.merchant in [" + strings.Repeat(`"a",`, 2000) + `"b"]`,
		"commas":                  fill(","),
		"call with commas":        "max(" + strings.Repeat("1,", 4000) + "1) > 1",
		"pipes":                   "1" + strings.Repeat("|a()", 2000),
		"let":                     strings.Repeat("let a=1;", 1000) + "a",
		"semicolons":              "1" + strings.Repeat(";1", 4000),
		"if":                      strings.Repeat("if true{", 1000),
		"wrong operators":         "1" + strings.Repeat("=1", 4000),
		"wrong operators only":    fill("=<"),
		"unknown names":           strings.Repeat("aaaaaaaa or ", 680) + "a",
		"bad durations":           "1" + strings.Repeat(`+count(card.last("1x"))`, 350) + " > 1",
		"NUL":                     "tx.amount > \x00 5",
		"NULs":                    fill("\x00"),
		"bad UTF-8":               "tx.merchant == \"\xff\xfe\"",
		"surrogate":               "tx.merchant == \"\xed\xa0\x80\"",
		"byte order mark":         "\ufefftx.present",
		"open string":             `"` + fill("a")[1:],
		"open raw string":         "`" + fill("a")[1:],
		"open comment":            "/*" + fill("a")[2:],
		"backslash at the end":    `"\`,
		"backslashes":             `"` + strings.Repeat(`\`, 8000) + `"`,
		"quotes":                  fill("'"),
		"backquotes":              fill("`"),
		"escapes":                 `"\u{110000}" == tx.merchant`,
		"octal":                   `"\777" == tx.merchant`,
		"pattern":                 `tx.merchant matches "` + strings.Repeat("(a*)*", 90) + `"`,
		"pattern that repeats":    `tx.merchant matches "((a{30}){30}){1}"`,
		"pattern of many":         `tx.merchant matches "` + strings.Repeat(`\\pL{1000}`, 40) + `"`,
		"deep pattern":            `tx.merchant matches "` + nest("(", "a", ")", 240) + `"`,
		"long number":             strings.Repeat("9", 8000) + " > 1",
		"long exponent":           "1e" + strings.Repeat("9", 8000) + " > 1",
		"hex":                     "0x" + strings.Repeat("f", 8000) + " > 1",
		"underscores":             strings.Repeat("_", 8000),
		"long name":               "tx." + strings.Repeat("a", 8000) + " > 1",
		"no letters":              "tx.😀 == \"😀\"",
		"right to left":           "tx.merchant == \"\u202e\" and tx.amount > 5",
		"pointers":                fill("#"),
		"pointer names":           fill("#a "),
		"dots only":               fill("."),
		"question marks":          fill("?"),
		"$env":                    "$env",
		"empty":                   "",
		"blank":                   " \t\r\n\u00a0",
	}
}

// TestHostile checks every hostile text in a process of its own, since some of
// them would take this one down with them.
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
	for name, source := range hostile() {
		t.Run(name, func(t *testing.T) { sound(t, source) })
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
