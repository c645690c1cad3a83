package event

// countries holds ISO 3166-1 alpha-2, sorted, and XK, which card schemes use
// for Kosovo.
const countries = "" +
	"ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZ" +
	"CACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFR" +
	"GAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJP" +
	"KEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZ" +
	"NANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURW" +
	"SASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZ" +
	"UAUGUMUSUYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW"

// isCountry reports whether text is a country's two upper-case letters.
func isCountry(text []byte) bool {
	if len(text) != 2 {
		return false
	}
	code := uint16(text[0])<<8 | uint16(text[1])
	lo, hi := 0, len(countries)/2
	for lo < hi {
		mid := (lo + hi) / 2
		at := uint16(countries[mid*2])<<8 | uint16(countries[mid*2+1])
		switch {
		case at == code:
			return true
		case at < code:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return false
}
