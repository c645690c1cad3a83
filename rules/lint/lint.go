// Package lint finds what is allowed in a rule and yet hardly meant: conditions
// that can never be true, rules that change nothing beside another one, and
// questions that missing values answer.
//
// It takes conditions apart into the cases in which they are true, and notes for
// each case which values everything has in it: numbers from and to, texts, what
// is there and what is missing. What it claims of two rules holds for every
// transaction; what it can't follow, it does not claim.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/rules/lang"
	"sluice/scoring/event"
)

// Rule is what lint wants to know of a rule.
type Rule struct {
	ID      string
	Tree    *lang.Node // of its condition
	Live    bool       // for all, and always; else it is in shadow, rolled out to some, or may fall to shadow
	Allows  bool       // its verdict is allow
	Verdict int        // its severity, 0: it has none
	Scores  bool
	Silent  bool  // nothing follows when it fires, and it is not in shadow
	Alert   int   // whom it tells, more is louder
	Expires int64 // ns, 0: never

	Slow  *lang.Node // the part that only the VM can run, nil: none
	Steps int        // what that costs at most
}

// Warning is something to look at.
type Warning struct {
	Rule    int // index
	At      At
	Pos     int // of AtCondition: 0-based rune in the condition's text
	Message string
}

// At says where a warning stands.
type At uint8

// The places of warnings.
const (
	AtCondition At = iota
	AtRule
	AtExpires
)

// maxCompared bounds the rules that are compared with each other.
const maxCompared = 2000

// linter gathers warnings.
type linter struct {
	*language
	rules    []Rule
	cases    [][]*facts // in which each rule is true; none: it can't fire
	rule     int
	warnings []Warning
}

// Check looks rules over. now says which have expired.
func Check(schema *event.Schema, rules []Rule, now time.Time) []Warning {
	l := &linter{
		language: newLanguage(schema),
		rules:    rules, cases: make([][]*facts, len(rules)),
	}
	for i := range rules {
		l.rule = i
		l.begin()
		l.expired(now)
		l.silent()
		if l.impossible(rules[i].Tree) {
			continue
		}
		l.cases[i] = l.language.cases(rules[i].Tree)
		l.certain(rules[i].Tree)
		l.undivided(rules[i].Tree)
		l.farBack(rules[i].Tree)
		l.slow(&rules[i])
		l.aside(rules[i].Tree)
		l.short(rules[i].Tree)
		l.absent(rules[i].Tree)
	}
	for i := range rules[:min(len(rules), maxCompared)] {
		l.rule = i
		l.redundant()
	}
	slices.SortStableFunc(l.warnings, func(a, b Warning) int { return cmp.Compare(a.Rule, b.Rule) })
	return l.warnings
}

func (l *linter) warn(at At, pos int, format string, args ...any) {
	l.warnings = append(l.warnings, Warning{l.rule, at, pos, fmt.Sprintf(format, args...)})
}

// quote gives an expression as it is written, shortened.
func (l *linter) quote(n *lang.Node) string {
	const most = 90
	text := []rune(l.key(n))
	if len(text) > most {
		text = append(text[:most-1], '…')
	}
	return "`" + string(text) + "`"
}

func (l *linter) expired(now time.Time) {
	if e := l.rules[l.rule].Expires; e != 0 && e <= now.UnixNano() {
		l.warn(AtExpires, 0, "the rule has expired: since %s it is not asked any more; remove it, or give it a later date",
			time.Unix(0, e).UTC().Format(time.DateOnly))
	}
}

// silent warns of a rule that nothing follows from.
func (l *linter) silent() {
	if l.rules[l.rule].Silent {
		l.warn(AtRule, 0, "the rule has no verdict, score, reason or alert: when it fires, it is counted and stands in the verdict record, and nothing follows; add what is to follow, or say `mode: shadow` if it is for watching")
	}
}

// retention is how far histories reach where no rule looks farther.
const retention = 30 * 24 * time.Hour

// farBack warns of windows that make all histories longer.
func (l *linter) farBack(tree *lang.Node) {
	var far *lang.Node
	lang.Walk(tree, func(n *lang.Node) bool {
		if n.Op == lang.WindowOf && n.Span.From > retention && (far == nil || n.Span.From > far.Span.From) {
			far = n
		}
		return true
	})
	if far == nil {
		return
	}
	l.warn(AtCondition, far.Pos, "%s looks back farther than the %s for which payments are kept: with this rule all of them are kept for %s (%.1f times the memory), "+
		"and until so much time has passed the window is not whole", l.quote(far), lang.FormatDuration(retention), lang.FormatDuration(far.Span.From),
		float64(far.Span.From)/float64(retention))
}

// slow warns of what has no fast form.
func (l *linter) slow(r *Rule) {
	if r.Slow == nil || r.Slow.Op == lang.Const {
		return
	}
	l.warn(AtCondition, r.Slow.Pos, "%s has no fast form: past payments are looked at one by one, for each payment again; "+
		"that may take %.2f million steps, about %.2f ms. \"What is too expensive\" in rules/README.md shows what is cheaper",
		l.quote(r.Slow), float64(r.Steps)/1e6, float64(r.Steps)/1e6)
}

// aside warns of a question about each past payment that does not look at it.
func (l *linter) aside(tree *lang.Node) {
	lang.Walk(tree, func(n *lang.Node) bool {
		if n.Op != lang.Call || len(n.Args) != 2 || !n.Args[0].Kind.IsList() || n.Args[1].Kind != lang.Bool {
			return true
		}
		question, looks, of := n.Args[1], false, ""
		lang.Walk(question, func(n *lang.Node) bool {
			looks = looks || n.Op == lang.Past || n.Op == lang.Item
			if n.Op == lang.Tx && of == "" {
				of = l.key(n)
			}
			return !looks
		})
		if !looks && of != "" {
			l.warn(AtCondition, question.Pos, "%s does not look at the past payments that it is asked of: the answer is the same for each; write `%s` for theirs, or ask it outside of the list",
				l.quote(question), strings.TrimPrefix(of, "tx"))
		}
		return true
	})
}

// redundant warns of a rule that changes nothing beside another one.
func (l *linter) redundant() {
	r := &l.rules[l.rule]
	if r.Allows || r.Verdict == 0 && !r.Scores {
		return
	}
	for i := range l.rules[:min(len(l.rules), maxCompared)] {
		other := &l.rules[i]
		if i == l.rule || !other.Live || other.Expires != 0 && (r.Expires == 0 || r.Expires > other.Expires) {
			continue
		}
		switch {
		case other.Allows && follows(l.cases[l.rule], other.Tree):
			l.warn(AtRule, 0, "the rule changes nothing: whenever it fires, the rule %s fires too, and what allows wins over everything", other.ID)
			return
		case other.Allows, r.Scores, r.Alert > other.Alert, other.Verdict < r.Verdict:
		case !follows(l.cases[l.rule], other.Tree):
		case i > l.rule && r.Live && other.Verdict == r.Verdict && other.Alert == r.Alert && !other.Scores && follows(l.cases[i], r.Tree):
			// The same twice: the second one is told.
		default:
			l.warn(AtRule, 0, "the rule is covered by %s: whenever it fires, that one fires too, with a verdict that is as severe", other.ID)
			return
		}
	}
}

// impossible warns of conditions, and parts of them, that can't come true; never:
// the whole can't.
func (l *linter) impossible(tree *lang.Node) (never bool) {
	parts := conjuncts(tree)
	told, before := 0, len(l.warnings)
	for _, p := range parts {
		told += l.parts(p)
	}
	states := []*facts{l.nothing()}
	again := parts // what a part says of two things may follow from later parts only
	if len(parts) == 1 {
		again = nil
	}
	for i, p := range slices.Concat(parts, again) {
		if states, _ = l.assume(states, p, true); len(states) > 0 {
			continue
		}
		if told == 0 {
			l.warn(AtCondition, p.Pos, "the rule can never fire: %s%s", l.quote(p), l.clash(parts[:min(i, len(parts))], p))
		} else {
			l.warnings[before].Message += "; the rule can never fire"
		}
		return true
	}
	return false
}

// clash names what a part of a condition contradicts.
func (l *linter) clash(before []*lang.Node, p *lang.Node) string {
	for _, b := range before {
		if states, _ := l.assume(l.language.cases(b), p, true); len(states) == 0 {
			return " contradicts " + l.quote(b)
		}
	}
	if p.Op == lang.Const || !l.canBe(p, true) {
		return " is never true"
	}
	return " contradicts the other parts together"
}

// conjuncts gives the parts that must all be true.
func conjuncts(n *lang.Node) []*lang.Node {
	if n.Op == lang.And {
		return append(conjuncts(n.Args[0]), conjuncts(n.Args[1])...)
	}
	return []*lang.Node{n}
}

// parts warns of comparisons that can't be true, or not false, whatever stands
// around them, and gives how many there are.
func (l *linter) parts(n *lang.Node) (told int) {
	lang.Walk(n, func(n *lang.Node) bool {
		switch {
		case !compares(n):
		case !l.canBe(n, true):
			l.warn(AtCondition, n.Pos, "%s is never true%s", l.quote(n), l.because(n))
			told++
		case !l.canBe(n, false):
			l.warn(AtCondition, n.Pos, "%s is always true, where nothing is missing%s", l.quote(n), l.because(n))
			told++
		}
		return true
	})
	return told
}

func compares(n *lang.Node) bool {
	switch n.Op {
	case lang.Eq, lang.Ne, lang.Lt, lang.Le, lang.Gt, lang.Ge, lang.In:
		return true
	}
	return false
}

// because says what the left side of a comparison can be.
func (l *linter) because(n *lang.Node) string {
	a := n.Args[0]
	if n.Args[1].Op != lang.Const && n.Args[1].Op != lang.Array {
		return ""
	}
	f := l.nothing()
	if a.Kind.IsNumber() && a.Op != lang.Const {
		return fmt.Sprintf(": `%s` is %s", l.key(a), f.value(a).words())
	}
	if d := f.value(a); d.some && a.Op != lang.Const {
		return fmt.Sprintf(": `%s` is one of %s", l.key(a), strings.Join(d.texts, ", "))
	}
	if a.Op == lang.Tx || a.Op == lang.Past || a.Op == lang.Member {
		if c := a.Column.Field; c >= 0 && a.Kind == lang.String {
			return fmt.Sprintf(": `%s` holds %s", l.key(a), typeWords(l.schema.Fields[c].Type))
		}
	}
	return ""
}

func typeWords(t event.Type) string {
	switch t {
	case event.TypeCountry:
		return "the two capital letters of a country, as DE"
	case event.TypeCurrency:
		return "the three capital letters of a currency, as EUR"
	case event.TypeIP:
		return "an address in its shortest form, as 192.0.2.1"
	}
	return "text"
}
