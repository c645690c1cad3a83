package lang

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	good := map[string]time.Duration{
		"0s": 0, "1s": time.Second, "90s": 90 * time.Second, "10m": 10 * time.Minute, "1h30m": 90 * time.Minute,
		"7d": 7 * day, "2w": 14 * day, "1w1d1h1m1s": 8*day + time.Hour + time.Minute + time.Second, "400d": 400 * day,
		"34560000s": 400 * day, "57w1d": 400 * day,
	}
	for text, want := range good {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q is %v (%v), want %v", text, got, err, want)
		}
	}
	bad := []string{
		"", " ", "0", "00s", "0m", "5", "m", "5x", "1d0h", "1h1h", "30m1h", "1.5h", "-1s", "+1s", "1S", " 1s", "1s ",
		"1h 30m", "１s", "1ms", "1y", "401d", "400d1s", "58w", "34560001s", "9223372036854775808s", "99999999999999999999d",
		strings.Repeat("9", 5000) + "s",
	}
	for _, text := range bad {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}

func TestDurationSuggestions(t *testing.T) {
	for text, want := range map[string]string{
		"10min": "10m", "1 h": "1h", "5M": "150d", "30m1h": "1h30m", "2 hours, 5 minutes": "2h5m", "1.5d": "1d12h",
		"1mo": "30d", "abc": "", "10x": "", "500ms": "", "0.5s": "", "900000000000000000000000d": "", "5 s s": "",
	} {
		if got := nearDuration(text); got != want {
			t.Errorf("for %q %q is suggested, want %q", text, got, want)
		}
	}
}

// TestFormatDuration checks that what is written reads as the same.
func TestFormatDuration(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		d := time.Duration(random.Int64N(int64(MaxDuration/time.Second))) * time.Second
		text := FormatDuration(d)
		if got, err := ParseDuration(text); err != nil || got != d {
			t.Fatalf("%v is written %q and read %v (%v)", d, text, got, err)
		}
	}
}
