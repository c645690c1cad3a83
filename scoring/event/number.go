package event

import (
	"math"
	"math/bits"
	"strconv"
)

// number is a JSON number as it was written: digits x 10^exp.
type number struct {
	start, end int // place of its text
	digits     uint64
	exp        int
	neg        bool
	integer    bool // neither fraction nor exponent
	wide       bool // more than 19 significant digits: they are not in digits
}

// maxExp is past every exponent that matters; larger ones are cut to it.
const maxExp = 1 << 20

// scanNumber reads a number by JSON's grammar at b[i]; ok is false if there is none.
func scanNumber(b []byte, i int) (n number, ok bool) {
	n.start, n.integer = i, true
	if i < len(b) && b[i] == '-' {
		n.neg = true
		i++
	}
	first := i
	for i < len(b) && b[i]-'0' <= 9 {
		n.digits = n.digits*10 + uint64(b[i]-'0')
		i++
	}
	count := i - first
	if count == 0 || b[first] == '0' && count > 1 {
		return number{end: first}, false
	}
	if i < len(b) && b[i] == '.' {
		n.integer = false
		i++
		point := i
		for i < len(b) && b[i]-'0' <= 9 {
			n.digits = n.digits*10 + uint64(b[i]-'0')
			i++
		}
		if i == point {
			return number{end: i}, false
		}
		n.exp = point - i
		count += i - point
	}
	mantissa := i
	if i < len(b) && b[i]|0x20 == 'e' {
		n.integer = false
		var e int
		if e, i = scanExponent(b, i+1); i < 0 {
			return number{end: mantissa}, false
		}
		n.exp += e
	}
	n.end = i
	n.wide = count > 19
	if n.wide {
		n.narrow(b[first:mantissa])
	}
	return n, true
}

// scanExponent reads what follows the e; the end is -1 if there are no digits.
func scanExponent(b []byte, i int) (e, end int) {
	neg := false
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		neg = b[i] == '-'
		i++
	}
	start := i
	for i < len(b) && b[i]-'0' <= 9 {
		e = min(e*10+int(b[i]-'0'), maxExp)
		i++
	}
	if i == start {
		return 0, -1
	}
	if neg {
		e = -e
	}
	return e, i
}

// narrow reads the digits of a long mantissa without the zeros around them, and
// clears wide if they fit a word. The exponent, so far that of the last digit,
// becomes that of the last digit other than 0.
func (n *number) narrow(mantissa []byte) {
	n.digits = 0
	count, zeros := 0, 0 // significant digits, and zeros behind them
	for _, c := range mantissa {
		switch {
		case c == '.':
			continue
		case c == '0':
			zeros++
			continue
		case count > 0:
			for range min(zeros, 20) {
				n.digits *= 10
			}
			count += zeros
		}
		zeros = 0
		count++
		n.digits = n.digits*10 + uint64(c-'0')
	}
	n.wide = count > 19
	if count > 0 {
		n.exp += zeros
	}
}

// int gives the number as an int64 other than the smallest one.
func (n *number) int() (int64, bool) {
	if n.wide || n.exp != 0 || n.digits > math.MaxInt64 {
		return 0, false
	}
	if n.neg {
		return -int64(n.digits), true
	}
	return int64(n.digits), true
}

// float gives the nearest float64; ok is false if there is none but an infinity.
func (n *number) float(b []byte) (f float64, ok bool) {
	if !n.wide && n.digits < 1<<53 && n.exp >= -22 && n.exp <= 22 {
		// Both are exact, so one operation rounds once.
		f = float64(n.digits)
		if n.exp < 0 {
			f /= tens[-n.exp]
		} else {
			f *= tens[n.exp]
		}
	} else {
		var err error
		if f, err = strconv.ParseFloat(string(b[n.start:n.end]), 64); err != nil {
			return 0, false
		}
		f = math.Abs(f)
	}
	if n.neg && f != 0 { // -0 is 0
		f = -f
	}
	return f, true
}

// tens are the powers of ten that a float64 holds exactly.
var tens = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// wholeTens are the powers of ten that a word holds.
var wholeTens = [...]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// amount is a number that will be minor units once its currency is known.
type amount struct {
	digits uint64
	exp    int
	wide   bool
	offset int
}

// minor gives digits x 10^exp in units of 10^-scale, exactly.
func (a amount) minor(scale int) (minor int64, code Code) {
	if a.wide {
		if a.exp+scale < 0 {
			return 0, BadValue
		}
		return 0, OutOfRange
	}
	digits, shift := a.digits, a.exp+scale
	if digits == 0 {
		return 0, ""
	}
	for shift < 0 {
		if digits%10 != 0 {
			return 0, BadValue
		}
		digits /= 10
		shift++
	}
	if shift >= len(wholeTens) {
		return 0, OutOfRange
	}
	hi, lo := bits.Mul64(digits, wholeTens[shift])
	if hi != 0 || lo > math.MaxInt64 {
		return 0, OutOfRange
	}
	return int64(lo), ""
}
