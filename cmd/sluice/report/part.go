package report

import (
	"fmt"
	"strings"

	"sluice/scoring/tally"
)

// part is a piece of a report as people read it: a table, and sentences.
type part struct {
	title  string
	before []string // sentences
	table  [][]string
	texts  int  // the first columns of the table, which are text; numbers follow
	tail   bool // the last column is text as well
	after  []string
}

var verdicts = []string{"allow", "review", "deny"}

// parts cuts a report into its pieces.
func parts(r *tally.Report) []part {
	out := []part{{title: "Backtest", before: headLines(r)}, verdictPart(r), rulePart(r)}
	out = append(out, worthPart(r))
	if r.Against != nil {
		out = append(out, flipPart(r), changePart(r))
	}
	return out
}

func headLines(r *tally.Report) []string {
	head := fmt.Sprintf("%s, rule set %s", counted(r.Transactions, "transaction", "transactions"), r.Rules.Hash)
	if r.Against != nil {
		head += ", against " + r.Against.Hash
	}
	lines := []string{head}
	for _, n := range []struct {
		count     int64
		one, many string
	}{
		{r.Invalid, strings.TrimSuffix(r.Unit, "s") + " was not a valid transaction and left out", r.Unit + " were not valid transactions and left out"},
		{r.Repeats, "repeat of an id was decided once", "repeats of an id were decided once"},
		{r.Conflicts, "conflicting repeat of an id: the first one stands", "conflicting repeats of an id: the first one stands"},
	} {
		if n.count > 0 {
			lines = append(lines, counted(n.count, n.one, n.many))
		}
	}
	if r.LeftOut > 0 {
		lines = append(lines, "Changes through the API are not in it: "+thousands(r.LeftOut)+" of lists and snoozes were in force meanwhile; lists are those of the rule directory")
	}
	if r.NoLabels != "" {
		lines = append(lines, "No labels found: "+r.NoLabels)
	}
	return lines
}

func verdictPart(r *tally.Report) part {
	p := part{title: "Verdicts", texts: 1, table: [][]string{{"VERDICT", "COUNT", "SHARE"}}}
	if r.Against != nil {
		p.table[0] = append(p.table[0], "AGAINST", "SHARE", "DIFFERENCE")
	}
	for _, v := range verdicts {
		n := r.Rules.Verdicts[v].Hits
		row := []string{v, thousands(n), percent(n, r.Transactions)}
		if r.Against != nil {
			was := r.Against.Verdicts[v].Hits
			row = append(row, thousands(was), percent(was, r.Transactions), plus(n-was))
		}
		p.table = append(p.table, row)
	}
	return p
}

func plus(n int64) string {
	if n > 0 {
		return "+" + thousands(n)
	}
	return thousands(n)
}

func rulePart(r *tally.Report) part {
	p := part{title: "Rules", texts: 2, table: [][]string{{"RULE", "MODE", "HITS", "SHARE", "SKIPPED"}}}
	if r.Labelled > 0 {
		p.table[0] = append(p.table[0], "FRAUD", "PRECISION", "RECALL", "MONEY STOPPED")
	}
	for i := range r.Rules.List {
		x := &r.Rules.List[i]
		row := []string{x.ID, x.Mode, thousands(x.Hits.Hits), percent(x.Hits.Hits, r.Transactions), thousands(x.Skipped)}
		if r.Labelled > 0 {
			row = append(row, thousands(x.Fraud), ratio(x.Precision), ratio(x.Recall), x.FraudMoney.String())
		}
		p.table = append(p.table, row)
		if x.Demoted > 0 {
			p.after = append(p.after, fmt.Sprintf("%s was kept from acting on %s of its %s hits: it is not live for all.", x.ID, thousands(x.Demoted), thousands(x.Hits.Hits)))
		}
	}
	if r.Labelled > 0 {
		p.after = append(p.after,
			fmt.Sprintf("%s a label, %s of them fraud (%s).", counted(r.Labelled, "transaction has", "transactions have"), thousands(r.Fraud), r.FraudMoney),
			positives("Review and deny together", r.Rules))
		if r.Against != nil {
			p.after = append(p.after, positives("The other set's", r.Against))
		}
	}
	return p
}

func positives(who string, s *tally.Set) string {
	return fmt.Sprintf("%s: precision %s, recall %s, money stopped %s.", who, ratio(s.Positive.Precision), ratio(s.Positive.Recall), s.Positive.FraudMoney)
}

// worthPart says what each rule adds to the others and what it is worth.
func worthPart(r *tally.Report) part {
	p := part{title: "What the rules add", texts: 1, tail: true, table: [][]string{{"RULE", "ALONE"}}}
	if r.Labelled > 0 {
		p.table[0] = append(p.table[0], "FRAUD ALONE")
		if r.Young != nil {
			p.table[0] = append(p.table[0], "YOUNG")
		}
		p.table[0] = append(p.table[0], "FRAUD STOPPED", "GOOD HIT", "COST", "NET MONEY")
	}
	p.table[0] = append(p.table[0], "TOGETHER WITH")
	for i := range r.Rules.List {
		x := &r.Rules.List[i]
		p.table = append(p.table, worthRow(r, x.ID, thousands(x.Alone.Hits), thousands(x.Alone.Fraud), x.Worth, together(x.Overlap, x.Hits.Hits)))
	}
	p.table = append(p.table, worthRow(r, "review and deny", "", "", &r.Rules.Positive.Worth, ""))
	if r.Against != nil {
		p.table = append(p.table, worthRow(r, "the other set's", "", "", &r.Against.Positive.Worth, ""))
	}
	if r.Labelled > 0 {
		p.after = append(p.after, fmt.Sprintf("Net money is the fraud stopped less the cost of good payments hit, %s each.", r.GoodCost))
		if r.Young != nil {
			p.after = append(p.after, fmt.Sprintf("FRAUD STOPPED, GOOD HIT, COST and NET MONEY leave out what is too young: %s of %s since %s. It takes %s until a fraud is known. ALONE, FRAUD ALONE and the table above leave nothing out.",
				thousands(r.Young.Transactions), counted(r.Transactions, "transaction", "transactions"), r.Young.Since.Format("2006-01-02 15:04"), r.Young.Lag))
		}
	}
	return p
}

func worthRow(r *tally.Report, id, alone, fraud string, w *tally.Worth, with string) []string {
	row := []string{id, alone}
	if r.Labelled > 0 {
		row = append(row, fraud)
		young, rest := "-", []string{"-", "-", "-", "-"} // of a rule that allows
		if w != nil {
			young, rest = thousands(w.Young), []string{w.Stopped.String(), thousands(w.Good), w.Cost.String(), signed(w.Net)}
		}
		if r.Young != nil {
			row = append(row, young)
		}
		row = append(row, rest...)
	}
	return append(row, with)
}

// together names the rules that fire with a rule most often.
func together(overlap []tally.Overlap, hits int64) string {
	const shown = 2
	var out []string
	for _, o := range overlap[:min(shown, len(overlap))] {
		out = append(out, o.Rule+" "+roughly(o.Hits, hits))
	}
	if more := len(overlap) - shown; more > 0 {
		out = append(out, fmt.Sprintf("%d more", more))
	}
	return strings.Join(out, ", ")
}

func flipPart(r *tally.Report) part {
	p := part{title: "Verdicts that flip", texts: 1, tail: true, table: [][]string{{"FLIP", "COUNT", "MONEY", "FRAUD", "FRAUD MONEY", "GOOD", "GOOD MONEY", "UNKNOWN", "SUCH AS"}}}
	for i := range r.Flips {
		f := &r.Flips[i]
		p.table = append(p.table, []string{
			f.From + " to " + f.To, thousands(f.Hits.Hits), f.Money.String(), thousands(f.Fraud), f.FraudMoney.String(),
			thousands(f.Good), f.GoodMoney.String(), thousands(f.Unknown), visible(strings.Join(f.Examples[:min(3, len(f.Examples))], " ")),
		})
	}
	if len(r.Flips) == 0 {
		p.table, p.before = nil, []string{"No verdict flips."}
		return p
	}
	caught, lost := turned(r, true), turned(r, false)
	if r.Labelled > 0 {
		p.after = append(p.after,
			fmt.Sprintf("Fraud newly caught: %s (%s). No longer caught: %s (%s).", thousands(caught.Fraud), caught.FraudMoney, thousands(lost.Fraud), lost.FraudMoney),
			fmt.Sprintf("Good payments newly hit: %s (%s). No longer hit: %s (%s).", thousands(caught.Good), caught.GoodMoney, thousands(lost.Good), lost.GoodMoney),
			fmt.Sprintf("Net money: %s against the other set.", signed(r.Gain)))
	}
	return p
}

// turned adds up the flips from allow to another verdict, or those back.
func turned(r *tally.Report, hit bool) tally.Hits {
	var out tally.Hits
	for i := range r.Flips {
		f := &r.Flips[i]
		if (f.From == "allow") == hit && (f.To == "allow") != hit {
			out = out.Plus(f.Hits)
		}
	}
	return out
}

// changePart says in which rules the two sets differ.
func changePart(r *tally.Report) part {
	p := part{title: "Rules that differ"}
	for _, of := range []struct {
		change string
		list   []tally.Rule
	}{{"new", r.Rules.List}, {"changed", r.Rules.List}, {"removed", r.Against.List}} {
		var ids []string
		for i := range of.list {
			if of.list[i].Change == of.change {
				ids = append(ids, of.list[i].ID)
			}
		}
		if len(ids) > 0 {
			p.before = append(p.before, strings.ToUpper(of.change[:1])+of.change[1:]+": "+strings.Join(ids, ", ")+".")
		}
	}
	if p.before == nil {
		p.before = []string{"The rules are the same."}
	}
	return p
}

// isText tells whether a column of the part's table is text.
func (p *part) isText(column int) bool {
	return column < p.texts || p.tail && column == len(p.table[0])-1
}
