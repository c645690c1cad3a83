package demo

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Screen draws a board on a terminal, again and again in the same place.
type Screen struct {
	out           io.Writer
	color         bool
	drawn         int // lines of the last frame
	width, height int
}

// NewScreen makes a screen on a terminal. Without color it still needs one that
// understands cursor movements.
func NewScreen(out io.Writer, color bool) *Screen { return &Screen{out: out, color: color} }

// Draw draws a picture for a terminal of this size over the one before.
func (s *Screen) Draw(p *Picture, width, height int) {
	var b strings.Builder
	switch {
	case s.drawn == 0:
		b.WriteString("\x1b[?25l") // no cursor while drawing
	case width != s.width || height != s.height:
		b.WriteString("\x1b[2J\x1b[H") // lines may have been broken
	default:
		fmt.Fprintf(&b, "\x1b[%dA\r", s.drawn)
	}
	lines := Frame(p, width, height-1, s.color)
	for _, line := range lines {
		b.WriteString(line + "\x1b[K\r\n")
	}
	b.WriteString("\x1b[J")
	s.drawn, s.width, s.height = len(lines), width, height
	io.WriteString(s.out, b.String()) //nolint:errcheck // a terminal that is gone needs no picture
}

// Close gives the cursor back.
func (s *Screen) Close() {
	if s.drawn > 0 {
		io.WriteString(s.out, "\x1b[0m\x1b[?25h") //nolint:errcheck // as in Draw
	}
}

// Frame gives the lines of a picture, at most height of them, none wider than
// width.
func Frame(p *Picture, width, height int, color bool) []string {
	c := &canvas{width: max(width, 20), color: color}
	c.header(p)
	c.mix(p)
	c.scoreboard(p)
	room := max(0, height-len(c.lines)-3)
	alerts := min(len(p.Alerts), max(1, room/3))
	c.denials(p, max(0, room-max(alerts, room/3)))
	c.alerts(p, alerts)
	if len(c.lines) > height {
		c.lines = c.lines[:max(1, height)]
	}
	return c.lines
}

func (c *canvas) header(p *Picture) {
	c.put(bold, "Sluice demo").put(dim, fmt.Sprintf("  seed %d  ", p.Seed))
	c.put(plain, clockText(p.Elapsed))
	if p.For > 0 {
		c.put(dim, " of "+clockText(p.For))
	} else {
		c.put(dim, "  Ctrl-C ends it")
	}
	c.end()
	for _, line := range p.Extras {
		c.put(dim, line).end()
	}
	if share, warming := p.warming(); warming {
		c.put(yellow, fmt.Sprintf("Making the past first: %s at full speed, so that histories have one  ", span(p.Live.Sub(p.Start))))
		c.put(yellow, fmt.Sprintf("%3.0f %% ", 100*share)).put(yellow, bar(share, 20)).end()
	} else {
		c.put(blue, "Simulated time "+p.Simulated.UTC().Format("Mon 2 Jan 15:04")+" UTC")
		c.put(dim, fmt.Sprintf("  1 s here = %s there", span(time.Duration(p.Speed*1e9)))).end()
	}
	c.end()
}

func clockText(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// mix draws rate, verdicts and latency.
func (c *canvas) mix(p *Picture) {
	c.rule("Decisions")
	c.put(bold, padLeft(count(int64(p.Rate+.5)), 9)+" /s ").put(plain, padLeft(count(p.Decided), 13)+" decided")
	c.put(dim, fmt.Sprintf("   lag %s   dead letters %s", count(p.Lag), count(p.Dead))).end()
	whole := p.Mix[0] + p.Mix[1] + p.Mix[denied]
	for i, v := range []struct {
		name  string
		style style
	}{{"allow", green}, {"review", yellow}, {"deny", red}} {
		part := float64(p.Mix[i]) / float64(max(whole, 1))
		c.put(v.style, "  "+pad(v.name, 7)).put(plain, padLeft(share(p.Mix[i], whole), 9)+"  ")
		c.put(v.style, bar(part, min(50, c.width-22))).end()
	}
	c.put(dim, "  latency ")
	if p.Max == 0 {
		c.put(dim, "  measured once the live part runs").end()
	} else {
		for _, q := range []struct {
			name string
			d    time.Duration
		}{{"p50", p.P50}, {"p99", p.P99}, {"p99.9", p.P999}, {"max", p.Max}} {
			c.put(dim, " "+q.name+" ").put(plain, pad(latency(q.d), 8))
		}
		c.end()
	}
	c.end()
}

// scoreboard draws how the attacks fare.
func (c *canvas) scoreboard(p *Picture) {
	c.rule("Attacks")
	for _, s := range p.Scores {
		c.put(plain, "  "+pad(string(s.Attack), 20))
		look := green
		if s.Caught < s.Injected {
			look = yellow
		}
		c.put(look, padLeft(fmt.Sprintf("%d of %d caught", s.Caught, s.Injected), 18))
		c.put(dim, padLeft(fmt.Sprintf("%s of %s payments", count(s.PaymentsHit), count(s.Payments)), 24))
		if s.Caught > 0 {
			c.put(dim, "   first after "+span(s.FirstCatch))
		}
		c.end()
	}
	all, hit := p.goodHit()
	c.put(plain, "  "+pad("good payments", 20)).put(plain, padLeft(count(hit)+" hit", 18))
	c.put(dim, padLeft("of "+count(all)+" payments", 24)+"   "+share(hit, all)).end()
	c.end()
}

func (c *canvas) denials(p *Picture, rows int) {
	c.rule("Latest denials")
	for i := range rows {
		if i < len(p.Denials) {
			d := &p.Denials[i]
			c.put(dim, "  "+d.Time.UTC().Format("15:04:05")+" ")
			c.put(plain, padLeft(d.Amount+" "+d.Currency, 12)+"  "+pad(d.who(), 13)+" to "+pad(mask(d.Merchant), 8)+"  ")
			c.put(red, d.reason())
			c.put(dim, "  "+strings.Join(d.Rules, " "))
			if d.IP != "" {
				c.put(dim, "  from "+mask(d.IP))
			}
		}
		c.end()
	}
	c.end()
}

func (c *canvas) alerts(p *Picture, rows int) {
	c.rule(fmt.Sprintf("Alerts (%s)", count(p.Alerted)))
	for i := range min(rows, len(p.Alerts)) {
		a := &p.Alerts[i]
		look := yellow
		if a.Level == "page" {
			look = red
		}
		c.put(look, "  "+pad(a.Level, 7)).put(plain, pad(a.Rule, 26)+" ")
		c.put(plain, pad(a.subject(), 24)).put(dim, payments(a.Count)).end()
	}
}
