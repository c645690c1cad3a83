package event

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// ledgerRates are the rates of a base currency for most days that random
// transactions are of.
func ledgerRates(base string) []byte {
	b := []byte("date,currency,rate\n")
	for d := 24; d < 30; d++ { // and none before
		for _, rate := range []string{"USD,0.9", "JPY,0.006", "EUR,1.1"} {
			if !strings.HasPrefix(rate, base) || base == "" {
				b = fmt.Appendf(b, "2026-03-%d,%s%d\n", d, rate, d)
			}
		}
	}
	return b
}

// ledger is a random schema, as the definitions of its fields.
type ledger struct {
	fields map[string]string // by name
	order  []string
	base   string
}

func (l *ledger) schema(t *testing.T) *Schema {
	t.Helper()
	var b strings.Builder
	if l.base != "" {
		fmt.Fprintf(&b, "base_currency: %s\nrates: rates.csv\n", l.base)
	}
	b.WriteString("fields:\n")
	for _, name := range l.order {
		fmt.Fprintf(&b, "  %s: {%s}\n", name, l.fields[name])
	}
	s, err := ParseSchema("schema.yaml", []byte(b.String()), func(string) ([]byte, error) { return ledgerRates(l.base), nil })
	if err != nil {
		t.Fatalf("%s\n%v", b.String(), err)
	}
	return s
}

func randomLedger(r *rand.Rand) *ledger {
	l := &ledger{fields: map[string]string{"id": "type: " + pick(r, "string", "integer"), "time": "type: timestamp, unit: ms"}}
	if r.IntN(2) == 0 {
		l.base = pick(r, "EUR", "JPY")
	}
	money := "type: money, currency: " + pick(r, "EUR", "JPY", "USD")
	if r.IntN(2) == 0 {
		money = "type: money, currency_from: unit"
		l.fields["unit"] = "type: currency" + randomly(r, 4, ", secret: true") + randomly(r, 3, ", entity: true")
	}
	for i := range r.IntN(3) {
		l.fields[fmt.Sprint("m", i)] = money + randomly(r, 5, ", secret: true") + randomly(r, 3, ", required: true")
	}
	for i := range r.IntN(12) {
		kind := pick(r, "string", "integer", "number", "bool", "timestamp", "ip", "country")
		more := randomly(r, 5, ", secret: true") + randomly(r, 6, ", required: true")
		if kind == "string" || kind == "integer" || kind == "ip" {
			more += randomly(r, 2, ", entity: true")
		}
		l.fields[fmt.Sprint("f", i)] = "type: " + kind + more
	}
	l.shuffle(r)
	return l
}

func (l *ledger) shuffle(r *rand.Rand) {
	l.order = slices.Sorted(maps.Keys(l.fields))
	r.Shuffle(len(l.order), func(i, j int) { l.order[i], l.order[j] = l.order[j], l.order[i] })
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

// randomly gives a text once in n times.
func randomly(r *rand.Rand, n int, text string) string {
	if r.IntN(n) == 0 {
		return text
	}
	return ""
}

// message writes a random transaction of a schema.
func message(r *rand.Rand, s *Schema) []byte { return written(members(r, s)) }

func written(members map[string]string) []byte {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		list = append(list, fmt.Sprintf("%q:%s", name, members[name]))
	}
	return []byte("{" + strings.Join(list, ",") + "}")
}

// members gives the members of a random transaction.
func members(r *rand.Rand, s *Schema) map[string]string {
	members := map[string]string{}
	money := false
	for _, f := range s.Fields {
		money = money || f.Type == TypeMoney && f.CurrencyFrom >= 0
	}
	for _, f := range s.Fields {
		var v string
		switch f.Type {
		case TypeString:
			v = fmt.Sprintf("%q", pick(r, "a", "bb", "é", "a text that is longer", "7"))
			if f.Name != "id" && r.IntN(6) == 0 {
				v = `""`
			}
		case TypeInteger:
			v = pick(r, "0", "7", "-7", "9223372036854775807", "-9223372036854775807", fmt.Sprint(r.Int64()>>r.IntN(64)))
		case TypeNumber:
			v = pick(r, "0", "-0.0", "1.5", "-1e300", "5e-324", fmt.Sprint(r.NormFloat64()))
		case TypeMoney:
			v = pick(r, "0", "5", "100", fmt.Sprint(r.Int64N(1e9)))
		case TypeBool:
			v = pick(r, "true", "false")
		case TypeTimestamp:
			v = pick(r, fmt.Sprintf(`"2026-03-%02dT1%d:02:03Z"`, 20+r.IntN(10), r.IntN(10)),
				fmt.Sprintf(`"2026-03-%02dT01:02:03.%dZ"`, 20+r.IntN(10), 1+r.IntN(999999999)))
			if f.Name != "time" && r.IntN(4) == 0 {
				v = pick(r, `"1970-01-01T00:00:00Z"`, `"2261-12-31T23:59:59.999999999Z"`)
			}
		case TypeIP:
			v = pick(r, `"192.0.2.1"`, `"2001:db8::1"`)
		case TypeCountry:
			v = pick(r, `"DE"`, `"FR"`)
		case TypeCurrency:
			v = pick(r, `"EUR"`, `"USD"`, `"JPY"`)
		}
		if f.Required || f.Type == TypeCurrency && money || r.IntN(5) > 0 {
			members[f.Name] = v
		}
	}
	return members
}

// public gives all that a transaction says but its secret fields.
func public(t *Transaction) string {
	var b []byte
	s := t.Schema
	for i := range s.Fields {
		if f := &s.Fields[i]; !f.Secret {
			b = fmt.Appendf(b, "%s %v %x: %q\n", f.Name, t.Words[i] == Missing, t.Hashes[i], t.AppendText(nil, i))
			if !isText(f.Type) {
				b = fmt.Appendf(b, "word %x\n", t.Words[i])
			}
		}
	}
	for e, i := range s.Entities {
		if !s.Fields[i].Secret {
			b = fmt.Appendf(b, "%x\n", t.Entities[e])
		}
	}
	k := 0
	for i := range s.Fields {
		if s.Fields[i].Type == TypeMoney && len(t.Original) > 0 {
			if !s.Fields[i].Secret {
				b = fmt.Appendf(b, "original %x\n", t.Original[k])
			}
			k++
		}
	}
	return string(fmt.Appendf(b, "%x %x %d %d %v %x %d", t.IDKey, t.Body, t.Time, t.Arrival, t.Future, t.Currency, len(t.Original)))
}

// secretsMissing reports whether a transaction that was read holds no secret.
func secretsMissing(t *Transaction) bool {
	k := 0
	for i := range t.Schema.Fields {
		f := &t.Schema.Fields[i]
		if f.Secret && (t.Words[i] != Missing || t.Hashes[i] != Missing || f.EntityIndex >= 0 && t.Entities[f.EntityIndex] != Key{}) {
			return false
		}
		if f.Type == TypeMoney && len(t.Original) > 0 {
			if f.Secret && t.Original[k] != Missing {
				return false
			}
			k++
		}
	}
	return true
}

// decodeRandom decodes random messages until one is taken.
func decodeRandom(t *testing.T, r *rand.Rand, s *Schema, tx *Transaction) {
	t.Helper()
	for range 100 {
		msg := message(r, s)
		arrival := int64(1774300000e9) + r.Int64N(20)*86400e9 + r.Int64N(3)*r.Int64N(1e9)
		err := NewDecoder(s).Transaction(tx, msg, arrival)
		if err == nil {
			return
		}
		if code := codeOf(err); code != OutOfRange && code != NoRate && code != BadValue {
			t.Fatalf("%s\n%v", msg, err)
		}
	}
	t.Fatal("no random message was taken")
}

func TestStoredRoundTrip(t *testing.T) {
	futures, secrets := 0, 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 11))
		s := randomLedger(r).schema(t)
		text, err := s.StoredLayout().MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var layout Layout
		if err := layout.UnmarshalText(text); err != nil || !layout.Equal(s.StoredLayout()) {
			t.Fatalf("the layout %s is read as %v, %v", text, layout, err)
		}
		reader, err := NewStoredReader(s, layout)
		if err != nil {
			t.Fatal(err)
		}
		var all []byte
		var want []string
		bodies := map[Key]string{}
		var tx, got Transaction
		for range 30 {
			decodeRandom(t, r, s, &tx)
			all = tx.AppendStored(all)
			want = append(want, public(&tx))
			body := string(tx.AppendStoredBody(nil))
			if old, ok := bodies[tx.Body]; ok && old != body {
				t.Fatalf("seed %d: one body, two stored ones", seed)
			}
			bodies[tx.Body] = body
			if tx.Future {
				futures++
			}
			if !secretsMissing(&tx) {
				secrets++
			}
		}
		different := map[string]bool{}
		for _, b := range bodies {
			different[b] = true
		}
		if len(different) != len(bodies) {
			t.Fatalf("seed %d: %d bodies, %d stored ones", seed, len(bodies), len(different))
		}
		for i, w := range want {
			if all, err = reader.Read(all, &got); err != nil {
				t.Fatalf("seed %d, transaction %d: %v", seed, i, err)
			}
			if p := public(&got); p != w {
				t.Fatalf("seed %d: %s\nwas read as\n%s", seed, w, p)
			}
			if !secretsMissing(&got) {
				t.Fatalf("seed %d: a secret was stored", seed)
			}
			if again := got.AppendStored(nil); i == len(want)-1 && !bytes.HasSuffix(again, got.AppendStoredBody(nil)) && got.hiddenCurrency() == 0 {
				t.Fatalf("seed %d: the body is not the end", seed)
			}
		}
		if len(all) != 0 {
			t.Fatalf("seed %d: %d bytes are left", seed, len(all))
		}
	}
	if futures == 0 || secrets == 0 {
		t.Fatalf("%d were in the future, %d had secrets", futures, secrets)
	}
}

func TestEntityAndIDValues(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 12))
		s := randomLedger(r).schema(t)
		var tx Transaction
		decodeRandom(t, r, s, &tx)
		for e := range s.Entities {
			v, ok := tx.AppendEntityValue([]byte("x"), e)
			if key := tx.Entities[e]; ok != (key != Key{}) || ok && HashKey(v[1:]) != key || !ok && len(v) != 1 {
				t.Fatalf("seed %d: entity %d has the value %q %v, its key is %x", seed, e, v, ok, key)
			}
		}
		v := tx.AppendIDValue([]byte("x"))
		same, ok := s.AppendIDValue([]byte("x"), tx.ID())
		if !ok || !bytes.Equal(v, same) || s.Fields[s.ID].Type == TypeInteger != (v[1] == 'i') {
			t.Fatalf("seed %d: id %q and %q", seed, v, same)
		}
	}
	s := mustSchema(t, "fields:\n  id: {type: integer}\n  time: {type: timestamp}\n")
	for _, text := range []string{"", "x", "7.0", "07", " 7", "-9223372036854775808"} {
		if b, ok := s.AppendIDValue(nil, text); ok {
			t.Errorf("%q is taken as an id: %q", text, b)
		}
	}
	if _, ok := mustSchema(t, plainSchema).AppendIDValue(nil, ""); ok {
		t.Error("the empty text is taken as an id")
	}
	if b, ok := s.AppendIDValue(nil, "-0"); !ok || string(b) != "i0" {
		t.Errorf("-0 gave %q %v", b, ok)
	}
}
