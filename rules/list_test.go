package rules

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"testing"
)

func parseList(t testing.TB, content string) *Lists {
	t.Helper()
	f := &listFile{file: "l.txt"}
	l := &Lists{byName: map[string]list{}}
	l.add("l", f.parse([]byte(content)))
	if err := f.faults.Err(); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTextList(t *testing.T) {
	l := parseList(t, "\uFEFF# shops\r\nshop-1\r\n  shop 2 \t# closed\nshop#3\n\nshop-1\nlast")
	for text, want := range map[string]bool{
		"shop-1": true, "shop 2": true, "shop#3": true, "last": true,
		"": false, "shop": false, "shop-11": false, "# shops": false,
	} {
		if l.Contains("l", text, 0) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
	if l.Contains("other", "shop-1", 0) || l.Has("other") || !l.Has("l") {
		t.Error("names")
	}
}

func TestNetworkList(t *testing.T) {
	l := parseList(t, "10.0.0.0/8\n192.168.1.7 # one\n2001:DB8::/32\n::ffff:1.2.3.0/120\n0.0.0.0/32")
	for text, want := range map[string]bool{
		"10.255.0.1": true, "11.0.0.1": false, "192.168.1.7": true, "192.168.1.8": false,
		"2001:db8::1": true, "2001:db9::1": false, "1.2.3.4": true, "::ffff:10.0.0.1": true,
		"0.0.0.0": true, "::": false, "": false, "shop": false, "10.0.0.0/8": false,
	} {
		if l.Contains("l", text, 0) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
	if all := parseList(t, "::/0"); !all.Contains("l", "1.2.3.4", 0) || !all.Contains("l", "::1", 0) {
		t.Error("::/0 holds everything")
	}
	if four := parseList(t, "0.0.0.0/0"); !four.Contains("l", "1.2.3.4", 0) || four.Contains("l", "::1", 0) {
		t.Error("0.0.0.0/0 holds IPv4")
	}
}

// TestNetworksAgainstTheObvious compares with trying every network in turn.
func TestNetworksAgainstTheObvious(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	address := func() netip.Addr {
		if r.IntN(2) == 0 {
			return netip.AddrFrom4([4]byte{10, byte(r.IntN(3)), byte(r.IntN(256)), byte(r.IntN(4))})
		}
		return netip.AddrFrom16([16]byte{0x20, 1, byte(r.IntN(3)), byte(r.IntN(256)), 15: byte(r.IntN(4))})
	}
	for range 300 {
		var prefixes []netip.Prefix
		var content strings.Builder
		for range 1 + r.IntN(20) {
			a := address()
			p := netip.PrefixFrom(a, r.IntN(a.BitLen()+1))
			prefixes = append(prefixes, p)
			fmt.Fprintln(&content, p)
		}
		l := parseList(t, content.String())
		for range 50 {
			a := address()
			want := false
			for _, p := range prefixes {
				want = want || p.Contains(a)
			}
			if l.Contains("l", a.String(), 0) != want {
				t.Fatalf("%s in\n%s: %v", a, content.String(), !want)
			}
		}
	}
}

func TestMillionEntries(t *testing.T) {
	const n = 1_000_000
	var content strings.Builder
	for i := range n {
		fmt.Fprintf(&content, "device-%d\n", i)
	}
	l := parseList(t, content.String())
	runtime.GC()
	for i := 0; i < n; i += 997 {
		if !l.Contains("l", fmt.Sprintf("device-%d", i), 0) || l.Contains("l", fmt.Sprintf("device-%d", i+n), 0) {
			t.Fatal(i)
		}
	}
	found := l.byName["l"].(*texts)
	if size := len(found.blob) + 4*len(found.stops) + 4*len(found.slots.table); size > 32<<20 {
		t.Errorf("%d bytes for a million entries", size)
	}
}

func TestContainsAllocatesNothing(t *testing.T) {
	text, nets := parseList(t, "a\nb\n"), parseList(t, "10.0.0.0/8\n2001:db8::/32\n")
	if n := testing.AllocsPerRun(100, func() {
		text.Contains("l", "b", 0)
		nets.Contains("l", "10.0.0.1", 0)
		nets.Contains("l", "2001:db8::1", 0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkMillionLines reads a list of a million entries.
func BenchmarkMillionLines(b *testing.B) {
	for _, c := range []struct{ name, format string }{
		{"texts", "device-%d\n"}, {"texts that end", "device-%d until 2199-01-31\n"}, {"networks", ""},
	} {
		var content strings.Builder
		for i := range 1_000_000 {
			if c.name == "networks" {
				fmt.Fprintf(&content, "%d.%d.%d.0/24\n", i>>16+1, i>>8&255, i&255)
				continue
			}
			fmt.Fprintf(&content, c.format, i)
		}
		text := []byte(content.String())
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f := &listFile{file: "l.txt"}
				if l := f.parse(text); l.size() != 1_000_000 || len(f.faults) > 0 {
					b.Fatal(l.size(), f.faults)
				}
			}
		})
	}
}
