package demo

import (
	"fmt"
	"io"
	"strings"
)

// Plain writes a board as plain lines: for a pipe, or a log.
type Plain struct {
	out     io.Writer
	denied  int64 // when the last line was written
	alerted int
	started bool
}

// NewPlain makes a writer of plain lines.
func NewPlain(out io.Writer) *Plain { return &Plain{out: out} }

// alertLines bounds the alerts that one Write names.
const alertLines = 3

// Write writes one status line, then one of the denials and some of the alerts
// since the last time.
func (w *Plain) Write(p *Picture) {
	var b strings.Builder
	if !w.started {
		w.started = true
		fmt.Fprintf(&b, "Sluice demo, seed %d", p.Seed)
		if p.Speed > 0 {
			fmt.Fprintf(&b, ", 1 s here = %s there", span(seconds(p.Speed)))
		}
		b.WriteByte('\n')
		for _, line := range p.Extras {
			b.WriteString(line + "\n")
		}
	}
	w.status(&b, p)
	if p.Verdicts[denied] > w.denied && len(p.Denials) > 0 {
		d := &p.Denials[0]
		fmt.Fprintf(&b, "  deny   %s %s, %s to %s: %s (%s)\n",
			d.Amount, d.Currency, d.who(), mask(d.Merchant), d.reason(), strings.Join(d.Rules, " "))
	}
	for i := range min(p.Alerted-w.alerted, alertLines, len(p.Alerts)) {
		a := &p.Alerts[i]
		fmt.Fprintf(&b, "  %-6s %s, %s: %s\n", a.Level, a.Rule, a.subject(), payments(a.Count))
	}
	w.denied, w.alerted = p.Verdicts[denied], p.Alerted
	io.WriteString(w.out, b.String()) //nolint:errcheck // nobody reads a closed pipe
}

func (w *Plain) status(b *strings.Builder, p *Picture) {
	fmt.Fprintf(b, "%5.1fs", p.Elapsed.Seconds())
	if share, warming := p.warming(); warming {
		fmt.Fprintf(b, "  making the past, %s: %.0f %%  %s/s\n", span(p.Live.Sub(p.Start)), 100*share, count(int64(p.Rate+.5)))
		return
	}
	injected, caught := p.attacks()
	_, hit := p.goodHit()
	whole := p.Mix[0] + p.Mix[1] + p.Mix[denied]
	fmt.Fprintf(b, "  simulated %s  %s/s  allow %s review %s deny %s  p50 %s p99 %s  lag %s  attacks caught %d of %d  good hit %s\n",
		p.Simulated.UTC().Format("Mon 15:04"), count(int64(p.Rate+.5)),
		share(p.Mix[0], whole), share(p.Mix[1], whole), share(p.Mix[denied], whole),
		latency(p.P50), latency(p.P99), count(p.Lag), caught, injected, count(hit))
}

// payments counts payments in words.
func payments(n int64) string {
	if n == 1 {
		return "1 payment"
	}
	return count(n) + " payments"
}
