package rules

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sluice/scoring/event"
)

func ns(t *testing.T, text string) int64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixNano()
}

func TestEntriesEnd(t *testing.T) {
	before, after := ns(t, "2027-01-30T23:59:59Z"), ns(t, "2027-01-31T00:00:00Z")
	for _, c := range []struct {
		list, value   string
		before, after bool
	}{
		{"a until 2027-01-31", "a", true, false},
		{"a\tuntil\t2027-01-31\t# why", "a", true, false},
		{"a b until 2027-01-31T00:00:00Z", "a b", true, false},
		{"a until 2027-01-31T01:00:00+01:00", "a", true, false},
		{"x\na until 2020-01-01", "a", false, false},
		{"a until 2027-01-31\na until 2026-01-01", "a", true, false}, // the last end counts,
		{"a until 2027-01-31\na", "a", true, true},                   // and none is the last
		{"a\na until 2026-01-01", "a", true, true},
		{"not until\u00a02027-01-31 a", "not until\u00a02027-01-31 a", true, true},
		{"10.0.0.0/8 until 2027-01-31", "10.1.2.3", true, false},
		{"10.0.0.0/8\n10.1.0.0/16 until 2027-01-31", "10.1.2.3", true, true}, // the wider one holds it still
		{"10.1.2.3 until 2027-01-31\n10.9.0.0/16", "10.1.2.3", true, false},
	} {
		l := parseList(t, c.list)
		if got := l.Contains("l", c.value, before); got != c.before {
			t.Errorf("%q holds %q before: %v", c.list, c.value, got)
		}
		if got := l.Contains("l", c.value, after); got != c.after {
			t.Errorf("%q holds %q after: %v", c.list, c.value, got)
		}
	}
}

// TestOverlayAgainstTheObvious lays random changes over random lists and asks
// what trying all entries in turn says.
func TestOverlayAgainstTheObvious(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	texts := []string{"a", "b", "c", "10.0.0.1", "10.0.0.0/31"} // of which the last ones are texts too
	nets := []string{"10.0.0.0/30", "10.0.0.1", "10.0.0.2/31", "2001:db8::/32", "::ffff:10.0.0.3", "0.0.0.0/0"}
	asked := []string{"a", "b", "c", "10.0.0.0", "10.0.0.1", "10.0.0.3", "2001:db8::1", "::ffff:10.0.0.1", "11.0.0.1"}
	until := func() int64 { return []int64{0, 5, 10}[r.IntN(3)] }
	held := 0
	for range 5000 {
		from := [][]string{texts[:4], nets, nil}[r.IntN(3)]
		filed := map[string]int64{}
		for range min(len(from), 1+r.IntN(4)) {
			filed[from[r.IntN(len(from))]] = until()
		}
		if from != nil && from[0] == "a" {
			filed["a"] = until() // so that it is one of texts
		}
		var lines []string
		for _, value := range slices.Sorted(maps.Keys(filed)) {
			if filed[value] != 0 {
				value += " until " + time.Unix(0, filed[value]).Add(start).UTC().Format(time.RFC3339Nano)
			}
			lines = append(lines, value)
		}
		if from != nil && from[0] == "a" {
			slices.Reverse(lines)
		}
		l := parseList(t, strings.Join(lines, "\n"))
		var entries []Entry
		for _, value := range append(slices.Clone(texts[:3]), nets...) {
			if r.IntN(4) == 0 {
				end := until()
				if end != 0 {
					end += int64(start)
				}
				entries = append(entries, Entry{value, end, r.IntN(2) == 0})
			}
		}
		l.Lay(map[string]*Overlay{"l": NewOverlay(entries)})
		for _, text := range asked {
			for _, at := range []int64{4, 5, 9, 10} {
				want := obvious(filed, entries, from, text, at)
				if got := l.Contains("l", text, at+int64(start)); got != want {
					t.Fatalf("%q at %d: %v\nin\n%s\nunder %+v", text, at, got, strings.Join(lines, "\n"), entries)
				}
				if want {
					held++
				}
			}
		}
	}
	if held < 1000 {
		t.Errorf("only %d were held", held)
	}
}

// start is the time at which the entries of the test above begin to end.
const start = 400 * 24 * time.Hour

func obvious(filed map[string]int64, entries []Entry, from []string, text string, at int64) bool {
	lasts := func(until int64) bool { return until == 0 || at < until }
	changed := func(e Entry) bool { e.Until -= int64(start); return e.Until == -int64(start) || at < e.Until }
	networks := from != nil && from[0] != "a"
	prefix := func(value string) netip.Prefix {
		p, err := netip.ParsePrefix(value)
		if err != nil {
			a, err := netip.ParseAddr(value)
			if err != nil {
				return netip.Prefix{}
			}
			a = a.Unmap()
			p = netip.PrefixFrom(a, a.BitLen())
		}
		return p.Masked()
	}
	address, err := netip.ParseAddr(text)
	address = address.Unmap()
	if !networks {
		for _, e := range entries {
			if e.Value == text && changed(e) {
				return !e.Out
			}
		}
		if until, ok := filed[text]; ok {
			return lasts(until)
		}
		if from != nil {
			return false
		}
	}
	if err != nil {
		return false
	}
	for _, e := range entries {
		if p := prefix(e.Value); p.IsValid() && p.Contains(address) && changed(e) && !e.Out {
			return true
		}
	}
	for value, until := range filed {
		out := slices.ContainsFunc(entries, func(e Entry) bool { return e.Out && changed(e) && prefix(e.Value) == prefix(value) })
		if prefix(value).Contains(address) && lasts(until) && !out {
			return true
		}
	}
	return false
}

// TestMillionLinesFromFiles loads two lists of a million lines through the
// whole of the loader and looks at what stays in memory.
func TestMillionLinesFromFiles(t *testing.T) {
	const n = 1_000_000
	var devices, addresses strings.Builder
	for i := range n {
		fmt.Fprintf(&devices, "device-%d until 2027-01-31\n", i)
		fmt.Fprintf(&addresses, "10.%d.%d.%d\n", i>>16, i>>8&255, i&255)
	}
	fsys := files("a.yaml", `rules: [{id: a, when: tx.card in lists.devices or tx.ip in lists.addresses}]`,
		"lists/devices.txt", devices.String(), "lists/addresses.txt", addresses.String())
	devices.Reset()
	addresses.Reset()
	schema, err := event.LoadSchema("../configs/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	set, err := LoadFS(fsys, "test", schema)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	l, at := set.Lists, ns(t, "2026-11-23T12:00:00Z")
	for i := 0; i < n; i += 997 {
		address := fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		if !l.Contains("devices", fmt.Sprintf("device-%d", i), at) || l.Contains("devices", fmt.Sprintf("device-%d", i+n), at) || !l.Contains("addresses", address, at) {
			t.Fatal(i)
		}
	}
	if l.Contains("devices", "device-7", ns(t, "2027-02-01T00:00:00Z")) {
		t.Error("entries do not end")
	}
	held := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d MiB for two million entries", held>>20)
	if held > 120<<20 {
		t.Errorf("%d bytes for two million entries", held)
	}
	runtime.KeepAlive(fsys)
}

func TestListsAreBounded(t *testing.T) {
	f := &listFile{file: "l.txt"}
	f.parse([]byte(strings.Repeat("a\n", maxListEntries) + "b\n"))
	if len(f.faults) != 0 {
		t.Errorf("%d lines of one entry: %v", maxListEntries, f.faults)
	}
	fsys := fstest.MapFS{"a.yaml": {Data: []byte("rules: []")}}
	big := make([]byte, maxListSize) // which is not even read
	for i := range 5 {
		fsys[fmt.Sprintf("lists/l%d.txt", i)] = &fstest.MapFile{Data: big}
	}
	if _, err := LoadFS(fsys, "test", testSchema(t)); err == nil || !strings.Contains(err.Error(), "320 MiB together") {
		t.Errorf("%v", err)
	}
}

func TestCanonical(t *testing.T) {
	for value, want := range map[string]string{
		"shop-1": "shop-1", "10.1.2.3/8": "10.0.0.0/8", "10.1.2.3/32": "10.1.2.3", "::ffff:1.2.3.4": "1.2.3.4",
		"2001:DB8::/32": "2001:db8::/32", "10.0.0.0/33": "10.0.0.0/33", "": "",
	} {
		if got := Canonical(value); got != want {
			t.Errorf("%q: %q, not %q", value, got, want)
		}
	}
}
