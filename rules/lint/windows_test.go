package lint

import (
	"testing"
	"time"

	"sluice/rules/lang"
	"sluice/scoring/history"
)

func TestWithin(t *testing.T) {
	span := func(from, to time.Duration, newest int) *lang.Node {
		return &lang.Node{Op: lang.WindowOf, Span: history.Span{From: from, To: to, Newest: newest}}
	}
	const h = time.Hour
	for _, c := range []struct {
		a, b *lang.Node
		want bool
	}{
		{span(h, 0, 0), span(h, 0, 0), true},
		{span(h, 0, 0), span(2*h, 0, 0), true},
		{span(2*h, 0, 0), span(h, 0, 0), false},
		{span(3*h, h, 0), span(3*h, 0, 0), true},
		{span(3*h, 0, 0), span(3*h, h, 0), false},
		{span(h, 0, 0), span(3*h, 2*h, 0), false},
		{span(0, 0, 3), span(0, 0, 5), true},
		{span(0, 0, 5), span(0, 0, 3), false},
		{span(0, 0, 3), span(h, 0, 0), false},
		{span(h, 0, 0), span(0, 0, 3), false},
		{nil, span(h, 0, 0), false},
		{&lang.Node{Op: lang.WindowOf, Entity: 1, Span: history.Span{From: h}}, span(h, 0, 0), false},
	} {
		if got := within(c.a, c.b); got != c.want {
			t.Errorf("%+v within %+v: %v", c.a, c.b, got)
		}
	}
}
