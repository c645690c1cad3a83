package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/scoring/event"
	"sluice/scoring/tally"
)

var update = flag.Bool("update", false, "write the golden files anew")

func eur(cents int64) tally.Money {
	code, _ := event.CurrencyCode([]byte("EUR"))
	return tally.Money{code: cents}
}

func of(x float64) *float64 { return &x }

// sample is a report as a reader can follow it: two rules against one, a week of
// payments. One rule has nothing to divide by, one allows, an id is hostile.
func sample() *tally.Report {
	day := func(d int) time.Time { return time.Date(2026, 3, d, 9, 30, 0, 0, time.UTC) }
	hits := func(n, fraud, good int64, money, fraudMoney, goodMoney int64) tally.Hits {
		return tally.Hits{Hits: n, Fraud: fraud, Good: good, Unknown: n - fraud - good, Money: eur(money), FraudMoney: eur(fraudMoney), GoodMoney: eur(goodMoney)}
	}
	allow, review, deny := hits(9880, 20, 9800, 90_000_00, 1_000_00, 88_000_00), hits(80, 30, 48, 4_000_00, 2_000_00, 1_900_00), hits(40, 38, 2, 9_000_00, 8_500_00, 500_00)
	wasReview, wasDeny, wasAllow := hits(0, 0, 0, 0, 0, 0), hits(50, 30, 20, 8_000_00, 6_000_00, 2_000_00), hits(9950, 58, 9830, 95_000_00, 5_500_00, 88_400_00)
	return &tally.Report{
		From: day(1), To: day(7), Transactions: 10_000, Unit: "lines", Invalid: 3, Repeats: 1, LeftOut: 12,
		Labelled: 9938, Fraud: 88, FraudMoney: eur(11_500_00), GoodCost: "5",
		Young: &tally.Young{Lag: "2d", Since: time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC), Transactions: 2_900},
		Rules: &tally.Set{
			Hash: "5f1c2d3e4a5b6c7d", Review: 50, Deny: 80,
			Verdicts: map[string]*tally.Hits{"allow": &allow, "review": &review, "deny": &deny},
			Positive: tally.Positive{
				Hits: review.Plus(deny), Rates: tally.Rates{Precision: of(68.0 / 118), Recall: of(68.0 / 88)},
				Worth: tally.Worth{Young: 30, Fraud: 50, Good: 40, Stopped: eur(8_000_00), Cost: eur(200_00), Net: eur(7_800_00)},
			},
			List: []tally.Rule{
				{
					ID: "card-testing", Description: "Small payments at several merchants", Mode: "live", Verdict: "deny", Change: "same",
					Hits: deny, Rates: tally.Rates{Precision: of(0.95), Recall: of(38.0 / 88)}, Skipped: 12, Demoted: 4, Alone: hits(30, 30, 0, 7_000_00, 7_000_00, 0),
					Overlap: []tally.Overlap{{Rule: "a|b_<i>", Hits: 10}, {Rule: "trusted", Hits: 1}, {Rule: "third", Hits: 1}},
					Worth:   &tally.Worth{Young: 10, Fraud: 30, Good: 2, Stopped: eur(7_000_00), Cost: eur(10_00), Net: eur(6_990_00)},
				},
				{
					ID: "a|b_<i>", Mode: "shadow", Score: 60, Change: "new", Hits: review, Rates: tally.Rates{Precision: of(30.0 / 78), Recall: of(30.0 / 88)},
					Alone: hits(70, 25, 45, 3_000_00, 1_500_00, 1_500_00), Overlap: []tally.Overlap{{Rule: "card-testing", Hits: 10}},
					Worth: &tally.Worth{Young: 20, Fraud: 20, Good: 38, Stopped: eur(100_00), Cost: eur(190_00), Net: eur(-90_00)},
				},
				{ID: "trusted", Mode: "live", Verdict: "allow", Change: "new", Rates: tally.Rates{Recall: of(0)}, Overlap: []tally.Overlap{}},
			},
			Scores: []tally.Score{{Score: -10, Hits: 5, Good: 5}, {Score: 0, Hits: 9800, Fraud: 20, Good: 9700, Unknown: 80}, {Score: 60, Hits: 80, Fraud: 30, Good: 48, Unknown: 2}, {Score: 120, Hits: 1, Fraud: 1}},
		},
		Against: &tally.Set{
			Hash: "0123456789abcdef", Review: 50, Deny: 80,
			Verdicts: map[string]*tally.Hits{"allow": &wasAllow, "review": &wasReview, "deny": &wasDeny},
			Positive: tally.Positive{
				Hits: wasDeny, Rates: tally.Rates{Precision: of(0.6), Recall: of(30.0 / 88)},
				Worth: tally.Worth{Young: 8, Fraud: 25, Good: 18, Stopped: eur(5_000_00), Cost: eur(90_00), Net: eur(4_910_00)},
			},
			List: []tally.Rule{{ID: "card-testing", Mode: "live", Change: "same"}, {ID: "old", Mode: "live", Change: "removed"}},
		},
		Flips: []tally.Flip{
			{From: "allow", To: "deny", Hits: hits(10, 9, 1, 2_000_00, 1_900_00, 100_00), Examples: []string{"p-1", "p\x1b[31m", "p-3", "p-4"}},
			{From: "allow", To: "review", Hits: hits(62, 29, 31, 3_000_00, 1_900_00, 1_000_00), Examples: []string{"p-9"}},
			{From: "deny", To: "allow", Hits: hits(2, 0, 2, 700_00, 0, 700_00), Examples: []string{"p-7"}},
		},
		Gain: eur(2_890_00),
		Days: []tally.Day{
			{Date: "2026-03-01", Transactions: 1000, Fraud: 10, Review: 8, Deny: 4, WasDeny: 5},
			{Date: "2026-03-02", Transactions: 1100, Fraud: 12, Review: 12, Deny: 8, WasDeny: 9},
			{Date: "2026-03-07", Transactions: 900, Fraud: 9, Review: 60, Deny: 28, WasReview: 2, WasDeny: 34},
		},
	}
}

// TestGoldens holds every format to a file that was looked at. html is also looked
// at as a picture; here it must be well-formed, and need nothing from outside.
func TestGoldens(t *testing.T) {
	for format, file := range map[string]string{"text": "report.txt", "json": "report.json", "csv": "report.csv", "markdown": "report.md", "html": "report.html"} {
		var got bytes.Buffer
		if err := Write(&got, format, sample()); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", file)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s is not %s; if it should be so, run with -update and read what changed:\n%s", format, path, got.String())
		}
		if strings.Contains(got.String(), "\x1b") {
			t.Errorf("%s lets an id move the cursor", format)
		}
	}
}

// TestPageStandsAlone looks at what a page may be made of.
func TestPageStandsAlone(t *testing.T) {
	alone := sample()
	alone.Against, alone.Flips, alone.Young = nil, nil, nil
	blind := sample()
	blind.Against, blind.Flips, blind.Labelled = nil, nil, 0
	for _, r := range []*tally.Report{sample(), alone, blind} {
		var got bytes.Buffer
		if err := Write(&got, "html", r); err != nil {
			t.Fatal(err)
		}
		page := got.String()
		for _, foreign := range []string{"<script", "http:", "https:", "src=", "@import", "url(", "<i>\n", "a|b_<i>"} {
			if strings.Contains(page, foreign) {
				t.Errorf("the page has %q", foreign)
			}
		}
		d := xml.NewDecoder(strings.NewReader(page))
		d.Strict, d.AutoClose, d.Entity = false, []string{"meta"}, xml.HTMLEntity
		pictures := 0
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, page)
			}
			if start, ok := token.(xml.StartElement); ok && start.Name.Local == "svg" {
				pictures++
			}
		}
		if want := map[bool]int{true: 4, false: 3}[r.Against != nil]; r.Labelled > 0 && pictures != want {
			t.Errorf("%d pictures, not %d", pictures, want)
		}
	}
}

// TestExtremes draws what has nothing, or very much, to show.
func TestExtremes(t *testing.T) {
	huge := sample()
	huge.Rules.Scores = []tally.Score{{Score: -5_000_000_000, Hits: 1, Good: 1}, {Score: 7_000_000_000, Hits: 1, Fraud: 1}}
	if n := len(scoreBins(huge.Rules)); n > 50 {
		t.Errorf("%d bars", n)
	}
	none := &tally.Report{GoodCost: "5", Rules: &tally.Set{Verdicts: map[string]*tally.Hits{"allow": {}, "review": {}, "deny": {}}}}
	many := sample()
	for range 100 {
		many.Rules.List = append(many.Rules.List, many.Rules.List[0])
	}
	for _, r := range []*tally.Report{huge, none, many} {
		for _, f := range formats {
			var got bytes.Buffer
			if err := f.write(&got, r); err != nil || got.Len() == 0 || strings.Contains(got.String(), "NaN") || strings.Contains(got.String(), "%!") {
				t.Errorf("%s: %v\n%s", f.name, err, got.String())
			}
		}
	}
	if got := scoreBins(sample().Rules); got[0].from != -10 || got[len(got)-1].fraud != 1 {
		t.Errorf("%+v", got)
	}
}
