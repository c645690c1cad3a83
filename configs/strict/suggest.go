package strict

// maxWord bounds the words that are compared, in runes.
const maxWord = 64

// Suggest gives the candidate that a misspelt name probably means, or "".
func Suggest(name string, candidates []string) string {
	best, bestDistance := "", 1+max(1, len(name)/3)
	a := []rune(name)
	if len(name) > maxWord {
		return ""
	}
	var b [maxWord]rune
	for _, c := range candidates {
		n := 0
		for _, r := range c {
			if n == maxWord || n-len(a) > bestDistance {
				n = maxWord + 1 // too long to be meant
				break
			}
			b[n] = r
			n++
		}
		if n > maxWord || len(a)-n > bestDistance {
			continue
		}
		d := distance(a, b[:n], bestDistance)
		if d < bestDistance || d == bestDistance && best != "" && shared(name, c) > shared(name, best) {
			best, bestDistance = c, d
		}
	}
	return best
}

// shared counts the bytes that two words begin with alike.
func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours between two words of up to maxWord runes. One that is more than most
// is given as some number that is more.
func distance(a, b []rune, most int) int {
	var rows [3][maxWord + 1]int
	above, row := &rows[1], &rows[2] // and rows[0] is the one above that
	before := &rows[0]
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, row = above, row, before
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d := min(above[j]+1, row[j-1]+1, above[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
			least = min(least, d)
		}
		if least > most+1 { // a swap looks back two rows
			return least
		}
	}
	return row[len(b)]
}

// didYouMean gives `, did you mean "x"?` or "".
func didYouMean(name string, candidates []string) string {
	if s := Suggest(name, candidates); s != "" {
		return `, did you mean "` + s + `"?`
	}
	return ""
}
