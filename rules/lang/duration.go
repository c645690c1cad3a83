package lang

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// MaxDuration is the longest duration that a window may have.
const MaxDuration = 400 * 24 * time.Hour

// durationUnits, from the largest to the smallest.
func durationUnits() []durationUnit {
	return []durationUnit{
		{'w', 7 * 24 * time.Hour}, {'d', 24 * time.Hour}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second},
	}
}

type durationUnit struct {
	letter byte
	length time.Duration
}

// ParseDuration reads a duration as conditions write it: whole numbers with
// the units w, d, h, m and s, each once, from the largest to the smallest:
// 90s, 10m, 1h30m, 7d, 2w. "0s" is the only one that is nothing.
func ParseDuration(text string) (time.Duration, error) {
	if text == "0s" {
		return 0, nil
	}
	d, ok := strictDuration(text)
	switch {
	case ok && d > MaxDuration:
		return 0, fmt.Errorf("the duration %q is too long: at most %s", text, FormatDuration(MaxDuration))
	case ok:
		return d, nil
	case text == "":
		return 0, errors.New(`a duration is missing: write it as in "90s", "10m", "1h30m" or "7d"`)
	}
	if near := nearDuration(text); near != "" {
		return 0, fmt.Errorf("bad duration %q, did you mean %q?", text, near)
	}
	return 0, fmt.Errorf(`bad duration %q: write it as in "90s", "10m", "1h30m" or "7d"`, text)
}

// strictDuration reads text that follows every rule; too long ones give
// something longer than MaxDuration.
func strictDuration(text string) (time.Duration, bool) {
	var sum time.Duration
	for _, u := range durationUnits() {
		digits := 0
		for digits < len(text) && '0' <= text[digits] && text[digits] <= '9' {
			digits++
		}
		if digits == 0 || digits == len(text) || text[digits] != u.letter {
			continue
		}
		if text[0] == '0' {
			return 0, false
		}
		n, err := strconv.ParseInt(text[:digits], 10, 64)
		if err != nil || n > int64(2*MaxDuration/time.Second) {
			n = int64(2 * MaxDuration / time.Second)
		}
		sum += time.Duration(min(n, int64(2*MaxDuration/u.length))) * u.length
		text = text[digits+1:]
	}
	return sum, sum > 0 && text == ""
}

// FormatDuration writes a duration of whole seconds in the one form that
// rendered conditions use: 10m, 1h30m, 7d, 1d12h; never in weeks.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range durationUnits()[1:] {
		if n := d / u.length; n > 0 {
			fmt.Fprintf(&b, "%d%c", n, u.letter)
			d -= n * u.length
		}
	}
	return b.String()
}

// nearDuration guesses what a badly written duration means: "" if nothing
// comes to mind.
func nearDuration(text string) string {
	const most = 40
	if len(text) > most {
		return ""
	}
	pieces := regexp.MustCompile(`^\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)[\s,]*`)
	var sum float64
	for rest := text; rest != ""; {
		m := pieces.FindStringSubmatch(rest)
		if m == nil {
			return ""
		}
		unit := unitOf(m[2])
		n, err := strconv.ParseFloat(m[1], 64)
		if unit == 0 || err != nil {
			return ""
		}
		sum += n * unit.Seconds()
		rest = rest[len(m[0]):]
	}
	if sum < 1 || sum > MaxDuration.Seconds() {
		return ""
	}
	return FormatDuration(time.Duration(sum) * time.Second)
}

// unitOf knows the names that people give to units.
func unitOf(name string) time.Duration {
	const day = 24 * time.Hour
	if name == "M" {
		return 30 * day
	}
	switch strings.ToLower(name) {
	case "s", "sec", "secs", "second", "seconds":
		return time.Second
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour
	case "d", "day", "days":
		return day
	case "w", "wk", "week", "weeks":
		return 7 * day
	case "mo", "month", "months":
		return 30 * day
	case "y", "yr", "year", "years":
		return 365 * day
	}
	return 0
}
