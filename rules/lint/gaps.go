package lint

import (
	"slices"
	"time"

	"sluice/rules/lang"
	"sluice/scoring/event"
)

// hardly is a window so short that for most payments nothing lies in it.
const hardly = 24 * time.Hour

// short warns of what has no value where nothing lies in a short window, if the
// rule is skipped then.
func (l *linter) short(tree *lang.Node) {
	for _, n := range valuesOf(tree) {
		w := window(n.Args[0])
		if w == nil || w.Span.Newest > 0 || w.Span.From > hardly {
			continue
		}
		world := &world{facts: l.nothing(), empty: w, lacks: -1}
		if world.truth(tree)&isUnknown == 0 {
			continue
		}
		l.warn(AtCondition, n.Pos, "%s is missing where nothing lies in %s, as for most payments, and the rule is skipped then. "+
			"Ask first whether there is something, as in `count(%s) > 0 and …`, or say what else to take, as in `(… ?? 0)`",
			l.quote(n), l.quote(w), l.key(w))
		return
	}
}

// valuesOf gives the functions of lists that have no value of an empty list.
func valuesOf(tree *lang.Node) []*lang.Node {
	var out []*lang.Node
	lang.Walk(tree, func(n *lang.Node) bool {
		if n.Op == lang.Call && len(n.Args) > 0 && n.Args[0].Kind.IsList() && !missesNothing(n.Name) && !n.Kind.IsList() {
			out = append(out, n)
		}
		return true
	})
	return out
}

// absent warns of a rule that fires because the transaction lacks something: a
// comparison with what is missing matches no past payment, and so `none` is true.
func (l *linter) absent(tree *lang.Node) {
	for _, field := range l.optional(tree) {
		w := &world{facts: l.nothing(), lacks: field}
		if w.truth(tree)&isTrue == 0 {
			continue
		}
		for _, n := range w.asking(tree) {
			w.forced = map[*lang.Node]domain{n: some()}
			if w.truth(tree)&isTrue == 0 {
				name := l.schema.Fields[field].Name
				l.warn(AtCondition, n.Pos, "%s finds nothing where the transaction has no %s, and the rule can fire for that: "+
					"a comparison with what is missing fits no past payment. Add `tx.%s != nil and …`", l.quote(n), name, name)
				break
			}
			w.forced = nil
		}
	}
}

// optional gives the fields of the transaction that a condition compares past
// payments with and that may be missing.
func (l *linter) optional(tree *lang.Node) []int {
	var fields []int
	lang.Walk(tree, func(n *lang.Node) bool {
		if n.Op == lang.Tx && n.Column.Field >= 0 && (n.Column.Form == event.Plain || n.Column.Form == event.Minor) {
			if f := n.Column.Field; !l.schema.Fields[f].Required && !slices.Contains(fields, f) {
				fields = append(fields, f)
			}
		}
		return true
	})
	return fields
}

// asking gives the questions about past payments that none of them fits in w.
func (w *world) asking(tree *lang.Node) []*lang.Node {
	var out []*lang.Node
	lang.Walk(tree, func(n *lang.Node) bool {
		if n.Op != lang.Call || len(n.Args) == 0 || !n.Args[0].Kind.IsList() || w.gone(n.Args[0]) {
			return true
		}
		count, _, ok := counted(n)
		if n.Name == "count" || n.Name == "distinct" {
			count, ok = n, true
		}
		if ok && w.nothing(count) {
			out = append(out, n)
		}
		return true
	})
	return out
}
