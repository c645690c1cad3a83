package event

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// changed gives another schema with some fields as they were, some changed, some
// gone and some new.
func (l *ledger) changed(r *rand.Rand) *ledger {
	other := randomLedger(r)
	out := &ledger{fields: maps.Clone(l.fields), base: other.base}
	for name, f := range other.fields {
		if r.IntN(2) == 0 && name != "id" && name != "unit" {
			out.fields[name] = f
		}
	}
	for name := range out.fields {
		if strings.HasPrefix(name, "f") && r.IntN(6) == 0 {
			delete(out.fields, name)
		}
	}
	out.oneCurrency()
	out.shuffle(r)
	return out
}

// oneCurrency gives all amounts the same currency, and its field no secrets,
// since no message can be decoded without it.
func (l *ledger) oneCurrency() {
	currency := ""
	for _, name := range slices.Sorted(maps.Keys(l.fields)) {
		if !strings.HasPrefix(name, "m") {
			continue
		}
		f := l.fields[name]
		_, own, _ := strings.Cut(f, "currency")
		own, more, _ := strings.Cut(own, ", ")
		if currency == "" {
			currency = own
		}
		if more != "" {
			more = ", " + more
		}
		l.fields[name] = "type: money, currency" + currency + more
	}
	if f, ok := l.fields["unit"]; ok {
		l.fields["unit"] = strings.ReplaceAll(f, ", secret: true", "")
	} else if strings.HasPrefix(currency, "_from") {
		l.fields["unit"] = "type: currency"
	}
}

// lenient is the same ledger without required fields.
func (l *ledger) lenient() *ledger {
	out := &ledger{fields: map[string]string{}, order: l.order, base: l.base}
	for name, f := range l.fields {
		out.fields[name] = strings.ReplaceAll(f, ", required: true", "")
	}
	return out
}

// currencyOf gives the currency that a money field has in a message.
func currencyOf(f *Field, s *Schema, members map[string]string) string {
	if f.CurrencyFrom < 0 {
		return f.Currency
	}
	return strings.Trim(members[s.Fields[f.CurrencyFrom].Name], `"`)
}

// remains gives what is left of a message of one schema under another: fields
// with the same name and type, amounts in the same currency.
func remains(members map[string]string, from, to *Schema) map[string]string {
	left := map[string]string{}
	for i := range to.Fields {
		f := &to.Fields[i]
		j := from.Field(f.Name)
		v, ok := members[f.Name]
		if ok && j >= 0 && from.Fields[j].Type == f.Type && !from.Fields[j].Secret && !f.Secret {
			left[f.Name] = v
		}
	}
	for i := range to.Fields {
		f := &to.Fields[i]
		if _, ok := left[f.Name]; !ok || f.Type != TypeMoney {
			continue
		}
		own := currencyOf(&from.Fields[from.Field(f.Name)], from, members)
		if want := currencyOf(f, to, left); own == "" || want != own {
			delete(left, f.Name)
		}
	}
	return left
}

// TestStoredUnderAnotherSchema holds what is read to decoding what is left of
// the message.
func TestStoredUnderAnotherSchema(t *testing.T) {
	missing, amounts, converted := 0, 0, 0
	seeds := uint64(600)
	if testing.Short() {
		seeds = 100
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 13))
		l := randomLedger(r)
		l.oneCurrency()
		l.shuffle(r)
		next := l.changed(r)
		from, to, lenient := l.schema(t), next.schema(t), next.lenient().schema(t)
		reader, err := NewStoredReader(to, from.StoredLayout())
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			msg := members(r, from)
			var tx, got, want Transaction
			arrival := int64(1774300000e9) + r.Int64N(1e9)
			if NewDecoder(from).Transaction(&tx, written(msg), arrival) != nil {
				continue
			}
			if rest, err := reader.Read(tx.AppendStored(nil), &got); err != nil || len(rest) > 0 {
				t.Fatalf("seed %d: %v, %d bytes left", seed, err, len(rest))
			}
			left := remains(msg, from, to)
			for { // an amount that can't be converted is missing
				err := NewDecoder(lenient).Transaction(&want, written(left), arrival)
				if err == nil {
					break
				}
				name := ""
				for i := range to.Fields {
					if f := &to.Fields[i]; f.Type == TypeMoney && strings.Contains(err.Error(), f.Name) {
						name = f.Name
					}
				}
				if _, ok := left[name]; !ok {
					t.Fatalf("seed %d: %s: %v", seed, written(left), err)
				}
				delete(left, name)
			}
			if public(&got) != public(&want) {
				t.Fatalf("seed %d: %s\nof %+v\nunder %+v\nis read as\n%s\nwant\n%s", seed, written(msg), l, next, public(&got), public(&want))
			}
			if !secretsMissing(&got) {
				t.Fatalf("seed %d: a secret was read", seed)
			}
			for i := range to.Fields {
				f := &to.Fields[i]
				if got.Words[i] == Missing {
					missing++
				} else if f.Type == TypeMoney {
					amounts++
					if from.BaseCurrency != to.BaseCurrency {
						converted++
					}
				}
			}
		}
	}
	if missing == 0 || amounts == 0 || converted == 0 {
		t.Errorf("%d fields are missing, %d amounts are there, %d converted anew", missing, amounts, converted)
	}
}

// A currency that a secret field names is kept, or the amounts say nothing.
func TestStoredSecretCurrency(t *testing.T) {
	const plain = "fields:\n  id: {type: integer}\n  time: {type: timestamp}\n  m: {type: money, currency_from: c}\n"
	secret := mustSchema(t, plain+"  c: {type: currency, secret: true}\n")
	tx := mustDecode(t, secret, `{"id":1,"time":"2026-03-27T00:00:00Z","m":5,"c":"JPY"}`)
	row := tx.AppendStored(nil)
	for src, want := range map[string]string{
		"  c: {type: currency, secret: true}\n": "5 JPY",
		"  c: {type: currency}\n":               " ",
		"  c: {type: currency}\n  d: {type: money, currency_from: c, required: true}\n": " ",
	} {
		s := mustSchema(t, plain+src)
		r, err := NewStoredReader(s, secret.StoredLayout())
		if err != nil {
			t.Fatal(err)
		}
		var got Transaction
		if _, err := r.Read(row, &got); err != nil {
			t.Fatal(err)
		}
		if text := string(got.AppendText(nil, 2)) + " " + CurrencyName(got.Currency); text != want {
			t.Errorf("%s gave %q, want %q", src, text, want)
		}
	}
}

func TestStoredIsSmall(t *testing.T) {
	s := mustSchema(t, `
fields:
  id:       {type: integer, required: true}
  time:     {type: timestamp, required: true}
  customer: {type: string, entity: true}
  terminal: {type: string, entity: true}
  amount:   {type: money, currency: EUR, required: true}
`)
	var tx Transaction
	msg := `{"id":1754154,"time":"2018-09-30T23:59:57Z","amount":57.16,"customer":4961,"terminal":3412}`
	if err := NewDecoder(s).Transaction(&tx, []byte(msg), 1538351997123e6); err != nil {
		t.Fatal(err)
	}
	if n := len(tx.AppendStored(nil)); n > 27 {
		t.Errorf("a handbook row has %d bytes", n)
	}
	r, err := NewStoredReader(s, s.StoredLayout())
	if err != nil {
		t.Fatal(err)
	}
	b := tx.AppendStored(nil)
	var got Transaction
	if n := testing.AllocsPerRun(100, func() {
		b = tx.AppendStored(b[:0])
		if _, err := r.Read(b, &got); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestStoredDamage(t *testing.T) {
	s := mustSchema(t, wideSchema)
	tx := mustDecode(t, s, payment)
	row := tx.AppendStored(nil)
	r, err := NewStoredReader(s, s.StoredLayout())
	if err != nil {
		t.Fatal(err)
	}
	var got Transaction
	for n := range row {
		if _, err := r.Read(row[:n], &got); err == nil {
			t.Errorf("the first %d of %d bytes were read", n, len(row))
		}
	}
	rest, err := r.Read(append(slices.Clone(row), "rest"...), &got)
	if err != nil || string(rest) != "rest" {
		t.Errorf("the rest is %q, %v", rest, err)
	}
}

// Values that no transaction has are damage.
func TestStoredOutOfRange(t *testing.T) {
	s := baseJPY(t, "fields:\n  id: {type: string}\n  time: {type: timestamp}\n  n: {type: number}\n  b: {type: bool}\n  m: {type: money, currency: EUR}\n")
	r, err := NewStoredReader(s, s.StoredLayout())
	if err != nil {
		t.Fatal(err)
	}
	number := func(v float64) []byte {
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))
	}
	parts := func() [][]byte { // flags, wait, bits, id, time, number, bool, amount, original
		return [][]byte{{0}, {3}, {0x1f}, {1, 'a'}, {3}, number(1), {1}, {5}, {0}}
	}
	huge := binary.AppendUvarint(nil, 1<<63)
	for name, c := range map[string]struct {
		part int
		with []byte
	}{
		"":                      {0, []byte{0}},
		"flags":                 {0, []byte{4}},
		"more fields":           {2, []byte{0x3f}},
		"no id":                 {2, []byte{0x1e}},
		"no time":               {2, []byte{0x1d}},
		"empty id":              {3, []byte{0}},
		"endless id":            {3, append(huge, 'a')},
		"time past all":         {4, binary.AppendUvarint(nil, 1<<62+3)},
		"wait past all":         {1, binary.AppendUvarint(nil, 1<<62+3)},
		"not a number":          {5, number(math.NaN())},
		"infinite":              {5, number(math.Inf(1))},
		"less than nothing":     {5, number(math.Copysign(0, -1))},
		"neither true nor not":  {6, []byte{2}},
		"negative":              {7, huge},
		"originally negative":   {8, []byte{11}},
		"a number without end":  {7, bytes.Repeat([]byte{0xff}, 11)},
		"the largest of all":    {7, binary.AppendUvarint(nil, math.MaxUint64)},
		"missing but announced": {4, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0x80}},
	} {
		p := parts()
		p[c.part] = c.with
		var tx Transaction
		_, err := r.Read(bytes.Join(p, nil), &tx)
		if (err == nil) != (name == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func baseJPY(t *testing.T, src string) *Schema {
	t.Helper()
	s, err := ParseSchema("schema.yaml", []byte("base_currency: JPY\nrates: r\n"+src), func(string) ([]byte, error) { return []byte("date,currency,rate\n2026-03-20,USD,150\n"), nil })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStoredRefuses(t *testing.T) {
	s := mustSchema(t, "fields:\n  id: {type: integer}\n  time: {type: timestamp}\n  m: {type: money, currency: EUR}\n")
	for src, want := range map[string]string{
		`[]`: "no id of type integer",
		`[{"name":"id","type":"string"},{"name":"time","type":"timestamp"}]`:                                               "no id of type integer",
		`[{"name":"id","type":"integer"},{"name":"time","type":"integer"}]`:                                                "no time of type timestamp",
		`[{"name":"id","type":"integer"},{"name":"id","type":"integer"}]`:                                                  "the field id twice",
		`[{"name":"id","type":"integer"},{"name":"time","type":"timestamp"},{"name":"m","type":"money","currency":"EUX"}]`: "unknown currency",
		`[{"name":"id","type":"integer"},{"name":"time","type":"timestamp"},{"name":"m","type":"money","base":"EUX"}]`:     "unknown currency",
		`[{"name":"id","type":"flag"}]`:                  `unknown type "flag"`,
		`[{"name":"id","type":"integer","packed":true}]`: "later version",
		`{`: "later version",
	} {
		var l Layout
		err := l.UnmarshalText([]byte(src))
		if err == nil {
			_, err = NewStoredReader(s, l)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", src, err, want)
		}
	}
}

func FuzzStored(f *testing.F) {
	s := mustSchema(f, wideSchema)
	tx := mustDecode(f, s, payment)
	f.Add(tx.AppendStored(nil))
	f.Add([]byte{0, 0, 0, 0})
	r, err := NewStoredReader(s, s.StoredLayout())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var tx, again Transaction
		rest, err := r.Read(b, &tx)
		if err != nil {
			return
		}
		if len(rest) > len(b) {
			t.Fatal("more is left than there was")
		}
		_ = AppendJSON(nil, &tx)
		row := tx.AppendStored(nil)
		if rest, err = r.Read(row, &again); err != nil || len(rest) > 0 {
			t.Fatalf("what was written anew is not read: %v, %d left", err, len(rest))
		}
		if public(&tx) != public(&again) {
			t.Fatalf("%s\nis read as\n%s", public(&tx), public(&again))
		}
	})
}

func BenchmarkStored(b *testing.B) {
	s := mustSchema(b, wideSchema)
	tx := mustDecode(b, s, payment)
	row := tx.AppendStored(nil)
	r, err := NewStoredReader(s, s.StoredLayout())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("append", func(b *testing.B) {
		for range b.N {
			row = tx.AppendStored(row[:0])
		}
		b.ReportMetric(float64(len(row)), "bytes")
	})
	b.Run("read", func(b *testing.B) {
		var got Transaction
		for range b.N {
			if _, err := r.Read(row, &got); err != nil {
				b.Fatal(err)
			}
		}
	})
}
