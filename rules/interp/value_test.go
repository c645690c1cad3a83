package interp

import (
	"math"
	"math/rand/v2"
	"testing"

	"sluice/rules/interp/naive"
	"sluice/rules/lang"
	"sluice/rules/rulestest"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// TestPartsAreNaive compares every scalar part of random conditions bit by
// bit, which the outcomes alone would hardly tell.
func TestPartsAreNaive(t *testing.T) {
	const conditions = 2_000
	var m Machine
	parts := 0
	for seed := range uint64(conditions) {
		c := rulestest.Generate(rand.New(rand.NewPCG(8, seed)))
		p, err := Compile(c.Schema, c.Tree, c.Lists)
		if err != nil {
			t.Fatalf("seed %d: %s\n%v", seed, c.Source, err)
		}
		var lists []history.List
		for _, q := range p.Lists() {
			lists = append(lists, c.List(q))
		}
		m.load(p.layout, c.Transaction(&c.Now), lists)
		in := naive.Input{Schema: c.Schema, Lists: c.Lists, Arrival: c.Now.Time, Tx: c.Tx, Window: c.List}
		lang.Walk(c.Tree, func(n *lang.Node) bool {
			if n.Kind.IsScalar() {
				parts++
				comparePart(t, p, &m, in, n)
			}
			return !overList(n) // what is inside looks at an event
		})
		if t.Failed() {
			t.Fatalf("seed %d: %s", seed, c.Source)
		}
	}
	t.Logf("%d parts", parts)
}

func comparePart(t *testing.T, p *Program, m *Machine, in naive.Input, n *lang.Node) {
	t.Helper()
	program, err := p.emit.program(n, asValue)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.value(program)
	if err != nil {
		t.Fatal(err)
	}
	if want := naive.Value(in, n); !same(got, want, n.Kind) {
		t.Errorf("%s: VM %v, naive %v", lang.Text(n, in.Schema), got, want)
	}
}

func same(got any, want event.Value, kind lang.Kind) bool {
	switch got := got.(type) {
	case nil:
		return want.Kind == event.None
	case bool:
		return want.Kind == event.Bool && (want.Bits == 1) == got
	case int:
		return want.Kind != event.Float && int(want.Bits) == got && kind != lang.Float
	case float64:
		return want.Kind == event.Float && want.Bits == math.Float64bits(got) && kind != lang.Int
	case string:
		return want.Kind == event.String && want.Text == got
	}
	return false
}
