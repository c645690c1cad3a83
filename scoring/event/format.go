package event

import (
	"math"
	"strconv"
	"strings"
)

// AddMinor adds amounts in minor units. A sum that 64 bits do not hold is the
// largest or the smallest that they do: two payments of a wild amount come to no
// sum below 0.
func AddMinor(a, b int64) int64 {
	sum := a + b
	switch {
	case a > 0 && b > 0 && sum < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && sum >= 0:
		return -math.MaxInt64
	}
	return sum
}

// FormatNumber writes a number with six digits, and a large one with four decimals,
// so that the sum of amounts is not told as being at a limit that it lies below.
func FormatNumber(f float64) string {
	if size := math.Abs(f); size >= 1e4 && size < 1e15 {
		return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(f, 'f', 4, 64), "0"), ".")
	}
	return strconv.FormatFloat(f, 'g', 6, 64)
}

// FormatMoney writes minor units with the decimals of their currency and its
// code, as in "57.16 EUR"; without a currency, the minor units alone.
func FormatMoney(minor int64, currency uint64) string {
	b := appendSigned(nil, minor, CurrencyScale(currency))
	if currency != 0 {
		b = append(append(b, ' '), CurrencyName(currency)...)
	}
	return string(b)
}

func appendSigned(b []byte, minor int64, scale int) []byte {
	if minor < 0 {
		return appendMinor(append(b, '-'), uint64(-minor), scale)
	}
	return appendMinor(b, uint64(minor), scale)
}
