package rules

import (
	"fmt"
	"math"
	"time"

	"go.yaml.in/yaml/v3"

	"sluice/configs/strict"
)

// String gives the verdict as it stands in files and records.
func (v Verdict) String() string { return [...]string{"", "allow", "review", "deny"}[v] }

// String gives the mode as it stands in rule files.
func (m Mode) String() string { return [...]string{"live", "shadow", "off"}[m] }

// MarshalText gives String.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText gives String.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads allow, review or deny.
func (v *Verdict) UnmarshalText(text []byte) error {
	i, err := oneOf("verdict", string(text), "allow", "review", "deny")
	*v = Allow + Verdict(i)
	return err
}

// UnmarshalText reads live, shadow or off.
func (m *Mode) UnmarshalText(text []byte) error {
	i, err := oneOf("mode", string(text), "live", "shadow", "off")
	*m = Mode(i)
	return err
}

// alertLevel is who is told of a rule that fires.
type alertLevel string

// UnmarshalText reads ticket or page.
func (a *alertLevel) UnmarshalText(text []byte) error {
	_, err := oneOf("alert", string(text), "ticket", "page")
	*a = alertLevel(text)
	return err
}

func oneOf(what, text string, words ...string) (int, error) {
	for i, w := range words {
		if w == text {
			return i, nil
		}
	}
	last := len(words) - 1
	list := words[0]
	for _, w := range words[1:last] {
		list += ", " + w
	}
	hint := ""
	if s := strict.Suggest(text, words); s != "" {
		hint = fmt.Sprintf(", did you mean %q?", s)
	}
	return 0, fmt.Errorf("%q is no %s: write %s or %s%s", text, what, list, words[last], hint)
}

// date is the beginning of a day, UTC, and where it stands.
type date struct {
	ns   int64
	node *yaml.Node // nil: there is none
}

// UnmarshalStrict reads a date like 2027-01-31.
func (d *date) UnmarshalStrict(dec *strict.Decoder, n *yaml.Node) {
	text, _, ok := dec.Scalar(n)
	if !ok {
		return
	}
	ns, err := parseDate(text)
	if err != nil {
		dec.Fault(n, "%s", err)
		return
	}
	d.ns, d.node = ns, n
}

// parseDate gives the nanosecond at which a day begins in UTC.
func parseDate(text string) (int64, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a date; write it like 2027-01-31", text)
	}
	if s := t.Unix(); s <= 0 || s >= math.MaxInt64/int64(time.Second) {
		return 0, fmt.Errorf("the date %s is out of range; the years 1970 to 2261 are read", text)
	}
	return t.UnixNano(), nil
}

// upperSnake is a reason code, for programs to act on.
type upperSnake string

// UnmarshalText reads a word like CARD_TESTING.
func (u *upperSnake) UnmarshalText(text []byte) error {
	good := len(text) > 0 && len(text) <= maxID
	for i, c := range text {
		letter := c >= 'A' && c <= 'Z'
		good = good && (letter || i > 0 && (c == '_' || c >= '0' && c <= '9'))
	}
	if !good {
		return fmt.Errorf("%q is no reason code; write capital letters, digits and _ like CARD_TESTING, at most %d", clip(string(text)), maxID)
	}
	*u = upperSnake(text)
	return nil
}

// maxID bounds ids and reason codes.
const maxID = 64

// checkID says what is wrong with a rule's id.
func checkID(id string) string {
	good := id != "" && len(id) <= maxID
	for i := range len(id) {
		c := id[i]
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		good = good && (alnum || i > 0 && (c == '_' || c == '.' || c == '-'))
	}
	if good {
		return ""
	}
	return fmt.Sprintf("%q is no id; write small letters, digits, - _ and . like card-testing, at most %d", clip(id), maxID)
}

// clip shortens a text for a message.
func clip(text string) string {
	if r := []rune(text); len(r) > maxID {
		return string(r[:maxID]) + "…"
	}
	return text
}
