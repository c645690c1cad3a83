package plan

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"sluice/rules/interp"
	"sluice/rules/lang"
	"sluice/rules/rulestest"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// pair is a random condition with a random history, and what is needed to
// decide it both ways.
type pair struct {
	rulestest.Case
	program *Program
	vm      *interp.Program
	tx      *event.Transaction
	values  []history.Value
	lists   []history.List
}

func makePair(tb testing.TB, c rulestest.Case) *pair {
	tb.Helper()
	p := &pair{Case: c}
	var err error
	p.vm, err = interp.Compile(c.Schema, c.Tree, c.Lists)
	if err != nil {
		return nil // too large for the VM
	}
	p.program, err = Compile(c.Schema, []Condition{{Tree: c.Tree, Source: c.Source}}, c.Lists)
	if err != nil {
		tb.Fatalf("%s: %v", c.Source, err)
	}
	plan := p.program.Plan()
	p.tx = c.Transaction(&c.Now)
	p.values = make([]history.Value, len(plan.Queries))
	p.lists = make([]history.List, len(plan.Lists))
	store := history.New(c.Schema)
	store.Install(plan)
	c.Remember(store)
	store.Observe(p.tx, p.values, p.lists)
	return p
}

// fast decides by the program.
func (p *pair) fast() (out lang.Tri, why string, err error) {
	f := p.program.NewFrame()
	var outs [1]lang.Tri
	f.Evaluate(p.tx, p.values, p.lists, outs[:])
	if outs[0] == lang.Unknown {
		why, err = f.Why(0)
	}
	return outs[0], why, err
}

// slow decides on the VM, over lists that the case itself gives.
func (p *pair) slow() (out lang.Tri, why string, err error) {
	var lists []history.List
	for _, q := range p.vm.Lists() {
		lists = append(lists, p.List(q))
	}
	return p.vm.Run(new(interp.Machine), p.tx, lists)
}

// check compares both ways.
func (p *pair) check(tb testing.TB) lang.Tri {
	tb.Helper()
	fast, why, err := p.fast()
	if err != nil {
		tb.Errorf("%s: %v", p.Source, err)
	}
	slow, slowWhy, err := p.slow()
	if err != nil {
		tb.Errorf("%s: %v", p.Source, err)
	}
	if fast != slow {
		tb.Errorf("%s\n fast %v %q\n slow %v %q\n values %+v %q", p.Source, fast, why, slow, slowWhy, p.values, p.program.texts)
	}
	if fast == lang.Unknown && why == "" {
		tb.Errorf("%s is unknown, and nobody says why", p.Source)
	}
	return fast
}

func TestFastPathEqualsVM(t *testing.T) {
	const shards, pairs = 4, 5_500
	var outcomes [3]atomic.Int64
	var queried, compiled atomic.Int64
	t.Run("pairs", func(t *testing.T) {
		for shard := range shards {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(3, uint64(shard)))
				for n := 0; n < pairs && !t.Failed(); {
					p := makePair(t, once(rulestest.Generate(r)))
					if p == nil {
						continue
					}
					n++
					outcomes[p.check(t)].Add(1)
					compiled.Add(int64(bit(len(p.program.slow) == 0)))
					queried.Add(int64(bit(len(p.program.plan.Queries) > 0)))
				}
			})
		}
	})
	const all = shards * pairs
	for _, n := range []int64{outcomes[0].Load(), outcomes[1].Load(), outcomes[2].Load()} {
		if n < all/10 {
			t.Errorf("an outcome came out only %d times in %d", n, all)
		}
	}
	if compiled.Load() < all/2 || queried.Load() < all/3 {
		t.Errorf("%d without the VM and %d with window values are too few", compiled.Load(), queried.Load())
	}
}

// once drops from the past what has the id of another event at another time:
// of those, histories keep the first that arrives.
func once(c rulestest.Case) rulestest.Case {
	at := map[event.Value]int64{c.Now.Values[c.Schema.ID]: c.Now.Time}
	var past []rulestest.Event
	for _, e := range c.Past {
		id := e.Values[c.Schema.ID]
		if t, seen := at[id]; seen && t != e.Time {
			continue
		}
		at[id] = e.Time
		past = append(past, e)
	}
	c.Past = past
	return c
}

// TestManyConditionsEqualVM compiles conditions together, and decides several
// transactions in one frame: what is shared must not leak.
func TestManyConditionsEqualVM(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 13))
	for range 6 {
		c := once(rulestest.Generate(r))
		conditions := similar(r, &c, 150)
		p, err := Compile(c.Schema, conditions, c.Lists)
		if err != nil {
			t.Fatal(err)
		}
		frame, again := p.NewFrame(), p.NewFrame()
		out, same := make([]lang.Tri, len(conditions)), make([]lang.Tri, len(conditions))
		values, lists := make([]history.Value, len(p.plan.Queries)), make([]history.List, len(p.plan.Lists))
		store := history.New(c.Schema)
		store.Install(p.Plan())
		c.Remember(store)
		for _, now := range append(slices.Clone(c.Past[:min(6, len(c.Past))]), c.Now) {
			c.Now = now
			tx := c.Transaction(&now)
			store.Observe(tx, values, lists)
			frame.Evaluate(tx, values, lists, out)
			again.Evaluate(tx, values, lists, same)
			for i := range conditions {
				one := makePair(t, rulestest.Case{
					Schema: c.Schema, Lists: c.Lists, Source: conditions[i].Source, Tree: conditions[i].Tree, Past: c.Past, Now: now,
				})
				if want, _, _ := one.slow(); out[i] != want || same[i] != want {
					t.Fatalf("%s\n together %v, again %v, want %v", conditions[i].Source, out[i], same[i], want)
				}
				if why, err := frame.Why(i); out[i] == lang.Unknown && (why == "" || err != nil) {
					t.Errorf("%s is unknown: %q, %v", conditions[i].Source, why, err)
				}
			}
		}
	}
}

// similar makes n conditions, many of them of parts of others.
func similar(r *rand.Rand, c *rulestest.Case, n int) []Condition {
	conditions := []Condition{{Tree: c.Tree, Source: c.Source}}
	for len(conditions) < n {
		source := rulestest.Condition(r, c.Schema)
		if r.IntN(2) == 0 {
			word := []string{" and ", " or "}[r.IntN(2)]
			source = "(" + source + ")" + word + "(" + conditions[r.IntN(len(conditions))].Source + ")"
		}
		tree, _ := lang.Check(source, c.Schema, c.Lists)
		if tree == nil || len(source) > 2000 {
			continue
		}
		if _, err := interp.Compile(c.Schema, tree, c.Lists); err == nil {
			conditions = append(conditions, Condition{Tree: tree, Source: source})
		}
	}
	return conditions
}
