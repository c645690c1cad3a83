package interp

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"sluice/rules/lang"
	"sluice/scoring/event"
)

// aggregate computes an aggregate of the elements of a list.
type aggregate struct {
	schema *event.Schema
	list   list
	whole  bool // of integers
	// money is set for a money field's column, in either form: sums go through
	// minor, the cell of the minor units.
	money bool
	minor int
	field int
}

// aggregate prepares an aggregate n over l, or over a projection of it.
func (e *emitter) aggregate(n *lang.Node, l list) *aggregate {
	kind := n.Args[0].Kind.Elem()
	if len(n.Args) == 2 {
		kind = n.Args[1].Kind
		l = e.project(l, n.Args[1])
	}
	a := &aggregate{schema: e.schema, list: l, whole: kind == lang.Int}
	if l.cell == nil {
		return a
	}
	if c := e.layout.columns[*l.cell]; e.layout.money(c) {
		a.money, a.field = true, c.Field
		a.minor = slot(e.layout.columns, event.Column{Field: c.Field, Form: event.Minor})
	}
	return a
}

// function gives the aggregate of that name, nil if there is none.
func (a *aggregate) function(name string) func(items []any) any {
	switch name {
	case "sum":
		return a.sum
	case "mean":
		return a.mean
	case "min":
		return a.extreme(less)
	case "max":
		return a.extreme(greater)
	case "median":
		return a.median
	case "distinct":
		return a.distinct
	case "stddev":
		return a.deviation
	case "most_common":
		return a.mostCommon
	}
	return nil
}

// over gives f of the items that have a value. Amounts in several currencies
// have no aggregate.
func (a *aggregate) over(f func(items []any) any) func(v any) any {
	return func(v any) any {
		items, _ := v.([]any)
		items = a.having(items)
		if a.mixed(items) {
			return nil
		}
		return f(items)
	}
}

func (a *aggregate) severalCurrencies(v any) bool {
	items, _ := v.([]any)
	return a.mixed(a.having(items))
}

func (a *aggregate) count(v any) any {
	items, _ := v.([]any)
	return len(a.having(items))
}

// having gives the items that have a value, copying only if some have none.
func (a *aggregate) having(items []any) []any {
	for i, item := range items {
		if a.list.read(item) != nil {
			continue
		}
		kept := slices.Clone(items[:i])
		for _, item := range items[i+1:] {
			if a.list.read(item) != nil {
				kept = append(kept, item)
			}
		}
		return kept
	}
	return items
}

// mixed reports whether the amounts are in more than one currency.
func (a *aggregate) mixed(items []any) bool {
	if !a.money || !mixable(a.schema, a.field) {
		return false
	}
	for _, item := range items {
		if item.(*row).currency != items[0].(*row).currency {
			return true
		}
	}
	return false
}

// scale gives 10^scale of the amounts, and 1 where the values are integers.
func (a *aggregate) scale(items []any) float64 {
	if !a.money || a.whole || len(items) == 0 {
		return 1
	}
	return power(scaleOf(a.schema, a.field, items[0].(*row).currency))
}

// exact reports whether the aggregate goes through integers.
func (a *aggregate) exact() bool { return a.money || a.whole }

// integer gives the integer of an item, where exact.
func (a *aggregate) integer(item any) int {
	if a.money {
		i, _ := item.(*row).cells[a.minor].(int)
		return i
	}
	return a.list.read(item).(int)
}

func (a *aggregate) float(item any) float64 {
	f, _ := number(a.list.read(item))
	return f
}

func (a *aggregate) sum(items []any) any {
	if !a.exact() {
		return finite(a.addFloats(items))
	}
	total, ok := a.addIntegers(items)
	switch {
	case !ok:
		return nil
	case a.whole:
		return total
	}
	return finite(float64(total) / a.scale(items))
}

func (a *aggregate) mean(items []any) any {
	if len(items) == 0 {
		return nil
	}
	n := float64(len(items))
	if !a.exact() {
		return finite(a.addFloats(items) / n)
	}
	total, ok := a.addIntegers(items)
	if !ok {
		return nil
	}
	return finite(float64(total) / (n * a.scale(items)))
}

func (a *aggregate) addFloats(items []any) float64 {
	total := 0.0
	for _, item := range items {
		total += a.float(item)
	}
	return total
}

// addIntegers adds in 128 bits: only the sum itself must fit. The smallest int64
// is no value of a field, and no sum either.
func (a *aggregate) addIntegers(items []any) (total int, ok bool) {
	var hi, lo, carry uint64
	for _, item := range items {
		x := a.integer(item)
		lo, carry = bits.Add64(lo, uint64(x), 0)
		hi, _ = bits.Add64(hi, uint64(x>>63), carry)
	}
	return int(lo), hi == uint64(int(lo)>>63) && int(lo) != math.MinInt64
}

func (a *aggregate) extreme(outcome int) func(items []any) any {
	better := comparison(outcome)
	return func(items []any) any {
		var best any
		for _, item := range items {
			if v := a.list.read(item); best == nil || better(v, best) {
				best = v
			}
		}
		return best
	}
}

// median gives the middle one, or the mean of the middle two: of amounts one
// division of exact minor units, of other values a mean of Floats.
func (a *aggregate) median(items []any) any {
	n := len(items)
	if n == 0 {
		return nil
	}
	if a.money && !a.whole {
		sorted := sorted(items, a.integer)
		if n%2 == 1 {
			return finite(float64(sorted[n/2]) / a.scale(items))
		}
		both := uint64(sorted[n/2-1]) + uint64(sorted[n/2]) // never negative
		return finite(float64(both) / (2 * a.scale(items)))
	}
	sorted := sorted(items, a.float)
	if n%2 == 1 {
		return finite(sorted[n/2])
	}
	return finite((sorted[n/2-1] + sorted[n/2]) / 2)
}

func sorted[T cmp.Ordered](items []any, key func(item any) T) []T {
	keys := make([]T, len(items))
	for i, item := range items {
		keys[i] = key(item)
	}
	slices.Sort(keys)
	return keys
}

func (a *aggregate) distinct(items []any) any {
	seen := make(map[any]struct{}, len(items))
	for _, item := range items {
		seen[a.key(item)] = struct{}{}
	}
	return len(seen)
}

// key tells values apart: amounts by their minor units.
func (a *aggregate) key(item any) any {
	if a.money {
		return a.integer(item)
	}
	return a.list.read(item)
}

// mostCommon gives the value that occurs most often; of several the one that
// occurred last.
func (a *aggregate) mostCommon(items []any) any {
	counts := make(map[any]int, len(items))
	for _, item := range items {
		counts[a.key(item)]++
	}
	most, found := 0, any(nil)
	for _, item := range slices.Backward(items) {
		if n := counts[a.key(item)]; n > most {
			most, found = n, a.list.read(item)
		}
	}
	return found
}

// deviation is the sample's standard deviation, in two passes.
func (a *aggregate) deviation(items []any) any {
	n := float64(len(items))
	if n < 2 {
		return nil
	}
	mean := a.addFloats(items) / n
	squares := 0.0
	for _, item := range items {
		d := a.float(item) - mean
		squares += float64(d * d)
	}
	return finite(math.Sqrt(squares / (n - 1)))
}
