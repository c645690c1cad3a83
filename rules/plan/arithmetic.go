package plan

import (
	"math"
	"math/bits"

	"sluice/rules/lang"
)

// calculate gives `a op b`. What overflows, divides by zero or is not finite
// is missing.
func calculate(op lang.Op, kind lang.Kind, a, b *term) word {
	switch {
	case op == lang.Sub && a.kind == lang.Time:
		return seconds(a.word, b.word)
	case op == lang.Mod:
		return integers(a.word, b.word, remainder)
	case op == lang.Div:
		return floats(a.float(), b.float(), quotient)
	case kind == lang.Int && op == lang.Add:
		return integers(a.word, b.word, sum)
	case kind == lang.Int && op == lang.Sub:
		return integers(a.word, b.word, difference)
	case kind == lang.Int:
		return integers(a.word, b.word, product)
	case op == lang.Add:
		return floats(a.float(), b.float(), func(x, y float64) float64 { return x + y })
	case op == lang.Sub:
		return floats(a.float(), b.float(), func(x, y float64) float64 { return x - y })
	}
	return floats(a.float(), b.float(), func(x, y float64) float64 { return x * y })
}

func integers(a, b word, op func(x, y int64) (int64, bool)) word {
	return func(e env) (uint64, bool) {
		x, ok := a(e)
		if !ok {
			return 0, false
		}
		y, ok := b(e)
		if !ok {
			return 0, false
		}
		z, ok := op(int64(x), int64(y))
		return uint64(z), ok
	}
}

func floats(a, b word, op func(x, y float64) float64) word {
	return func(e env) (uint64, bool) {
		x, ok := a(e)
		if !ok {
			return 0, false
		}
		y, ok := b(e)
		if !ok {
			return 0, false
		}
		return number(op(math.Float64frombits(x), math.Float64frombits(y)))
	}
}

func seconds(a, b word) word {
	return func(e env) (uint64, bool) {
		x, ok := a(e)
		if !ok {
			return 0, false
		}
		y, ok := b(e)
		if !ok {
			return 0, false
		}
		z, ok := difference(int64(x), int64(y))
		return math.Float64bits(float64(z) / 1e9), ok
	}
}

func negate(a *term) word {
	inner := a.word
	if a.kind == lang.Int {
		return integers(always(0), inner, difference)
	}
	return func(e env) (uint64, bool) {
		x, ok := inner(e)
		return math.Float64bits(-math.Float64frombits(x)), ok
	}
}

func sum(x, y int64) (int64, bool) {
	z := x + y
	return z, (z > x) == (y > 0)
}

func difference(x, y int64) (int64, bool) {
	z := x - y
	return z, (z < x) == (y > 0)
}

func product(x, y int64) (int64, bool) {
	hi, lo := bits.Mul64(magnitude(x), magnitude(y))
	negative := (x < 0) != (y < 0)
	switch {
	case hi != 0:
		return 0, false
	case negative:
		return -int64(lo), lo <= 1<<63
	}
	return int64(lo), lo < 1<<63
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

func remainder(x, y int64) (int64, bool) {
	if y == 0 {
		return 0, false
	}
	return x % y, true
}

// quotient of a division by zero is NaN or infinite, and so missing.
func quotient(x, y float64) float64 { return x / y }
