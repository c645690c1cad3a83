package hostile

import "strings"

// Condition is the text of a condition under the name of what it tries.
type Condition struct{ Name, When string }

// The bounds that conditions are made for: bytes of text, and brackets inside
// brackets (lang.MaxSource and lang.MaxDepth).
const (
	source = 8 << 10
	depth  = 64
)

// Conditions are texts made to hurt. Each must end in a tree or in faults.
func Conditions() []Condition {
	return append(append(append(brackets(), operators()...), characters()...), refused()...)
}

func fill(unit string) string { return strings.Repeat(unit, source/len(unit)) }

func brackets() []Condition {
	return []Condition{
		{"megabyte of brackets", strings.Repeat("[", 1<<20-100)},
		{"megabyte of round ones", strings.Repeat("(", 1<<20-100)},
		{"megabyte of minus", strings.Repeat("-", 1<<20-100) + "1"},
		{"more than a megabyte", strings.Repeat("(", 1<<20)},
		{"brackets", fill("[")},
		{"braces", fill("{")},
		{"mixed brackets", fill("([{")},
		{"closing", fill(")")},
		{"pairs", fill("()")},
		{"balanced, too deep", nest("(", "1", ")", 4000)},
		{"balanced, allowed", nest("(", "tx.present", ")", depth)},
		{"brackets in strings", `tx.merchant == "` + strings.Repeat("[", 1000) + `"`},
		{"calls in calls", nest("abs(", "1", ")", depth-1) + " > 1"},
		{"filters in filters", nest("filter(", `card.last("1h")`, ", .fraud)", depth-2)},
		{"maps in maps", nest("count(map(", `card.last("1h")`, ", .amount))", 31) + " > 1"},
		{"closures in closures", nest("count(card.last(\"1h\"), ", "true", " > 1)", 60)},
		{"closures in closures, three", `count(card.last("30d"), count(card.last("30d"), count(card.last("30d"), .amount > 1) > 1) > 1) > 1`},
		{"any in any, short", nest("any(0,", "1", ")", 60)},
		{"chained", "1" + strings.Repeat(" < 1", 1500)},
		{"chained, nested 10 deep", nest("(1 < ", "1", " < 1)", 10)},
		{"chained, nested 16 deep", nest("(1 < ", "1", " < 1)", 16)},
		{"chained, nested 60 deep", nest("(1 < ", "1", " < 1)", 60)},
		{"chained on the left", nest("(", "1 < 2", " < 3 < 4)", 60)},
		{"elvis", nest("(", "tx.present", " ?: true)", 60)},
		{"coalesce in brackets", nest("(tx.lat ?? ", "1.5", ")", 60) + " > 1"},
		{"ternaries in brackets", nest("(", "true", "?true:false)", 60)},
		{"ternaries in conditions of ternaries", nest("(", "tx.amount > 1", " ? tx.lat > 1 : tx.lon > 1)", 60)},
		{"truth compared with truth", nest("(tx.amount > 1 == ", "tx.lat > 1", ")", 60)},
		{"not and not", nest("not (tx.amount > 1 and ", "tx.lat > 1", ")", 60)},
		{"xor of missing ones", nest("((tx.lat > 1) != ", "(tx.lon > 1)", ")", 60)},
	}
}

func operators() []Condition {
	return []Condition{
		{"elvis, flat", "tx.present" + strings.Repeat(" ?: true", 800)},
		{"unary", fill("!")[:source-10] + "tx.present"},
		{"unary words", strings.Repeat("not ", 2000) + "true"},
		{"unary minus", strings.Repeat("-", 8000) + "1"},
		{"coalesce", "tx.lat" + strings.Repeat("??1", 2500)},
		{"ternaries", strings.Repeat("true?1:", 1000) + "1"},
		{"ternaries in front", strings.Repeat("true?", 800) + "1" + strings.Repeat(":1", 800)},
		{"and", "true" + strings.Repeat(" and true", 900)},
		{"or of different ones", "tx.lat > 0" + many(240, " or tx.lat > @")},
		{"plus", "1" + strings.Repeat("+1", 4000) + ">1"},
		{"plus with fields", ".a" + strings.Repeat("+.a", 2700)},
		{"powers", "1" + strings.Repeat("**1", 2700)},
		{"dots", "tx" + strings.Repeat(".a", 4000)},
		{"optional dots", "tx" + strings.Repeat("?.a", 2600)},
		{"calls in a row", "tx" + strings.Repeat(".a()", 2000)},
		{"indexes", "tx" + strings.Repeat("[0]", 2700)},
		{"slices", "tx" + strings.Repeat("[:]", 2700)},
		{"huge list", "tx.items in [" + strings.Repeat("1,", 4000) + "1]"},
		{"huge list of numbers", "tx.lat in [" + strings.Repeat("1,", 4000) + "1]"},
		{"huge list of texts", "tx.merchant in [" + strings.Repeat(`"a",`, 2000) + `"b"]`},
		{"huge list for past ones", `count(card.last("30d"), .lat in [` + strings.Repeat("1,", 4000) + `1] and tx.lat > 1) > 0`},
		{"commas", fill(",")},
		{"call with commas", "max(" + strings.Repeat("1,", 4000) + "1) > 1"},
		{"pipes", "1" + strings.Repeat("|a()", 2000)},
		{"let", strings.Repeat("let a=1;", 1000) + "a"},
		{"semicolons", "1" + strings.Repeat(";1", 4000)},
		{"if", strings.Repeat("if true{", 1000)},
		{"wrong operators", "1" + strings.Repeat("=1", 4000)},
		{"wrong operators only", fill("=<")},
		{"unknown names", strings.Repeat("aaaaaaaa or ", 680) + "a"},
		{"nearly known names", strings.Repeat("tx.amuont > 1 or ", 480) + "true"},
		{"bad durations", "1" + strings.Repeat(`+count(card.last("1x"))`, 350) + " > 1"},
		{"as many windows as fit", "0" + many(220, ` + count(card.last("@m"), .amount < @)`) + " > 1"},
		{"windows of all entities", "0" + many(60, ` + sum(card.last("@m"), .lat) + sum(ip.last("@m"), .lat)`) + " > 1"},
		{"long windows", "0" + many(100, ` + count(card.last("@d"), .amount < tx.amount)`) + " > 1"},
		{"patterns, as many as fit", "tx.amount > 0" + many(190, ` or tx.merchant matches "(a?){@}a{@}$"`)},
	}
}

func characters() []Condition {
	return []Condition{
		{"NUL", "tx.amount > \x00 5"},
		{"NULs", fill("\x00")},
		{"bad UTF-8", "tx.merchant == \"\xff\xfe\""},
		{"surrogate", "tx.merchant == \"\xed\xa0\x80\""},
		{"byte order mark", "\ufefftx.present"},
		{"line separators", strings.Repeat("tx.amount > 5 \u2028or ", 100) + "true"},
		{"open string", `"` + fill("a")[1:]},
		{"open raw string", "`" + fill("a")[1:]},
		{"open comment", "/*" + fill("a")[2:]},
		{"comments", fill("/**/")},
		{"backslash at the end", `"\`},
		{"backslashes", `"` + strings.Repeat(`\`, 8000) + `"`},
		{"quotes", fill("'")},
		{"backquotes", fill("`")},
		{"escapes", `"\u{110000}" == tx.merchant`},
		{"octal", `"\777" == tx.merchant`},
		{"pattern", `tx.merchant matches "` + strings.Repeat("(a*)*", 90) + `"`},
		{"pattern that repeats", `tx.merchant matches "((a{30}){30}){1}"`},
		{"pattern that repeats repeats", `tx.merchant matches "((a{1000}){1000}){1000}"`},
		{"pattern of many", `tx.merchant matches "` + strings.Repeat(`\\pL{1000}`, 40) + `"`},
		{"pattern of classes", `tx.merchant matches "` + strings.Repeat(`[^\\pL]`, 1100) + `"`},
		{"pattern without case", `tx.merchant matches "(?i)` + strings.Repeat(`[\\x{80}-\\x{10ffff}]`, 300) + `"`},
		{"deep pattern", `tx.merchant matches "` + nest("(", "a", ")", 240) + `"`},
		{"very deep pattern", `tx.merchant matches "` + nest("(", "a", ")", 3900) + `"`},
		{"long number", strings.Repeat("9", 8000) + " > 1"},
		{"long exponent", "1e" + strings.Repeat("9", 8000) + " > 1"},
		{"hex", "0x" + strings.Repeat("f", 8000) + " > 1"},
		{"beyond int64", "9223372036854775808 > tx.amount_minor"},
		{"largest int64", "9223372036854775807 + tx.amount_minor > 0"},
		{"smallest float", "tx.lat / 5e-324 > 1"},
		{"infinity", "tx.lat > 1e999"},
		{"underscores", strings.Repeat("_", 8000)},
		{"long name", "tx." + strings.Repeat("a", 8000) + " > 1"},
		{"no letters", "tx.😀 == \"😀\""},
		{"letters that look alike", "tx.аmount > 5 and tх.amount > 5"},
		{"right to left", "tx.merchant == \"\u202e\" and tx.amount > 5"},
		{"combining", `tx.merchant == "` + strings.Repeat("\u0301", 4000) + `"`},
		{"pointers", fill("#")},
		{"pointer names", fill("#a ")},
		{"dots only", fill(".")},
		{"question marks", fill("?")},
		{"empty", ""},
		{"blank", " \t\r\n\u00a0"},
	}
}

// refused holds one of each thing that expr does and conditions must not, since
// it reads a clock, builds texts and lists, wraps, or crashes.
func refused() []Condition {
	var out []Condition
	for _, when := range []string{
		`$env`, `$env["tx"]`, `now() > tx.time`, `date("2026-01-01") < tx.time`, `duration("1h") > 1`, `timezone("UTC") == nil`,
		`repeat("a", 1000000000) == tx.merchant`, `repeat(repeat("a", 30000), 30000) == ""`, `join(split(tx.merchant, ""), "") == ""`,
		`replace(tx.merchant, "", tx.merchant) == ""`, `toJSON(tx) == ""`, `fromJSON(tx.merchant) == nil`, `toBase64(tx.merchant) == ""`,
		`fromBase64(tx.merchant) == ""`, `indexOf(tx.merchant, "a") > 1`, `string(tx) == ""`, `type(tx) == "map"`, `get(tx, "cvv") == nil`,
		`keys(tx) == nil`, `values(tx) == nil`, `toPairs(tx) == nil`, `fromPairs([]) == nil`, `concat([1], [2]) == [1, 2]`, `flatten([[1], [2]]) == []`,
		`uniq(map(card.last("30d"), .lat)) == []`, `sort(map(card.last("30d"), .lat)) == []`, `sortBy(card.last("30d"), .lat) == []`,
		`groupBy(card.last("30d"), .merchant) == nil`, `countBy(card.last("30d"), .merchant) == nil`, `reduce(card.last("30d"), #acc + 1, 0) > 1`,
		`reduce(1..1000000, #acc + [#], []) == []`, `1..1000000000 == []`, `len(1..10000000) > 1`, `count(1..100000, true) > 1`,
		`findLast(card.last("30d"), .amount > 5) == nil`, `findIndex(card.last("30d"), .amount > 5) > 1`, `findLastIndex(card.last("30d"), .amount > 5) > 1`,
		`reverse(card.last("30d")) == []`, `take(card.last("30d"), 5) == []`, `one(card.last("30d"), .amount > 5)`, `count(map(card.last("30d"), .amount)) > 1 and count(map(card.last("1d"), .merchant), #) > 1`,
		`tx.card + tx.device == ""`, `"a" + "b" == tx.card`, `tx.merchant matches tx.mcc`, `tx.merchant matches lower("(a*)*")`,
		`tx.amount_minor * 9223372036854775807 > 0`, `tx.amount / 0 > 1`, `tx.amount_minor % 0 == 1`, `0 / 0 != 0 / 0`, `2 ** 1000000 > 1`, `-(-9223372036854775807 - 1) > 0`,
		`bitshl(1, 1000000) > 1`, `{"a": 1} == nil`, `[1, 2, 3] == [1, 2, 3]`, `card.last("30d")[0].amount > 5`, `tx["amount"] > 5`, `tx?.amount > 5`, `card.last("30d")[-1:] == []`,
		`let x = 1; x > 0`, `true; false`, `b"abc" == tx.merchant`, `(tx.amount > 5) > (tx.amount > 6)`, `tx.fraud`, `tx.verdict == "deny"`,
		`card.last("99999999999d") == []`, `count(card.last("106751d")) > 1`, `count(card.last("0s")) > 1`, `count(card.last("-1h")) > 1`, `count(card.newest(1000000000)) > 1`, `count(card.newest(-1)) > 1`,
		`count(card.between("1h", "9999999999999999999h")) > 1`, `count(card.last("1h" + "1h")) > 1`, `count(card.last(tx.channel)) > 1`, `card == nil`, `tx == nil`, `lists == nil`, `tx.ip in lists`, `tx.ip in lists["a"]`,
	} {
		out = append(out, Condition{when, when})
	}
	return out
}
