package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// drawing is an SVG picture. Its colours are classes of page.html.
type drawing struct {
	b             strings.Builder
	width, height float64
}

func newDrawing(width, height float64, label string) *drawing {
	d := &drawing{width: width, height: height}
	fmt.Fprintf(&d.b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, width, height, html.EscapeString(label))
	return d
}

// rect draws a bar; told is what a pointer on it is told.
func (d *drawing) rect(class string, x, y, width, height float64, told string) {
	fmt.Fprintf(&d.b, `<rect class="%s" x="%s" y="%s" width="%s" height="%s">`, class, at(x), at(y), at(max(width, 0)), at(max(height, 0)))
	if told != "" {
		fmt.Fprintf(&d.b, "<title>%s</title>", html.EscapeString(told))
	}
	d.b.WriteString("</rect>")
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(&d.b, `<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, class, at(x1), at(y1), at(x2), at(y2))
}

func (d *drawing) text(class string, x, y float64, text string) {
	fmt.Fprintf(&d.b, `<text class="%s" x="%s" y="%s">%s</text>`, class, at(x), at(y), html.EscapeString(text))
}

func (d *drawing) steps(class string, points [][2]float64) {
	fmt.Fprintf(&d.b, `<polyline class="%s" points="`, class)
	for _, p := range points {
		fmt.Fprintf(&d.b, "%s,%s ", at(p[0]), at(p[1]))
	}
	d.b.WriteString(`"/>`)
}

// done ends the picture. All texts in it were escaped on their way in.
func (d *drawing) done() template.HTML {
	d.b.WriteString("</svg>")
	return template.HTML(d.b.String()) //nolint:gosec // built of numbers, own class names and escaped texts
}

// at writes a coordinate.
func at(x float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", x), ".0") }

// ticks gives round numbers from 0 to top or a little more, about n of them.
func ticks(top float64, n int) []float64 {
	if top <= 0 {
		return []float64{0, 1}
	}
	step := math.Pow(10, math.Floor(math.Log10(top/float64(n))))
	for _, times := range []float64{1, 2, 5, 10} {
		if top/(step*times) <= float64(n) {
			step *= times
			break
		}
	}
	step = max(step, 1)
	var out []float64
	for x := 0.0; ; x += step {
		out = append(out, x)
		if x >= top {
			return out
		}
	}
}

// short writes a number of an axis: 1,200 or 12k or 3M.
func short(x float64) string {
	switch {
	case x >= 1e6:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", x/1e6), ".0") + "M"
	case x >= 1e4:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", x/1e3), ".0") + "k"
	}
	return thousands(int64(math.Round(x)))
}
