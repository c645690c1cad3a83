package demo

import "strings"

// style is how a piece of text looks in a terminal.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	blue   style = "36"
)

// canvas collects lines of styled text, none wider than the terminal.
type canvas struct {
	width int
	color bool
	lines []string
	line  strings.Builder
	used  int
}

// put adds text to the current line, as much as fits.
func (c *canvas) put(s style, text string) *canvas {
	room := c.width - c.used
	if room <= 0 {
		return c
	}
	runes := []rune(text)
	if len(runes) > room {
		runes = append(runes[:room-1], '…')
	}
	c.used += len(runes)
	if !c.color || s == plain {
		c.line.WriteString(string(runes))
		return c
	}
	c.line.WriteString("\x1b[" + string(s) + "m" + string(runes) + "\x1b[0m")
	return c
}

// end finishes the current line.
func (c *canvas) end() {
	line := c.line.String()
	if !c.color {
		line = strings.TrimRight(line, " ")
	}
	c.lines = append(c.lines, line)
	c.line.Reset()
	c.used = 0
}

// rule draws a title with a line up to the right edge.
func (c *canvas) rule(title string) {
	c.put(bold, title).put(plain, " ")
	c.put(dim, strings.Repeat("─", max(0, c.width-c.used))).end()
}

// bar draws a share of a width in eighths of a character.
func bar(share float64, width int) string {
	eighths := int(share*float64(width)*8 + .5)
	if share > 0 {
		eighths = max(1, eighths)
	}
	s := strings.Repeat("█", eighths/8)
	if r := eighths % 8; r > 0 {
		s += string([]rune(" ▏▎▍▌▋▊▉")[r])
	}
	return s
}
