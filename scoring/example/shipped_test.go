package example_test

import (
	"os"
	"strings"
	"testing"

	"sluice/rules"
	"sluice/rules/lang"
	"sluice/rules/plan"
	"sluice/scoring/event"
	"sluice/scoring/example"
)

// TestShippedRules runs the examples of the cookbook, and holds them to what it
// preaches: each rule is shown whole, and each part of each condition matters to
// an example of its rule.
func TestShippedRules(t *testing.T) {
	schema, err := event.LoadSchema("../../configs/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load("../../configs/rules", schema)
	if err != nil {
		t.Fatal(err)
	}
	if err := example.Check(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	r := example.New(set)
	c, err := r.Cover()
	if err != nil {
		t.Fatal(err)
	}
	for i := range set.Examples {
		if _, _, err := r.Run(t.Context(), &set.Examples[i]); err != nil {
			t.Fatal(err)
		}
	}
	gaps, _, _ := c.Gaps()
	for _, g := range gaps {
		t.Errorf("%s: its examples do not show it whole: %+v", g.Rule.ID, g.Parts)
	}
	readme, err := os.ReadFile("../../rules/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, cookbook, _ := strings.Cut(string(readme), "## Cookbook")
	trees := make([]*lang.Node, len(set.Rules))
	for i := range set.Rules {
		trees[i], _ = lang.Check(strings.TrimSpace(set.Rules[i].When), schema, set.Lists)
	}
	mutants := 0
	for i := range set.Rules {
		if !strings.Contains(cookbook, "`"+set.Rules[i].ID+"`") {
			t.Errorf("the cookbook does not tell of %s", set.Rules[i].ID)
		}
		for part, without := range reduced(trees[i], schema) {
			mutants++
			if !noticed(t, set, trees, i, without) {
				t.Errorf("%s: no example notices that a part is gone: %s", set.Rules[i].ID, part)
			}
		}
	}
	if mutants < 60 {
		t.Errorf("only %d parts were taken away", mutants)
	}
}

// reduced gives a condition without each of its parts, by the part's text.
func reduced(n *lang.Node, schema *event.Schema) map[string]*lang.Node {
	out := map[string]*lang.Node{}
	if n.Op != lang.And && n.Op != lang.Or {
		return out
	}
	for i, arg := range n.Args {
		out[lang.Text(arg, schema)] = n.Args[1-i]
		for part, rest := range reduced(arg, schema) {
			whole := *n
			whole.Args = []*lang.Node{n.Args[0], n.Args[1]}
			whole.Args[i] = rest
			out[part] = &whole
		}
	}
	return out
}

// noticed reports whether an example of a rule fails under another condition.
func noticed(t *testing.T, set *rules.Set, trees []*lang.Node, rule int, other *lang.Node) bool {
	t.Helper()
	var conditions []plan.Condition
	for i, tree := range trees {
		if i == rule {
			tree = other
		}
		conditions = append(conditions, plan.Condition{Tree: tree, Source: set.Rules[i].When})
	}
	changed := *set
	var err error
	if changed.Program, err = plan.Compile(set.Schema, conditions, set.Lists); err != nil {
		t.Fatal(err)
	}
	r := example.New(&changed)
	for i := range set.Examples {
		if e := &set.Examples[i]; e.Rule == rule {
			res, _, err := r.Run(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Wrong) > 0 {
				return true
			}
		}
	}
	return false
}
