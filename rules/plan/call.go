package plan

import (
	"math"
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
		mapText(t, args[0], strings.ToLower, 'A', 'Z')
	case "upper":
		mapText(t, args[0], strings.ToUpper, 'a', 'z')
	case "trim":
		mapText(t, args[0], strings.TrimSpace, 1, 0)
	default:
		return false
	}
	return true
}

// mapText fills in a function of a text. Where it only changes the case of
// the letters from..to, the frame holds the result.
func mapText(t, a *term, f func(string) string, from, to byte) {
	inner := a.string()
	t.text = func(e env) (string, bool) {
		s, ok := inner(e)
		if !ok || e.frame == nil || !changes(s, from, to) {
			return f(s), ok
		}
		return e.frame.write(func(b []byte) []byte { return otherCase(b, s, from, to) }), true
	}
}

// changes reports whether a text is plain ASCII and has letters from..to.
func changes(s string, from, to byte) bool {
	found := false
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
		found = found || from <= s[i] && s[i] <= to
	}
	return found
}

func otherCase(b []byte, s string, from, to byte) []byte {
	for i := range len(s) {
		c := s[i]
		if from <= c && c <= to {
			c ^= 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// numeric fills in a function of one number.
func numeric(t *term, name string, a *term) bool {
	integer := a.kind == lang.Int
	switch {
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
