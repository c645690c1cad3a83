package tally

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"sluice/rules"
)

// summary is a tally at its end.
type summary struct {
	*Tally
	all, young sheet
	fraud      int64
}

// Report adds everything up.
func (t *Tally) Report() *Report {
	s := &summary{Tally: t}
	horizon := max(t.o.Horizon, t.newest)
	from := t.days.youngFrom(horizon)
	s.all, s.young = t.days.sums(from)
	total := s.hits(span(0, flips)...)
	s.fraud = total.Fraud
	r := &Report{
		From: at(t.oldest), To: at(t.newest), Transactions: t.n,
		Invalid: t.Invalid, Repeats: t.Repeats, Conflicts: t.Conflicts, LeftOut: t.LeftOut,
		Labelled: total.Fraud + total.Good, Fraud: total.Fraud, FraudMoney: total.FraudMoney,
		Unit: t.o.Unit, GoodCost: t.o.Cost.String(), Flips: []Flip{},
	}
	if r.Labelled == 0 {
		r.NoLabels = t.NoLabels
	}
	if t.o.Lag > 0 {
		r.Young = &Young{Lag: days(t.o.Lag), Since: at(from), Transactions: s.count(s.young, span(0, flips)...).Hits}
	}
	for _, d := range t.days.days {
		chart := d.chart
		if t.was == nil {
			chart.WasReview, chart.WasDeny = 0, 0
		}
		r.Days = append(r.Days, chart)
	}
	r.Rules = s.set(t.now, t.o.Was, "new", func(from, to int) int { return to })
	if t.was != nil {
		r.Against = s.set(t.was, t.o.Now, "removed", func(from, to int) int { return from })
		r.Flips = s.flips()
		r.Gain = minus(r.Rules.Positive.Worth.Net, r.Against.Positive.Worth.Net)
	}
	return r
}

// days writes a duration as rules do where it is of whole days.
func days(ns int64) string {
	d := time.Duration(ns)
	if day := 24 * time.Hour; d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	return d.String()
}

func at(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// span gives the numbers from..to.
func span(from, to int) []int {
	out := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

// hits adds up cells of all days, with what is known of them.
func (s *summary) hits(cells ...int) Hits {
	all := s.count(s.all, cells...)
	if !s.o.Presume {
		return all
	}
	settled := s.settled(cells)
	settled.Hits, settled.Unknown, settled.Money = all.Hits, all.Hits-settled.Hits, all.Money
	return settled
}

// settled counts what is not young.
func (s *summary) settled(cells []int) Hits {
	all, young := s.count(s.all, cells...), s.count(s.young, cells...)
	h := Hits{
		Hits: all.Hits - young.Hits, Fraud: all.Fraud - young.Fraud, Good: all.Good - young.Good, Unknown: all.Unknown - young.Unknown,
		Money: minus(all.Money, young.Money), FraudMoney: minus(all.FraudMoney, young.FraudMoney), GoodMoney: minus(all.GoodMoney, young.GoodMoney),
	}
	if s.o.Presume {
		h.Good, h.Unknown, h.GoodMoney = h.Hits-h.Fraud, 0, minus(h.Money, h.FraudMoney)
	}
	return h
}

// count adds up cells of a sheet.
func (s *summary) count(from sheet, cells ...int) (h Hits) {
	for _, c := range from {
		for _, i := range cells {
			x := &c.cells[i]
			h.Hits += x.n
			h.Fraud += x.fraud
			h.Good += x.good
			h.Money.add(c.currency, x.money)
			h.FraudMoney.add(c.currency, x.fraudMoney)
			h.GoodMoney.add(c.currency, x.taken)
		}
	}
	h.Unknown = h.Hits - h.Fraud - h.Good
	return h
}

// worth adds up what settled hits were worth.
func (s *summary) worth(cells ...int) (w Worth) {
	h := s.settled(cells)
	w = Worth{Young: s.count(s.young, cells...).Hits, Fraud: h.Fraud, Good: h.Good, Stopped: h.FraudMoney}
	for _, part := range [...]struct {
		sheet sheet
		sign  int64
	}{{s.all, 1}, {s.young, -1}} {
		for _, c := range part.sheet {
			for _, i := range cells {
				good := c.cells[i].good
				if s.o.Presume {
					good = c.cells[i].n - c.cells[i].fraud
				}
				w.Cost.add(c.currency, part.sign*good*s.o.Cost.minor(c.currency))
			}
		}
	}
	w.Net = minus(w.Stopped, w.Cost)
	return w
}

func minus(a, b Money) (out Money) {
	for currency, minor := range a {
		out.add(currency, minor)
	}
	for currency, minor := range b {
		out.add(currency, -minor)
	}
	return out
}

func (s *summary) rates(h *Hits) Rates {
	return Rates{Precision: share(h.Fraud, h.Fraud+h.Good), Recall: share(h.Fraud, s.fraud)}
}

// set tells what one rule set did; verdict gives its own of a flip's two, and
// only what a rule is called that the other set does not have.
func (s *summary) set(of *side, other *rules.Set, only string, verdict func(from, to int) int) *Set {
	out := &Set{Hash: of.set.Hash, Review: of.set.Policy.Review, Deny: of.set.Policy.Deny, Verdicts: map[string]*Hits{}, Scores: of.scores.list()}
	var positive []int
	for v, name := range verdicts {
		var cells []int
		for flip := range flips {
			if verdict(flip/len(verdicts), flip%len(verdicts)) == v {
				cells = append(cells, flip)
			}
		}
		h := s.hits(cells...)
		out.Verdicts[name.String()] = &h
		if name != rules.Allow {
			positive = append(positive, cells...)
		}
	}
	out.Positive.Hits = s.hits(positive...)
	out.Positive.Rates = s.rates(&out.Positive.Hits)
	out.Positive.Worth = s.worth(positive...)
	for i := range of.set.Rules {
		out.List = append(out.List, s.rule(of, i, other, only))
	}
	return out
}

func (s *summary) rule(of *side, i int, other *rules.Set, only string) Rule {
	rule, n := &of.set.Rules[i], len(of.set.Rules)
	out := Rule{
		ID: rule.ID, Description: rule.Description, Owner: rule.Owner, Mode: rule.Mode.String(), Score: rule.Score,
		Hits: s.hits(of.first + i), Alone: s.hits(of.first + n + i), Skipped: of.skipped[i], Demoted: of.demoted[i],
	}
	if rule.Verdict != rules.NoVerdict {
		out.Verdict = rule.Verdict.String()
	}
	if other != nil {
		out.Change = change(rule, other, only)
	}
	out.Rates = s.rates(&out.Hits)
	out.Overlap = of.overlap(i)
	if rule.Verdict != rules.Allow {
		w := s.worth(of.first + i)
		out.Worth = &w
	}
	return out
}

func change(rule *rules.Rule, other *rules.Set, only string) string {
	for i := range other.Rules {
		switch o := &other.Rules[i]; {
		case o.ID != rule.ID:
		case o.Hash == rule.Hash:
			return "same"
		default:
			return "changed"
		}
	}
	return only
}

func (s *side) overlap(rule int) []Overlap {
	if s.pairs == nil {
		return nil
	}
	n := len(s.set.Rules)
	out := []Overlap{}
	for i, hits := range s.pairs[rule*n : (rule+1)*n] {
		if i != rule && hits > 0 {
			out = append(out, Overlap{s.set.Rules[i].ID, hits})
		}
	}
	slices.SortStableFunc(out, func(a, b Overlap) int { return cmp.Compare(b.Hits, a.Hits) })
	return out
}

// flips lists the directions in which verdicts flipped: from allow first, and to
// it last.
func (s *summary) flips() []Flip {
	out := []Flip{}
	for from, was := range verdicts {
		for to := len(verdicts) - 1; to >= 0; to-- {
			flip := from*len(verdicts) + to
			if from == to {
				continue
			}
			if h := s.hits(flip); h.Hits > 0 {
				out = append(out, Flip{From: was.String(), To: verdicts[to].String(), Hits: h, Examples: s.examples[flip]})
			}
		}
	}
	return out
}

// list gives the scores that occurred.
func (s *scores) list() []Score {
	out := []Score{}
	for i := range s.small {
		if s.small[i].Hits > 0 {
			s.small[i].Score = int64(i)
			out = append(out, s.small[i])
		}
	}
	for score, x := range s.other {
		x.Score = score
		out = append(out, *x)
	}
	slices.SortFunc(out, func(a, b Score) int { return cmp.Compare(a.Score, b.Score) })
	return out
}
