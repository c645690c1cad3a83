package history

import (
	"math"

	"sluice/scoring/event"
)

// answer gives the value of a query of the group over the window [low, high),
// which was taken in.
func (r *run) answer(a ask, low, high int) (v Value) {
	switch a.agg {
	case Count:
		v.Value = intValue(int64(r.matches))
	case Any:
		v.Value = event.Value{Kind: event.Bool}
		if r.matches > 0 {
			v.Bits = 1
		}
	case First, Last:
		v = r.find(a, low, high)
	case Sum:
		v = r.sum(a)
	case Mean:
		v = r.mean(a)
	default:
		v = r.middle(a)
	}
	found := a.agg == Any && r.matches > 0 || a.agg == Last && v.Why == Present
	if r.cut && !found {
		v.Approx = true
		v.Error = 1 // what lies beyond is not known
	}
	return v
}

func missing(why Why) Value { return Value{Why: why} }

// float makes a Float, which must be finite.
func float(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return missing(OutOfRange)
	}
	return Value{Value: floatValue(f)}
}

// asked gives the column as the query wrote it: the group knows only its word.
func (r *run) asked(a ask) event.Column { return r.s.plan.Queries[a.query].Column }

// money reports whether a column is an amount, to be divided by unit.
func (r *run) money(a ask) (unit float64, ok bool) {
	c := r.asked(a)
	if c.Form != event.Plain || c.Field < 0 || r.s.schema.Fields[c.Field].Type != event.TypeMoney {
		return 1, false
	}
	return r.s.unit(c.Field, r.total.currency), true
}

func (r *run) sum(a ask) Value {
	if r.total.mixed {
		return missing(MixedCurrencies)
	}
	if r.g.floats {
		return float(r.ordered)
	}
	sum, ok := r.total.sum()
	if !ok || sum == math.MinInt64 {
		return missing(OutOfRange)
	}
	if unit, ok := r.money(a); ok {
		return float(float64(sum) / unit)
	}
	return Value{Value: intValue(sum)}
}

func (r *run) mean(a ask) Value {
	if r.total.n == 0 {
		return missing(NoEvents)
	}
	n := float64(r.total.n)
	if r.g.floats {
		return float(r.ordered / n)
	}
	if r.total.mixed {
		return missing(MixedCurrencies)
	}
	sum, ok := r.total.sum()
	if !ok || sum == math.MinInt64 {
		return missing(OutOfRange)
	}
	unit, _ := r.money(a)
	return float(float64(sum) / (n * unit))
}

// middle answers Min, Max, Median and Distinct.
func (r *run) middle(a ask) Value {
	if r.total.mixed {
		return missing(MixedCurrencies)
	}
	if a.agg == Distinct {
		return r.distinct()
	}
	if r.total.n == 0 {
		return missing(NoEvents)
	}
	switch a.agg {
	case Min:
		return r.scalar(a, keyWord(r.total.min, r.g.floats))
	case Max:
		return r.scalar(a, keyWord(r.total.max, r.g.floats))
	}
	return r.median(a)
}

// scalar makes a word of the column a scalar of its kind.
func (r *run) scalar(a ask, w uint64) Value {
	if unit, ok := r.money(a); ok {
		return float(float64(int64(w)) / unit)
	}
	return Value{Value: event.Value{Kind: r.s.schema.Kind(r.asked(a)), Bits: w}}
}

func (r *run) distinct() Value {
	if r.spilled {
		n := int64(math.Round(r.values.estimate()))
		return Value{Value: intValue(min(n, int64(r.total.n))), Approx: true, Error: hllError}
	}
	return Value{Value: intValue(int64(len(r.set.list)))}
}

func (r *run) median(a ask) Value {
	unit, money := r.money(a)
	if r.approx {
		v := float(r.tally.median(r.total.n) / unit)
		v.Approx, v.Error = true, medianError
		return v
	}
	n := len(r.keys)
	high := nth(r.keys, n/2)
	if n%2 == 1 {
		return float(asFloat(keyWord(high, r.g.floats), r.g.floats) / unit)
	}
	low := largest(r.keys[:n/2])
	if money {
		if sum := uint64(low) + uint64(high); low >= 0 {
			return float(float64(sum) / (2 * unit))
		}
	}
	x, y := asFloat(keyWord(low, r.g.floats), r.g.floats), asFloat(keyWord(high, r.g.floats), r.g.floats)
	return float((x + y) / 2)
}

// nth gives the element of rank n and leaves the smaller ones before it.
func nth(x []int64, n int) int64 {
	low, high := 0, len(x)-1
	for low < high {
		pivot := x[low+(high-low)/2]
		i, j := low, high
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for x[j] > pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case n <= j:
			high = j
		case n >= i:
			low = i
		default:
			return x[n]
		}
	}
	return x[n]
}

func largest(x []int64) int64 {
	out := x[0]
	for _, v := range x {
		out = max(out, v)
	}
	return out
}
