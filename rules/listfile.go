package rules

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"sluice/configs/strict"
)

// The bounds of a list file.
const (
	maxListSize   = 64 << 20
	maxListLine   = 1 << 10
	maxListFaults = 20
)

// listLine is one entry of a list file.
type listLine struct {
	value   string
	network netip.Prefix
}

// listFile reads the text of a list: one value a line, and comments from # on.
// A list whose first value is an
// address or a network is a list of networks.
type listFile struct {
	file   string
	faults strict.Faults
}

func (f *listFile) fault(line, column int, source, message string) {
	f.faults = append(f.faults, strict.Fault{
		File: f.file, Line: line, Column: column, Source: strings.ToValidUTF8(source, "\uFFFD"), Message: message,
	})
}

func (f *listFile) parse(content []byte) list {
	var lines []listLine
	isNetworks := false
	rest, number := strings.TrimPrefix(string(content), "\uFEFF"), 0
	for rest != "" && len(f.faults) < maxListFaults {
		var source string
		source, rest, _ = strings.Cut(rest, "\n")
		number++
		line, ok := f.line(number, strings.TrimSuffix(source, "\r"))
		if !ok {
			continue
		}
		prefix, is := parseNetwork(line.value)
		if len(lines) == 0 {
			isNetworks = is
		}
		switch {
		case isNetworks && !is:
			f.fault(number, 1, source, fmt.Sprintf("%q is neither an address nor a network, and this is a list of networks, for its first value is one", clip(line.value)))
		case !isNetworks && nearlyNetwork(line.value):
			f.fault(number, 1, source, fmt.Sprintf("%q is not a network: write an address, a slash and a number of bits, as in 192.0.2.0/24", clip(line.value)))
		case !isNetworks && is && strings.Contains(line.value, "/"):
			f.fault(number, 1, source, "a network in a list of texts, where it would match nothing; put networks into a list of their own")
		}
		line.network = prefix
		lines = append(lines, line)
	}
	if isNetworks && len(f.faults) == 0 {
		return newNetworks(lines)
	}
	return newTexts(lines)
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
	return listLine{value: text}, true
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

// parseNetwork reads an address as a network of one.
func parseNetwork(text string) (netip.Prefix, bool) {
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
	if !slash {
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
