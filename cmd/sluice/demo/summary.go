package demo

import (
	"fmt"
	"io"
	"strings"
	"time"
)

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// WriteSummary writes what the run showed.
func WriteSummary(w io.Writer, p *Picture) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nSummary, seed %d: %s payments decided, %s of simulated time in %s\n\n",
		p.Seed, count(p.Decided), span(p.Simulated.Sub(p.Start)), clockText(p.Elapsed))
	summarizeAttacks(&b, p)
	summarizeGood(&b, p)
	summarizeRun(&b, p)
	io.WriteString(w, b.String()) //nolint:errcheck // nobody reads a closed pipe
}

func summarizeAttacks(b *strings.Builder, p *Picture) {
	const row = "  %-20s %9s %9s %11s %11s %9s   %s\n"
	fmt.Fprintf(b, row, "attack", "injected", "caught", "payments", "caught", "share", "first caught after (median, worst)")
	var total Score
	for _, s := range p.Scores {
		first := "-"
		if s.Caught > 0 {
			first = fmt.Sprintf("%s, %s; payment no. %d", span(s.FirstCatch), span(s.WorstCatch), s.PassedBefore+1)
		}
		fmt.Fprintf(b, row, s.Attack, count(s.Injected), count(s.Caught),
			count(s.Payments), count(s.PaymentsHit), share(s.PaymentsHit, s.Payments), first)
		total.Injected += s.Injected
		total.Caught += s.Caught
		total.Payments += s.Payments
		total.PaymentsHit += s.PaymentsHit
	}
	fmt.Fprintf(b, row, "all", count(total.Injected), count(total.Caught),
		count(total.Payments), count(total.PaymentsHit), share(total.PaymentsHit, total.Payments), "-")
	b.WriteString("  An attack is caught if a payment of it was reviewed or denied; payments without a verdict count nowhere.\n\n")
}

func summarizeGood(b *strings.Builder, p *Picture) {
	all, hit := p.goodHit()
	fmt.Fprintf(b, "  good payments        %s, of them hit %s (%s): reviewed %s, denied %s\n",
		count(all), count(hit), share(hit, all), count(p.Good[1]), count(p.Good[denied]))
	fmt.Fprintf(b, "  verdicts             allow %s (%s), review %s (%s), deny %s (%s)\n",
		count(p.Verdicts[0]), share(p.Verdicts[0], p.Decided), count(p.Verdicts[1]), share(p.Verdicts[1], p.Decided),
		count(p.Verdicts[denied]), share(p.Verdicts[denied], p.Decided))
}

func summarizeRun(b *strings.Builder, p *Picture) {
	live := p.Decided - p.Warmup
	if p.LiveFor > 0 {
		fmt.Fprintf(b, "  throughput           %s/s live", count(int64(float64(live)/p.LiveFor.Seconds()+.5)))
		if past := p.Elapsed - p.LiveFor; p.Warmup > 0 && past > 0 {
			fmt.Fprintf(b, "; before, the past at %s/s", count(int64(float64(p.Warmup)/past.Seconds()+.5)))
		}
		b.WriteByte('\n')
	}
	if p.Max > 0 {
		fmt.Fprintf(b, "  latency, live        p50 %s, p99 %s, p99.9 %s, max %s\n",
			latency(p.P50), latency(p.P99), latency(p.P999), latency(p.Max))
	}
	fmt.Fprintf(b, "  alerts               %s\n", count(p.Alerted))
	fmt.Fprintf(b, "  dead letters         %s\n", count(p.Dead))
	if p.Waiting > 0 {
		fmt.Fprintf(b, "  without a verdict    %s payments sent\n", count(p.Waiting))
	}
	if p.Unknown > 0 {
		fmt.Fprintf(b, "  verdicts too many    %s, for payments that waited for none\n", count(p.Unknown))
	}
}
