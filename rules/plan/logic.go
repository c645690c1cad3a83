package plan

import "sluice/rules/lang"

// This file holds SQL's three-valued logic.

func not(a word) word {
	return func(e env) (uint64, bool) {
		bits, ok := a(e)
		return bits ^ 1, ok
	}
}

func and(a, b word) word {
	return func(e env) (uint64, bool) {
		x, known := a(e)
		if known && x == 0 {
			return 0, true
		}
		y, ok := b(e)
		if ok && y == 0 {
			return 0, true
		}
		return 1, known && ok
	}
}

func or(a, b word) word {
	return func(e env) (uint64, bool) {
		x, known := a(e)
		if known && x == 1 {
			return 1, true
		}
		y, ok := b(e)
		if ok && y == 1 {
			return 1, true
		}
		return 0, known && ok
	}
}

func isNil(a *term) word {
	return func(e env) (uint64, bool) { return bit(a.missing(e)), true }
}

// coalesce gives a ?? b, converted to kind.
func coalesce(t *term, a, b *term) {
	if t.kind == lang.String {
		x, y := a.string(), b.string()
		t.text = func(e env) (string, bool) {
			if s, ok := x(e); ok {
				return s, true
			}
			return y(e)
		}
		return
	}
	x, y := a.as(t.kind), b.as(t.kind)
	t.word = func(e env) (uint64, bool) {
		if bits, ok := x(e); ok {
			return bits, true
		}
		return y(e)
	}
}

// choose gives c ? a : b, converted to kind; missing if c is unknown.
func choose(t *term, c, a, b *term) {
	test := c.word
	if t.kind == lang.String {
		x, y := a.string(), b.string()
		t.text = func(e env) (string, bool) {
			yes, ok := test(e)
			switch {
			case !ok:
				return "", false
			case yes == 1:
				return x(e)
			}
			return y(e)
		}
		return
	}
	x, y := a.as(t.kind), b.as(t.kind)
	t.word = func(e env) (uint64, bool) {
		yes, ok := test(e)
		switch {
		case !ok:
			return 0, false
		case yes == 1:
			return x(e)
		}
		return y(e)
	}
}

// string gives the text of a term where a String is expected.
func (t *term) string() text {
	if t.kind == lang.Nil {
		return neverText
	}
	return t.text
}
