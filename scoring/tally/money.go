package tally

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sluice/scoring/event"
)

// Money holds sums by currency code, in minor units.
type Money map[uint64]int64

// String writes the sums, by the currencies' codes: 12.50 EUR + 3 JPY.
func (m Money) String() string {
	parts := make([]string, 0, len(m))
	for currency, minor := range m {
		if minor != 0 {
			parts = append(parts, event.FormatMoney(minor, currency))
		}
	}
	if len(parts) == 0 {
		return "0"
	}
	slices.Sort(parts)
	return strings.Join(parts, " + ")
}

// MarshalJSON writes exact decimal numbers by currency: {"EUR": 12.50}.
func (m Money) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, currency := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, event.CurrencyName(currency)), ':')
		number, _, _ := strings.Cut(event.FormatMoney(m[currency], currency), " ")
		b = append(b, number...)
	}
	return append(b, '}'), nil
}

// add adds to the sum of a currency. A sum of 0 is no entry.
func (m *Money) add(currency uint64, minor int64) {
	if *m == nil {
		*m = Money{}
	}
	if (*m)[currency] = event.AddMinor((*m)[currency], minor); (*m)[currency] == 0 {
		delete(*m, currency)
	}
}

// Cost is an amount in the currency of whichever transaction it is for, in
// thousandths.
type Cost int64

// DefaultCost is what a good payment that is hit costs unless told otherwise: a
// few minutes of a person's work. Sales that are lost may cost far more.
const DefaultCost Cost = 5000

// maxCost bounds a cost: a million.
const maxCost = 1e9

// ParseCost reads an amount such as 5 or 2.50.
func ParseCost(s string) (Cost, error) {
	whole, part, _ := strings.Cut(s, ".")
	n, err := strconv.ParseUint(whole+(part + "000")[:3], 10, 32)
	if err != nil || whole == "" || len(part) > 3 || n > maxCost || strings.HasSuffix(s, ".") {
		return 0, fmt.Errorf("%q is no amount from 0 to a million with at most three decimals; write 5 or 2.50", s)
	}
	return Cost(n), nil
}

// String writes the amount.
func (c Cost) String() string {
	if c%1000 == 0 {
		return strconv.FormatInt(int64(c/1000), 10)
	}
	s := strings.TrimRight(fmt.Sprintf("%d.%03d", c/1000, c%1000), "0")
	if i := strings.IndexByte(s, '.'); len(s)-i == 2 {
		s += "0" // 2.5 is 2.50
	}
	return s
}

// minor gives the cost in minor units of a currency, half up.
func (c Cost) minor(currency uint64) int64 {
	minor := int64(c)
	for range event.CurrencyScale(currency) {
		minor *= 10
	}
	return (minor + 500) / 1000
}

func plus(a, b Money) (out Money) {
	for currency, minor := range a {
		out.add(currency, minor)
	}
	for currency, minor := range b {
		out.add(currency, minor)
	}
	return out
}
