package plan

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/rules/lang"
)

func comparisons() []lang.Op {
	return []lang.Op{lang.Eq, lang.Ne, lang.Lt, lang.Le, lang.Gt, lang.Ge}
}

func nastyInts() []int64 {
	return []int64{
		math.MinInt64 + 1, math.MinInt64 + 2, -1 << 53, -101, -100, -1, 0, 1, 99, 100, 101, 250,
		1 << 53, 1<<53 + 1, 1 << 62, math.MaxInt64 - 1, math.MaxInt64,
	}
}

func nastyFloats() []float64 {
	return []float64{
		-math.MaxFloat64, -1 << 63, -1e10, -1.01, -1, -5e-324, math.Copysign(0, -1), 0, 5e-324, 0.1, 0.99, 1, 1.01, 1.005,
		2.5, 1 << 53, 1 << 63, 1e300, math.MaxFloat64,
	}
}

// holds is what a comparison means.
func holds(op lang.Op, order int) bool { return outcomes(op)[1+order] == 1 }

func TestIntegerCuts(t *testing.T) {
	for _, op := range comparisons() {
		for _, c := range nastyInts() {
			var a atom
			a.cut(op, c)
			lo, hi, one := a.interval()
			for _, x := range nastyInts() {
				want := holds(op, cmp.Compare(x, c))
				if got := a.truth(x); got != want {
					t.Errorf("%d op %d %d: %v", x, op, c, got)
				}
				if one && (lo <= x && x <= hi) != want {
					t.Errorf("%d op %d %d: not in [%d, %d]", x, op, c, lo, hi)
				}
			}
			if one && lo == math.MinInt64 {
				t.Errorf("op %d %d: a missing value is in the interval", op, c)
			}
		}
	}
}

func TestFloatCuts(t *testing.T) {
	for _, op := range comparisons() {
		for _, c := range nastyFloats() {
			var a atom
			a.cut(op, sortable(c))
			for _, x := range nastyFloats() {
				if got, want := a.truth(sortable(x)), holds(op, cmp.Compare(x, c)); got != want {
					t.Errorf("%v op %d %v: %v", x, op, c, got)
				}
			}
		}
	}
}

// TestMoneyCuts compares amounts as minor units with what their floats say.
func TestMoneyCuts(t *testing.T) {
	for _, pow := range []float64{1, 10, 100, 1000, 10000} {
		for _, op := range comparisons() {
			for _, c := range nastyFloats() {
				var a atom
				a.cut(op, sortable(c))
				minors := atom{first: a.first, cuts: minorCuts(a.cuts, pow)}
				for _, x := range nastyInts() {
					if got, want := minors.truth(x), holds(op, cmp.Compare(float64(x)/pow, c)); got != want {
						t.Errorf("%d/%v op %d %v: %v", x, pow, op, c, got)
					}
				}
			}
		}
	}
}

func TestPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for n := range 100 {
		cuts := make([]int64, n)
		for i := range cuts {
			cuts[i] = r.Int64N(200)
		}
		slices.Sort(cuts)
		cuts = slices.Compact(cuts)
		var keys []uint64
		for _, c := range cuts {
			keys = append(keys, biased(c))
		}
		for key := int64(-1); key <= 200; key++ {
			want := 0
			for want < len(cuts) && cuts[want] <= key {
				want++
			}
			if got := place(keys, biased(key)); got != want {
				t.Fatalf("place of %d in %v: %d, want %d", key, cuts, got, want)
			}
		}
	}
}
