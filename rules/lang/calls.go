package lang

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// called resolves f(…) and a.f(…).
func (c *checker) called(n *ast.CallNode, pos int) *Node {
	switch callee := bare(n.Callee).(type) {
	case *ast.IdentifierNode:
		return c.function(c.source.name(n), pos, n.Arguments)
	case *ast.MemberNode:
		return c.method(callee, n.Arguments)
	}
	return c.fault(pos, "this can't be called")
}

// call is a function call that is being checked.
type call struct {
	name string
	pos  int
	args []ast.Node
}

// function resolves f(…).
func (c *checker) function(name string, pos int, args []ast.Node) *Node {
	f := &call{name, pos, args}
	least, most := arity(name)
	switch {
	case most == 0:
		return c.unknownFunction(f)
	case len(args) < least || len(args) > most:
		return c.wrongArity(f)
	}
	switch name {
	case "count", "any", "none", "all", "filter", "find", "map":
		return c.overPredicate(f)
	case "first", "last", "reverse":
		return c.overList(f)
	case "sum", "mean", "median", "stddev", "distinct", "most_common", "streak":
		return c.aggregate(f, c.resolve(args[0]))
	case "min", "max":
		return c.extreme(f)
	case "len":
		return c.length(f)
	}
	return c.ofScalars(f)
}

// many bounds the arguments of min and max.
const many = 64

// arity gives how many arguments a function takes, 0 at most for unknown ones.
func arity(name string) (least, most int) {
	switch name {
	case "any", "none", "all", "filter", "find", "map":
		return 2, 2
	case "count", "sum", "mean", "median", "stddev", "distinct", "most_common", "streak":
		return 1, 2
	case "first", "last", "reverse", "len",
		"abs", "ceil", "floor", "round", "int", "float", "lower", "upper", "trim":
		return 1, 1
	case "min", "max":
		return 1, many
	case "distance_km":
		return 4, 4
	}
	return 0, 0
}

// functions lists what conditions may call.
func functions() []string {
	return []string{
		"count", "any", "none", "all", "filter", "map", "find", "first", "last", "reverse", "len",
		"sum", "mean", "min", "max", "median", "stddev", "distinct", "most_common", "streak",
		"abs", "ceil", "floor", "round", "int", "float", "lower", "upper", "trim", "distance_km",
	}
}

// isFunction reports whether conditions may call name.
func isFunction(name string) bool {
	_, most := arity(name)
	return most > 0
}

// usage shows how a function is written, with names of the schema.
func (c *checker) usage(name string) string {
	list, number, text := c.window(), c.anyNumber(), c.anyText()
	switch name {
	case "count", "any", "none", "all", "filter", "find", "streak":
		return name + "(" + list + ", ." + number + " < 5)"
	case "map", "distinct", "most_common":
		return name + "(" + list + ", ." + text + ")"
	case "first", "last", "reverse", "len":
		return name + "(" + list + ")"
	case "sum", "mean", "min", "max", "median", "stddev":
		return name + "(" + list + ", ." + number + ")"
	case "lower", "upper", "trim":
		return name + "(tx." + text + ")"
	case "distance_km":
		return "distance_km(lat, lon, lat, lon)"
	}
	return name + "(tx." + number + ")"
}

func (c *checker) wrongArity(f *call) *Node {
	for _, arg := range f.args[:min(len(f.args), 1)] {
		if r := c.resolve(predicateBody(arg)); r.Kind == Invalid {
			return r
		}
	}
	switch n := len(f.args); {
	case f.name == "last" && n == 2:
		return c.fault(f.pos, "`last` takes only a list: write `last(filter(list, condition))` for the newest that fits")
	case f.name == "first" && n == 2:
		return c.fault(f.pos, "`first` takes only a list: write `find(list, condition)` for the oldest that fits")
	case f.name == "len" && n == 2:
		return c.fault(f.pos, "`len` takes only a list: write `count(list, condition)`")
	case f.name == "round" && n == 2:
		return c.fault(f.pos, "`round` rounds to whole numbers: write `round(x * 100) / 100` for two digits")
	}
	return c.fault(f.pos, "`%s` is written `%s`: %s", f.name, c.usage(f.name), argumentsGiven(len(f.args)))
}

func argumentsGiven(n int) string {
	switch n {
	case 0:
		return "it has nothing in its brackets"
	case 1:
		return "it has one argument here"
	}
	return fmt.Sprintf("it has %d arguments here", n)
}

// unknownFunction reports a function that there is not, with what to use instead.
func (c *checker) unknownFunction(f *call) *Node {
	if instead := instead(f.name); instead != "" {
		return c.fault(f.pos, "there is no function %q%s", f.name, instead)
	}
	if near := nearest(f.name, functions()); near != "" {
		return c.fault(f.pos, "unknown function %q, did you mean %q?", f.name, near)
	}
	if c.entity(f.name) >= 0 {
		return c.fault(f.pos, "%q is an entity, not a function: %s", f.name, c.entityUse(f.name))
	}
	return c.fault(f.pos, "unknown function %q; the functions are %s", f.name, strings.Join(functions(), ", "))
}

// instead names the remedy for functions of expr, of SQL and of spreadsheets
// that conditions have not.
func instead(name string) string {
	switch name {
	case "uniq", "unique", "distinctCount", "count_distinct", "countDistinct", "nunique":
		return ": `distinct(list, .field)` counts different values"
	case "findLast":
		return ": write `last(filter(list, condition))`"
	case "one":
		return ": write `count(list, condition) == 1`"
	case "avg", "average", "AVG", "AVERAGE":
		return ", did you mean \"mean\"?"
	case "std", "stdev", "std_dev", "STDEV":
		return ", did you mean \"stddev\"?"
	case "mode":
		return ", did you mean \"most_common\"?"
	case "size", "length", "COUNT":
		return ", did you mean \"count\"?"
	case "exists", "some":
		return ", did you mean \"any\"?"
	case "every":
		return ", did you mean \"all\"?"
	case "toLower", "lowercase":
		return ", did you mean \"lower\"?"
	case "toUpper", "uppercase":
		return ", did you mean \"upper\"?"
	case "haversine", "distance", "geo_distance":
		return ", did you mean \"distance_km\"?"
	case "now", "date", "today":
		return ": a condition looks at no clock; the current transaction's time is `tx.time`, its hour `tx.hour`"
	case "duration":
		return ": differences of times are seconds, as in `tx.time - last(list).time < 600`"
	case "hour":
		return ": write `tx.hour`"
	case "weekday":
		return ": write `tx.weekday`, 1 is Monday"
	case "isnull", "is_null", "isNull", "exist":
		return ": write `x == nil`"
	case "coalesce", "ifnull", "nvl", "COALESCE":
		return ": write `a ?? b`"
	case "hasPrefix":
		return ": write `a startsWith b`"
	case "hasSuffix":
		return ": write `a endsWith b`"
	case "indexOf", "lastIndexOf":
		return ": write `a contains b`"
	case "sort", "sortBy":
		return ": lists are in the order of their times; `max`, `min` and `median` pick from any"
	case "take":
		return ": choose the window, with `newest(5)` in place of `last`"
	case "findIndex", "findLastIndex", "get", "reduce", "groupBy", "concat", "flatten", "keys", "values",
		"split", "splitAfter", "replace", "repeat", "join", "trimPrefix", "trimSuffix", "string", "type",
		"toJSON", "fromJSON", "toBase64", "fromBase64", "toPairs", "fromPairs", "timezone",
		"bitand", "bitor", "bitxor", "bitnand", "bitnot", "bitshl", "bitshr", "bitushr":
		return " in conditions"
	}
	return ""
}
