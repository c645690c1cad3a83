package plan

import (
	"cmp"
	"math"
	"strings"

	"sluice/rules/lang"
)

// outcomes gives the truth of a comparison for less, equal and greater.
func outcomes(op lang.Op) [3]uint64 {
	switch op {
	case lang.Eq:
		return [3]uint64{0, 1, 0}
	case lang.Ne:
		return [3]uint64{1, 0, 1}
	case lang.Lt:
		return [3]uint64{1, 0, 0}
	case lang.Le:
		return [3]uint64{1, 1, 0}
	case lang.Gt:
		return [3]uint64{0, 0, 1}
	}
	return [3]uint64{0, 1, 1}
}

// compare gives `a op b`: integers and times among themselves as int64, other
// numbers as float64, strings by their bytes.
func compare(op lang.Op, a, b *term) word {
	truth := outcomes(op)
	switch {
	case a.kind == lang.String && (op == lang.Eq || op == lang.Ne) && a.hash != nil && b.hash != nil:
		return compareHashes(truth, a.hash, b.hash)
	case a.kind == lang.String:
		return compareTexts(truth, a.string(), b.string())
	case a.kind == b.kind && a.kind != lang.Float && a.kind != lang.Seconds:
		return compareInts(truth, a.word, b.word)
	}
	return compareFloats(truth, a.float(), b.float())
}

func compareInts(truth [3]uint64, a, b word) word {
	return func(e env) (uint64, bool) {
		x, ok := a(e)
		if !ok {
			return 0, false
		}
		y, ok := b(e)
		if !ok {
			return 0, false
		}
		return truth[1+cmp.Compare(int64(x), int64(y))], true
	}
}

func compareFloats(truth [3]uint64, a, b word) word {
	return func(e env) (uint64, bool) {
		x, ok := a(e)
		if !ok {
			return 0, false
		}
		y, ok := b(e)
		if !ok {
			return 0, false
		}
		return truth[1+cmp.Compare(math.Float64frombits(x), math.Float64frombits(y))], true
	}
}

func compareHashes(truth [3]uint64, a, b word) word {
	return func(e env) (uint64, bool) {
		x, ok := a(e)
		if !ok {
			return 0, false
		}
		y, ok := b(e)
		if !ok {
			return 0, false
		}
		if x == y {
			return truth[1], true
		}
		return truth[0], true
	}
}

func compareTexts(truth [3]uint64, a, b text) word {
	return func(e env) (uint64, bool) {
		x, ok := a(e)
		if !ok {
			return 0, false
		}
		y, ok := b(e)
		if !ok {
			return 0, false
		}
		return truth[1+strings.Compare(x, y)], true
	}
}

// within gives `a in [items]`.
func within(a *term, items []*term) word {
	if a.kind == lang.String {
		return withinTexts(a.string(), items)
	}
	tests := make([]word, len(items))
	for i, item := range items {
		tests[i] = compare(lang.Eq, a, item)
	}
	return func(e env) (uint64, bool) {
		for _, test := range tests {
			yes, ok := test(e)
			if !ok {
				return 0, false
			}
			if yes == 1 {
				return 1, true
			}
		}
		return 0, !a.missing(e)
	}
}

// withinTexts gives `a in [items]` of texts, by one look-up.
func withinTexts(a text, items []*term) word {
	set := make(map[string]struct{}, len(items))
	for _, item := range items {
		set[item.value.Text] = struct{}{}
	}
	return func(e env) (uint64, bool) {
		s, ok := a(e)
		if !ok {
			return 0, false
		}
		_, found := set[s]
		return bit(found), true
	}
}

// texts gives a test of two strings.
func texts(a, b text, test func(a, b string) bool) word {
	return func(e env) (uint64, bool) {
		x, ok := a(e)
		if !ok {
			return 0, false
		}
		y, ok := b(e)
		if !ok {
			return 0, false
		}
		return bit(test(x, y)), true
	}
}

// order compares the bits of two values of a kind.
func order(kind lang.Kind, x, y uint64) int {
	if kind == lang.Float || kind == lang.Seconds {
		return cmp.Compare(math.Float64frombits(x), math.Float64frombits(y))
	}
	return cmp.Compare(int64(x), int64(y))
}
