package explanation

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"sluice/scoring/event"
)

// message is a transaction as JSON, in which one field can be another.
type message struct {
	schema  *event.Schema
	tx      *event.Transaction
	field   *event.Field
	root    map[string]any
	at      map[string]any // that holds the field
	name    string         // of the field there
	had     any            // nil: missing
	decoder *event.Decoder
}

// newMessage writes a transaction down. It is false if what is read back is not the
// same: then nothing can be said.
func newMessage(schema *event.Schema, tx *event.Transaction, field int) (*message, bool) {
	m := &message{schema: schema, tx: tx, field: &schema.Fields[field], decoder: event.NewDecoder(schema)}
	d := json.NewDecoder(bytes.NewReader(event.AppendJSON(nil, tx)))
	d.UseNumber()
	if err := d.Decode(&m.root); err != nil {
		return nil, false
	}
	path := strings.Split(m.field.From, ".")
	m.at = m.root
	for _, name := range path[:len(path)-1] {
		inner, ok := m.at[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			m.at[name] = inner
		}
		m.at = inner
	}
	m.name = path[len(path)-1]
	m.had = m.at[m.name]
	same, ok := m.decode()
	return m, ok && same.Body == tx.Body
}

func (m *message) decode() (*event.Transaction, bool) {
	text, err := json.Marshal(m.root)
	if err != nil {
		return nil, false
	}
	tx := new(event.Transaction)
	return tx, m.decoder.Transaction(tx, text, m.tx.Arrival) == nil
}

// gone stands for a value that is missing.
const gone = ""

// with gives the transaction with another value of the field, as JSON; gone takes
// it away.
func (m *message) with(to string) (*event.Transaction, bool) {
	defer func() {
		if m.at[m.name] = m.had; m.had == nil {
			delete(m.at, m.name)
		}
	}()
	if m.at[m.name] = json.RawMessage(to); to == gone {
		delete(m.at, m.name)
	}
	return m.decode()
}

// text gives the value of the field as people read it.
func (m *message) text() string {
	switch v := m.had.(type) {
	case nil:
		return ""
	case string:
		return event.Mask(v)
	case json.Number:
		return v.String()
	}
	text, _ := json.Marshal(m.had)
	return string(text)
}

// number gives the value of a field that holds one.
func (m *message) number() (decimal, bool) {
	n, ok := m.had.(json.Number)
	if !ok || m.field.Type != event.TypeMoney && m.field.Type != event.TypeInteger && m.field.Type != event.TypeNumber {
		return decimal{}, false
	}
	if m.field.Type == event.TypeNumber {
		f, err := n.Float64()
		if err != nil {
			return decimal{}, false
		}
		return decimalOf(f)
	}
	return parseDecimal(n.String())
}

// others gives values, as JSON, that a field which is no number might have: those
// that rules compare it with, one that no rule knows, none at all.
func (m *message) others(known []string) []string {
	var out []string
	switch m.field.Type {
	case event.TypeBool:
		out = []string{"true", "false"}
	case event.TypeString, event.TypeCountry, event.TypeCurrency, event.TypeIP:
		for _, text := range slices.Concat(known, strangers(m.field.Type)) {
			quoted, err := json.Marshal(text)
			if err == nil {
				out = append(out, string(quoted))
			}
		}
	}
	if !m.field.Required {
		out = append(out, gone)
	}
	had, _ := json.Marshal(m.had)
	return slices.DeleteFunc(out, func(to string) bool { return to == string(had) || to == gone && m.had == nil })
}

// strangers are values that hardly any rule knows.
func strangers(of event.Type) []string {
	switch of {
	case event.TypeString:
		return []string{"another"}
	case event.TypeCountry:
		return []string{"AQ", "IS"}
	case event.TypeIP:
		return []string{"192.0.2.1"}
	}
	return nil
}

// unquoted gives a JSON value as people read it.
func unquoted(value string) string {
	var text string
	if json.Unmarshal([]byte(value), &text) == nil {
		return text
	}
	return value
}

// decimal is n / 10^scale.
type decimal struct {
	n     int64
	scale int
}

func parseDecimal(s string) (decimal, bool) {
	whole, part, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole+part, 10, 64)
	return decimal{n, len(part)}, err == nil
}

// decimalOf gives a float in steps of about a ten thousandth of it, cents at least.
func decimalOf(f float64) (decimal, bool) {
	scale := 2
	if f != 0 {
		scale = max(2, min(9, 4-int(math.Floor(math.Log10(math.Abs(f))))))
	}
	n := math.Round(f * math.Pow10(scale))
	return decimal{int64(n), scale}, math.Abs(n) < 1<<60
}

func (d decimal) float() float64 { return float64(d.n) / math.Pow10(d.scale) }

// steps gives how many steps lie between d and x.
func (d decimal) steps(x float64) (int64, bool) {
	n := math.Round(x * math.Pow10(d.scale))
	return int64(n) - d.n, math.Abs(n) < 1<<60
}

func (d decimal) String() string {
	if d.scale == 0 {
		return strconv.FormatInt(d.n, 10)
	}
	return strconv.FormatFloat(d.float(), 'f', d.scale, 64)
}
