package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"sluice/scoring/tally"
)

// thousands writes a number with commas between groups of three digits.
func thousands(n int64) string {
	if n < 0 {
		return "-" + thousands(-n)
	}
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// percent writes n/of, - where there is nothing to divide by.
func percent(n, of int64) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f %%", 100*float64(n)/float64(of))
}

// roughly writes n/of in whole percents.
func roughly(n, of int64) string {
	if 100*n < of {
		return "<1 %"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(of))
}

// ratio writes a share with four digits, - where there is none.
func ratio(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.4f", *x)
}

// signed writes money with its sign where it is a gain.
func signed(m tally.Money) string {
	if len(m) != 1 {
		return m.String()
	}
	for _, minor := range m {
		if minor > 0 {
			return "+" + m.String()
		}
	}
	return m.String()
}

// whole writes money without decimals and with commas, for who looks from afar.
func whole(m tally.Money) string {
	text := m.String()
	if strings.Contains(text, "+") {
		return text
	}
	amount, currency, _ := strings.Cut(text, " ")
	units, err := strconv.ParseFloat(amount, 64)
	if err != nil {
		return text
	}
	return strings.TrimSpace(thousands(int64(math.Round(units))) + " " + currency)
}

// counted writes a number and its noun.
func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// visible takes out of a text what would move a terminal's cursor.
func visible(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsGraphic(c) {
			return '\uFFFD'
		}
		return c
	}, s)
}
