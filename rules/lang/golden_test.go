package lang

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/scoring/event"
)

var update = flag.Bool("update", false, "write what comes out into testdata")

// testSchema is a card payment with a little of everything.
func testSchema() *event.Schema {
	s := &event.Schema{ID: 0, Time: 1, Key: 2}
	add := func(name string, t event.Type, entity, secret bool) {
		f := event.Field{Name: name, From: name, Type: t, Entity: entity, Secret: secret, CurrencyFrom: -1, EntityIndex: -1}
		if entity {
			f.EntityIndex = len(s.Entities)
			s.Entities = append(s.Entities, len(s.Fields))
		}
		if t == event.TypeMoney {
			f.Currency, f.Scale = "EUR", 2
		}
		s.Fields = append(s.Fields, f)
	}
	add("id", event.TypeString, false, false)
	add("time", event.TypeTimestamp, false, false)
	add("card", event.TypeString, true, false)
	add("account", event.TypeString, true, false)
	add("merchant", event.TypeString, true, false)
	add("ip", event.TypeIP, true, false)
	add("amount", event.TypeMoney, false, false)
	add("currency", event.TypeCurrency, false, false)
	add("mcc", event.TypeString, false, false)
	add("country", event.TypeCountry, false, false)
	add("channel", event.TypeString, false, false)
	add("items", event.TypeInteger, false, false)
	add("lat", event.TypeNumber, false, false)
	add("lon", event.TypeNumber, false, false)
	add("present", event.TypeBool, false, false)
	add("birth", event.TypeTimestamp, false, false)
	add("cvv", event.TypeString, false, true)
	return s
}

type testLists []string

func (l testLists) Has(name string) bool                { return slices.Contains(l, name) }
func (l testLists) Contains(string, string, int64) bool { return false }
func (l testLists) Names() []string                     { return l }
func checkTest(source string) (*Node, []Fault)          { return Check(source, testSchema(), someLists()) }
func someLists() Lists                                  { return testLists{"bad_ips", "vip_cards"} }

// TestGolden checks every condition of testdata: lines that begin with "> ".
// Below each stands what must come out: "= " the canonical text and "~ " the
// tree, or carets with faults.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := golden(string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			reportDifference(t, string(want), got)
		})
	}
}

// golden rebuilds a file of testdata from its comments and conditions.
func golden(file string) string {
	var out strings.Builder
	var condition []string
	flush := func() {
		if condition != nil {
			out.WriteString(outcome(strings.Join(condition, "\n")))
			condition = nil
		}
	}
	for line := range strings.Lines(file) {
		line = strings.TrimSuffix(line, "\n")
		source, isSource := strings.CutPrefix(line, "> ")
		switch {
		case isSource:
			condition = append(condition, source)
		case line == "" || strings.HasPrefix(line, "# "):
			flush()
		default:
			continue
		}
		out.WriteString(line + "\n")
	}
	flush()
	return out.String()
}

func outcome(source string) string {
	tree, faults := checkTest(source)
	if tree != nil {
		return "= " + Text(tree, testSchema()) + "\n~ " + dump(tree) + "\n"
	}
	var out strings.Builder
	for _, f := range faults {
		before := string([]rune(source)[:f.Pos])
		line := strings.Count(before, "\n")
		column := len([]rune(before[strings.LastIndex(before, "\n")+1:]))
		place := ""
		if strings.Contains(source, "\n") {
			place = fmt.Sprintf("line %d: ", line+1)
		}
		fmt.Fprintf(&out, "  %s^ %s%s\n", strings.Repeat(" ", column), place, f.Message)
	}
	return out.String()
}

func reportDifference(t *testing.T, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			t.Fatalf("line %d:\nwant %s\ngot  %s", i+1, w[i], strings.Join(g[min(i, len(g)):min(i+1, len(g))], ""))
		}
	}
	t.Fatal("more came out than is in the file")
}

// dump writes a tree so that every detail shows.
func dump(n *Node) string {
	head := n.Op.String()
	switch n.Op {
	case Const:
		return constant(n.Value)
	case Tx, Past, Member:
		head += fmt.Sprintf(" %d/%d", n.Column.Field, n.Column.Form)
	case WindowOf:
		return fmt.Sprintf("(Window %d %v-%v %d)", n.Entity, n.Span.From, n.Span.To, n.Span.Newest)
	case ListName, Call:
		head += " " + n.Name
	}
	for _, arg := range n.Args {
		head += " " + dump(arg)
	}
	return "(" + head + ")" + n.Kind.short()
}

func (k Kind) short() string {
	if k == Bool {
		return ""
	}
	return ":" + [...]string{
		"Invalid", "Nil", "Bool", "Int", "Float", "String", "Time", "Seconds", "Event",
		"Events", "Bools", "Ints", "Floats", "Strings", "Times",
	}[k]
}
