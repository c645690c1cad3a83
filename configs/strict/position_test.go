package strict

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// checkPlaces holds every visible rune of a scalar against the file: it must
// stand where Position says, unless an escape stands there for it.
func checkPlaces(t *testing.T, d *Document, n *yaml.Node) {
	t.Helper()
	if n.Value == "" {
		return
	}
	places := d.places(n)
	if len(places) == 0 {
		t.Errorf("lost the text %q of\n%s", n.Value, strings.Join(d.lines, "\n"))
		return
	}
	for i, r := range []rune(n.Value) {
		line, column := d.Position(n, i)
		source := []rune(d.lines[line-1])
		if unicode.IsSpace(r) {
			continue
		}
		if column > len(source) || source[column-1] != r && source[column-1] != '\\' {
			t.Errorf("rune %d %q of %q said to be at %d:%d of\n%s", i, r, n.Value, line, column, strings.Join(d.lines, "\n"))
			return
		}
	}
}

func TestPositionByHand(t *testing.T) {
	for _, c := range []struct{ name, source string }{
		{"plain", "k:   alpha X beta\n"},
		{"plain over lines", "k: alpha\n  beta\n\n\n  gamma X\n"},
		{"plain, spaces before the line end", "k: alpha   \n  X\n"},
		{"single", "k: 'it''s X'\n"},
		{"single over lines", "k: 'a\n\n  b''\n  X'\n"},
		{"double", `k: "tab\tand \u00e4 \"X\""` + "\n"},
		{"double over lines", "k: \"one \\\n   two\n   X\"\n"},
		{"literal", "k: |\n  one\n    two\n\n  X\n"},
		{"literal, keep", "k: |+\n  one\n  X\n\n\n"},
		{"literal, indented by hand", "k: |2\n    one\n  X\n"},
		{"literal, empty lines first", "k: |\n\n\n  one X\n"},
		{"folded", "k: >\n  one\n  two\n\n  three X\n"},
		{"folded, more indented", "k: >-\n  one\n    two\n    three\n  four X\n"},
		{"folded, a comment behind", "k: > # folded\n  one\n  X\n"},
		{"in a list", "k:\n- - 'X'\n"},
		{"in a flow", "k: {a: [b, cX]}\n"},
		{"wide runes", "k: ääx😀 X\n"},
	} {
		d, faults := Parse(c.name, []byte(c.source))
		if faults != nil {
			t.Fatal(faults)
		}
		n := d.Root.Content[1]
		for len(n.Content) > 0 {
			n = n.Content[len(n.Content)-1]
		}
		checkPlaces(t, d, n)
		before, _, _ := strings.Cut(n.Value, "X")
		line, column := d.Position(n, len([]rune(before)))
		if got := []rune(d.lines[line-1]); column > len(got) || got[column-1] != 'X' {
			t.Errorf("%s: X said to be at %d:%d", c.name, line, column)
		}
	}
}

func TestPositionPastTheEnd(t *testing.T) {
	d, _ := Parse("x", []byte("k: abc\n"))
	n := d.Root.Content[1]
	for offset, want := range map[int]int{-1: 4, 0: 4, 2: 6, 3: 7, 99: 7} {
		if line, column := d.Position(n, offset); line != 1 || column != want {
			t.Errorf("%d: %d:%d", offset, line, column)
		}
	}
}

// TestPositionOfRandomScalars writes random texts in all styles, by hand where
// the encoder would choose another.
func TestPositionOfRandomScalars(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"a", "tx.amount", ">=", "5", "'it'", `"q"`, "ä😀", "  ", "\n", "\n\n", "\n  b", "\\", "x:y", "é\tz"}
	for range 4000 {
		var text strings.Builder
		for range 1 + r.IntN(12) {
			text.WriteString(words[r.IntN(len(words))])
			if r.IntN(2) == 0 {
				text.WriteByte(' ')
			}
		}
		for _, style := range []yaml.Style{0, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle, yaml.LiteralStyle, yaml.FoldedStyle} {
			in := yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
				{Kind: yaml.ScalarNode, Value: "k"},
				{Kind: yaml.ScalarNode, Value: text.String(), Style: style},
			}}
			source, err := yaml.Marshal(&in)
			if err != nil {
				t.Fatal(err)
			}
			d, faults := Parse("x", source)
			if faults != nil || d.Root.Kind != yaml.MappingNode {
				continue
			}
			n := d.Root.Content[1]
			checkPlaces(t, d, n)
			if t.Failed() {
				t.Fatalf("style %d of\n%s", style, source)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/bad/*.yaml")
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	f.Add([]byte("name: >\n  a\n   b\n\n  c\ntopics: {in: \"a\\\n  b\"}\n"))
	f.Fuzz(func(t *testing.T, source []byte) {
		var s sample
		faults := Read("fuzz", source, &s, env)
		_ = faults.Error()
		for _, fault := range faults {
			if fault.Line < 1 || fault.Column < 1 {
				t.Errorf("no place: %+v", fault)
			}
		}
		d, faults := Parse("fuzz", source)
		if len(faults) > 0 || d.Root == nil {
			return
		}
		var walk func(n *yaml.Node)
		walk = func(n *yaml.Node) {
			if n.Kind == yaml.ScalarNode && len(d.places(n)) > 0 {
				checkPlaces(t, d, n)
			}
			for _, c := range n.Content {
				walk(c)
			}
		}
		walk(d.Root)
	})
}
