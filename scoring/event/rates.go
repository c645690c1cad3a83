package event

import (
	"bytes"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sort"
	"time"

	"sluice/configs/strict"
)

// The bounds of a rates file.
const (
	maxRatesSize  = 64 << 20
	maxRateFaults = 50
	// rateAge is how many days a published rate goes on being used: over a
	// weekend and holidays, not for ever.
	rateAge = 7
)

// rates holds what one unit of a currency costs in the base currency, by day.
type rates struct {
	base uint64
	days map[uint64][]rate // by currency, in the order of days
}

// rate is digits / 10^decimals base units for one unit, published on a day
// since 1970.
type rate struct {
	day      int64
	digits   uint64
	decimals int
	line     int
}

// at gives the rate of a day: the latest published within rateAge before it.
func (r *rates) at(code uint64, day int64) (rate, bool) {
	list := r.days[code]
	i := sort.Search(len(list), func(i int) bool { return list[i].day > day })
	if i == 0 || day-list[i-1].day > rateAge {
		return rate{}, false
	}
	return list[i-1], true
}

// convert gives minor units of the base currency for those of another, by the
// rate of a time's UTC date. It is exact up to the one rounding at its end,
// which is half to even.
func (r *rates) convert(minor int64, code uint64, ns int64) (int64, Code) {
	if code == r.base {
		return minor, ""
	}
	rate, ok := r.at(code, floorDiv(ns, 86400e9))
	if !ok {
		return 0, NoRate
	}
	hi, lo := bits.Mul64(uint64(minor), rate.digits) // below 2^126: both are below 2^63
	shift := CurrencyScale(r.base) - CurrencyScale(code) - rate.decimals
	if shift >= 0 {
		over, low := bits.Mul64(lo, wholeTens[shift])
		if hi != 0 || over != 0 || low > math.MaxInt64 {
			return 0, OutOfRange
		}
		return int64(low), ""
	}
	return divideEven(hi, lo, wholeTens[-shift])
}

// divideEven divides a double word, rounding half to even.
func divideEven(hi, lo, by uint64) (int64, Code) {
	if hi >= by {
		return 0, OutOfRange
	}
	q, rest := bits.Div64(hi, lo, by)
	if half := by / 2; rest > half || rest == half && by > 1 && q&1 == 1 {
		q++
	}
	if q > math.MaxInt64 {
		return 0, OutOfRange
	}
	return int64(q), ""
}

// rates reads the rates file, if the schema needs one.
func (r *schemaReader) rates(top map[string]yamlEntry) {
	e, ok := top["rates"]
	if r.schema.BaseCurrency == "" {
		if _, set := top["base_currency"]; ok && !set {
			r.fault(e.key, "rates goes with base_currency: the currency that amounts are converted to")
		}
		return
	}
	if !ok {
		if r.needsRates() {
			r.fault(top["base_currency"].key, "base_currency needs rates: a CSV file of date,currency,rate")
		}
		r.schema.rates = &rates{base: mustCode(r.schema.BaseCurrency)}
		return
	}
	name, ok := r.text(e)
	if !ok {
		return
	}
	if r.readRates == nil {
		r.fault(e.value, "rates can't be read here")
		return
	}
	src, err := r.readRates(name)
	if err != nil {
		r.fault(e.value, "the rates can't be read: %v", err)
		return
	}
	table, faults := parseRates(name, src, r.schema.BaseCurrency)
	r.faults = append(r.faults, faults...)
	r.schema.rates = table
}

// needsRates reports whether an amount can be in another currency than the base.
func (r *schemaReader) needsRates() bool {
	for _, f := range r.schema.Fields {
		if f.Type == TypeMoney && f.Currency != r.schema.BaseCurrency {
			return true
		}
	}
	return false
}

func mustCode(name string) uint64 {
	code, _ := CurrencyCode([]byte(name))
	return code
}

// rateReader reads a rates file line by line.
type rateReader struct {
	file   string
	table  *rates
	faults strict.Faults
}

func parseRates(file string, src []byte, base string) (*rates, strict.Faults) {
	r := &rateReader{file: file, table: &rates{base: mustCode(base), days: map[uint64][]rate{}}}
	if len(src) > maxRatesSize {
		r.fault(1, nil, "the rates file has more than %d bytes", maxRatesSize)
		return nil, r.faults
	}
	src = bytes.TrimPrefix(src, []byte("\uFEFF"))
	for line := 1; (len(src) > 0 || line == 1) && len(r.faults) < maxRateFaults; line++ {
		var text []byte
		text, src, _ = bytes.Cut(src, []byte("\n"))
		text = bytes.TrimSuffix(text, []byte("\r"))
		switch {
		case line == 1:
			if string(text) != "date,currency,rate" {
				r.fault(line, text, "the first line must be date,currency,rate")
			}
		case len(bytes.TrimSpace(text)) == 0 || text[0] == '#':
		default:
			r.line(line, text)
		}
	}
	r.sort()
	if len(r.table.days) == 0 && len(r.faults) == 0 {
		r.fault(1, nil, "there is no rate behind the first line; a line is one as 2026-03-31,USD,0.92, what one unit of the currency costs in %s", base)
	}
	return r.table, r.faults
}

func (r *rateReader) fault(line int, text []byte, format string, args ...any) {
	r.faults = append(r.faults, strict.Fault{
		File: r.file, Line: line, Column: 1,
		Source:  string(bytes.ToValidUTF8(text[:min(len(text), 200)], []byte("?"))),
		Message: fmt.Sprintf(format, args...),
	})
}

func (r *rateReader) line(line int, text []byte) {
	cells := bytes.Split(text, []byte(","))
	if len(cells) != 3 {
		r.fault(line, text, "a line holds date,currency,rate")
		return
	}
	day, err := time.Parse(time.DateOnly, string(cells[0]))
	if err != nil || day.Year() < 1970 || day.Year() > 2261 {
		r.fault(line, text, "the date must be one as 2026-03-31")
		return
	}
	code, ok := CurrencyCode(cells[1])
	if !ok {
		r.fault(line, text, "there is no such currency in ISO 4217")
		return
	}
	n, ok := scanNumber(cells[2], 0)
	for ok && n.exp < 0 && n.digits%10 == 0 && n.digits > 0 { // 0.90 is 0.9
		n.digits /= 10
		n.exp++
	}
	for ok && n.exp > 0 && n.digits < 1e17 {
		n.digits *= 10
		n.exp--
	}
	switch {
	case !ok || n.end != len(cells[2]) || n.neg || n.digits == 0:
		r.fault(line, text, "the rate must be a decimal number above 0: what one unit of the currency costs in %s", CurrencyName(r.table.base))
	case n.wide || n.digits >= 1e18 || n.exp > 0 || n.exp < -15:
		r.fault(line, text, "the rate has too many digits: at most 18, at most 15 of them after the point")
	case code == r.table.base && (n.digits != 1 || n.exp != 0):
		r.fault(line, text, "the rate of the base currency is 1")
	default:
		r.table.days[code] = append(r.table.days[code], rate{floorDiv(day.Unix(), 86400), n.digits, -n.exp, line})
	}
}

// sort orders the days and reports a day that has two rates.
func (r *rateReader) sort() {
	for code, list := range r.table.days {
		slices.SortStableFunc(list, func(a, b rate) int { return int(a.day - b.day) })
		for i := 1; i < len(list); i++ {
			if list[i].day == list[i-1].day {
				r.fault(list[i].line, nil, "a second rate of %s for the same date, first in line %d", CurrencyName(code), list[i-1].line)
			}
		}
	}
}
