package event

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

const baseSchema = `
base_currency: EUR
rates: rates.csv
fields:
  id:       {type: string}
  time:     {type: timestamp}
  amount:   {type: money, currency_from: currency}
  fee:      {type: money, currency: USD}
  currency: {type: currency}
`

const rateFile = `date,currency,rate
2026-03-27,USD,0.925
2026-03-30,USD,0.93
2026-03-27,JPY,0.0061
2026-03-27,KWD,3.0125
# a comment

2026-03-27,EUR,1.00
`

func rated(t testing.TB, file string) (*Schema, error) {
	t.Helper()
	return ParseSchema("schema.yaml", []byte(baseSchema), func(path string) ([]byte, error) {
		if path != "rates.csv" {
			t.Errorf("asked for %s", path)
		}
		return []byte(file), nil
	})
}

func TestConvert(t *testing.T) {
	s, err := rated(t, rateFile)
	if err != nil {
		t.Fatal(err)
	}
	d := NewDecoder(s)
	tests := []struct {
		time, amount, currency string
		want                   string // or a code
	}{
		{"2026-03-27T00:00:00Z", "100.00", "USD", "92.50"},
		{"2026-03-27T00:30:00+01:00", "100.00", "USD", "no_rate"}, // still the 26th in UTC
		{"2026-03-29T12:00:00Z", "100.00", "USD", "92.50"},        // a Sunday takes Friday's
		{"2026-03-30T00:00:00Z", "100.00", "USD", "93.00"},
		{"2026-04-06T23:59:59.999Z", "100.00", "USD", "93.00"}, // seven days on
		{"2026-04-07T00:00:00Z", "100.00", "USD", "no_rate"},
		{"2026-03-27T00:00:00Z", "1000", "JPY", "6.10"},
		{"2026-03-27T00:00:00Z", "1.000", "KWD", "3.01"},  // 3.0125
		{"2026-03-27T00:00:00Z", "0.20", "USD", "0.18"},   // 18.5 cents: half to even
		{"2026-03-27T00:00:00Z", "0.60", "USD", "0.56"},   // 55.5
		{"2026-03-27T00:00:00Z", "12.34", "EUR", "12.34"}, // needs no rate
		{"1999-01-01T00:00:00Z", "12.34", "EUR", "12.34"},
		{"2026-03-27T00:00:00Z", "1", "CHF", "no_rate"},
		{"2026-03-27T00:00:00Z", "90000000000000000", "KWD", "out_of_range"},
		{"2026-03-27T00:00:00Z", "0.001", "USD", "bad_value"},
	}
	for _, test := range tests {
		var tx Transaction
		msg := fmt.Sprintf(`{"id":"1","time":%q,"amount":%s,"currency":%q}`, test.time, test.amount, test.currency)
		err := d.Transaction(&tx, []byte(msg), 0)
		got := string(codeOf(err))
		if err == nil {
			got = string(tx.AppendText(nil, s.Field("amount")))
			if CurrencyName(tx.Currency) != "EUR" {
				t.Errorf("%s: currency %s", msg, CurrencyName(tx.Currency))
			}
			again := mustDecode(t, s, string(AppendJSON(nil, &tx)))
			if again.Body != tx.Body || string(again.Text) != string(tx.Text) {
				t.Errorf("%s was written as %s", msg, AppendJSON(nil, &tx))
			}
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", msg, got, test.want)
		}
	}
}

// TestConvertAgainstRationals compares conversions with exact fractions.
func TestConvertAgainstRationals(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	codes := []string{"USD", "JPY", "KWD", "CLF"}
	for range 30_000 {
		base, from := mustCode(codes[r.IntN(4)]), mustCode(codes[r.IntN(4)])
		if base == from {
			continue
		}
		one := rate{digits: 1 + r.Uint64N(wholeTens[r.IntN(19)]), decimals: r.IntN(16)}
		minor := r.Int64N(int64(wholeTens[r.IntN(19)]))
		table := &rates{base: base, days: map[uint64][]rate{from: {one}}}
		got, code := table.convert(minor, from, 0)

		exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(minor), new(big.Int).SetUint64(one.digits)), new(big.Int).SetUint64(wholeTens[one.decimals]))
		exact.Mul(exact, big.NewRat(int64(wholeTens[CurrencyScale(base)]), int64(wholeTens[CurrencyScale(from)])))
		want := halfEven(exact)
		if !want.IsInt64() {
			if code != OutOfRange {
				t.Fatalf("%d x %+v gave %d %q", minor, one, got, code)
			}
		} else if code != "" || got != want.Int64() {
			t.Fatalf("%d x %+v gave %d %q, want %v", minor, one, got, code, want)
		}
	}
}

func halfEven(x *big.Rat) *big.Int {
	double := new(big.Int).Mul(x.Num(), big.NewInt(2))
	double.Add(double, x.Denom())
	q, rest := new(big.Int).DivMod(double, new(big.Int).Mul(x.Denom(), big.NewInt(2)), new(big.Int))
	if rest.Sign() == 0 && q.Bit(0) == 1 {
		q.Sub(q, big.NewInt(1))
	}
	return q
}

func TestRateFaults(t *testing.T) {
	const head = "date,currency,rate\n"
	for src, want := range map[string]string{
		"":                           "rates.csv:1:1: the first line",
		head:                         "rates.csv:1:1: there is no rate behind the first line",
		head + "\n# to come\n":       "rates.csv:1:1: there is no rate behind the first line",
		"day,currency,rate\n":        "rates.csv:1:1: the first line",
		head + "2026-03-27,USD\n":    "rates.csv:2:1: a line holds",
		head + "27.03.2026,USD,1\n":  "the date must be",
		head + "2026-02-30,USD,1\n":  "the date must be",
		head + "1969-12-31,USD,1\n":  "the date must be",
		head + "2026-03-27,EUX,1\n":  "no such currency",
		head + "2026-03-27,USD,0\n":  "must be a decimal number above 0",
		head + "2026-03-27,USD,-1\n": "must be a decimal number above 0",
		head + "2026-03-27,USD, 1\n": "must be a decimal number above 0",

		head + "2026-03-27,USD,0.1234567890123456\n":   "too many digits",
		head + "2026-03-27,USD,12345678901234567890\n": "too many digits",
		head + "2026-03-27,EUR,1.1\n":                  "base currency is 1",
		head + "2026-03-27,USD,1\n2026-03-27,USD,2\n":  "rates.csv:3:1: a second rate of USD",
	} {
		if _, err := rated(t, src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", src, err, want)
		}
	}
	if _, err := rated(t, "\uFEFF"+strings.ReplaceAll(rateFile, "\n", "\r\n")); err != nil {
		t.Errorf("as Excel writes it: %v", err)
	}
}
