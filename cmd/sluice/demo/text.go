package demo

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// count writes a number with commas: 12,345.
func count[T int | int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func share(part, whole int64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f %%", 100*float64(part)/float64(whole))
}

// latency writes a duration of milliseconds or less readably.
func latency(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	case d < 10*time.Second:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// span writes a stretch of simulated time in one unit.
func span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// mask shows the ends of a card, a device, a wallet or an address.
func mask(s string) string {
	switch {
	case s == "":
		return "-"
	case strings.HasPrefix(s, "m-"): // a shop is no person
		return s
	case strings.Count(s, ".") == 3:
		return s[:strings.LastIndexByte(s, '.')+1] + "*"
	case len(s) < 8:
		return s[:1] + "…"
	}
	return s[:2] + "…" + s[len(s)-3:]
}

// who gives the masked payer: the card, else the account.
func (m *Message) who() string {
	if m.Card != "" {
		return "card " + mask(m.Card)
	}
	return "acct " + mask(m.Account)
}

// reason gives what was said first of a denied payment.
func (v *Verdict) reason() string {
	switch {
	case len(v.Reasons) > 0:
		return strings.Join(v.Reasons, " ")
	case len(v.Rules) > 0:
		return strings.Join(v.Rules, " ")
	}
	return fmt.Sprintf("score %d", v.Score)
}

func (a *Alert) subject() string {
	if a.Entity == "" {
		return "many"
	}
	return a.Entity + " " + mask(a.Value)
}

// pad fills up to n runes.
func pad(s string, n int) string {
	if k := n - len([]rune(s)); k > 0 {
		return s + strings.Repeat(" ", k)
	}
	return s
}

// padLeft puts a number to the right of n runes.
func padLeft(s string, n int) string {
	if k := n - len([]rune(s)); k > 0 {
		return strings.Repeat(" ", k) + s
	}
	return s
}
