package lint

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"sluice/rules/interp"
	"sluice/rules/lang"
	"sluice/rules/rulestest"
	"sluice/scoring/history"
)

// TestClaimsHold decides random conditions on the VM over random histories, and
// looks for what contradicts a claim: a condition that can't be true and is, one
// that is covered by another and true without it.
func TestClaimsHold(t *testing.T) {
	rounds := 1000
	if testing.Short() {
		rounds = 500
	}
	r := rand.New(rand.NewPCG(5, 7))
	never, always, covered, mattered := 0, 0, 0, 0
	for range rounds {
		c := rulestest.Generate(r)
		l := newLanguage(c.Schema)
		trees := []*lang.Node{c.Tree}
		w := &writer{Rand: r, window: [2]string{w1[r.IntN(len(w1))], w1[r.IntN(len(w1))]}}
		for range 10 {
			source := w.condition(2)
			tree, faults := lang.Check(source, c.Schema, c.Lists)
			if tree == nil {
				t.Fatalf("%s: %+v", source, faults)
			}
			trees = append(trees, tree)
		}
		outs := make([]lang.Tri, len(trees))
		cases := make([][]*facts, len(trees))
		for i, tree := range trees {
			outs[i] = decide(t, &c, tree)
			cases[i] = l.cases(tree)
			if len(cases[i]) == 0 {
				never++
				if outs[i] == lang.True {
					t.Fatalf("true, and can't be: %s", l.key(tree))
				}
			}
			if !l.canBe(tree, false) {
				always++
				if outs[i] == lang.False {
					t.Fatalf("false, and can't be: %s", l.key(tree))
				}
			}
		}
		for i := range trees {
			for k := range trees {
				if i == k || !follows(cases[i], trees[k]) {
					continue
				}
				covered++
				if outs[i] != lang.True {
					continue
				}
				mattered++
				if outs[k] != lang.True {
					t.Fatalf("%s\nis true, and %s\nis not, which should follow (%v)", l.key(trees[i]), l.key(trees[k]), outs[k])
				}
			}
		}
	}
	t.Logf("%d can't be true, %d can't be false, %d follow from others, %d times it mattered", never, always, covered, mattered)
	if never < rounds/20 || covered < rounds/2 || mattered < rounds/20 {
		t.Error("too few claims to test them")
	}
}

func decide(t *testing.T, c *rulestest.Case, tree *lang.Node) lang.Tri {
	t.Helper()
	vm, err := interp.Compile(c.Schema, tree, c.Lists)
	if err != nil {
		return lang.Unknown // too large for the VM
	}
	var lists []history.List
	for _, q := range vm.Lists() {
		lists = append(lists, c.List(q))
	}
	out, _, err := vm.Run(new(interp.Machine), c.Transaction(&c.Now), lists)
	if err != nil {
		t.Fatalf("%s: %v", lang.Text(tree, c.Schema), err)
	}
	return out
}

// w1 are the windows of this test.
var w1 = []string{`last("1h")`, `last("1d")`, `last("30d")`, `between("30d", "1h")`, `between("1d", "1h")`, `newest(3)`, `newest(5)`}

// writer makes conditions of few words, so that some follow from others.
type writer struct {
	*rand.Rand
	window [2]string
}

func (w *writer) one(words ...string) string { return words[w.IntN(len(words))] }

func (w *writer) condition(depth int) string {
	if depth == 0 || w.IntN(4) == 0 {
		return w.atom()
	}
	a, b := w.condition(depth-1), w.condition(depth-1)
	switch w.IntN(7) {
	case 0:
		return "not (" + a + ")"
	case 1, 2:
		return "(" + a + " or " + b + ")"
	case 3:
		return "((" + w.atom() + ") ? (" + a + ") : (" + b + "))"
	}
	return "(" + a + " and " + b + ")"
}

func (w *writer) atom() string {
	op := w.one("<", "<=", ">", ">=", "==", "!=")
	list := "card." + w.window[w.IntN(2)]
	switch w.IntN(14) {
	case 0:
		return fmt.Sprintf("tx.items %s %d", op, w.IntN(4))
	case 1:
		return fmt.Sprintf("tx.amount %s %s", op, w.one("0", "1", "5", "2.5"))
	case 2:
		return "tx.country " + w.one("==", "!=") + " " + w.one(`"DE"`, `"FR"`, `"XX"`)
	case 3:
		return "tx.country " + w.one("in", "not in") + " " + w.one(`["DE", "FR"]`, `["FR", "US", "DE"]`, `["US"]`)
	case 4:
		return "tx." + w.one("items", "card", "country", "amount") + w.one(" == nil", " != nil")
	case 5:
		return fmt.Sprintf("%s(%s, %s)", w.one("any", "none", "all"), list, w.inside())
	case 6:
		return fmt.Sprintf("%s(%s, .%s) %s %d", w.one("mean", "max", "min", "sum"), list, w.one("items", "risk"), op, w.IntN(4))
	case 7:
		return fmt.Sprintf("distinct(%s, .merchant) %s %d", list, op, w.IntN(3))
	case 8:
		return "tx.items " + w.one("<", ">=", "==") + " " + w.one("tx.risk", "count("+list+")", "tx.items")
	case 9:
		return fmt.Sprintf("last(%s).items %s %d", list, op, w.IntN(4))
	case 10:
		return "tx.items " + w.one("in", "not in") + " " + w.one("[1, 2]", "[2]", "[0, 3, 5]")
	case 11:
		return fmt.Sprintf("(tx.items ?? 2) + 1 %s %d", op, w.IntN(4))
	case 12:
		return fmt.Sprintf("tx.hour %s %d", op, w.IntN(26))
	}
	if w.IntN(2) == 0 {
		return fmt.Sprintf("count(%s) %s %d", list, op, w.IntN(4))
	}
	return fmt.Sprintf("count(%s, %s) %s %d", list, w.inside(), op, w.IntN(3))
}

func (w *writer) inside() string {
	a := w.one(".items > 1", ".items > 2", ".items <= 1", `.country == "DE"`, `.country in ["DE", "FR"]`, ".country == tx.country", ".fraud", "not .fraud", ".items != nil")
	if w.IntN(3) == 0 {
		return a + w.one(" and ", " or ") + w.one(".items > 0", `.country != "DE"`, ".fraud")
	}
	return a
}

// BenchmarkWorst looks the largest conditions over.
func BenchmarkWorst(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	c := rulestest.With(r, "true")
	for name, join := range map[string]string{"and": " and ", "or": " or ", "pairs": ") and ("} {
		source := ""
		for i := range 30 {
			if i > 0 {
				source += join
			}
			source += fmt.Sprintf(`count(card.last("%dm"), .items < %d) >= 1 or tx.items == %d`, i+1, i+2, i)
		}
		if name == "pairs" {
			source = "(" + source + ")"
		}
		tree, faults := lang.Check(source, c.Schema, c.Lists)
		if tree == nil {
			b.Fatal(faults)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Check(c.Schema, []Rule{{ID: "a", Tree: tree, Live: true, Verdict: 2}, {ID: "b", Tree: tree, Live: true, Verdict: 2}}, time.Now())
			}
		})
	}
}
