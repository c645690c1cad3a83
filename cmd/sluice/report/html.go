package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"sluice/scoring/tally"
)

//go:embed page.html
var pageSource string

// page is what page.html shows.
type page struct {
	Head, Span string
	Notes      []string
	Cards      []card
	Flips      template.HTML // "" without a set to compare with
	Rates      template.HTML // "" without labels
	Scores     template.HTML // "" if nothing scores
	Days       template.HTML
	Against    bool
	Left       int // rules that the charts leave out
	Sections   []section
}

// card is a number that a manager asks for first.
type card struct{ Name, Value, Note, Class string }

// writeHTML writes one page that needs nothing else: charts are inline SVG.
func writeHTML(w io.Writer, r *tally.Report) error {
	t, err := template.New("page").Parse(pageSource)
	if err != nil {
		return fmt.Errorf("the page of the report: %w", err)
	}
	all := parts(r)
	p := page{
		Head: all[0].before[0], Notes: all[0].before[1:], Span: spanText(r), Cards: cards(r), Days: dayChart(r), Against: r.Against != nil,
		Left: len(r.Rules.List) - len(drawnRules(r.Rules)), Sections: sections(all[1:]),
	}
	if r.Against != nil {
		p.Flips = flipChart(r)
	}
	if r.Labelled > 0 {
		p.Rates = rateChart(r)
	}
	for _, s := range r.Rules.Scores {
		if s.Score != 0 {
			p.Scores = scoreChart(r)
		}
	}
	return t.Execute(w, &p)
}

func spanText(r *tally.Report) string {
	return fmt.Sprintf("Payments from %s to %s (UTC).", r.From.Format("2 January 2006, 15:04"), r.To.Format("2 January 2006, 15:04"))
}

// cards gives the numbers of the page's head, each beside what it was.
func cards(r *tally.Report) []card {
	now := &r.Rules.Positive
	hit := card{Name: "Payments reviewed or denied", Value: thousands(now.Hits.Hits), Note: percent(now.Hits.Hits, r.Transactions) + " of all"}
	if r.Against == nil && r.Labelled == 0 {
		return []card{hit}
	}
	var was *tally.Positive
	if r.Against != nil {
		was = &r.Against.Positive
		hit.Note = "was " + thousands(was.Hits.Hits)
	}
	if r.Labelled == 0 {
		return []card{hit}
	}
	recall := card{Name: "Fraud caught (recall)", Value: rate(now.Recall), Note: fmt.Sprintf("%s of %s frauds", thousands(now.Fraud), thousands(r.Fraud))}
	precision := card{Name: "Right when it hits (precision)", Value: rate(now.Precision), Note: thousands(now.Good) + " good payments hit"}
	stopped := card{Name: "Fraud money stopped", Value: whole(now.FraudMoney), Note: "of " + whole(r.FraudMoney)}
	net := card{Name: "Net money", Value: whole(now.Worth.Net), Note: "fraud stopped less " + r.GoodCost + " a good payment hit"}
	if was != nil {
		net.Note = signed(r.Gain) + " against the other set"
	}
	if r.Young != nil && r.Young.Transactions > 0 {
		net.Note += "; without the " + roughly(r.Young.Transactions, r.Transactions) + " of payments that are too young, which the other figures count"
	}
	if was != nil {
		recall.compare(now.Recall, was.Recall)
		precision.compare(now.Precision, was.Precision)
		stopped.Note = "was " + whole(was.FraudMoney)
	}
	return []card{recall, precision, hit, stopped, net}
}

// compare says what a rate was, and whether it is better.
func (c *card) compare(now, was *float64) {
	c.Note += "; was " + rate(was)
	if now == nil || was == nil || *now == *was {
		return
	}
	c.Class = "worse"
	if *now > *was {
		c.Class = "better"
	}
}

func rate(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100**x)
}

// section is a part as the page's template takes it.
type section struct {
	Title         string
	Before, After []string
	Head          []cell
	Rows          [][]cell
}

// cell is one of a table; text stands to the left.
type cell struct {
	Text   string
	IsText bool
}

func sections(parts []part) []section {
	var out []section
	for _, p := range parts {
		s := section{Title: p.title, Before: p.before, After: p.after}
		for i, row := range p.table {
			var cells []cell
			for j, c := range row {
				cells = append(cells, cell{c, p.isText(j)})
			}
			if i == 0 {
				s.Head = cells
				continue
			}
			s.Rows = append(s.Rows, cells)
		}
		out = append(out, s)
	}
	return out
}
