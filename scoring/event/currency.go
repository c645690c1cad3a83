package event

// currencies holds ISO 4217, sorted: the code and the number of decimal digits
// of its minor unit. Those withdrawn since 2018 are in it, since transactions of
// that time are replayed. Metals and units of account, which have no minor unit,
// have 0 digits. XTS (for tests) and XXX (no currency) are not in it.
const currencies = "" +
	"AED2AFN2ALL2AMD2ANG2AOA2ARS2AUD2AWG2AZN2" +
	"BAM2BBD2BDT2BGN2BHD3BIF0BMD2BND2BOB2BOV2BRL2BSD2BTN2BWP2BYN2BZD2" +
	"CAD2CDF2CHE2CHF2CHW2CLF4CLP0CNY2COP2COU2CRC2CUC2CUP2CVE2CZK2" +
	"DJF0DKK2DOP2DZD2EGP2ERN2ETB2EUR2FJD2FKP2GBP2GEL2GHS2GIP2GMD2GNF0GTQ2GYD2" +
	"HKD2HNL2HRK2HTG2HUF2IDR2ILS2INR2IQD3IRR2ISK0JMD2JOD3JPY0" +
	"KES2KGS2KHR2KMF0KPW2KRW0KWD3KYD2KZT2LAK2LBP2LKR2LRD2LSL2LYD3" +
	"MAD2MDL2MGA2MKD2MMK2MNT2MOP2MRO2MRU2MUR2MVR2MWK2MXN2MXV2MYR2MZN2" +
	"NAD2NGN2NIO2NOK2NPR2NZD2OMR3PAB2PEN2PGK2PHP2PKR2PLN2PYG0QAR2RON2RSD2RUB2RWF0" +
	"SAR2SBD2SCR2SDG2SEK2SGD2SHP2SLE2SLL2SOS2SRD2SSP2STD2STN2SVC2SYP2SZL2" +
	"THB2TJS2TMT2TND3TOP2TRY2TTD2TWD2TZS2UAH2UGX0USD2USN2UYI0UYU2UYW4UZS2" +
	"VED2VEF2VES2VND0VUV0WST2XAD2XAF0XAG0XAU0XBA0XBB0XBC0XBD0XCD2XCG2XDR0XOF0XPD0XPF0XPT0XSU0XUA0" +
	"YER2ZAR2ZMW2ZWG2ZWL2"

// CurrencyCode packs the three letters of a currency into a word; ok is false
// if ISO 4217 has no such currency.
func CurrencyCode(text []byte) (code uint64, ok bool) {
	if len(text) != 3 {
		return 0, false
	}
	code = uint64(text[0])<<16 | uint64(text[1])<<8 | uint64(text[2])
	return code, currencyAt(code) >= 0
}

// CurrencyName gives the three letters of a code, "" for 0.
func CurrencyName(code uint64) string {
	if code == 0 {
		return ""
	}
	return string([]byte{byte(code >> 16), byte(code >> 8), byte(code)})
}

// CurrencyScale gives the number of decimal digits of a currency's minor unit,
// 0 for a code that is none.
func CurrencyScale(code uint64) int {
	if i := currencyAt(code); i >= 0 {
		return int(currencies[i+3] - '0')
	}
	return 0
}

// currencyAt finds a code's place in the table, -1 if it is not there.
func currencyAt(code uint64) int {
	lo, hi := 0, len(currencies)/4
	for lo < hi {
		mid := (lo + hi) / 2
		c := currencies[mid*4 : mid*4+3]
		at := uint64(c[0])<<16 | uint64(c[1])<<8 | uint64(c[2])
		switch {
		case at == code:
			return mid * 4
		case at < code:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return -1
}

// currencyNames lists all codes, for suggestions.
func currencyNames() []string {
	names := make([]string, 0, len(currencies)/4)
	for i := 0; i < len(currencies); i += 4 {
		names = append(names, currencies[i:i+3])
	}
	return names
}
