package interp_test

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"sluice/rules/interp"
	"sluice/rules/lang"
	"sluice/rules/rulestest"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// TestMeaning reads testdata/meaning.txt: transactions, then what conditions
// say of the last one. It pins the language down in numbers that people have
// worked out, where the random tests only show that two programs agree.
func TestMeaning(t *testing.T) {
	data, err := os.ReadFile("testdata/meaning.txt")
	if err != nil {
		t.Fatal(err)
	}
	var c rulestest.Case
	for i, line := range strings.Split(string(data), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "schema":
			c = rulestest.Case{Schema: rulestest.NewSchema(event.TypeInteger, field(words, "currency"), field(words, "base")), Lists: rulestest.Names{"bad": {"shop", "7"}}}
		case words[0] == "past":
			c.Past = append(c.Past, transaction(t, &c, words[1:]))
		case words[0] == "now":
			c.Now = transaction(t, &c, words[1:])
		default:
			source, want, _ := strings.Cut(line, " => ")
			if got := decide(t, &c, strings.TrimSpace(source)); got != strings.TrimSpace(want) {
				t.Errorf("line %d: %s\ngot  %s\nwant %s", i+1, source, got, want)
			}
		}
	}
}

// decide gives true, false, or what is missing.
func decide(t *testing.T, c *rulestest.Case, source string) string {
	t.Helper()
	tree, faults := lang.Check(source, c.Schema, c.Lists)
	if tree == nil {
		t.Fatalf("%s: %v", source, faults)
	}
	p, err := interp.Compile(c.Schema, tree, c.Lists)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	out, why, err := run(p, c)
	switch {
	case err != nil:
		return "error: " + err.Error()
	case out == lang.True:
		return "true"
	case out == lang.False:
		return "false"
	}
	return why
}

func run(p *interp.Program, c *rulestest.Case) (lang.Tri, string, error) {
	var lists []history.List
	for _, q := range p.Lists() {
		lists = append(lists, c.List(q))
	}
	return p.Run(new(interp.Machine), c.Transaction(&c.Now), lists)
}

// field finds name=value among words.
func field(words []string, name string) string {
	for _, w := range words {
		if v, ok := strings.CutPrefix(w, name+"="); ok {
			return v
		}
	}
	return ""
}

// transaction reads name=value pairs. Time is in seconds.
func transaction(t *testing.T, c *rulestest.Case, words []string) rulestest.Event {
	t.Helper()
	e := rulestest.Event{Values: make([]event.Value, len(c.Schema.Fields)), Verdict: field(words, "verdict"), Currency: field(words, "in")}
	for _, w := range words {
		name, v, _ := strings.Cut(w, "=")
		switch name {
		case "verdict":
		case "in":
			e.Values[c.Schema.Field("currency")] = event.Value{Kind: event.String, Text: v}
		case "fraud", "cleared":
			e.Labels = append(e.Labels, rulestest.Label{Time: int64(parse(t, v) * 1e9), Fraud: name == "fraud"})
		default:
			e.Values[c.Schema.Field(name)] = value(t, c, name, v)
		}
	}
	e.Time = int64(e.Values[c.Schema.Time].Bits)
	return e
}

func value(t *testing.T, c *rulestest.Case, name, v string) event.Value {
	switch c.Schema.Fields[c.Schema.Field(name)].Type {
	case event.TypeInteger, event.TypeMoney:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return event.Value{Kind: event.Int, Bits: uint64(n)}
	case event.TypeTimestamp:
		return event.Value{Kind: event.Time, Bits: uint64(int64(parse(t, v) * 1e9))}
	case event.TypeNumber:
		return event.Value{Kind: event.Float, Bits: math.Float64bits(parse(t, v))}
	case event.TypeBool:
		b := event.Value{Kind: event.Bool}
		if v == "true" {
			b.Bits = 1
		}
		return b
	}
	return event.Value{Kind: event.String, Text: v}
}

func parse(t *testing.T, v string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(v, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTooLarge(t *testing.T) {
	s := rulestest.NewSchema(event.TypeInteger, "EUR", "")
	source := "tx.chip"
	for range 20 {
		source = fmt.Sprintf("(%s ? tx.chip : not tx.chip)", source)
	}
	tree, faults := lang.Check(source, s, nil)
	if tree == nil {
		t.Fatal(faults)
	}
	_, err := interp.Compile(s, tree, nil)
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v", err)
	}
}

// TestFailuresComeBack gives Run lists that don't fit.
func TestFailuresComeBack(t *testing.T) {
	s := rulestest.NewSchema(event.TypeInteger, "EUR", "")
	tree, faults := lang.Check(`count(card.last("10m"), .amount < 5) > 0`, s, nil)
	if tree == nil {
		t.Fatal(faults)
	}
	p, err := interp.Compile(s, tree, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := rulestest.Case{Schema: s, Now: transaction(t, &rulestest.Case{Schema: s}, []string{"id=1", "time=0", "card=a"})}
	for _, lists := range [][]history.List{nil, {{N: 3}}} {
		out, _, err := p.Run(new(interp.Machine), c.Transaction(&c.Now), lists)
		if err == nil || out != lang.Unknown {
			t.Errorf("got %d, %v", out, err)
		}
	}
}
