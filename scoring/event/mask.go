package event

// Mask replaces card numbers in a text: of every run of 13 to 19 digits with a
// valid check digit (Luhn), spaces and dashes between the digits tolerated, all
// digits but the last four become asterisks.
func Mask(text string) string {
	if masked, changed := maskText([]byte(text)); changed {
		return string(masked)
	}
	return text
}

// The lengths of card numbers.
const (
	minCard = 13
	maxCard = 19
)

// maskText masks in place.
func maskText(text []byte) (masked []byte, changed bool) {
	var digits []int // places of the digits of a run
	for i := 0; i < len(text); {
		if text[i]-'0' > 9 {
			i++
			continue
		}
		digits = digits[:0]
		for ; i < len(text) && (text[i]-'0' <= 9 || text[i] == ' ' || text[i] == '-'); i++ {
			if text[i]-'0' <= 9 {
				digits = append(digits, i)
			}
		}
		if len(digits) >= minCard && maskRun(text, digits) {
			changed = true
		}
	}
	return text, changed
}

// maskRun masks the card numbers of a run. Such a number begins and ends where
// a group of digits does, so that of two numbers side by side each is found. All
// of them are found before any is masked.
func maskRun(text []byte, digits []int) bool {
	begins := func(k int) bool { return k == 0 || digits[k] > digits[k-1]+1 }
	cover := make([]int, len(digits)+1) // differences of how many numbers cover a digit
	found := false
	for from := range digits {
		if !begins(from) {
			continue
		}
		for to := from + minCard; to <= min(from+maxCard, len(digits)); to++ {
			if (to == len(digits) || begins(to)) && luhn(text, digits[from:to]) {
				cover[from]++
				cover[to-4]--
				found = true
			}
		}
	}
	if !found {
		return false
	}
	covered := 0
	for k, place := range digits {
		if covered += cover[k]; covered > 0 {
			text[place] = '*'
		}
	}
	return true
}

// luhn checks the last digit of a number.
func luhn(text []byte, digits []int) bool {
	sum := 0
	for k := range digits {
		d := int(text[digits[len(digits)-1-k]] - '0')
		if k%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
