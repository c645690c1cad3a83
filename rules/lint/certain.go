package lint

import "sluice/rules/lang"

// certain warns of choices that are true whatever is chosen, and of what is
// `true` as it stands.
func (l *linter) certain(tree *lang.Node) {
	part := map[*lang.Node]bool{} // of a choice that was looked at: it can be false, or why not is told
	lang.Walk(tree, func(n *lang.Node) bool {
		if n.Op == lang.Const && n.Kind == lang.Bool && n == tree && n.Value.Bits != 0 {
			l.warn(AtCondition, n.Pos, "the condition is `true`: the rule fires for every payment")
		}
		if n.Op != lang.Or {
			return true
		}
		if part[n] || l.canBe(n, false) || l.toldOf(n) {
			for _, arg := range n.Args {
				part[arg] = true
			}
			return true
		}
		where := ""
		if n == tree {
			where = ": the rule fires for every payment"
		}
		l.warn(AtCondition, n.Pos, "%s is always true, where nothing is missing%s", l.quote(n), where)
		return false
	})
}

// toldOf reports whether a comparison in a choice makes it certain alone, which
// parts tells.
func (l *linter) toldOf(choice *lang.Node) (told bool) {
	lang.Walk(choice, func(n *lang.Node) bool {
		told = told || compares(n) && !l.canBe(n, false)
		return !told
	})
	return told
}

// undivided warns of what is divided by nothing.
func (l *linter) undivided(tree *lang.Node) {
	lang.Walk(tree, func(n *lang.Node) bool {
		if n.Op != lang.Div && n.Op != lang.Mod {
			return true
		}
		if by, ok := constant(n.Args[1]); ok && by == 0 {
			l.warn(AtCondition, n.Pos, "%s has no value, as nothing can be divided by 0: what is asked of it is unknown, and never true", l.quote(n))
		}
		return true
	})
}
