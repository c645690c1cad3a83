package rules

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"sluice/configs/strict"
	"sluice/scoring/event"
)

// The bounds of a list file, and of all files of a directory together.
const (
	maxListSize    = 64 << 20
	maxListLine    = 1 << 10
	maxListEntries = 4_000_000
	maxListFaults  = 20
	maxDirSize     = 256 << 20
)

// listLine is one entry of a list file.
type listLine struct {
	value   string
	network netip.Prefix
	until   int64 // ns: no entry for arrivals at or after it; 0: always one
}

// listFile reads the text of a list: one value a line, with `until` and a date
// behind it where the entry ends, and comments from # on. A list whose first
// value is an address or a network is a list of networks.
type listFile struct {
	file   string
	faults strict.Faults
}

// fault tells what is wrong with a line, with card numbers masked: what check
// prints may end in the log of a build.
func (f *listFile) fault(line, column int, source, message string) {
	f.faults = append(f.faults, strict.Fault{
		File: f.file, Line: line, Column: column, Source: event.Mask(strings.ToValidUTF8(source, "\uFFFD")), Message: event.Mask(message),
	})
}

// parse makes the list. Entries go into it one by one, so that a large file
// never lies in memory a second time, line by line.
func (f *listFile) parse(content []byte) list {
	rest, number := strings.TrimPrefix(string(content), "\uFEFF"), 0
	room := min(strings.Count(rest, "\n")+1, maxListEntries)
	var out builder
	for rest != "" && len(f.faults) < maxListFaults {
		var source string
		source, rest, _ = strings.Cut(rest, "\n")
		source = strings.TrimSuffix(source, "\r")
		number++
		line, ok := f.line(number, source)
		if !ok {
			continue
		}
		var is bool
		line.network, is = parseNetwork(line.value)
		if out == nil {
			out = newBuilder(is, room)
		}
		_, isNetworks := out.(*networks)
		switch {
		case isNetworks && !is:
			f.fault(number, 1, source, fmt.Sprintf("%q is neither an address nor a network, and this is a list of networks, for its first value is one", clip(line.value)))
			continue
		case !isNetworks && nearlyNetwork(line.value):
			f.fault(number, 1, source, fmt.Sprintf("%q is not a network: write an address, a slash and a number of bits, as in 192.0.2.0/24", clip(line.value)))
		case !isNetworks && is && strings.Contains(line.value, "/"):
			f.fault(number, 1, source, "a network in a list of texts, where it would match nothing; put networks into a list of their own")
		}
		if out.put(line); out.size() > maxListEntries {
			f.fault(number, 1, source, fmt.Sprintf("more than %d entries; split the list", maxListEntries))
			break
		}
	}
	if out == nil {
		return nothing{}
	}
	return out
}

// newBuilder makes an empty list with room for so many entries.
func newBuilder(isNetworks bool, room int) builder {
	if isNetworks {
		return newNetworks(room)
	}
	return newTexts(room)
}

// line reads one line; ok is false for one without a value.
func (f *listFile) line(number int, source string) (l listLine, ok bool) {
	if len(source) > maxListLine {
		f.fault(number, 1, source[:maxListLine], fmt.Sprintf("the line is longer than %d bytes", maxListLine))
		return l, false
	}
	if !utf8.ValidString(source) || strings.ContainsFunc(source, func(r rune) bool { return r < ' ' && r != '\t' }) {
		f.fault(number, 1, source, "this is not a line of text; save the file as UTF-8")
		return l, false
	}
	text := strings.TrimSpace(withoutComment(source))
	if text == "" {
		return l, false
	}
	value, end, ends := cutUntil(text)
	if !ends {
		return listLine{value: text}, true
	}
	if value == "" {
		f.fault(number, columnOf(source, "until"), source, "a value stands before `until`")
		return l, false
	}
	until, err := ParseUntil(end)
	if err != nil {
		at := columnOf(source, "until")
		if end != "" {
			at = columnOf(source, end)
		}
		f.fault(number, at, source, err.Error())
		return l, false
	}
	return listLine{value: value, until: until}, true
}

// columnOf says where a part of an entry stands the last time before the comment.
func columnOf(source, part string) int {
	return 1 + utf8.RuneCountInString(source[:strings.LastIndex(withoutComment(source), part)])
}

// cutUntil takes the end from an entry: `value until END`. What stands behind
// the word is the end, even where it is none, so that a misspelt date never
// becomes a part of the value.
func cutUntil(text string) (value, end string, ends bool) {
	if !strings.Contains(text, "until") { // as a million lines do not
		return text, "", false
	}
	words := strings.Fields(text)
	n := len(words)
	switch {
	case words[n-1] == "until":
		return strings.TrimSpace(strings.TrimSuffix(text, "until")), "", true
	case n > 1 && words[n-2] == "until":
		end = words[n-1]
		value = strings.TrimSpace(strings.TrimSuffix(text, end))
		return strings.TrimSpace(strings.TrimSuffix(value, "until")), end, true
	}
	return text, "", false
}

// ParseUntil reads an end: 2027-01-31, the beginning of that day in UTC, as
// `expires` of a rule, or a moment like 2027-01-31T18:00:00Z. It gives ns.
func ParseUntil(text string) (int64, error) {
	if len(text) == len(time.DateOnly) { // as most are, and what fails to be parsed costs
		if ns, err := parseDate(text); err == nil {
			return ns, nil
		}
	} else if t, err := time.Parse(time.RFC3339, text); err == nil && t.Year() >= 1971 && t.Year() <= 2261 {
		return t.UnixNano(), nil
	}
	return 0, fmt.Errorf("behind `until` stands a date like 2027-01-31, or a moment like 2027-01-31T18:00:00Z, in the years 1971 to 2261, and not %q", clip(text))
}

// withoutComment cuts a line at a # that stands first or behind a blank.
func withoutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

// addressLike tells quickly what is certainly no address; asking netip makes an
// error for each, which a million texts would pay for.
func addressLike(text string) bool {
	c := text[0]
	return (c == ':' || c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') && strings.ContainsAny(text, ".:")
}

// parseNetwork reads an address as a network of one.
func parseNetwork(text string) (netip.Prefix, bool) {
	if text == "" || !addressLike(text) {
		return netip.Prefix{}, false
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return unmap(p.Addr(), p.Bits())
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return unmap(a, a.BitLen())
}

// nearlyNetwork reports whether a text was meant to be a network, and is none.
func nearlyNetwork(text string) bool {
	address, _, slash := strings.Cut(text, "/")
	if !slash || address == "" || !addressLike(address) {
		return false
	}
	_, err := netip.ParseAddr(address)
	_, ok := parseNetwork(text)
	return err == nil && !ok
}

// unmap writes IPv4 in IPv6 as IPv4.
func unmap(a netip.Addr, bits int) (netip.Prefix, bool) {
	if a.Is4In6() && bits >= 96 {
		return netip.PrefixFrom(a.Unmap(), bits-96), true
	}
	return netip.PrefixFrom(a, bits), true
}

// listName gives the name of the list in lists/name.txt.
func listName(file string) (name, problem string) {
	name = strings.TrimSuffix(file, ".txt")
	for i, c := range name {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return name, fmt.Sprintf("a list's name is letters, digits and _, because rules say lists.name; rename %s", file)
		}
	}
	if name == "" {
		return name, "a list needs a name"
	}
	return name, ""
}
