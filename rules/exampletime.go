package rules

import (
	"fmt"
	"math"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"sluice/configs/strict"
	"sluice/scoring/event"
)

// exampleTime is a Monday at noon in the schema's zone, or for a rule that
// expires before that, half a day before it does.
func exampleTime(schema *event.Schema, expires int64) time.Time {
	at := time.Date(2026, time.March, 2, 12, 0, 0, 0, schema.Zone)
	if expires != 0 && at.UnixNano() >= expires {
		at = time.Unix(0, expires).Add(-12 * time.Hour).In(schema.Zone)
	}
	return at
}

// when finds out at what time a past payment is, the first of several.
func (x *exampleReader) when(p, now *draft, mark strict.Mark) bool {
	fault := func(key, format string, args ...any) bool {
		at := mark
		if n := p.nodes[key]; n != nil {
			at = strict.Mark{Line: n.Line, Column: n.Column}
		}
		x.l.faults = append(x.l.faults, x.doc.Fault(at.Line, at.Column, fmt.Sprintf(format, args...)))
		return false
	}
	switch {
	case p.times > 1 && p.every == 0 && p.nodes["every"] == nil:
		return fault("times", "how far apart are they? Add `every: 1m`, or `every: 0s` for all at once")
	case p.every != 0 && p.times == 0:
		return fault("every", "`every` goes with `times`: how many payments there are")
	case p.nodes["time"] != nil && p.ago >= 0:
		return fault("ago", "this payment has both `time` and `ago`; one of them is enough")
	case p.nodes["time"] != nil:
	case p.ago >= 0:
		p.at = now.at.Add(-p.ago)
	case p.times > 0 && p.every > 0:
		p.at = now.at.Add(-time.Duration(p.times) * p.every)
	default:
		return fault("", "when was this payment? Add `ago: 5m`: five minutes before the transaction")
	}
	if p.times <= 1 && p.at.After(now.at) {
		return fault("time", "this payment would be after the transaction, which is at %s", now.at.Format("2006-01-02 15:04"))
	}
	if last := p.at.Add(time.Duration(max(p.times-1, 0)) * p.every); last.After(now.at) {
		return fault("times", "the last of these payments would be after the transaction; let them begin earlier: `ago: %s` or more",
			shortDuration(time.Duration(p.times-1)*p.every))
	}
	if p.at.Unix() < 0 {
		return fault("ago", "that is before 1970")
	}
	return true
}

// shortDuration writes a duration as rule files have it.
func shortDuration(d time.Duration) string {
	text := d.String() // such as 1h30m0s
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

var weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// time reads when a payment is: RFC 3339, or in the schema's zone 23:30, Sat
// 23:30 (the last Saturday up to the day of p.at) or 2026-03-07 23:30.
func (x *exampleReader) time(p *draft, n *yaml.Node) {
	if at, err := time.Parse(time.RFC3339Nano, n.Value); err == nil && at.Unix() >= 0 && at.Unix() < math.MaxInt64/int64(time.Second) {
		p.at = at
		return
	}
	day, clock, both := strings.Cut(n.Value, " ")
	if !both {
		day, clock = "", day
	}
	hour, err := time.Parse("15:04", clock)
	date, ok := dateOf(day, p.at.In(x.base.Location()))
	if err != nil || !ok {
		x.fault(n, "%q is no time; write it like 23:30, Sat 23:30, 2026-03-07 23:30 or 2026-03-07T23:30:00Z", clip(n.Value))
		return
	}
	p.at = time.Date(date.Year(), date.Month(), date.Day(), hour.Hour(), hour.Minute(), 0, 0, x.base.Location())
}

// dateOf finds the day of a weekday or a date; "" is today.
func dateOf(day string, today time.Time) (time.Time, bool) {
	if day == "" {
		return today, true
	}
	if ns, err := parseDate(day); err == nil {
		return time.Unix(0, ns).UTC(), true
	}
	for i, name := range weekdays {
		if len(day) >= 3 && strings.HasPrefix(name, strings.ToLower(day)) {
			back := (int(today.Weekday()) + 6 - i) % 7
			return today.AddDate(0, 0, -back), true
		}
	}
	return time.Time{}, false
}
