package hostile

import (
	"fmt"
	"strings"
	"testing/fstest"
)

// lists are directories whose lists are meant to hurt.
func lists() []Case {
	var out []Case
	add := func(name, text string) {
		out = append(out, Case{"list: " + name, files("a.yaml", block(`tx.ip in lists.l or tx.merchant in lists.l`), "lists/l.txt", text)})
	}
	lazy := func(name string, text func() string) {
		out = append(out, Case{"list: " + name, func() fstest.MapFS {
			return files("a.yaml", block(`tx.merchant in lists.l`), "lists/l.txt", text())()
		}})
	}
	add("a giant line", strings.Repeat("a", 4*megabyte))
	add("a giant comment", "# "+strings.Repeat("a", 4*megabyte))
	add("giant lines", strings.Repeat(strings.Repeat("a", 1025)+"\n", 4000))
	add("lines of the most bytes", strings.Repeat(strings.Repeat("a", 1024)+"\n", 4000))
	lazy("a million texts", func() string { return many(1_000_000, "merchant-@\n") })
	lazy("a million networks", func() string { return networks(1_000_000) })
	lazy("a million IPv6 networks", func() string { return many(500_000, "2001:db8::@/128\n") })
	lazy("half a million networks, one in the other", func() string { return strings.Repeat("10.0.0.0/8\n10.0.0.0/16\n10.0.0.1\n", 170_000) })
	lazy("a million ends", func() string { return many(300_000, "m@ until 2027-01-31\n") })
	lazy("a million times the same", func() string { return strings.Repeat("m-1\n", 1_000_000) })
	lazy("a million blank lines", func() string { return strings.Repeat("\n", 2_000_000) })
	lazy("a million bad lines", func() string { return strings.Repeat("\xff\n", 1_000_000) })
	lazy("more entries than are allowed", func() string { return strings.Repeat("a\n", 4_000_100) })
	lazy("more bytes than are allowed", func() string { return strings.Repeat("#\n", 33<<20) })
	add("networks and texts", "192.0.2.0/24\nm-1\n")
	add("texts and networks", "m-1\n192.0.2.0/24\n")
	for _, bad := range []string{
		"192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/99999999999999999999", "192.0.2.0/", "/24", "192.0.2.256/24", "1.2.3/8", "::/129", "::ffff:1.2.3.4/95",
		"fe80::1%eth0", "fe80::1%eth0/64", "0.0.0.0/0", "::/0", "0x7f.1", "010.0.0.1", "1.2.3.4/24/24", "1.2.3.4:80",
	} {
		add("network "+bad, "192.0.2.1\n"+bad+"\n")
		add("network "+bad+" first", bad+"\n192.0.2.1\n")
	}
	for _, bad := range []string{
		"a until", "until 2027-01-31", "until until", "a until yesterday", "a until 9999-99-99", "a until 2262-05-01", "a until until 2027-01-31",
		"a\x00b", "a\tb", "\x1b[2J", "a # b # c", "\u202ea", "\ufeffa", "a\rb", "a\u2028b",
	} {
		add(fmt.Sprintf("entry %q", bad), bad+"\n")
	}
	for _, name := range []string{"lists/.txt", "lists/a b.txt", "lists/1.txt", "lists/ä.txt", "lists/a.b.txt", "lists/" + strings.Repeat("n", 200) + ".txt", "lists/\u202e.txt", "lists/A.txt"} {
		out = append(out, Case{"list: name " + clip(name), files("a.yaml", "rules: []\n", name, "x\n", "lists/a.txt", "x\n")})
	}
	return out
}

func networks(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d.%d.%d.%d/%d\n", 1+i>>18&127, i>>10&255, i>>2&255, i<<6&255, 20+i%13)
	}
	return b.String()
}

// examples are rules whose examples are meant to hold up a reload.
func examples() []Case {
	var out []Case
	add := func(name, examples string) {
		out = append(out, Case{"examples: " + name, rules("rules:\n  - id: a\n    when: tx.amount > 5\n    examples:\n" + examples)})
	}
	past := func(history string) string {
		return "      - {history: [" + history + "], transaction: {card: c, amount: 10}, expect: fires}\n"
	}
	for _, history := range []string{
		"{times: 1000000000, every: 1s}", "{times: -1, every: 1s}", "{times: 0, every: 1s}", "{times: 1e9, every: 1s}", "{times: 99999999999999999999, every: 1s}",
		"{times: 1000, every: 99999d}", "{times: 10, every: 0s}", "{times: 999, every: -1h}", "{times: 999, every: 365d}", "{ago: 99999999999h}", "{ago: -1h}", "{ago: 1h, times: 999, every: 1000d}",
		"{time: 9999-12-31 23:59}", "{time: 0000-00-00 00:00}", "{time: 1677-01-01T00:00:00Z}", "{time: Sat 25:61}", "{amount: 1e308}", "{amount: -1}", "{amount: nan}",
		"{merchant: '" + strings.Repeat("#", 10_000) + "', times: 999, every: 1s}", "{card: " + strings.Repeat("c", 100_000) + "}", "{id: x, times: 5, every: 1s}, {id: x}", "{lat: .inf}", "{lat: 1e999}", "{ip: 1.2.3.4.5}",
		"{verdict: maybe}", "{fraud: perhaps}", "{amuont: 5}", "nil", "[]", "5", "{}", "{amount: {a: b}}", "{amount: [1]}",
	} {
		add(clip(history), past(history))
	}
	add("as many payments as one may have", past("{times: 999, every: 1s}"))
	add("more", past("{times: 600, every: 1s}, {times: 600, every: 1s}"))
	add("as many as all may have", strings.Repeat(past("{times: 999, every: 1s}"), 20))
	add("as many as fit", strings.Repeat(past("{times: 999, every: 1s}"), 10_000))
	add("many payments", past(strings.TrimSuffix(strings.Repeat("{ago: 1s},", 90_000), ",")))
	add("many bad payments", past(strings.TrimSuffix(strings.Repeat("{amuont: 1},", 80_000), ",")))
	add("many empty examples", strings.Repeat("      - {}\n", 80_000))
	add("the same fields again", past("{"+strings.Repeat("amount: 1, ", 80_000)+"}"))
	add("unknown rules", "      - {transaction: {amount: 10}, expect: {fired: ["+many(60_000, "rule-@, ")+"]}}\n")
	add("no expectation", strings.Repeat("      - {transaction: {amount: 10}, expect: {}}\n", 10_000))
	out = append(out, Case{"examples: unknown rules, among many", func() fstest.MapFS {
		return files("a.yaml", "rules:\n"+many(9_000, "  - {id: rule-number-@, when: tx.amount > 5}\n"),
			"b.yaml", "rules:\n  - id: a\n    when: tx.amount > 5\n    examples:\n      - {transaction: {amount: 10}, expect: {fired: ["+many(60_000, "rule-nr-@, ")+"]}}\n")()
	}})
	return out
}

// directories are many rules at once, and rules with odd names.
func directories() []Case {
	var out []Case
	add := func(name string, make func() fstest.MapFS) { out = append(out, Case{"rules: " + name, make}) }
	full := func(n int, rule string) func() fstest.MapFS { return func() fstest.MapFS { return spread(n, rule) } }

	add("10,000", full(10_000, "  - {id: r@, when: tx.amount > @}\n"))
	add("10,001", full(10_001, "  - {id: r@, when: tx.amount > @}\n"))
	add("100,000", full(100_000, "  - {id: r@, when: tx.amount > @}\n"))
	add("10,000 that share nothing", full(10_000, "  - {id: r@, when: 'count(card.last(\"@s\"), .amount > @) > @'}\n"))
	add("10,000 in one line each", rules("rules: ["+many(10_000, "{id: r@, when: 'tx.amount > @'},")+"]\n"))
	add("10,000 faults in one line", rules("rules: ["+many(10_000, "{id: r@, when: 'tx.amuont > @'},")+"]\n"))
	add("10,000 unknown keys in one line", rules("rules: ["+many(10_000, "{id: r@, wehn: 'tx.amount > @'},")+"]\n"))
	add("10,000 times the same id", full(10_000, "  - {id: r, when: tx.amount > @}\n"))
	add("10,000 faults", full(10_000, "  - {id: r@, when: tx.amuont > @}\n"))
	add("2,000 that are too expensive", full(2_000, "  - {id: r@, when: 'streak(card.last(\"30d\"), .lat > 1) + streak(card.last(\"30d\"), .lat > @) + streak(card.last(\"30d\"), .lon > @) > 1'}\n"))
	add("1,000 for the VM", full(1_000, "  - {id: r@, when: 'streak(card.last(\"30d\"), .lat > @) > 1'}\n"))
	add("1,000 that are off", full(1_000, "  - {id: r@, mode: \"off\", when: 'streak(card.last(\"30d\"), .lat > @) > 1'}\n"))
	add("1,000 patterns", full(1_000, "  - {id: r@, when: 'tx.merchant matches \"(a?){50}a{50}@$\"'}\n"))
	add("1,000 large conditions", full(1_000, "  - {id: r@, when: '"+many(30, "tx.lat > @ or ")+"tx.lon > 5'}\n"))
	add("1,000 lists of constants", full(1_000, "  - {id: r@, when: 'tx.lat in ["+many(200, "@,")+"1]'}\n"))
	add("one condition of 8 KiB, a hundred times", full(100, "  - {id: r@, when: '"+many(500, "tx.lat > @ or ")+"true'}\n"))
	add("policies", full(10, "  - {id: r@, when: tx.amount > @}\npolicy: {review: @}\n"))
	add("policy beyond int64", rules("policy: {review: 9223372036854775808, deny: -1}\nrules: []\n"))
	add("1,000 files", func() fstest.MapFS { return numbered(1000, "rules: []\n") })
	add("1,001 files", func() fstest.MapFS { return numbered(1001, "rules: []\n") })
	add("1,000 files with faults", func() fstest.MapFS { return numbered(1000, "rulse: []\n") })
	add("no file", files())
	add("empty files", files("a.yaml", "", "b.yaml", " \n"))
	add("a file of a byte too many", rules(strings.Repeat("#", megabyte+1)))
	for _, id := range []string{
		"\u202egnitset-drac", "раyment", "a\u0301", "a\u200bb", "ａ", "😀", "..", "../../etc/passwd", "a b", "A", "-", "$(id)", "<script>", "null", "true", "1", "1e3", "a\\nb", "%s%n", "{{.}}",
		strings.Repeat("a", 1000),
	} {
		add("id "+clip(id), rules("rules:\n  - {id: \""+id+"\", when: tx.amount > 5}\n"))
	}
	for _, key := range []string{"reason", "owner", "alert", "verdict", "mode", "description"} {
		add(key+" of odd text", rules("rules:\n  - {id: a, when: tx.amount > 5, "+key+": \"\\e[2J\u202e<b>\\n\\0\"}\n"))
	}
	return out
}

// spread puts n rules into files that are each within the size of a file.
func spread(n int, rule string) fstest.MapFS {
	fsys := fstest.MapFS{}
	per := max(1, min(n, (megabyte-100)/(len(rule)+20)))
	before := strings.Split(rule, "@")
	for from := 0; from < n; from += per {
		var b strings.Builder
		b.WriteString("rules:\n")
		for i := from; i < min(from+per, n); i++ {
			b.WriteString(strings.Join(before, fmt.Sprint(i+1)))
		}
		fsys[fmt.Sprintf("f%04d.yaml", from/per)] = &fstest.MapFile{Data: []byte(b.String())}
	}
	return fsys
}

func numbered(n int, text string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := range n {
		fsys[fmt.Sprintf("f%04d.yaml", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}
