package naive

import (
	"fmt"
	"math"
	"math/big"
	"sort"

	"sluice/rules/lang"
	"sluice/scoring/event"
)

// overList walks a function of a list.
func (w *walker) overList(n *lang.Node) scalar {
	l := w.list(n.Args[0])
	if l == nil {
		return missing()
	}
	switch n.Name {
	case "first", "last", "find":
		if it := w.element(n); it != nil {
			return it.scalar
		}
		return missing()
	case "len":
		return small(len(l.items))
	case "streak":
		return small(w.streak(l.items, n.Args[1:]))
	}
	var matching []item
	if len(n.Args) == 2 && n.Args[1].Kind == lang.Bool {
		matching = w.matching(l.items, n.Args[1])
	}
	switch n.Name {
	case "count":
		if len(n.Args) == 1 {
			matching = l.items
		}
		return small(len(matching))
	case "any":
		return boolean(len(matching) > 0)
	case "none":
		return boolean(len(matching) == 0)
	case "all":
		return boolean(len(matching) == len(l.items))
	}
	kind := n.Args[0].Kind.Elem()
	if len(n.Args) == 2 {
		kind = n.Args[1].Kind
		l = w.project(l, n.Args[1])
	}
	return w.aggregate(n.Name, kind, l)
}

// streak counts from the end of the list.
func (w *walker) streak(items []item, predicate []*lang.Node) int {
	for i := range items {
		it := items[len(items)-1-i]
		v := it.scalar
		if len(predicate) == 1 {
			v = w.of(it, predicate[0])
		}
		if !v.yes {
			return i
		}
	}
	return len(items)
}

// aggregate gives an aggregate over the values that are there.
func (w *walker) aggregate(name string, kind lang.Kind, l *list) scalar {
	m := measure{whole: kind == lang.Int, scale: 1}
	currencies := make(map[uint64]bool)
	for _, it := range l.items {
		if it.scalar.missing() {
			continue
		}
		m.values = append(m.values, it.scalar)
		if !w.isMoney(l.column) {
			continue
		}
		m.money = true
		currencies[it.event.currency] = true
		minor := it.event.columns[event.Column{Field: l.column.Field, Form: event.Minor}]
		m.minors = append(m.minors, big.NewInt(int64(minor.Bits)))
		if !m.whole {
			m.scale = math.Pow10(w.scale(l.column.Field, it.event.currency))
		}
	}
	if m.money && w.mixes(l.column.Field) && len(currencies) > 1 {
		return missing()
	}
	return m.aggregate(name)
}

func (w *walker) isMoney(c *event.Column) bool {
	return c != nil && c.Field >= 0 && w.in.Schema.Fields[c.Field].Type == event.TypeMoney
}

func (w *walker) mixes(field int) bool {
	return w.in.Schema.BaseCurrency == "" && w.in.Schema.Fields[field].CurrencyFrom >= 0
}

func (w *walker) scale(field int, currency uint64) int {
	if w.mixes(field) {
		return event.CurrencyScale(currency)
	}
	return w.in.Schema.Fields[field].Scale
}

// measure is what an aggregate is computed of.
type measure struct {
	values []scalar   // those that are there
	money  bool       // they are amounts
	minors []*big.Int // of amounts, their minor units
	whole  bool       // they are integers
	scale  float64    // minor units in one unit
}

func (m *measure) aggregate(name string) scalar {
	n := len(m.values)
	switch name {
	case "distinct":
		return small(len(m.groups()))
	case "sum":
		return m.sum()
	}
	if n == 0 {
		return missing()
	}
	switch name {
	case "mean":
		return m.mean()
	case "min", "max":
		return picked(name, m.values)
	case "median":
		return m.median()
	case "most_common":
		return m.mostCommon()
	case "stddev":
		return m.deviation()
	}
	panic(fmt.Sprintf("naive: no aggregate: %s", name))
}

// exact gives the integers behind the values, nil if they are floats.
func (m *measure) exact() []*big.Int {
	if m.money {
		return m.minors
	}
	if !m.whole {
		return nil
	}
	integers := []*big.Int{}
	for _, v := range m.values {
		integers = append(integers, v.n)
	}
	return integers
}

// total gives the integer sum, missing if it is no value of an integer field.
func (m *measure) total() scalar {
	total := new(big.Int)
	for _, n := range m.exact() {
		total.Add(total, n)
	}
	if total.Cmp(big.NewInt(math.MinInt64)) == 0 {
		return missing()
	}
	return integer(total)
}

func (m *measure) sum() scalar {
	switch {
	case m.whole:
		return m.total()
	case m.money:
		total := m.total()
		if total.missing() {
			return total
		}
		return finite(total.float() / m.scale)
	}
	return finite(m.added())
}

func (m *measure) added() float64 {
	total := 0.0
	for _, v := range m.values {
		total += v.float()
	}
	return total
}

func (m *measure) mean() scalar {
	n := float64(len(m.values))
	if m.exact() == nil {
		return finite(m.added() / n)
	}
	total := m.total()
	if total.missing() {
		return total
	}
	return finite(total.float() / (n * m.scale))
}

func (m *measure) median() scalar {
	middle := len(m.values) / 2
	odd := len(m.values)%2 == 1
	if exact := m.minors; m.money && !m.whole {
		sort.Slice(exact, func(i, j int) bool { return exact[i].Cmp(exact[j]) < 0 })
		if odd {
			return finite(scalar{n: exact[middle]}.float() / m.scale)
		}
		both := new(big.Int).Add(exact[middle-1], exact[middle])
		return finite(scalar{n: both}.float() / (2 * m.scale))
	}
	var floats []float64
	for _, v := range m.values {
		floats = append(floats, v.float())
	}
	sort.Float64s(floats)
	if odd {
		return finite(floats[middle])
	}
	return finite((floats[middle-1] + floats[middle]) / 2)
}

// group is a value and how often it occurs.
type group struct{ at, count, newest int }

// groups brings equal values together: amounts are equal if their minor units are.
func (m *measure) groups() []group {
	same := func(i, j int) bool {
		if m.money {
			return m.minors[i].Cmp(m.minors[j]) == 0
		}
		return compare(m.values[i], m.values[j]) == 0
	}
	var groups []group
next:
	for i := range m.values {
		for k := range groups {
			if same(groups[k].at, i) {
				groups[k].count++
				groups[k].newest = i
				continue next
			}
		}
		groups = append(groups, group{at: i, count: 1, newest: i})
	}
	return groups
}

func (m *measure) mostCommon() scalar {
	var best group
	for _, g := range m.groups() {
		if g.count > best.count || g.count == best.count && g.newest > best.newest {
			best = g
		}
	}
	return m.values[best.newest]
}

func (m *measure) deviation() scalar {
	n := float64(len(m.values))
	if n < 2 {
		return missing()
	}
	mean := m.added() / n
	squares := 0.0
	for _, v := range m.values {
		d := v.float() - mean
		squares += d * d
	}
	return finite(math.Sqrt(squares / (n - 1)))
}
