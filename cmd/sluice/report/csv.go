package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"sluice/scoring/tally"
)

// writeCSV writes one table for a spreadsheet: a row for each verdict, rule and
// flip, told apart by the first column. Money is a plain number in the currency
// of the row; where a row has several, they are written out in one cell.
func writeCSV(w io.Writer, r *tally.Report) error {
	t := &sheet{out: csv.NewWriter(w)}
	t.row("part", "rule_set", "name", "mode", "change", "hits", "fraud", "good", "unknown", "skipped", "precision", "recall", "alone", "alone_fraud",
		"young", "currency", "money", "fraud_money", "good_money", "cost", "net_money")
	for _, s := range []*tally.Set{r.Rules, r.Against} {
		if s == nil {
			continue
		}
		for _, v := range verdicts {
			t.hits("verdict", s.Hash, v, s.Verdicts[v])
		}
		p := &s.Positive
		t.rule("verdict", s.Hash, &tally.Rule{ID: "review and deny", Hits: p.Hits, Rates: p.Rates, Worth: &p.Worth}, false)
		for i := range s.List {
			t.rule("rule", s.Hash, &s.List[i], true)
		}
	}
	for i := range r.Flips {
		f := &r.Flips[i]
		t.hits("flip", r.Rules.Hash, f.From+" to "+f.To, &f.Hits)
	}
	t.out.Flush()
	return t.out.Error()
}

type sheet struct{ out *csv.Writer }

func (s *sheet) row(cells ...string) { _ = s.out.Write(cells) } // Error returns what failed

func (s *sheet) hits(part, set, name string, h *tally.Hits) {
	currency, money := plainMoney(h.Money, h.FraudMoney, h.GoodMoney)
	s.row(part, set, name, "", "", number(h.Hits), number(h.Fraud), number(h.Good), number(h.Unknown), "", "", "", "", "",
		"", currency, money[0], money[1], money[2], "", "")
}

func (s *sheet) rule(part, set string, x *tally.Rule, alone bool) {
	skipped, aloneHits, aloneFraud := "", "", ""
	if alone {
		skipped, aloneHits, aloneFraud = number(x.Skipped), number(x.Alone.Hits), number(x.Alone.Fraud)
	}
	var worth tally.Worth
	if x.Worth != nil {
		worth = *x.Worth
	}
	currency, money := plainMoney(x.Money, x.FraudMoney, x.GoodMoney, worth.Cost, worth.Net)
	young := number(worth.Young)
	if x.Worth == nil {
		young, money[3], money[4] = "", "", ""
	}
	s.row(part, set, x.ID, x.Mode, x.Change, number(x.Hits.Hits), number(x.Fraud), number(x.Good), number(x.Unknown), skipped,
		ratioCell(x.Precision), ratioCell(x.Recall), aloneHits, aloneFraud, young, currency, money[0], money[1], money[2], money[3], money[4])
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func ratioCell(x *float64) string {
	if x == nil {
		return ""
	}
	return strconv.FormatFloat(*x, 'f', 6, 64)
}

// plainMoney writes sums without their currency if they have one in common.
func plainMoney(sums ...tally.Money) (currency string, texts []string) {
	same := true
	for _, m := range sums {
		text := m.String()
		texts = append(texts, text)
		_, code, named := strings.Cut(text, " ")
		switch {
		case len(m) == 0:
		case !named || strings.Contains(code, " "):
			same = false
		case currency == "":
			currency = code
		default:
			same = same && currency == code
		}
	}
	if !same {
		return "", texts
	}
	for i := range texts {
		texts[i], _, _ = strings.Cut(texts[i], " ")
	}
	return currency, texts
}
