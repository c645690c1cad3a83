package interp

import (
	"math"
	"math/bits"
	"strings"
	"unicode/utf8"

	"sluice/rules/lang"
)

// The functions of scalars. All take and give nil for a missing value. Their
// types are among those that the VM calls without reflection or allocation:
// func(any) any, func(any, any) any, func([]any) any and the same to bool.

// present reports whether a value is not missing.
func present(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case *row:
		return v != nil
	}
	return true
}

func isTrue(v any) bool  { b, ok := v.(bool); return ok && b }
func isFalse(v any) bool { b, ok := v.(bool); return ok && !b }

func toFloat(v any) any {
	if f, ok := number(v); ok {
		return f
	}
	return nil
}

// number gives an int or a float64 as float64.
func number(v any) (f float64, ok bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// finite gives f, or nil for a NaN or an infinity. A negative zero becomes 0.
func finite(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return f + 0
}

// order compares two present values of comparable kinds.
func order(a, b any) (c int, ok bool) {
	switch x := a.(type) {
	case int:
		if y, ok := b.(int); ok {
			return compareOrdered(x, y), true
		}
		if y, ok := b.(float64); ok {
			return compareOrdered(float64(x), y), true
		}
	case float64:
		if y, ok := number(b); ok {
			return compareOrdered(x, y), true
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), true
		}
	case bool:
		if y, ok := b.(bool); ok && x == y {
			return 0, true
		} else if ok {
			return 1, true
		}
	}
	return 0, false
}

func compareOrdered[T int | float64](x, y T) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// outcomes of a comparison that make it true, a bit each.
const (
	less = 1 << iota
	equal
	greater
)

// comparison gives a test that is true for some outcomes and false if a value
// is missing.
func comparison(outcomes int) func(a, b any) bool {
	return func(a, b any) bool {
		c, ok := order(a, b)
		return ok && outcomes>>(c+1)&1 == 1
	}
}

func outcomesOf(op lang.Op) int {
	switch op {
	case lang.Eq:
		return equal
	case lang.Ne:
		return less | greater
	case lang.Lt:
		return less
	case lang.Le:
		return less | equal
	case lang.Gt:
		return greater
	}
	return greater | equal
}

// textTest gives a test of two texts that is false if one is missing.
func textTest(test func(a, b string) bool, want bool) func(a, b any) bool {
	return func(a, b any) bool {
		x, ok := a.(string)
		if !ok {
			return false
		}
		y, ok := b.(string)
		return ok && test(x, y) == want
	}
}

// integers lifts an operation on integers; ok is false where it overflows.
func integers(op func(x, y int) (z int, ok bool)) func(a, b any) any {
	return func(a, b any) any {
		x, ok := a.(int)
		if !ok {
			return nil
		}
		y, ok := b.(int)
		if !ok {
			return nil
		}
		if z, ok := op(x, y); ok {
			return z
		}
		return nil
	}
}

// floats lifts an operation on floats.
func floats(op func(x, y float64) float64) func(a, b any) any {
	return func(a, b any) any {
		x, ok := number(a)
		if !ok {
			return nil
		}
		y, ok := number(b)
		if !ok {
			return nil
		}
		return finite(op(x, y))
	}
}

func addInts(x, y int) (int, bool) {
	z := x + y
	return z, (z > x) == (y > 0)
}

func subInts(x, y int) (int, bool) {
	z := x - y
	return z, (z < x) == (y > 0)
}

func mulInts(x, y int) (int, bool) {
	hi, lo := bits.Mul64(magnitude(x), magnitude(y))
	switch {
	case hi != 0:
		return 0, false
	case (x < 0) != (y < 0):
		return -int(lo), lo <= 1<<63
	}
	return int(lo), lo < 1<<63
}

func modInts(x, y int) (int, bool) {
	if y == 0 {
		return 0, false
	}
	return x % y, true
}

func magnitude(x int) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

func addFloats(x, y float64) float64 { return x + y }
func subFloats(x, y float64) float64 { return x - y }
func mulFloats(x, y float64) float64 { return x * y }
func divFloats(x, y float64) float64 {
	if y == 0 {
		return math.NaN()
	}
	return x / y
}

// secondsBetween is the difference of two times.
func secondsBetween(a, b any) any {
	x, ok := a.(int)
	if !ok {
		return nil
	}
	y, ok := b.(int)
	if !ok {
		return nil
	}
	if d, ok := subInts(x, y); ok {
		return float64(d) / 1e9
	}
	return nil
}

func negate(v any) any {
	switch v := v.(type) {
	case int:
		if v != math.MinInt64 {
			return -v
		}
	case float64:
		return 0 - v
	}
	return nil
}

func absolute(v any) any {
	if f, ok := v.(float64); ok {
		return math.Abs(f)
	}
	if i, ok := v.(int); ok && i < 0 {
		return negate(i)
	}
	return v
}

// rounding lifts ceil, floor and round; whole is set where an integer is due.
func rounding(round func(float64) float64, whole bool) func(v any) any {
	return func(v any) any {
		switch v := v.(type) {
		case int:
			if whole {
				return v
			}
			return float64(v)
		case float64:
			if whole {
				return toInt(round(v))
			}
			return finite(round(v))
		}
		return nil
	}
}

// toInt cuts a number's fraction off.
func toInt(v any) any {
	switch v := v.(type) {
	case int:
		return v
	case float64:
		if v >= -1<<63 && v < 1<<63 {
			return int(v)
		}
	}
	return nil
}

// extreme gives the smallest or largest of several values, nil if one is missing.
func extreme(outcome int) func(values []any) any {
	better := comparison(outcome)
	return func(values []any) any {
		best := values[0]
		for _, v := range values {
			if v == nil {
				return nil
			}
			if better(v, best) {
				best = v
			}
		}
		return best
	}
}

// onText lifts a function of texts.
func onText(f func(string) string) func(v any) any {
	return func(v any) any {
		if s, ok := v.(string); ok {
			return f(s)
		}
		return nil
	}
}

func textLength(v any) any {
	if s, ok := v.(string); ok {
		return utf8.RuneCountInString(s)
	}
	return nil
}

// distance is distance_km.
func distance(values []any) any {
	var p [4]float64
	for i := range p {
		f, ok := number(values[i])
		if !ok {
			return nil
		}
		p[i] = f
	}
	return finite(DistanceKM(p[0], p[1], p[2], p[3]))
}

// DistanceKM gives the great-circle distance of two points in degrees, by the
// haversine formula on a sphere of 6371 km. The conversions keep a compiler
// from fusing operations, so that every machine gets the same bits.
func DistanceKM(lat1, lon1, lat2, lon2 float64) float64 {
	const radius, degree = 6371, math.Pi / 180
	s1 := math.Sin(float64((lat2 - lat1) * degree / 2))
	s2 := math.Sin(float64((lon2 - lon1) * degree / 2))
	c := float64(math.Cos(float64(lat1*degree)) * math.Cos(float64(lat2*degree)))
	h := float64(s1*s1) + float64(float64(c*s2)*s2)
	return 2 * radius * math.Asin(math.Sqrt(min(1, h)))
}
