package plan

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"sluice/rules/interp"
	"sluice/rules/lang"
)

// call fills in a function of scalars.
func call(t *term, name string, args []*term) bool {
	switch name {
	case "abs", "ceil", "floor", "round", "int", "float":
		return numeric(t, name, args[0])
	case "min":
		extreme(t, args, lang.Lt)
	case "max":
		extreme(t, args, lang.Gt)
	case "distance_km":
		distance(t, args)
	case "len":
		inner := args[0].string()
		t.word = func(e env) (uint64, bool) {
			s, ok := inner(e)
			return uint64(utf8.RuneCountInString(s)), ok
		}
	case "lower":
		mapText(t, args[0], strings.ToLower)
	case "upper":
		mapText(t, args[0], strings.ToUpper)
	case "trim":
		mapText(t, args[0], strings.TrimSpace)
	default:
		return false
	}
	return true
}

func mapText(t, a *term, f func(string) string) {
	inner := a.string()
	t.text = func(e env) (string, bool) {
		s, ok := inner(e)
		return f(s), ok
	}
}

// numeric fills in a function of one number.
func numeric(t *term, name string, a *term) bool {
	integer := a.kind == lang.Int
	switch {
	case a.kind == lang.String:
		return parse(t, name, a.string())
	case name == "float":
		t.word = a.float()
	case name == "int" && !integer:
		t.word = truncate(a.float())
	case name == "int":
		t.word = a.word
	case name == "abs" && integer:
		inner := a.word
		t.word = func(e env) (uint64, bool) {
			x, ok := inner(e)
			return magnitude(int64(x)), ok && int64(x) != math.MinInt64
		}
	case name == "abs":
		t.word = rounded(a.float(), math.Abs)
	case integer && t.kind == lang.Int:
		t.word = a.word
	case name == "ceil":
		whole(t, rounded(a.float(), math.Ceil))
	case name == "floor":
		whole(t, rounded(a.float(), math.Floor))
	default:
		whole(t, rounded(a.float(), math.Round))
	}
	return true
}

// whole fills in what rounding gives, as the kind that the checker says.
func whole(t *term, w word) {
	if t.kind == lang.Int {
		w = truncate(w)
	}
	t.word = w
}

// parse fills in a number read from a text; what is none is missing.
func parse(t *term, name string, a text) bool {
	switch name {
	case "int":
		t.word = func(e env) (uint64, bool) {
			s, ok := a(e)
			if !ok {
				return 0, false
			}
			i, err := strconv.ParseInt(s, 10, 64)
			return uint64(i), err == nil
		}
	case "float":
		t.word = func(e env) (uint64, bool) {
			s, ok := a(e)
			if !ok {
				return 0, false
			}
			f, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return 0, false
			}
			return number(f)
		}
	default:
		return false
	}
	return true
}

// distance fills in distance_km.
func distance(t *term, args []*term) {
	var words [4]word
	for i := range words {
		words[i] = args[i].float()
	}
	t.word = func(e env) (uint64, bool) {
		var p [4]float64
		for i, w := range words {
			bits, ok := w(e)
			if !ok {
				return 0, false
			}
			p[i] = math.Float64frombits(bits)
		}
		return number(interp.DistanceKM(p[0], p[1], p[2], p[3]))
	}
}

func rounded(a word, f func(float64) float64) word {
	return func(e env) (uint64, bool) {
		x, ok := a(e)
		return math.Float64bits(f(math.Float64frombits(x))), ok
	}
}

// truncate gives the integer of a float; what int64 can't hold is missing.
func truncate(a word) word {
	return func(e env) (uint64, bool) {
		bits, ok := a(e)
		x := math.Float64frombits(bits)
		if !ok || x < -1<<63 || x >= 1<<63 {
			return 0, false
		}
		return uint64(int64(x)), true
	}
}

// extreme gives the smallest or largest of several numbers, missing if one is.
func extreme(t *term, args []*term, op lang.Op) {
	truth := outcomes(op)
	words := make([]word, len(args))
	for i, a := range args {
		words[i] = a.as(t.kind)
	}
	better := func(x, y uint64) bool { return truth[1+order(t.kind, x, y)] == 1 }
	t.word = func(e env) (uint64, bool) {
		best, ok := words[0](e)
		for _, w := range words[1:] {
			if !ok {
				return 0, false
			}
			var x uint64
			if x, ok = w(e); ok && better(x, best) {
				best = x
			}
		}
		return best, ok
	}
}
