package lint

import (
	"maps"
	"math"
	"strings"

	"sluice/rules/lang"
	"sluice/scoring/event"
)

// facts is what is known where a condition, or a part of it, has a certain
// outcome. What is known holds; what is not known may be.
type facts struct {
	*language
	values  map[string]domain // by text
	nodes   map[string]*lang.Node
	present map[string]bool // true: not missing; false: missing
}

// language is what the words of conditions mean.
type language struct {
	schema *event.Schema
	texts  map[*lang.Node]string
	less   map[[2]string]bool // of atMost

	work, spent int // of assume: for the rule at hand, and for those before
}

func newLanguage(schema *event.Schema) *language {
	return &language{schema: schema, texts: map[*lang.Node]string{}, less: map[[2]string]bool{}}
}

// key names an expression: equal ones have the same.
func (l *language) key(n *lang.Node) string {
	text, ok := l.texts[n]
	if !ok {
		text = lang.Text(n, l.schema)
		l.texts[n] = text
	}
	return text
}

func (l *language) nothing() *facts {
	return &facts{language: l, values: map[string]domain{}, nodes: map[string]*lang.Node{}, present: map[string]bool{}}
}

func (f *facts) clone() *facts {
	return &facts{f.language, maps.Clone(f.values), maps.Clone(f.nodes), maps.Clone(f.present)}
}

// value gives the values that an expression may have.
func (f *facts) value(n *lang.Node) domain {
	d := f.shape(n)
	if known, ok := f.values[f.key(n)]; ok {
		d = d.and(known)
	}
	if isCount(n) {
		for key, other := range f.nodes {
			if !isCount(other) || other == n {
				continue
			}
			known := f.shape(other).and(f.values[key])
			if f.atMost(n, other) {
				d = d.and(from(math.Inf(-1), known.hi, true))
			}
			if f.atMost(other, n) {
				d = d.and(from(known.lo, math.Inf(1), true))
			}
		}
	}
	return d
}

// shape gives the values that an expression may have by what it is made of.
func (f *facts) shape(n *lang.Node) domain {
	switch n.Op {
	case lang.Const:
		if c, ok := constant(n); ok {
			return from(c, c, n.Kind == lang.Int)
		}
		if n.Kind == lang.String {
			return domain{lo: math.Inf(-1), hi: math.Inf(1), texts: []string{n.Value.Text}, some: true}
		}
	case lang.Tx, lang.Past, lang.Member:
		return f.column(n.Column)
	case lang.Call:
		return f.call(n)
	case lang.Coalesce:
		return f.value(n.Args[0]).or(f.value(n.Args[1]))
	case lang.Cond:
		return f.value(n.Args[1]).or(f.value(n.Args[2]))
	case lang.Add, lang.Sub, lang.Mul, lang.Neg:
		return f.arithmetic(n)
	}
	if n.Kind == lang.Bool {
		return from(0, 1, true)
	}
	return domain{lo: math.Inf(-1), hi: math.Inf(1), whole: n.Kind == lang.Int}
}

func (f *facts) column(c event.Column) domain {
	inf := math.Inf(1)
	switch c.Form {
	case event.Hour:
		return from(0, 23, true)
	case event.Weekday:
		return from(1, 7, true)
	case event.Minor:
		return from(0, inf, true)
	case event.SecondsAgo:
		return from(0, inf, false)
	case event.Fraud:
		return from(0, 1, true)
	case event.Verdict:
		return domain{lo: -inf, hi: inf, texts: []string{"allow", "review", "deny"}, some: true}
	}
	switch f.schema.Fields[c.Field].Type {
	case event.TypeMoney:
		return from(0, inf, false)
	case event.TypeBool:
		return from(0, 1, true)
	case event.TypeInteger:
		return from(-inf, inf, true)
	}
	return anything()
}

// call gives the values of a function.
func (f *facts) call(n *lang.Node) domain {
	inf := math.Inf(1)
	switch n.Name {
	case "count", "distinct", "streak", "len":
		most := inf
		if n.Args[0].Kind.IsList() {
			if w := window(n.Args[0]); w != nil && w.Span.Newest > 0 {
				most = float64(w.Span.Newest)
			}
		}
		return from(0, most, true)
	case "any", "all", "none":
		return from(0, 1, true)
	case "stddev", "abs":
		return from(0, inf, false)
	case "distance_km":
		return from(0, halfway, false)
	case "mean", "median", "min", "max", "sum":
		if len(n.Args) == 2 && n.Args[0].Kind.IsList() && f.value(n.Args[1]).lo >= 0 {
			return from(0, inf, n.Kind == lang.Int)
		}
	}
	return domain{lo: -inf, hi: inf, whole: n.Kind == lang.Int}
}

// halfway is as far as two places on the earth can lie apart, in kilometres.
const halfway = 20_100

func (f *facts) arithmetic(n *lang.Node) domain {
	a := f.value(n.Args[0])
	out := domain{lo: math.Inf(-1), hi: math.Inf(1), whole: n.Kind == lang.Int}
	if n.Op == lang.Neg {
		return domain{lo: -a.hi, hi: -a.lo, loOpen: a.hiOpen, hiOpen: a.loOpen, whole: out.whole}
	}
	b := f.value(n.Args[1])
	switch {
	case n.Kind == lang.Seconds:
	case n.Op == lang.Add:
		out.lo, out.hi = a.lo+b.lo, a.hi+b.hi
	case n.Op == lang.Sub:
		out.lo, out.hi = a.lo-b.hi, a.hi-b.lo
	case a.lo >= 0 && b.lo >= 0:
		out.lo = a.lo * b.lo
	}
	if math.IsNaN(out.lo) {
		out.lo = math.Inf(-1)
	}
	if math.IsNaN(out.hi) {
		out.hi = math.Inf(1)
	}
	return out
}

// limit notes that an expression has a value within d; false: that can't be.
func (f *facts) limit(n *lang.Node, d domain) bool {
	if !f.sees(n) {
		return false
	}
	key := f.key(n)
	known, ok := f.values[key]
	if !ok {
		known = anything()
	}
	f.values[key], f.nodes[key] = known.and(d), n
	return !f.value(n).empty()
}

// sees notes that an expression has a value at all, and what follows from that.
func (f *facts) sees(n *lang.Node) bool {
	key := f.key(n)
	if here, known := f.present[key]; known {
		return here
	}
	f.present[key] = true
	switch n.Op {
	case lang.Coalesce, lang.IsNil, lang.Cond, lang.And, lang.Or, lang.Const, lang.ListName, lang.Array:
		return true
	case lang.WindowOf:
		entity := f.schema.Fields[f.schema.Entities[n.Entity]].Name
		if here, known := f.present["tx."+entity]; known && !here {
			return false
		}
		f.present["tx."+entity] = true
		f.present[windows(entity)] = true
		return true
	case lang.Call:
		return f.seesCall(n)
	}
	for _, a := range n.Args {
		if !f.sees(a) {
			return false
		}
	}
	return true
}

// windows stands for all windows of an entity: one is missing where the others
// are. The field alone says too little, since an empty text is no entity.
func windows(entity string) string { return entity + "." }

// seesCall: what an aggregate has, its list had.
func (f *facts) seesCall(n *lang.Node) bool {
	if len(n.Args) == 0 || !n.Args[0].Kind.IsList() {
		for _, a := range n.Args {
			if n.Name != "min" && n.Name != "max" && !f.sees(a) {
				return false
			}
		}
		return true
	}
	if !f.sees(n.Args[0]) {
		return false
	}
	if missesNothing(n.Name) || n.Kind.IsList() {
		return true
	}
	counted := &lang.Node{Op: lang.Call, Kind: lang.Int, Pos: n.Pos, Name: "count", Args: n.Args[:1]}
	if n.Name == "find" {
		counted.Args = n.Args
	}
	return f.limit(counted, from(1, math.Inf(1), true))
}

// missesNothing reports whether a function of a list has a value of an empty one.
func missesNothing(name string) bool {
	return strings.Contains(" count any none all sum distinct streak ", " "+name+" ")
}

// sure reports that an expression can't be missing.
func (f *facts) sure(n *lang.Node) bool {
	if f.present[f.key(n)] {
		return true
	}
	switch n.Op {
	case lang.Const, lang.Array, lang.ListName, lang.IsNil:
		return true
	case lang.Tx:
		return n.Column.Field < 0 || f.schema.Fields[n.Column.Field].Required
	case lang.WindowOf:
		return f.present[windows(f.schema.Fields[f.schema.Entities[n.Entity]].Name)]
	case lang.Past:
		return n.Column.Field < 0 && n.Column.Form != event.Verdict || n.Column.Field >= 0 && f.schema.Fields[n.Column.Field].Required
	case lang.Coalesce:
		return f.sure(n.Args[0]) || f.sure(n.Args[1])
	case lang.Not, lang.Neg, lang.Add, lang.Sub, lang.Mul, lang.Eq, lang.Ne, lang.Lt, lang.Le, lang.Gt, lang.Ge, lang.In,
		lang.Contains, lang.StartsWith, lang.EndsWith:
		for _, a := range n.Args {
			if !f.sure(a) {
				return false
			}
		}
		return true
	case lang.Call:
		return len(n.Args) > 0 && n.Args[0].Kind.IsList() && n.Name != "sum" && (missesNothing(n.Name) || n.Kind.IsList()) && f.sure(n.Args[0])
	}
	return false
}
