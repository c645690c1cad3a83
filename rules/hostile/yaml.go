package hostile

import "strings"

const megabyte = 1 << 20

// upTo repeats a text up to the size that a rule file may have.
func upTo(text string) string { return strings.Repeat(text, (megabyte-1000)/len(text)) }

// yamls are rule files whose YAML is meant to hurt.
func yamls() []Case {
	var out []Case
	add := func(name, text string) { out = append(out, Case{"yaml: " + name, rules(text)}) }

	add("laughs", laughs(9, 9))
	add("laughs, in mappings", "a: &a {x: 1}\n"+many(60, "b@: &b@ {<<: *a, y: *a}\n")+"rules: []\n")
	add("quadratic aliases", "a: &a ["+strings.Repeat("x,", 200_000)+"]\nrules: ["+strings.Repeat("*a,", 100_000)+"]\n")
	add("an alias of itself", "rules: &a [*a]\n")
	add("an alias of itself, in a key", "&a rules: {*a : *a}\n")
	add("an alias to nothing", "rules: [*a]\n")
	add("many aliases to nothing", "rules: ["+upTo("*a,")+"]\n")
	add("anchors", "rules: ["+upTo("&a 1,")+"]\n")
	add("merge keys", "rules:\n  - <<: {id: a, when: \"true\"}\n    <<: [{id: b}]\n")
	add("many merge keys", "rules:\n  - "+upTo("<<: {}\n    ")+"\n")
	add("tags", "rules: !!python/object/apply:os.system [\"true\"]\n")
	add("tag of binary", "rules: !!binary "+upTo("AAAA")+"\n")
	add("tag of float", "rules:\n  - {id: a, when: \"true\", score: !!float .nan}\n")
	add("many tags", "rules: ["+upTo("!!set {},")+"]\n")
	add("directives", upTo("%TAG !e! tag:example.com,2000:\n")+"---\nrules: []\n")
	add("documents", upTo("---\n")+"rules: []\n")
	add("two documents", "rules: []\n---\nrules: []\n")

	for _, open := range []string{"[", "{", "{a: ", "[{", "- ", "? ", "? [", "- - {", "[[],"} {
		add("open "+open, upTo(open))
		add("some open "+open, strings.Repeat(open, 5000))
	}
	add("levels below the parser's bound", "rules: "+nest("[", "", "]", 9000)+"\n")
	add("many levels, many times", upTo("- "+nest("[", "", "]", 30)+"\n"))
	add("levels by indentation", steps(1000))
	add("keys", upTo("a:\n"))
	add("different keys", many(100_000, "k@: 1\n"))
	add("keys of a rule", "rules:\n  -"+many(80_000, " k@: 1\n   ")+"\n")
	add("nearly known keys", "rules:\n"+many(30_000, "  - {id: r@, wehn: a, scroe: 1}\n"))
	add("the same key", "rules:\n  - id: a\n"+upTo("    when: \"true\"\n"))
	add("a long key", upTo("k")+": 1\n")
	add("a long key of a rule", "rules:\n  - "+strings.Repeat("k", 900)+": 1\n    id: a\n")
	add("keys that are lists", "rules:\n  - ? [a, b]\n    : 1\n")
	add("numbers as keys", upTo("1: 2\n"))

	add("a giant scalar", "rules:\n  - id: a\n    when: "+upTo("a")+"\n")
	add("a giant quoted scalar", "rules:\n  - id: a\n    when: \""+upTo(`\u0061`)+"\"\n")
	add("a giant folded scalar", "rules:\n  - id: a\n    when: >\n"+upTo("      a\n"))
	add("a giant description", "rules:\n  - id: a\n    when: \"true\"\n    description: "+upTo("d")+"\n")
	add("a giant description of lines", "rules:\n  - id: a\n    when: \"true\"\n    description: |\n"+upTo("      \n"))
	add("a giant id", "rules:\n  - id: "+upTo("i")+"\n    when: \"true\"\n")
	add("a giant comment", "rules: [] # "+upTo("c")+"\n")
	add("comments", upTo("#\n")+"rules: []\n")
	add("a comment for each value", "rules:\n"+upTo("  - # c\n"))
	add("blank lines", upTo("\n")+"rules: []\n")
	add("blanks", "rules:"+upTo(" ")+"[]\n")
	add("an open quote", "rules: \""+upTo("a\n"))
	add("a quote that ends nowhere, many times", upTo("- 'a\n"))

	add("tabs", "rules:\n\t- id: a\n\t  when: \"true\"\n")
	add("a tab behind", "rules:\t[]\t\n")
	add("many tabs", upTo("\t"))
	add("byte order mark", "\ufeffrules: []\n")
	add("byte order marks", strings.Repeat("\ufeff", 1000)+"rules: []\n")
	add("UTF-16", "\xff\xfer\x00u\x00l\x00e\x00s\x00:\x00")
	add("NUL", "rules: [] \x00\n")
	add("NULs", upTo("\x00"))
	add("not UTF-8", "rules: \xff\xfe\n")
	add("one bad byte at the end", upTo("#\n")+"\xff")
	add("surrogates", "rules: \"\xed\xa0\x80\"\n")
	add("escaped surrogates", `rules: "\ud800"`+"\n")
	add("escape characters", "rules: \x1b[2J\n")
	add("carriage returns", upTo("\r"))
	add("line separators", upTo("\u2028"))
	add("next lines", upTo("\u0085"))

	scored := func(score string) string {
		return "rules:\n  - {id: a, when: \"true\", score: " + score + "}\n"
	}
	for _, score := range []string{
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", strings.Repeat("9", 10_000), "1e308", "1e999999999", ".inf", ".nan", "0x7fffffffffffffff",
		"0o777", "0777", "0b1", "1_000", "190:20:30", "~", "true", "2026-01-01", "[1]", "{a: 1}", "-0", "+1", "1.0", "''",
	} {
		add("score "+clip(score), scored(score))
	}
	for _, date := range []string{"2026-02-30", "9999-12-31", "0000-00-00", "-1-01-01", "2262-04-12", "99999999999-01-01", "2026-01-01T00:00:00Z", "1", "!!timestamp 2026-01-01", "yes"} {
		add("expires "+date, "rules:\n  - {id: a, when: \"true\", expires: "+date+"}\n")
	}
	for _, share := range []string{"100.0000000000000001%", "-1%", "1e3%", "nan%", "0%", "{share: 10%, by: nobody}", "{share: [10%]}", strings.Repeat("9", 1000) + "%"} {
		add("rollout "+clip(share), "rules:\n  - {id: a, when: \"true\", rollout: "+share+"}\n")
	}
	return out
}

// laughs nests lists of aliases: wide to the power of levels values.
func laughs(levels, wide int) string {
	var b strings.Builder
	b.WriteString("a0: &a0 [" + strings.Repeat("ha,", wide) + "]\n")
	for i := range levels {
		b.WriteString("a" + letter(i+1) + ": &a" + letter(i+1) + " [" + strings.Repeat("*a"+before(i)+",", wide) + "]\n")
	}
	b.WriteString("rules: *a" + letter(levels) + "\n")
	return b.String()
}

func letter(i int) string { return string(rune('a' + i)) }

func before(i int) string {
	if i == 0 {
		return "0"
	}
	return letter(i)
}

// steps indents each line by one more than the one before.
func steps(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func clip(text string) string {
	if len(text) > 40 {
		return text[:40] + "…"
	}
	return text
}
