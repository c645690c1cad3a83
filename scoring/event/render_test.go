package event

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
)

func TestAppendJSON(t *testing.T) {
	s := mustSchema(t, wideSchema)
	tx := mustDecode(t, s, payment)
	want := `{"transaction_id":"t1","at":"2018-04-01T10:17:43.123Z","kind":"pé","money":{"value":57.10,"fee":0.50,"unit":"EUR"},` +
		`"payer":{"card":{"token":"tkn","cvv":"123"},"user":7},"ip":"192.0.2.1","country":"DE","lat":-15,"online":true,` +
		`"born":"2001-02-03T03:05:06.789Z"}`
	if got := string(AppendJSON(nil, tx)); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	public := mustDecode(t, s, string(AppendPublicJSON(nil, tx)))
	if cvv := s.Field("cvv"); public.Words[cvv] != Missing || tx.Words[cvv] == Missing {
		t.Error("the secret was passed on")
	}
	if public.Body != tx.Body {
		t.Error("the body depends on a secret")
	}
	label := `{"id":"t1","card":"tkn","user":7,"tx_at":"2018-04-01T10:17:43.123Z","outcome":{"fraud":true,"at":"1970-01-01T00:00:01.5Z"}}`
	if got := string(AppendLabelJSON(nil, tx, 15e8)); got != label {
		t.Errorf("got\n%s, want\n%s", got, label)
	}
	sparse := mustDecode(t, s, `{"transaction_id":"\u0001\"\\\n","at":1,"money":{"value":1,"unit":"JPY"},"payer":{}}`)
	want = `{"transaction_id":"\u0001\"\\\n","at":"1970-01-01T00:00:00.001Z","money":{"value":1,"unit":"JPY"}}`
	if got := string(AppendJSON(nil, sparse)); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

func TestValue(t *testing.T) {
	s := mustSchema(t, wideSchema)
	tx := mustDecode(t, s, payment)
	field := func(name string, form Form) Column { return Column{s.Field(name), form} }
	float := func(f float64) Value { return Value{Kind: Float, Bits: math.Float64bits(f)} }
	for c, want := range map[Column]Value{
		field("id", Plain):       {Kind: String, Text: "t1"},
		field("amount", Plain):   float(57.1),
		field("amount", Minor):   {Kind: Int, Bits: 5710},
		field("user", Plain):     {Kind: Int, Bits: 7},
		field("lat", Plain):      float(-15),
		field("online", Plain):   {Kind: Bool, Bits: 1},
		field("time", Plain):     {Kind: Time, Bits: 1522577863123e6},
		{Field: -1, Form: Hour}:  {Kind: Int, Bits: 12}, // summer time in Berlin
		{-1, Weekday}:            {Kind: Int, Bits: 7},  // Easter Sunday
		{-1, Fraud}:              {},
		{-1, Verdict}:            {},
		{-1, SecondsAgo}:         {},
		field("country", Plain):  {Kind: String, Text: "DE"},
		field("currency", Plain): {Kind: String, Text: "EUR"},
	} {
		if got := tx.Value(c); got != want {
			t.Errorf("%+v is %+v, want %+v", c, got, want)
		}
		if got := tx.View(c); got != want {
			t.Errorf("the view of %+v is %+v, want %+v", c, got, want)
		}
		if got := tx.Value(c).Kind; got != None && got != s.Kind(c) {
			t.Errorf("%+v has kind %d, the schema says %d", c, got, s.Kind(c))
		}
	}
	yen := mustDecode(t, s, `{"transaction_id":"1","at":1,"money":{"value":57,"unit":"JPY"}}`)
	if got := yen.Value(field("amount", Plain)); got != float(57) {
		t.Errorf("57 yen are %+v", got)
	}
	if got := yen.Value(field("fee", Minor)); got != (Value{}) {
		t.Errorf("no fee is %+v", got)
	}
}

// TestPartition holds murmur2 to what Kafka's own tests say.
func TestPartition(t *testing.T) {
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("murmur2 of %s is %d, want %d", key, got, want)
		}
		if got := Partition([]byte(key), 7); got != int(want&0x7fffffff)%7 {
			t.Errorf("partition of %s is %d", key, got)
		}
	}
}

func TestCurrencies(t *testing.T) {
	if len(currencies)%4 != 0 {
		t.Fatal("the table is out of step")
	}
	for i := 0; i < len(currencies); i += 4 {
		name := currencies[i : i+3]
		if i > 0 && name <= currencies[i-4:i-1] {
			t.Errorf("%s is out of order", name)
		}
		code, ok := CurrencyCode([]byte(name))
		if !ok || CurrencyName(code) != name || CurrencyScale(code) != int(currencies[i+3]-'0') {
			t.Errorf("%s: code %x %v, scale %d", name, code, ok, CurrencyScale(code))
		}
	}
	for name, want := range map[string]int{"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3, "CLF": 4, "UYW": 4, "ISK": 0, "TND": 3, "HUF": 2} {
		if got := CurrencyScale(mustCode(name)); got != want {
			t.Errorf("%s has %d digits, want %d", name, got, want)
		}
	}
	for _, name := range []string{"", "EU", "EURO", "eur", "XXX", "XTS", "AAA", "ZZZ", "DEM", "\x00\x00\x00"} {
		if _, ok := CurrencyCode([]byte(name)); ok {
			t.Errorf("%q is taken for a currency", name)
		}
	}
}

func TestCountries(t *testing.T) {
	count := 0
	for a := byte('A'); a <= 'Z'; a++ {
		for b := byte('A'); b <= 'Z'; b++ {
			if isCountry([]byte{a, b}) {
				count++
			}
		}
	}
	if count != 250 {
		t.Errorf("%d countries, want 249 and XK", count)
	}
	for _, name := range []string{"", "D", "DEU", "de", "XX", "UK", "AA", "ZZ", "EU"} {
		if isCountry([]byte(name)) {
			t.Errorf("%q is taken for a country", name)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte(payment))
	f.Add([]byte(`{"id":"1","time":1,"a":{"n":-0,"s":"\ud83d\ude00","b":{"f":1e-7}},"o":null,"x":[{"y":[]}]}`))
	s, plain := mustSchema(f, wideSchema), mustSchema(f, plainSchema)
	d, plainDecoder := NewDecoder(s), NewDecoder(plain)
	f.Fuzz(func(t *testing.T, msg []byte) {
		if len(msg) > DefaultMaxBytes {
			return
		}
		agree(t, plain, plainDecoder, msg)
		var l Label
		_ = d.Label(&l, msg, 0)
		var tx, again Transaction
		if d.Transaction(&tx, msg, 0) != nil {
			return
		}
		out := AppendJSON(nil, &tx)
		if err := d.Transaction(&again, out, 0); err != nil || again.Body != tx.Body || !json.Valid(out) {
			t.Fatalf("%q became %q: %v", msg, out, err)
		}
	})
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("id,time\n1,5\n"))
	f.Add([]byte("id,time,a.n,o\r\n\"a\"\"b\",2018-04-01T10:17:43Z,7,true\n\n"))
	s := mustSchema(f, plainSchema)
	f.Fuzz(func(t *testing.T, src []byte) {
		valid := 0
		compareCSV(t, src, &valid)
		lines := NewLines(bytes.NewReader(src))
		header, err := lines.Header()
		if err != nil {
			return
		}
		c, err := NewCSV(s, header)
		if err != nil {
			return
		}
		d := NewDecoder(s)
		var tx, again Transaction
		for {
			cells, err := lines.Read()
			if err != nil {
				return
			}
			if _, _, err := c.RecordBytes(&tx, cells); err != nil {
				continue
			}
			out := AppendJSON(nil, &tx)
			if err := d.Transaction(&again, out, 0); codeOf(err) != Oversize && (err != nil || again.Body != tx.Body) {
				t.Fatalf("%q became %q: %v", cells, out, err)
			}
		}
	})
}
