package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// oracle reads a message the slow and obvious way: encoding/json's tokens,
// strict checks of our own on top. It gives members by their path and says
// whether the message is to be refused. Its numbers are as they were written.
func oracle(msg []byte) (members map[string]any, refused bool) {
	if !utf8.Valid(msg) || !json.Valid(msg) || loneSurrogate(msg) {
		return nil, true
	}
	d := json.NewDecoder(bytes.NewReader(msg))
	d.UseNumber()
	members = map[string]any{}
	ok, err := oracleValue(d, "", members, 0)
	if err != nil || !ok {
		return nil, true
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, true
	}
	_, object := members[""].(map[string]bool)
	return members, !object
}

// oracleValue reads one value; ok is false for duplicate keys and deep nesting.
func oracleValue(d *json.Decoder, path string, members map[string]any, depth int) (ok bool, err error) {
	t, err := d.Token()
	if err != nil {
		return false, err
	}
	delim, nested := t.(json.Delim)
	if !nested {
		members[path] = t
		return true, nil
	}
	if depth++; depth > MaxDepth {
		return false, nil
	}
	names := map[string]bool{}
	members[path] = any(names)
	if delim == '[' {
		members[path] = []any{}
	}
	for i := 0; d.More(); i++ {
		inner := fmt.Sprintf("%s[%d]", path, i)
		if delim == '{' {
			name, err := d.Token()
			if err != nil || names[name.(string)] {
				return false, err
			}
			names[name.(string)] = true
			inner = strings.TrimPrefix(path+"."+name.(string), ".")
			if name == "" || strings.ContainsAny(name.(string), ".[") {
				inner = fmt.Sprintf("odd %q in %q", name, path) // not a path of the schema
			}
		}
		if ok, err := oracleValue(d, inner, members, depth); err != nil || !ok {
			return false, err
		}
	}
	_, err = d.Token()
	return true, err
}

// loneSurrogate finds half pairs in a valid document.
func loneSurrogate(msg []byte) bool {
	text := strings.ReplaceAll(string(msg), `\\`, "__")
	for i := 0; i+6 <= len(text); i++ {
		var high, low rune
		if _, err := fmt.Sscanf(text[i:i+6], `\u%04x`, &high); err != nil || high < 0xd800 || high > 0xdfff {
			continue
		}
		if high >= 0xdc00 || i+12 > len(text) {
			return true
		}
		if _, err := fmt.Sscanf(text[i+6:i+12], `\u%04x`, &low); err != nil || low < 0xdc00 || low > 0xdfff {
			return true
		}
		i += 11
	}
	return false
}

const plainSchema = `
fields:
  id:   {type: string, required: true}
  time: {type: timestamp, unit: s}
  n:    {from: a.n, type: integer}
  s:    {from: a.s, type: string}
  f:    {from: a.b.f, type: number}
  o:    {from: o, type: bool}
`

// agree compares the decoder with the oracle on one message.
func agree(t *testing.T, s *Schema, d *Decoder, msg []byte) {
	t.Helper()
	members, refused := oracle(msg)
	var tx Transaction
	err := d.Transaction(&tx, msg, 0)
	switch code := codeOf(err); code {
	case MissingField, WrongType, OutOfRange, BadValue: // of a field, which the oracle does not judge
		if code == MissingField && refused { // the others come before the rest is read
			t.Fatalf("%q: the oracle refuses it, and the decoder says %v", msg, err)
		}
		return
	case "":
		if refused {
			t.Fatalf("%q was taken", msg)
		}
	default:
		if !refused {
			t.Fatalf("%q: %v", msg, err)
		}
		return
	}
	for i, f := range s.Fields {
		if f.Type == TypeTimestamp {
			continue
		}
		got, want := string(tx.AppendText(nil, i)), ""
		if v := members[f.From]; v != nil {
			want = fmt.Sprint(v)
		}
		if f.Type == TypeNumber && got != "" {
			gotNumber, _ := new(big.Float).SetString(got)
			wantNumber, _ := new(big.Float).SetString(want)
			x, _ := gotNumber.Float64()
			if y, _ := wantNumber.Float64(); x == y {
				continue
			}
		}
		if got != want && (want != "-0" || got != "0") {
			t.Fatalf("%q: %s is %q, want %q", msg, f.Name, got, want)
		}
	}
}

// randomJSON writes a random value with names and texts that collide often.
func randomJSON(r *rand.Rand, depth int) string {
	texts := []string{"", "a", "b", "n", "s", "f", "id", `\u0061`, `\n`, "é", `\u00e9`, `\ud83d\ude00`, `\ud83d`, "a.n", "\xff", "time", `\"`, "x\ty", "o"}
	numbers := []string{"0", "-0", "1", "12", "-7", "1.5", "1e3", "01", "1.", "9007199254740993", "0.1", "123456789012345678901", "1e400", "-"}
	space := []string{"", "", "", " ", "\n\t"}[r.IntN(5)]
	switch k := r.IntN(10); {
	case k < 4 && depth > 0:
		var parts []string
		for range r.IntN(4) {
			parts = append(parts, `"`+texts[r.IntN(len(texts))]+`"`+space+":"+randomJSON(r, depth-1))
		}
		return "{" + space + strings.Join(parts, space+",") + "}"
	case k < 5 && depth > 0:
		var parts []string
		for range r.IntN(3) {
			parts = append(parts, randomJSON(r, depth-1)+space)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case k < 7:
		return `"` + texts[r.IntN(len(texts))] + `"`
	case k < 9:
		return numbers[r.IntN(len(numbers))]
	}
	return []string{"null", "true", "false", "nul"}[r.IntN(4)]
}

func TestDecoderAgainstEncodingJSON(t *testing.T) {
	s := mustSchema(t, plainSchema)
	d := NewDecoder(s)
	r := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for range 25_000 {
		value := func(typical ...string) string {
			if r.IntN(3) > 0 {
				return typical[r.IntN(len(typical))]
			}
			return randomJSON(r, 3)
		}
		parts := []string{
			`"id":` + value(`"x"`, "7"), `"time":` + value("1", "2"), `"o":` + value("true", "null"),
			`"a":{"n":` + value("5", "-3") + `,"s":` + value(`"t"`, `"é"`, `"\u0000\/"`) + `,"b":{"f":` + value("1.25", "3e-7", "-0.0") + `},"x":` + randomJSON(r, 2) + `}`,
		}
		for range r.IntN(3) {
			parts = append(parts, `"`+[]string{"x", "y", "id", "o", "a", `\u0061`}[r.IntN(6)]+`":`+randomJSON(r, 3))
		}
		r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		msg := []byte("{" + strings.Join(parts, ",") + "}")
		if r.IntN(8) == 0 { // damage
			msg[r.IntN(len(msg))] = "{}[]\",:\\x\x00\x80"[r.IntN(11)]
		}
		agree(t, s, d, msg)
		if d.Transaction(&Transaction{}, msg, 0) == nil {
			taken++
		}
	}
	if taken < 600 {
		t.Errorf("only %d of the random messages were valid", taken)
	}
}

// TestAmountsAgainstRationals compares amounts with exact fractions.
func TestAmountsAgainstRationals(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte("0001234567899"[r.IntN(13)])
		}
		return b.String()
	}
	limit := new(big.Int).Lsh(big.NewInt(1), 63)
	for range 50_000 {
		text := strings.TrimLeft(digits(r.IntN(22)), "0")
		if text == "" {
			text = "0"
		}
		if r.IntN(2) == 0 {
			text += "." + digits(1+r.IntN(24))
		}
		if r.IntN(4) == 0 {
			text += fmt.Sprintf("%c%s%d", "eE"[r.IntN(2)], []string{"", "+", "-"}[r.IntN(3)], r.IntN(30))
		}
		n, ok := scanNumber([]byte(text), 0)
		if !ok || n.end != len(text) {
			t.Fatalf("%s is no number", text)
		}
		scale := r.IntN(5)
		minor, code := amount{digits: n.digits, exp: n.exp, wide: n.wide}.minor(scale)
		exact, _ := new(big.Rat).SetString(text)
		exact.Mul(exact, new(big.Rat).SetInt64(int64(wholeTens[scale])))
		switch {
		case !exact.IsInt():
			if code == "" {
				t.Fatalf("%s with %d digits gave %d", text, scale, minor)
			}
		case exact.Num().Cmp(limit) >= 0:
			if code != OutOfRange {
				t.Fatalf("%s with %d digits gave %d %q", text, scale, minor, code)
			}
		case code != "" || exact.Num().Int64() != minor:
			t.Fatalf("%s with %d digits gave %d %q", text, scale, minor, code)
		}
	}
}

// TestTimesAgainstTimePackage compares timestamps with package time's.
func TestTimesAgainstTimePackage(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 50_000 {
		text := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d", 1969+r.IntN(295), r.IntN(14), r.IntN(33), r.IntN(25), r.IntN(61), r.IntN(61))
		if n := r.IntN(10); n > 0 {
			text += fmt.Sprintf(".%0*d", n, r.IntN(1000))
		}
		text += []string{"Z", "+02:00", "-11:30", "+14:00", ""}[r.IntN(5)]
		got, code := parseTime([]byte(text))
		want, err := time.Parse(time.RFC3339Nano, text)
		if ok := err == nil && want.UTC().Year() >= 1970 && want.UTC().Year() <= 2261; ok != (code == "") || ok && want.UnixNano() != got {
			t.Fatalf("%s: %d %q, want %v %v", text, got, code, want, err)
		}
		if code == "" {
			if again, _ := parseTime(AppendTime(nil, got)); again != got {
				t.Fatalf("%s was written as %s", text, AppendTime(nil, got))
			}
		}
	}
}

// TestAddressesAgainstNetip compares addresses with package netip's.
func TestAddressesAgainstNetip(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	parts := []string{"0", "1", "ff", "FFFF", "1234", ":", "::", ":", ".", "192.0.2.1", "255", "256", "01", "g", ":0:0:", "::ffff:", "12345", ""}
	valid := 0
	for range 100_000 {
		var b strings.Builder
		if r.IntN(3) == 0 {
			for i := range 8 {
				if i > 0 {
					b.WriteByte(':')
				}
				b.WriteString(parts[r.IntN(5)])
			}
		} else {
			for range 1 + r.IntN(9) {
				b.WriteString(parts[r.IntN(len(parts))])
			}
		}
		text := b.String()
		got, ok := parseIP([]byte(text))
		want, err := netip.ParseAddr(text)
		if ok != (err == nil) || ok && got != want.Unmap() {
			t.Fatalf("%q: %v %v, want %v %v", text, got, ok, want, err)
		}
		if ok {
			valid++
		}
	}
	if valid < 300 {
		t.Errorf("only %d of the random addresses were valid", valid)
	}
}

// TestZonesAgainstTimePackage compares hours and weekdays with package time's.
func TestZonesAgainstTimePackage(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, name := range []string{"UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Etc/GMT+5"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		s := &Schema{Zone: zone, offsets: zoneOffsets(zone)}
		slow := &Schema{Zone: zone}
		for range 8_000 {
			sec := r.Int64N(lastSecond)
			if i := r.IntN(len(s.offsets)); r.IntN(3) == 0 { // about a change
				sec = max(0, s.offsets[i].from+r.Int64N(7)-3)
			}
			ns := sec*1e9 + r.Int64N(1e9)
			at := time.Unix(0, ns).In(zone)
			weekday := int64(at.Weekday()+6)%7 + 1
			for _, s := range []*Schema{s, slow} {
				if s.Hour(ns) != int64(at.Hour()) || s.Weekday(ns) != weekday {
					t.Fatalf("%v: hour %d, weekday %d", at, s.Hour(ns), s.Weekday(ns))
				}
			}
		}
	}
}
