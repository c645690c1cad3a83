package tally

import (
	"sluice/rules"
	"sluice/scoring/event"
)

// cell counts transactions of one currency; money is in minor units.
type cell struct {
	n, fraud, good    int64
	money             int64 // of all of them
	fraudMoney, taken int64 // of the fraud, and of the good ones
}

func (c *cell) add(label Label, amount int64) {
	c.n++
	c.money = event.AddMinor(c.money, amount)
	switch label {
	case Fraud:
		c.fraud++
		c.fraudMoney = event.AddMinor(c.fraudMoney, amount)
	case Good:
		c.good++
		c.taken = event.AddMinor(c.taken, amount)
	}
}

func (c *cell) merge(o *cell) {
	c.n += o.n
	c.fraud += o.fraud
	c.good += o.good
	c.money = event.AddMinor(c.money, o.money)
	c.fraudMoney = event.AddMinor(c.fraudMoney, o.fraudMoney)
	c.taken = event.AddMinor(c.taken, o.taken)
}

// verdicts are the three that a transaction can get.
var verdicts = [...]rules.Verdict{rules.Allow, rules.Review, rules.Deny}

// flips is the number of cells that every transaction falls into one of: by the
// verdict of the other set, and by that of this one.
const flips = len(verdicts) * len(verdicts)

func flipOf(was, now rules.Verdict) int {
	return int(was-rules.Allow)*len(verdicts) + int(now-rules.Allow)
}

// sheet is cells by currency. Everything that is counted is a sum of sheets.
type sheet []column

type column struct {
	currency uint64
	cells    []cell
}

// column gives the cells of a currency.
func (s *sheet) column(currency uint64, size int) []cell {
	for i := range *s {
		if (*s)[i].currency == currency {
			return (*s)[i].cells
		}
	}
	*s = append(*s, column{currency, make([]cell, size)})
	return (*s)[len(*s)-1].cells
}

func (s *sheet) merge(o sheet, size int) {
	for _, c := range o {
		into := s.column(c.currency, size)
		for i := range into {
			into[i].merge(&c.cells[i])
		}
	}
}

// scores counts transactions by their score: small ones in an array.
type scores struct {
	small [1024]Score
	other map[int64]*Score
}

// Score counts the transactions of one score.
type Score struct {
	Score   int64 `json:"score"`
	Hits    int64 `json:"transactions"`
	Fraud   int64 `json:"fraud"`
	Good    int64 `json:"good"`
	Unknown int64 `json:"unknown"`
}

func newScores() scores { return scores{other: map[int64]*Score{}} }

func (s *scores) add(score int64, label Label) {
	var at *Score
	if score >= 0 && score < int64(len(s.small)) {
		at = &s.small[score]
	} else if at = s.other[score]; at == nil {
		at = &Score{}
		s.other[score] = at
	}
	at.Hits++
	switch label {
	case Fraud:
		at.Fraud++
	case Good:
		at.Good++
	default:
		at.Unknown++
	}
}
