package tally

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sluice/rules"
	"sluice/scoring/event"
)

const twinSchema = `
zone: Europe/Berlin
fields:
  id: {type: integer, required: true}
  time: {type: timestamp, required: true}
  amount: {type: money, currency_from: currency}
  currency: {type: currency}
`

const twinNow = `
policy: {review: 30, deny: 90}
rules:
  - {id: a, when: tx.amount > 1, verdict: deny}
  - {id: b, when: tx.amount > 2, score: 40}
  - {id: c, when: tx.amount > 3, mode: shadow}
  - {id: d, when: tx.amount > 4, verdict: allow}
  - {id: e, when: tx.amount > 5}
`

const twinWas = `
rules:
  - {id: old, when: tx.amount > 1, verdict: review}
  - {id: b, when: tx.amount > 2, score: 40}
  - {id: c, when: tx.amount > 9, mode: shadow}
`

func twinSet(t *testing.T, schema *event.Schema, text string) *rules.Set {
	t.Helper()
	set, err := rules.LoadFS(fstest.MapFS{"a.yaml": {Data: []byte(text)}}, "test", schema)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// plain is a case as plainly as it can be said.
type plain struct {
	id       int
	at       time.Time
	label    Label
	minor    int64
	currency string
	now, was rules.Outcome
}

func (p *plain) transaction(t *testing.T, schema *event.Schema) *event.Transaction {
	t.Helper()
	text := fmt.Sprintf(`{"id":%d,"time":%q`, p.id, p.at.UTC().Format(time.RFC3339))
	if p.currency != "" {
		amount := fmt.Sprintf("%d.%02d", p.minor/100, p.minor%100)
		if p.currency == "JPY" {
			amount = fmt.Sprint(p.minor)
		}
		text += fmt.Sprintf(`,"amount":%s,"currency":%q`, amount, p.currency)
	}
	tx := new(event.Transaction)
	if err := event.NewDecoder(schema).Transaction(tx, []byte(text+"}"), p.at.UnixNano()); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return tx
}

// outcome makes one up.
func outcome(r *rand.Rand, set *rules.Set) (o rules.Outcome) {
	o.Verdict = []rules.Verdict{rules.Allow, rules.Allow, rules.Review, rules.Deny}[r.IntN(4)]
	o.Score = []int64{0, 0, 40, 80, -10, 5000}[r.IntN(6)]
	for i := range set.Rules {
		switch {
		case r.IntN(3) > 0:
		case r.IntN(4) == 0:
			o.Skipped = append(o.Skipped, rules.Skip{Rule: i})
		case r.IntN(8) == 0:
			o.Errors = append(o.Errors, rules.Skip{Rule: i})
		case set.Rules[i].Mode == rules.Shadow:
			o.Shadow = append(o.Shadow, i)
		case r.IntN(6) == 0:
			o.Shadow = append(o.Shadow, i)
			o.Demoted = append(o.Demoted, rules.Demotion{Rule: i, By: rules.OfRollout})
		default:
			o.Fired = append(o.Fired, i)
		}
	}
	return o
}

// twin looks at all cases again for each number.
type twin struct {
	cases []plain
	now   *rules.Set
	was   *rules.Set
	young func(*plain) bool
	cost  float64
}

func (w *twin) hits(want func(*plain) bool) Hits {
	h := Hits{}
	for i := range w.cases {
		p := &w.cases[i]
		if !want(p) {
			continue
		}
		code, _ := event.CurrencyCode([]byte(p.currency))
		h.Hits++
		h.Money.add(code, p.minor)
		switch p.label {
		case Fraud:
			h.Fraud++
			h.FraudMoney.add(code, p.minor)
		case Good:
			h.Good++
			h.GoodMoney.add(code, p.minor)
		default:
			h.Unknown++
		}
	}
	return h
}

func (w *twin) worth(want func(*plain) bool) (out Worth) {
	h := w.hits(func(p *plain) bool { return want(p) && !w.young(p) })
	out.Fraud, out.Good, out.Stopped = h.Fraud, h.Good, h.FraudMoney
	out.Young = w.hits(func(p *plain) bool { return want(p) && w.young(p) }).Hits
	for i := range w.cases {
		if p := &w.cases[i]; want(p) && !w.young(p) && p.label == Good {
			code, _ := event.CurrencyCode([]byte(p.currency))
			scale := map[string]float64{"EUR": 100, "JPY": 1, "": 1}[p.currency]
			out.Cost.add(code, int64(math.Floor(w.cost*scale+0.5)))
		}
	}
	out.Net = minus(out.Stopped, out.Cost)
	return out
}

func (w *twin) rates(h Hits) (r Rates) {
	all := w.hits(func(*plain) bool { return true })
	if h.Fraud+h.Good > 0 {
		x := float64(h.Fraud) / float64(h.Fraud+h.Good)
		r.Precision = &x
	}
	if all.Fraud > 0 {
		x := float64(h.Fraud) / float64(all.Fraud)
		r.Recall = &x
	}
	return r
}

func has(rules []int, rule int) bool { return slices.Contains(rules, rule) }

func (w *twin) set(set *rules.Set, of func(*plain) *rules.Outcome, changes string) *Set {
	out := &Set{Hash: set.Hash, Review: set.Policy.Review, Deny: set.Policy.Deny, Verdicts: map[string]*Hits{}, Scores: []Score{}}
	for _, v := range []rules.Verdict{rules.Allow, rules.Review, rules.Deny} {
		h := w.hits(func(p *plain) bool { return of(p).Verdict == v })
		out.Verdicts[v.String()] = &h
	}
	positive := func(p *plain) bool { return of(p).Verdict != rules.Allow }
	out.Positive = Positive{Hits: w.hits(positive), Rates: w.rates(w.hits(positive)), Worth: w.worth(positive)}
	for i, rule := range set.Rules {
		hit := func(p *plain) bool { return has(of(p).Fired, i) || has(of(p).Shadow, i) }
		r := Rule{
			ID: rule.ID, Mode: rule.Mode.String(), Score: rule.Score, Hits: w.hits(hit), Rates: w.rates(w.hits(hit)), Overlap: []Overlap{},
			Alone: w.hits(func(p *plain) bool {
				return hit(p) && !slices.ContainsFunc(of(p).Fired, func(other int) bool { return other != i })
			}),
			Skipped: w.hits(func(p *plain) bool {
				skip := func(s rules.Skip) bool { return s.Rule == i }
				return slices.ContainsFunc(of(p).Skipped, skip) || slices.ContainsFunc(of(p).Errors, skip)
			}).Hits,
			Demoted: w.hits(func(p *plain) bool {
				return slices.ContainsFunc(of(p).Demoted, func(d rules.Demotion) bool { return d.Rule == i })
			}).Hits,
		}
		if rule.Verdict != rules.NoVerdict {
			r.Verdict = rule.Verdict.String()
		}
		if changes != "" {
			r.Change = strings.Fields(changes)[i]
		}
		if rule.Verdict != rules.Allow {
			worth := w.worth(hit)
			r.Worth = &worth
		}
		for j, other := range set.Rules {
			both := w.hits(func(p *plain) bool { return hit(p) && (has(of(p).Fired, j) || has(of(p).Shadow, j)) }).Hits
			if j != i && both > 0 {
				r.Overlap = append(r.Overlap, Overlap{other.ID, both})
			}
		}
		slices.SortStableFunc(r.Overlap, func(a, b Overlap) int { return int(b.Hits - a.Hits) })
		out.List = append(out.List, r)
	}
	for score := int64(-10); score <= 5000; score++ {
		h := w.hits(func(p *plain) bool { return of(p).Score == score })
		if h.Hits > 0 {
			out.Scores = append(out.Scores, Score{score, h.Hits, h.Fraud, h.Good, h.Unknown})
		}
	}
	return out
}

// report is what Tally.Report must give.
func (w *twin) report(lag time.Duration, cost string, presume bool) *Report {
	if !presume {
		return w.known(lag, cost)
	}
	// Scores and days go by the labels alone.
	raw := w.known(lag, cost)
	for i := range w.cases {
		switch p := &w.cases[i]; {
		case w.young(p):
			p.label = Unknown
		case p.label != Fraud:
			p.label = Good
		}
	}
	r := w.known(lag, cost)
	r.Rules.Scores, r.Days = raw.Rules.Scores, raw.Days
	if r.Against != nil {
		r.Against.Scores = raw.Against.Scores
	}
	return r
}

func (w *twin) known(lag time.Duration, cost string) *Report {
	any := func(*plain) bool { return true }
	all := w.hits(any)
	byTime := func(a, b plain) int { return a.at.Compare(b.at) }
	r := &Report{
		From: slices.MinFunc(w.cases, byTime).at.UTC(), To: slices.MaxFunc(w.cases, byTime).at.UTC(),
		Transactions: all.Hits, Labelled: all.Fraud + all.Good, Fraud: all.Fraud, FraudMoney: all.FraudMoney, Unit: "lines", GoodCost: cost, Flips: []Flip{},
	}
	if w.was == nil {
		r.Rules = w.set(w.now, func(p *plain) *rules.Outcome { return &p.now }, "")
	} else {
		r.Rules = w.set(w.now, func(p *plain) *rules.Outcome { return &p.now }, "new same changed new new")
		r.Against = w.set(w.was, func(p *plain) *rules.Outcome { return &p.was }, "removed same changed")
		r.Gain = minus(r.Rules.Positive.Worth.Net, r.Against.Positive.Worth.Net)
		for _, d := range []string{"allow deny", "allow review", "review deny", "review allow", "deny review", "deny allow"} {
			from, to, _ := strings.Cut(d, " ")
			f := Flip{From: from, To: to, Hits: w.hits(func(p *plain) bool { return p.was.Verdict.String() == from && p.now.Verdict.String() == to })}
			for i := range w.cases {
				if p := &w.cases[i]; p.was.Verdict.String() == from && p.now.Verdict.String() == to && len(f.Examples) < 5 {
					f.Examples = append(f.Examples, fmt.Sprint(p.id))
				}
			}
			if f.Hits.Hits > 0 {
				r.Flips = append(r.Flips, f)
			}
		}
	}
	berlin, _ := time.LoadLocation("Europe/Berlin")
	dates := map[string]bool{}
	for i := range w.cases {
		dates[w.cases[i].at.In(berlin).Format(time.DateOnly)] = true
	}
	for date := range dates {
		on := func(want func(*plain) bool) int64 {
			return w.hits(func(p *plain) bool { return p.at.In(berlin).Format(time.DateOnly) == date && want(p) }).Hits
		}
		d := Day{
			Date: date, Transactions: on(any), Fraud: on(func(p *plain) bool { return p.label == Fraud }),
			Review: on(func(p *plain) bool { return p.now.Verdict == rules.Review }), Deny: on(func(p *plain) bool { return p.now.Verdict == rules.Deny }),
		}
		if w.was != nil {
			d.WasReview = on(func(p *plain) bool { return p.was.Verdict == rules.Review })
			d.WasDeny = on(func(p *plain) bool { return p.was.Verdict == rules.Deny })
		}
		r.Days = append(r.Days, d)
	}
	slices.SortFunc(r.Days, func(a, b Day) int { return strings.Compare(a.Date, b.Date) })
	if lag > 0 {
		r.Young = &Young{Lag: fmt.Sprintf("%dd", lag/(24*time.Hour)), Transactions: w.hits(w.young).Hits}
	}
	return r
}

// TestTallyAgainstTwin holds every number of a report to the twin, on cases that
// come in almost any order over days of summer and winter time.
func TestTallyAgainstTwin(t *testing.T) {
	schema, err := event.ParseSchema("schema.yaml", []byte(twinSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	now, was := twinSet(t, schema, twinNow), twinSet(t, schema, twinWas)
	berlin, _ := time.LoadLocation("Europe/Berlin")
	youngs := int64(0)
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 3))
		w := &twin{now: now, cost: 2.5}
		if r.IntN(4) > 0 {
			w.was = was
		}
		lag := time.Duration(r.IntN(4)) * 24 * time.Hour
		ahead := time.Duration(r.IntN(2)*r.IntN(72)) * time.Hour // labels were read so much longer
		o := Options{Now: now, Was: w.was, Lag: int64(lag), Cost: 2500, Presume: r.IntN(2) == 0, Unit: "lines"}
		start := time.Date(2026, 3, 25, 0, 0, 0, 0, time.UTC)
		newest := start
		for i := range 200 {
			p := plain{id: i, at: start.Add(time.Duration(i)*time.Hour - time.Duration(r.IntN(3)*r.IntN(3)*30)*time.Hour), label: Label(r.IntN(3))}
			p.at = p.at.Add(time.Duration(r.IntN(3)*1800) * time.Second)
			if p.currency = []string{"EUR", "EUR", "EUR", "JPY", ""}[r.IntN(5)]; p.currency != "" {
				p.minor = r.Int64N(10_000)
			}
			p.now, p.was = outcome(r, now), outcome(r, was)
			w.cases = append(w.cases, p)
			if p.at.After(newest) {
				newest = p.at
			}
		}
		horizon := newest.Add(ahead)
		if ahead > 0 {
			o.Horizon = horizon.UnixNano()
		}
		y, m, d := horizon.Add(-lag).In(berlin).Date()
		since := time.Date(y, m, d, 0, 0, 0, 0, berlin)
		w.young = func(p *plain) bool { return lag > 0 && !p.at.Before(since) }

		tally := New(schema, o)
		for i := range w.cases {
			p := &w.cases[i]
			c := &Case{Tx: p.transaction(t, schema), Label: p.label, Now: &p.now}
			if w.was != nil {
				c.Was = &p.was
			}
			tally.Add(c)
		}
		got, want := tally.Report(), w.report(lag, "2.50", o.Presume)
		if lag > 0 {
			want.Young.Since = since.UTC()
			youngs += want.Young.Transactions
		}
		g, exp := lines(t, got), lines(t, want)
		for i := range g {
			if i >= len(exp) || g[i] != exp[i] {
				t.Fatalf("seed %d, line %d: got %s, want %s\n%s", seed, i, g[i], exp[min(i, len(exp)-1)], strings.Join(g, "\n"))
			}
		}
	}
	if youngs < 500 {
		t.Errorf("%d young transactions: the test shows little", youngs)
	}
}

func lines(t *testing.T, r *Report) []string {
	t.Helper()
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

func TestCost(t *testing.T) {
	for text, want := range map[string]string{"5": "5", "0": "0", "2.5": "2.50", "0.125": "0.125", "1000000": "1000000", "2.50": "2.50"} {
		c, err := ParseCost(text)
		if err != nil || c.String() != want {
			t.Errorf("%s: %s %v", text, c, err)
		}
	}
	for _, text := range []string{"", "-1", "1.", ".5", "x", "1e3", "1000001", "1.2345", "99999999999999999999", "+1"} {
		if c, err := ParseCost(text); err == nil {
			t.Errorf("%q is taken for %s", text, c)
		}
	}
	if c, _ := ParseCost("0.125"); c.minor(code("EUR")) != 13 || c.minor(code("JPY")) != 0 || c.minor(code("BHD")) != 125 || c.minor(0) != 0 {
		t.Error("minor units go half up")
	}
}

func code(currency string) uint64 {
	c, _ := event.CurrencyCode([]byte(currency))
	return c
}
