package strict

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Text is a string that remembers where it stood.
type Text struct {
	Value string
	Node  *yaml.Node // nil if the document does not have it, or something else in its place
}

// String gives the text.
func (t Text) String() string { return t.Value }

// UnmarshalStrict reads a string.
func (t *Text) UnmarshalStrict(d *Decoder, n *yaml.Node) {
	before := len(d.faults)
	if d.Decode(n, &t.Value); len(d.faults) == before {
		t.Node = n
	}
}

// Mark, as a field tagged `yaml:"-"` of a struct, takes the place where the
// struct's mapping begins.
type Mark struct{ Line, Column int }

// Secret is a string that never prints, and that no fault shows.
type Secret struct{ text string }

// NewSecret makes a secret of a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal gives the text. Give it only to what needs it.
func (s Secret) Reveal() string { return s.text }

// String gives "***", or "" for no secret; so do all other ways of printing it.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return "***"
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// Format prints String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText is String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalStrict reads a string, and hides it from faults.
func (s *Secret) UnmarshalStrict(d *Decoder, n *yaml.Node) {
	d.doc.hide(n)
	d.Decode(n, &s.text)
}

// Bytes is a size: "64KiB", "10MB" or a number of bytes.
type Bytes int64

var sizes = []struct {
	unit string
	n    int64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"kB", 1e3},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"B", 1},
	{"", 1},
}

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	bad := fmt.Errorf("%q is not a size; write it like 64KiB, 10MB or 4096", text)
	for _, s := range sizes {
		digits, ok := strings.CutSuffix(string(text), s.unit)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSuffix(digits, " "), 10, 63)
		if err != nil || int64(n) > math.MaxInt64/s.n {
			return bad
		}
		*b = Bytes(int64(n) * s.n)
		return nil
	}
	return bad
}

// String gives the size in the largest unit that holds it exactly.
func (b Bytes) String() string {
	for i := 3; i >= 0; i-- {
		if s := sizes[i]; b != 0 && int64(b)%s.n == 0 {
			return strconv.FormatInt(int64(b)/s.n, 10) + s.unit
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

var durations = []struct {
	unit string
	n    time.Duration
}{
	{"w", 7 * 24 * time.Hour},
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

// ParseDuration reads a duration of whole weeks, days, hours, minutes, seconds
// and milliseconds, each at most once and the larger first: 1h30m, 250ms, 7d.
func ParseDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration; write it like 10s, 250ms, 1h30m or 7d", text)
	var total time.Duration
	rest, unit := text, 0
	for rest != "" {
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil {
			return 0, bad
		}
		letters := digits
		for letters < len(rest) && (rest[letters] < '0' || rest[letters] > '9') {
			letters++
		}
		for unit < len(durations) && durations[unit].unit != rest[digits:letters] {
			unit++
		}
		if unit == len(durations) || n > int64(math.MaxInt64-total)/int64(durations[unit].n) {
			return 0, bad
		}
		total += time.Duration(n) * durations[unit].n
		rest = rest[letters:]
		unit++
	}
	if text == "" {
		return 0, bad
	}
	return total, nil
}

// parseBool and parseNumber take what YAML's core schema and Go agree on.
func parseBool(text string) (bool, error) {
	switch text {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", text)
}

func parseInt(text string, bits int) (int64, error) {
	n, err := strconv.ParseInt(text, 10, bits)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%s is out of range", text)
	case err != nil || text[0] == '+':
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	return n, nil
}

func parseFloat(text string) (float64, error) {
	if text == "" || strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%s is out of range", text)
	case err != nil:
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return f, nil
}
