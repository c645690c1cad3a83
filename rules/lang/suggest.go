package lang

import (
	"strings"
	"unicode/utf8"
)

// didYouMean gives `, did you mean "name"?` for the candidate nearest to name,
// and nothing if none is near.
func didYouMean(name string, candidates []string) string {
	if near := nearest(name, candidates); near != "" {
		return `, did you mean "` + near + `"?`
	}
	return ""
}

// nearest gives the candidate with the smallest edit distance to name, the
// first of equals, "" if all are too far to be a slip of the finger.
func nearest(name string, candidates []string) string {
	const longest = 64
	length := utf8.RuneCountInString(name)
	if length > longest {
		return ""
	}
	within := 1
	if length > 3 {
		within = 2
	}
	if length > 7 {
		within = 3
	}
	best := ""
	for _, candidate := range candidates {
		d := distance(strings.ToLower(name), strings.ToLower(candidate))
		if d <= within && d < utf8.RuneCountInString(candidate) {
			best, within = candidate, d-1
		}
	}
	return best
}

// distance counts the letters to add, drop, change or swap with a neighbour
// that lead from one word to another.
func distance(from, to string) int {
	a, b := []rune(from), []rune(to)
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := above[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
