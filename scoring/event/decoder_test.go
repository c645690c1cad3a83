package event

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
)

// payment is a message that wideSchema takes; tests replace a part of it.
const payment = `{"transaction_id":"t1","at":1522577863123,"kind":"p\u00e9","money":{"value":57.10,"fee":"0.5","unit":"EUR"},` +
	`"payer":{"card":{"token":"tkn","cvv":"123"},"user":7},"ip":"192.0.2.1","country":"DE","lat":-1.5e1,"online":true,` +
	`"born":"2001-02-03T04:05:06.789+01:00","more":{"a":[1,"x",null,{"b":false}]}}`

func TestDecode(t *testing.T) {
	s := mustSchema(t, wideSchema)
	tx := mustDecode(t, s, payment)
	want := map[string]string{
		"id": "t1", "time": "2018-04-01T10:17:43.123Z", "kind": "pé", "amount": "57.10", "fee": "0.50", "currency": "EUR",
		"card": "tkn", "cvv": "***", "user": "7", "ip": "192.0.2.1", "country": "DE", "lat": "-15", "online": "true",
		"born": "2001-02-03T03:05:06.789Z",
	}
	for i, f := range s.Fields {
		if got := string(tx.AppendText(nil, i)); got != want[f.Name] {
			t.Errorf("%s is %q, want %q", f.Name, got, want[f.Name])
		}
		if isText(f.Type) != (tx.Hashes[i] != Missing) {
			t.Errorf("%s has the hash %x", f.Name, tx.Hashes[i])
		}
	}
	if CurrencyName(tx.Currency) != "EUR" || tx.Words[s.Field("amount")] != 5710 {
		t.Errorf("currency %s, amount %d", CurrencyName(tx.Currency), tx.Words[s.Field("amount")])
	}
	if want := []Key{HashKey([]byte("tkn")), HashKey([]byte("7")), HashKey([]byte("192.0.2.1"))}; tx.Entities[0] != want[0] ||
		tx.Entities[1] != want[1] || tx.Entities[2] != want[2] {
		t.Errorf("entities %v, want %v", tx.Entities, want)
	}
	if tx.Future || tx.Time != 1522577863123e6 || tx.Arrival != 16e17 {
		t.Errorf("times %d %d %v", tx.Time, tx.Arrival, tx.Future)
	}
}

func TestFaults(t *testing.T) {
	s := mustSchema(t, wideSchema)
	d := NewDecoder(s)
	with := func(old, fresh string) string {
		if !strings.Contains(payment, old) {
			t.Fatalf("the payment has no %s", old)
		}
		return strings.Replace(payment, old, fresh, 1)
	}
	id, money := `"transaction_id":"t1"`, `57.10`
	born := `2001-02-03T04:05:06.789+01:00`
	deep := func(n int) string {
		return with(`[1,"x",null,{"b":false}]`, strings.Repeat("[", n)+strings.Repeat("]", n))
	}
	tests := []struct {
		name, msg string
		code      Code // "" if it is taken
		field     string
	}{
		{"as it is", payment, "", ""},
		{"white space", " \t\r\n" + with(`"payer":`, "\n\"payer\" : \t") + "\n ", "", ""},
		{"nothing", "", NotAnObject, ""},
		{"white space only", "  ", Malformed, ""},
		{"null", "null", NotAnObject, ""},
		{"list", "[" + payment + "]", NotAnObject, ""},
		{"text", `"x"`, NotAnObject, ""},
		{"number", "12", NotAnObject, ""},
		{"half a null", "nul", Malformed, ""},
		{"byte order mark", "\uFEFF" + payment, Malformed, ""},
		{"cut off", payment[:len(payment)-1], Malformed, ""},
		{"trailing comma", with(`"user":7`, `"user":7,`), Malformed, ""},
		{"leading comma", with(`"user":7`, `,"user":7`), Malformed, ""},
		{"no colon", with(`"user":7`, `"user" 7`), Malformed, "user"},
		{"single quotes", with(`"user"`, `'user'`), Malformed, ""},
		{"bare word", with(`:true`, `:True`), Malformed, "online"},
		{"leading zero", with(money, "057.10"), Malformed, "amount"},
		{"plus", with(money, "+57.10"), Malformed, "amount"},
		{"bare point", with(money, "57."), Malformed, "amount"},
		{"bare exponent", with(money, "57e"), Malformed, "amount"},
		{"letters behind a number", with(money, "57x"), Malformed, "amount"},
		{"NaN", with("-1.5e1", "NaN"), Malformed, "lat"},
		{"minus alone", with("-1.5e1", "-"), Malformed, "lat"},
		{"raw line end in a string", with("tkn", "t\nk"), Malformed, "card"},
		{"bad escape", with("tkn", `t\xk`), Malformed, "card"},
		{"short escape", with("tkn", `\u00e`), Malformed, "card"},
		{"malformed in what nobody reads", with("null,", "nil,"), Malformed, ""},
		{"bad number in what nobody reads", with("[1,", "[01,"), Malformed, ""},
		{"trailing brace", payment + "}", TrailingData, ""},
		{"trailing object", payment + " {}", TrailingData, ""},
		{"null and more", "null null", TrailingData, ""},
		{"trailing NUL", payment + "\x00", TrailingData, ""},
		{"required field twice", with(id, id+","+id), DuplicateKey, "id"},
		{"twice, once escaped", with(id, id+`,"transaction_\u0069d":"t1"`), DuplicateKey, "id"},
		{"twice, once null", with(id, `"transaction_id":null,`+id), DuplicateKey, "id"},
		{"nested field twice", with(`"user":7`, `"user":7,"user":8`), DuplicateKey, "user"},
		{"object twice", with(`"ip"`, `"money":{},"ip"`), DuplicateKey, "amount"},
		{"unknown twice", with(`"more"`, `"less":1,"less":1,"more"`), DuplicateKey, ""},
		{"unknown twice in a list", with(`{"b":false}`, `{"b":false,"c":1,"b":0}`), DuplicateKey, ""},
		{"unknown twice beside fields", with(`"user":7`, `"x":0,"user":7,"\u0078":0`), DuplicateKey, ""},
		{"same name in two objects", with(`{"b":false}`, `{"a":{"a":1},"b":{"a":1}}`), "", ""},
		{"other case", with(`"kind"`, `"Kind":1,"kind"`), "", ""},
		{"id missing", with(id+",", ""), MissingField, "id"},
		{"id null", with(`"t1"`, "null"), MissingField, "id"},
		{"id in other case", with("transaction_id", "Transaction_id"), MissingField, "id"},
		{"time missing", with(`"at":1522577863123,`, ""), MissingField, "time"},
		{"amount missing", with(`"value":57.10,`, ""), MissingField, "amount"},
		{"object of fields null", with(`{"value":57.10,"fee":"0.5","unit":"EUR"}`, "null"), MissingField, "amount"},
		{"currency missing", with(`,"unit":"EUR"`, ""), MissingField, "currency"},
		{"optional null", with(`"p\u00e9"`, "null"), "", ""},
		{"id empty", with(`"t1"`, `""`), BadValue, "id"},
		{"id a number", with(`"t1"`, `123456789012345678901234567890`), "", ""},
		{"id a fraction", with(`"t1"`, `1.0`), WrongType, "id"},
		{"id a power", with(`"t1"`, `1e3`), WrongType, "id"},
		{"id a bool", with(`"t1"`, `true`), WrongType, "id"},
		{"id an object", with(`"t1"`, `{"a":1}`), WrongType, "id"},
		{"id a list", with(`"t1"`, `["t1"]`), WrongType, "id"},
		{"object of fields a text", with(`{"token":"tkn","cvv":"123"}`, `"tkn"`), WrongType, "card"},
		{"object of fields a list", with(`{"token":"tkn","cvv":"123"}`, `[]`), WrongType, "card"},
		{"integer in a string", with(`"user":7`, `"user":"7"`), WrongType, "user"},
		{"integer with fraction", with(`"user":7`, `"user":7.0`), WrongType, "user"},
		{"largest integer", with(`"user":7`, `"user":9223372036854775807`), "", ""},
		{"too large integer", with(`"user":7`, `"user":9223372036854775808`), OutOfRange, "user"},
		{"smallest integer", with(`"user":7`, `"user":-9223372036854775808`), OutOfRange, "user"},
		{"almost smallest integer", with(`"user":7`, `"user":-9223372036854775807`), "", ""},
		{"huge integer", with(`"user":7`, `"user":1000000000000000000000000`), OutOfRange, "user"},
		{"number past float64", with("-1.5e1", "1e309"), OutOfRange, "lat"},
		{"number in a string", with("-1.5e1", `"1.5"`), WrongType, "lat"},
		{"bool as number", with(":true", ":1"), WrongType, "online"},
		{"bool in a string", with(":true", `:"true"`), WrongType, "online"},
		{"negative amount", with(money, "-0.01"), OutOfRange, "amount"},
		{"negative zero", with(money, "-0.00"), "", ""},
		{"amount with too many digits", with(money, "57.101"), BadValue, "amount"},
		{"amount with zeros", with(money, "57.1000000000000000000000000000"), "", ""},
		{"tiny digit far out", with(money, "57.10000000000000000000000000001"), BadValue, "amount"},
		{"amount as a power", with(money, "5.71e1"), "", ""},
		{"amount as a negative power", with(money, "571000e-4"), "", ""},
		{"huge power", with(money, "1e1000000000000"), OutOfRange, "amount"},
		{"tiny power", with(money, "1e-1000000000000"), BadValue, "amount"},
		{"zero to a huge power", with(money, "0e1000000000000"), "", ""},
		{"largest amount", with(money, "92233720368547758.07"), "", ""},
		{"too large amount", with(money, "92233720368547758.08"), OutOfRange, "amount"},
		{"very long amount", with(money, "1"+strings.Repeat("0", 30)), OutOfRange, "amount"},
		{"amount in a string with a space", with(`"0.5"`, `" 0.5"`), BadValue, "fee"},
		{"amount in an empty string", with(`"0.5"`, `""`), BadValue, "fee"},
		{"amount with a comma", with(`"0.5"`, `"0,5"`), BadValue, "fee"},
		{"unknown currency", with("EUR", "EUX"), UnknownCurrency, "currency"},
		{"lower-case currency", with("EUR", "eur"), UnknownCurrency, "currency"},
		{"no currency", with("EUR", "XXX"), UnknownCurrency, "currency"},
		{"yen have no digits", with(`57.10,"fee":"0.5","unit":"EUR"`, `57,"fee":5.00,"unit":"JPY"`), "", ""},
		{"yen with digits", with(`57.10,"fee":"0.5","unit":"EUR"`, `57,"fee":0.5,"unit":"JPY"`), BadValue, "fee"},
		{"dinars have three", with(`57.10,"fee":"0.5","unit":"EUR"`, `57.123,"unit":"KWD"`), "", ""},
		{"unknown country", with("DE", "XY"), UnknownCountry, "country"},
		{"lower-case country", with("DE", "de"), UnknownCountry, "country"},
		{"address v6", with("192.0.2.1", "2001:DB8::1"), "", ""},
		{"address with a zone", with("192.0.2.1", "fe80::1%eth0"), BadValue, "ip"},
		{"address with zeros", with("192.0.2.1", "192.0.02.1"), BadValue, "ip"},
		{"address with a port", with("192.0.2.1", "192.0.2.1:80"), BadValue, "ip"},
		{"address a number", with(`"192.0.2.1"`, "1"), WrongType, "ip"},
		{"time without zone", with(born, "2001-02-03T04:05:06"), BadValue, "born"},
		{"time with a space", with(born, "2001-02-03 04:05:06Z"), BadValue, "born"},
		{"date only", with(born, "2001-02-03"), BadValue, "born"},
		{"30 February", with(born, "2000-02-30T04:05:06Z"), BadValue, "born"},
		{"29 February", with(born, "2000-02-29T04:05:06Z"), "", ""},
		{"29 February 2100", with(born, "2100-02-29T04:05:06Z"), BadValue, "born"},
		{"leap second", with(born, "2016-12-31T23:59:60Z"), BadValue, "born"},
		{"ten digits", with(born, "2001-02-03T04:05:06.1234567890Z"), BadValue, "born"},
		{"nine digits", with(born, "2001-02-03T04:05:06.123456789Z"), "", ""},
		{"before 1970", with(born, "1970-01-01T00:30:00+01:00"), OutOfRange, "born"},
		{"after 2261", with(born, "2262-01-01T00:00:00Z"), OutOfRange, "born"},
		{"last of 2261", with(born, "2261-12-31T23:59:59.999999999Z"), "", ""},
		{"integer where text is meant", with(`"`+born+`"`, "981173106"), WrongType, "born"},
		{"negative time", with("1522577863123", "-1"), OutOfRange, "time"},
		{"far time", with("1522577863123", "9214646400000"), OutOfRange, "time"},
		{"time with fraction", with("1522577863123", "1522577863.5"), WrongType, "time"},
		{"time as text", with("1522577863123", `"2018-04-01T10:17:43Z"`), "", ""},
		{"bad UTF-8", with("tkn", "t\xffk"), BadUTF8, "card"},
		{"overlong UTF-8", with("tkn", "t\xc0\x80k"), BadUTF8, "card"},
		{"surrogate in UTF-8", with("tkn", "t\xed\xa0\x80k"), BadUTF8, "card"},
		{"bad UTF-8 in a name", with(`"more"`, "\"m\xff\""), BadUTF8, ""},
		{"bad UTF-8 in what nobody reads", with(`"x",`, "\"\xe2\x82\","), BadUTF8, ""},
		{"lone high surrogate", with("tkn", `\ud83dk`), BadUTF8, "card"},
		{"lone low surrogate", with("tkn", `\ude00`), BadUTF8, "card"},
		{"two high surrogates", with("tkn", `\ud83d\ud83d`), BadUTF8, "card"},
		{"surrogate pair", with("tkn", `\ud83d\ude00`), "", ""},
		{"NUL escape", with("tkn", `\u0000`), "", ""},
		{"as deep as it may", deep(MaxDepth - 2), "", ""},
		{"too deep", deep(MaxDepth - 1), TooDeep, ""},
		{"very deep", deep(30000), TooDeep, ""},
		{"oversize", with("tkn", strings.Repeat("k", DefaultMaxBytes)), Oversize, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var tx Transaction
			err := d.Transaction(&tx, []byte(test.msg), 0)
			if codeOf(err) != test.code || (err == nil) != (test.code == "") {
				t.Fatalf("got %q (%v), want %q", codeOf(err), err, test.code)
			}
			if err == nil {
				return
			}
			var f *Fault
			if !errors.As(err, &f) {
				t.Fatal(err)
			}
			if f.Field != test.field {
				t.Errorf("the fault is in field %q, want %q", f.Field, test.field)
			}
			if f.Offset < 0 || f.Offset > len(test.msg) || f.Message == "" {
				t.Errorf("offset %d, message %q", f.Offset, f.Message)
			}
		})
	}
}

// TestFaultsHoldNoContent puts a secret everywhere and looks for it in messages.
func TestFaultsHoldNoContent(t *testing.T) {
	d := NewDecoder(mustSchema(t, wideSchema))
	const secret = "SESAME"
	for i := 0; i < len(payment); i++ {
		for _, put := range []string{secret, `"` + secret + `"`, `"` + secret + `":1,"` + secret + `":1,`} {
			var tx Transaction
			err := d.Transaction(&tx, []byte(payment[:i]+put+payment[i:]), 0)
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Fatalf("at %d: %v", i, err)
			}
		}
	}
}

func TestBodyIgnoresOrder(t *testing.T) {
	s := mustSchema(t, wideSchema)
	a := mustDecode(t, s, `{"transaction_id":"1","at":5,"kind":"x","money":{"value":1.50,"unit":"EUR"},"lat":0}`)
	b := mustDecode(t, s, ` {"lat":-0.0, "money":{"unit":"EUR","value":"1.5"},"kind":"\u0078","new":[],"at":5, "transaction_id":1}`)
	if a.Body != b.Body || a.IDKey != b.IDKey {
		t.Error("the same payment has two bodies")
	}
	for _, other := range []string{
		`{"transaction_id":"1","at":5,"kind":"y","money":{"value":1.50,"unit":"EUR"},"lat":0}`,
		`{"transaction_id":"1","at":5,"kind":"x","money":{"value":1.51,"unit":"EUR"},"lat":0}`,
		`{"transaction_id":"1","at":5,"kind":"x","money":{"value":1.50,"unit":"USD"},"lat":0}`,
		`{"transaction_id":"1","at":5,"kind":"x","money":{"value":1.50,"unit":"EUR"}}`,
		`{"transaction_id":"1","at":6,"kind":"x","money":{"value":1.50,"unit":"EUR"},"lat":0}`,
	} {
		if c := mustDecode(t, s, other); c.Body == a.Body {
			t.Errorf("%s has the same body", other)
		}
	}
}

func TestEmptyEntity(t *testing.T) {
	s := mustSchema(t, wideSchema)
	tx := mustDecode(t, s, `{"transaction_id":"1","at":5,"money":{"value":1,"unit":"EUR"},"payer":{"card":{"token":""}}}`)
	text, ok := tx.String(s.Field("card"))
	if tx.Entities[0] != (Key{}) || tx.Entities[1] != (Key{}) || !ok || len(text) != 0 {
		t.Errorf("entities %v, text %q %v", tx.Entities, text, ok)
	}
	if key := KeyBytes(nil, tx); string(key) != "1" {
		t.Errorf("key %q, want the id", key)
	}
}

func TestFuture(t *testing.T) {
	s := mustSchema(t, wideSchema)
	tx := mustDecode(t, s, payment)
	at := tx.Time
	tx.Arrive(at - MaxAhead)
	if tx.Future || tx.Time != at || tx.MergeTime() != at-MaxAhead {
		t.Error("five minutes ahead is taken")
	}
	tx.Arrive(at - MaxAhead - 1)
	if !tx.Future || tx.Time != at-MaxAhead-1 {
		t.Error("more is not")
	}
}

// TestReuse decodes different messages into one transaction.
func TestReuse(t *testing.T) {
	s := mustSchema(t, wideSchema)
	d := NewDecoder(s)
	var tx Transaction
	messages := []string{payment, `{"transaction_id":"1","at":5,"money":{"value":1,"unit":"EUR"}}`, "{", payment}
	for _, msg := range messages {
		if d.Transaction(&tx, []byte(msg), 9) != nil {
			continue
		}
		if fresh := mustDecode(t, s, msg); fresh.Body != tx.Body || !bytes.Equal(AppendJSON(nil, fresh), AppendJSON(nil, &tx)) {
			t.Errorf("%s decoded differently the second time", msg)
		}
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	d := NewDecoder(mustSchema(t, wideSchema))
	var tx Transaction
	msg := []byte(payment)
	if n := testing.AllocsPerRun(100, func() { _ = d.Transaction(&tx, msg, 0) }); n > 0 {
		t.Errorf("%v allocations a message", n)
	}
}

func TestLabel(t *testing.T) {
	s := mustSchema(t, wideSchema)
	d := NewDecoder(s)
	tests := []struct {
		msg  string
		code Code
		want Label
	}{
		{`{"id":"t1","outcome":{"fraud":true}}`, "", Label{ID: "t1", Time: 77, Fraud: true, TxTime: math.MinInt64}},
		{`{"id":1,"outcome":{"fraud":0,"at":5}}`, "", Label{ID: "1", Time: 5e6, TxTime: math.MinInt64}},
		{
			`{"id":"t1","outcome":{"fraud":1},"card":"tkn","tx_at":"1970-01-01T00:00:01Z"}`, "",
			Label{ID: "t1", Time: 77, Fraud: true, TxTime: 1e9, Entities: []Key{HashKey([]byte("tkn")), {}, {}}},
		},
		{
			`{"id":"t1","outcome":{"fraud":false},"user":7,"card":""}`, "",
			Label{ID: "t1", Time: 77, TxTime: math.MinInt64, Entities: []Key{{}, HashKey([]byte("7")), {}}},
		},
		{`{"id":"t1"}`, MissingField, Label{}},
		{`{"outcome":{"fraud":true}}`, MissingField, Label{}},
		{`{"id":"","outcome":{"fraud":true}}`, BadValue, Label{}},
		{`{"id":"t1","outcome":{"fraud":2}}`, WrongType, Label{}},
		{`{"id":"t1","outcome":{"fraud":"true"}}`, WrongType, Label{}},
		{`{"id":"t1","outcome":{"fraud":1,"fraud":0}}`, DuplicateKey, Label{}},
		{`null`, NotAnObject, Label{}},
	}
	for _, test := range tests {
		var l Label
		err := d.Label(&l, []byte(test.msg), 77)
		if codeOf(err) != test.code {
			t.Errorf("%s: %v, want %q", test.msg, err, test.code)
		}
		if err != nil {
			continue
		}
		key, _ := s.IDKey(test.want.ID)
		if l.IDKey != key || l.ID != test.want.ID || l.Time != test.want.Time || l.Fraud != test.want.Fraud ||
			l.TxTime != test.want.TxTime || len(l.Entities) != len(test.want.Entities) {
			t.Errorf("%s: %+v, want %+v", test.msg, l, test.want)
		}
		for i, k := range l.Entities {
			if k != test.want.Entities[i] {
				t.Errorf("%s: entity %d differs", test.msg, i)
			}
		}
	}
	none := mustSchema(t, "fields: {id: {type: string}, time: {type: timestamp}}")
	if err := NewDecoder(none).Label(&Label{}, []byte("{}"), 0); codeOf(err) != NoLabels {
		t.Errorf("without a mapping: %v", err)
	}
}

func TestIDKey(t *testing.T) {
	s := mustSchema(t, "fields: {id: {type: integer}, time: {type: timestamp, unit: s}}")
	tx := mustDecode(t, s, `{"id":-0,"time":1}`)
	for _, text := range []string{"0", "-0"} {
		if key, ok := s.IDKey(text); !ok || key != tx.IDKey {
			t.Errorf("%s is not the id", text)
		}
	}
	for _, text := range []string{"", "00", "1.0", "x", "1 ", "9223372036854775808"} {
		if _, ok := s.IDKey(text); ok {
			t.Errorf("%q is taken for an integer id", text)
		}
	}
	texts := mustSchema(t, "fields: {id: {type: string}, time: {type: timestamp, unit: s}}")
	if other := mustDecode(t, texts, `{"id":"0","time":1}`); other.IDKey == tx.IDKey {
		t.Error("the text 0 and the integer 0 are the same id")
	}
	if a, b := mustDecode(t, s, `{"id":-5,"time":1}`), tx; CompareID(a, b) >= 0 || CompareID(b, a) <= 0 || CompareID(a, a) != 0 {
		t.Error("integers are compared by value")
	}
}
