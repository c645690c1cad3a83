package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"

	"sluice/scoring/tally"
)

// chartWidth is that of all charts, in units of their own.
const chartWidth = 900

// flipChart draws what the flips mean: to the right what the new rules do more of,
// to the left what they do no longer; good news and bad in two colours.
func flipChart(r *tally.Report) template.HTML {
	caught, lost := turned(r, true), turned(r, false)
	type bar struct {
		name, class string
		count       int64
		money       tally.Money
	}
	rows := []struct {
		name        string
		left, right bar
	}{
		{"Fraud", bar{"no longer caught", "bad", lost.Fraud, lost.FraudMoney}, bar{"newly caught", "fine", caught.Fraud, caught.FraudMoney}},
		{"Good payments", bar{"no longer hit", "fine", lost.Good, lost.GoodMoney}, bar{"newly hit", "bad", caught.Good, caught.GoodMoney}},
	}
	if caught.Unknown+lost.Unknown > 0 {
		rows = append(rows, struct {
			name        string
			left, right bar
		}{"Without a label", bar{"no longer hit", "plain", lost.Unknown, nil}, bar{"newly hit", "plain", caught.Unknown, nil}})
	}
	most := int64(1)
	for _, row := range rows {
		most = max(most, row.left.count, row.right.count)
	}
	const rowHeight, reach, middle = 52, 210, chartWidth/2 + 55
	d := newDrawing(chartWidth, float64(rowHeight*len(rows)+8), "What the verdicts that flip mean")
	d.line("axis", middle, 0, middle, float64(rowHeight*len(rows)+8))
	for i, row := range rows {
		y := float64(i*rowHeight) + 10
		d.text("name", 0, y+23, row.name)
		for _, side := range []struct {
			bar
			sign float64
		}{{row.left, -1}, {row.right, 1}} {
			width := reach * float64(side.count) / float64(most)
			label := fmt.Sprintf("%s %s", thousands(side.count), side.name)
			if side.sign < 0 {
				d.rect(side.class, middle-width, y, width, 34, label)
				d.text("right", middle-width-8, y+15, label)
				d.text("right quiet", middle-width-8, y+31, moneyText(side.money))
			} else {
				d.rect(side.class, middle, y, width, 34, label)
				d.text("", middle+width+8, y+15, label)
				d.text("quiet", middle+width+8, y+31, moneyText(side.money))
			}
		}
	}
	return d.done()
}

func moneyText(m tally.Money) string {
	if len(m) == 0 {
		return ""
	}
	return whole(m)
}

// maxDrawn bounds the rules of a chart.
const maxDrawn = 30

// drawnRules gives the rules with the most hits, in the order of the set.
func drawnRules(s *tally.Set) []tally.Rule {
	if len(s.List) <= maxDrawn {
		return s.List
	}
	order := slices.Clone(s.List)
	slices.SortStableFunc(order, func(a, b tally.Rule) int { return cmp.Compare(b.Hits.Hits, a.Hits.Hits) })
	least := order[maxDrawn-1].Hits.Hits
	var out []tally.Rule
	for i := range s.List {
		if s.List[i].Hits.Hits >= least && len(out) < maxDrawn {
			out = append(out, s.List[i])
		}
	}
	return out
}

// rateChart draws precision and recall of each rule, and of all together.
func rateChart(r *tally.Report) template.HTML {
	list := append(slices.Clone(drawnRules(r.Rules)), tally.Rule{ID: "review and deny", Rates: r.Rules.Positive.Rates, Hits: r.Rules.Positive.Hits})
	if r.Against != nil {
		list = append(list, tally.Rule{ID: "the other set's", Rates: r.Against.Positive.Rates, Hits: r.Against.Positive.Hits})
	}
	const rowHeight, left, width = 36, 240, chartWidth - 240 - 70
	height := float64(rowHeight*len(list) + 24)
	d := newDrawing(chartWidth, height, "Precision and recall of each rule")
	for p := 0; p <= 100; p += 25 {
		x := left + width*float64(p)/100
		d.line("grid", x, 0, x, height-20)
		d.text("middle quiet", x, height-5, fmt.Sprintf("%d %%", p))
	}
	for i := range list {
		x, y := &list[i], float64(i*rowHeight)+4
		d.text("right name", left-12, y+18, clipped(x.ID, 28))
		for j, rate := range []struct {
			class, name string
			of          *float64
		}{{"precision", "precision", x.Precision}, {"recall", "recall", x.Recall}} {
			top := y + float64(j*13)
			if rate.of == nil {
				d.text("quiet small", left+4, top+10, "no "+rate.name+": nothing to divide by")
				continue
			}
			d.rect(rate.class, left, top, width**rate.of, 12, fmt.Sprintf("%s: %s %.2f %%", x.ID, rate.name, 100**rate.of))
			d.text("small", left+width**rate.of+5, top+10, fmt.Sprintf("%.1f %%", 100**rate.of))
		}
	}
	return d.done()
}

func clipped(s string, most int) string {
	letters := []rune(visible(s))
	if len(letters) <= most {
		return string(letters)
	}
	return string(letters[:most-1]) + "…"
}

// scoreBin is a bar of the distribution of scores: those from..to.
type scoreBin struct{ from, to, good, fraud, unknown int64 }

// scoreBins cuts the scores into at most about 40 bars of one round width, with
// the thresholds at the beginning of a bar where that can be.
func scoreBins(s *tally.Set) []scoreBin {
	if len(s.Scores) == 0 {
		return nil
	}
	low, high := s.Scores[0].Score, s.Scores[len(s.Scores)-1].Score
	low, high = min(low, 0), max(high, s.Deny)
	width := int64(1)
	for _, w := range []int64{1, 2, 5, 10, 20, 25, 50, 100} {
		width = w
		if (high-low)/w <= 40 {
			break
		}
	}
	for (high-low)/width > 40 {
		width *= 10
	}
	from := int64(math.Floor(float64(low)/float64(width))) * width
	bins := make([]scoreBin, (high-from)/width+1)
	for i := range bins {
		bins[i].from, bins[i].to = from+int64(i)*width, from+int64(i+1)*width-1
	}
	for _, x := range s.Scores {
		b := &bins[(x.Score-from)/width]
		b.good += x.Good
		b.fraud += x.Fraud
		b.unknown += x.Unknown
	}
	return bins
}

// scoreChart draws how many payments got which score, with the thresholds. Its
// heights are logarithms: nearly all payments score nothing.
func scoreChart(r *tally.Report) template.HTML {
	bins := scoreBins(r.Rules)
	most := int64(1)
	for _, b := range bins {
		most = max(most, b.good, b.fraud, b.unknown)
	}
	const left, top, height, bottom = 60.0, 30.0, 220.0, 26.0
	decades := math.Max(1, math.Ceil(math.Log10(float64(most)+1)))
	d := newDrawing(chartWidth, top+height+bottom, "Payments by score")
	y := func(n int64) float64 { // of 0: nothing; of 1: a little
		if n == 0 {
			return top + height
		}
		return top + height - height*(math.Log10(float64(n))+0.15)/(decades+0.15)
	}
	for p := range int(decades) + 1 {
		at := int64(math.Pow10(p))
		d.line("grid", left, y(at), chartWidth, y(at))
		d.text("right quiet", left-8, y(at)+4, short(float64(at)))
	}
	wide := (chartWidth - left) / float64(len(bins))
	every := max(1, (len(bins)+15)/16)
	for i, b := range bins {
		x := left + float64(i)*wide
		name := fmt.Sprintf("score %d", b.from)
		if b.to > b.from {
			name = fmt.Sprintf("score %d to %d", b.from, b.to)
		}
		told := fmt.Sprintf("%s: %s good, %s fraud, %s without a label", name, thousands(b.good), thousands(b.fraud), thousands(b.unknown))
		for j, n := range []struct {
			class string
			count int64
		}{{"good", b.good}, {"fraud", b.fraud}, {"plain", b.unknown}} {
			third := wide * 0.86 / 3
			d.rect(n.class, x+wide*0.07+float64(j)*third, y(n.count), third, top+height-y(n.count), told)
		}
		if i%every == 0 {
			d.text("middle quiet", x+wide/2, top+height+17, fmt.Sprint(b.from))
		}
	}
	threshold := func(from int64, class, name string, line float64) {
		x := left + wide*float64(from-bins[0].from)/float64(bins[0].to-bins[0].from+1)
		d.line(class, x, line, x, top+height)
		d.text("middle "+class+"-name", x, line-4, fmt.Sprintf("%s from %d", name, from))
	}
	threshold(r.Rules.Review, "review-line", "review", 14)
	threshold(r.Rules.Deny, "deny-line", "deny", 26)
	return d.done()
}

// dayChart draws the reviews and denials of each day, and those of the other set.
func dayChart(r *tally.Report) template.HTML {
	most := int64(1)
	for i := range r.Days {
		x := &r.Days[i]
		most = max(most, x.Review+x.Deny, x.WasReview+x.WasDeny)
	}
	const left, top, height, bottom = 60.0, 10.0, 220.0, 26.0
	marks := ticks(float64(most), 5)
	scale := height / marks[len(marks)-1]
	d := newDrawing(chartWidth, top+height+bottom, "Reviews and denials a day")
	for _, m := range marks {
		d.line("grid", left, top+height-m*scale, chartWidth, top+height-m*scale)
		d.text("right quiet", left-8, top+height-m*scale+4, short(m))
	}
	wide := (chartWidth - left) / float64(len(r.Days))
	every := max(1, (len(r.Days)+9)/10)
	var other [][2]float64
	for i := range r.Days {
		x, at := &r.Days[i], left+float64(i)*wide
		told := fmt.Sprintf("%s: %s reviewed, %s denied of %s payments", x.Date, thousands(x.Review), thousands(x.Deny), thousands(x.Transactions))
		deny, review := float64(x.Deny)*scale, float64(x.Review)*scale
		d.rect("deny", at+wide*0.1, top+height-deny, wide*0.8, deny, told)
		d.rect("review", at+wide*0.1, top+height-deny-review, wide*0.8, review, told)
		was := top + height - float64(x.WasReview+x.WasDeny)*scale
		other = append(other, [2]float64{at, was}, [2]float64{at + wide, was})
		if i%every == 0 && at < chartWidth-70 {
			d.text("quiet", at, top+height+17, x.Date)
		}
	}
	if r.Against != nil {
		d.steps("other", other)
	}
	return d.done()
}
