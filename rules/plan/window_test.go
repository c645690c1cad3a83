package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// payments is the schema that Sluice ships.
func payments(tb testing.TB) *event.Schema {
	tb.Helper()
	s, err := event.LoadSchema("../../configs/schema.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// names is a set of lists of texts.
type names map[string][]string

func (n names) Has(name string) bool                     { return n[name] != nil }
func (n names) Contains(name, text string, _ int64) bool { return slices.Contains(n[name], text) }
func (n names) Names() []string                          { return []string{"risky", "codes"} }

func lists() lang.Lists {
	return names{"risky": {"m1", "m2", "shop"}, "codes": {"5411", "7995"}}
}

func TestShapes(t *testing.T) {
	const slow = "VM"
	tests := []struct {
		source  string
		queries string // separated by " | "; VM at the end where the VM decides
	}{
		{`tx.amount > 100`, ``},
		{`count(card.last("10m")) > 3`, `count(card.last("10m"))`},
		{`len(card.last("10m")) > 3`, `count(card.last("10m"))`},
		{`count(card.last("10m"), .amount < 5) >= 4`, `count(card.last("10m"), .amount < 5)`},
		{`count(filter(card.last("10m"), .amount < 5)) >= 4`, `count(card.last("10m"), .amount < 5)`},
		{
			`len(filter(filter(card.last("10m"), .amount < 5), .country == "DE")) >= 4`,
			`count(card.last("10m"), .amount < 5 and .country == "DE")`,
		},
		{
			`count(filter(card.last("10m"), .amount < 5), .country == tx.country) >= 4`,
			`count(card.last("10m"), .amount < 5 and .country == tx.country)`,
		},
		{`any(card.last("10m"), .fraud)`, `any(card.last("10m"), .fraud)`},
		{`none(card.last("10m"), .fraud)`, `any(card.last("10m"), .fraud)`},
		{`all(card.last("10m"), .amount < 5)`, `count(card.last("10m")) | count(card.last("10m"), .amount < 5)`},
		{`sum(card.last("1d"), .amount) > 500`, `sum(card.last("1d"), .amount)`},
		{`sum(map(card.last("1d"), .amount)) > 500`, `sum(card.last("1d"), .amount)`},
		{`sum(card.last("1d"), .amount_minor) > 500`, `sum(card.last("1d"), .amount_minor)`},
		{`mean(filter(card.last("1d"), .channel == "pos"), .amount) > 500`, `mean(filter(card.last("1d"), .channel == "pos"), .amount)`},
		{`min(card.last("1d"), .amount) < 1`, `min(card.last("1d"), .amount)`},
		{`max(card.last("1d"), .amount) > 1`, `max(card.last("1d"), .amount)`},
		{`median(card.last("1d"), .amount) > 1`, `median(card.last("1d"), .amount)`},
		{`distinct(map(card.last("10m"), .merchant)) >= 3`, `distinct(card.last("10m"), .merchant)`},
		{`distinct(map(filter(card.last("10m"), .amount > 1), .merchant)) >= 3`, `distinct(filter(card.last("10m"), .amount > 1), .merchant)`},
		{`sum(reverse(card.last("1d")), .amount) > 500`, `sum(card.last("1d"), .amount)`},
		{`sum(card.last("1d"), .lat) > 500`, `sum(card.last("1d"), .lat)`},
		{`sum(reverse(card.last("1d")), .lat) > 500`, slow},
		{`last(card.last("1d")).country != tx.country`, `last(card.last("1d")).country`},
		{`first(card.last("1d")).country != tx.country`, `first(card.last("1d")).country`},
		{`first(reverse(card.last("1d"))).country != tx.country`, `last(card.last("1d")).country`},
		{`last(filter(card.last("1d"), .amount > 5)).country != tx.country`, `last(filter(card.last("1d"), .amount > 5)).country`},
		{`find(card.last("1d"), .amount > 5).country != tx.country`, `first(filter(card.last("1d"), .amount > 5)).country`},
		{`find(reverse(card.last("1d")), .amount > 5).country != tx.country`, `last(filter(card.last("1d"), .amount > 5)).country`},
		{`last(map(card.last("1d"), .country)) == "DE"`, `last(card.last("1d")).country`},
		{`last(card.last("1d")).seconds_ago < 60`, `last(card.last("1d")).seconds_ago`},
		{`find(card.last("1d"), .fraud) == nil`, `first(filter(card.last("1d"), .fraud)).time`},
		{`find(card.last("1d"), .fraud) != nil`, `first(filter(card.last("1d"), .fraud)).time`},
		{`count(merchant.between("14d", "7d"), .fraud) > 2`, `count(merchant.between("14d", "7d"), .fraud)`},
		{`count(card.newest(5), .amount < 5) == 5`, `count(card.newest(5), .amount < 5)`},
		{`tx.merchant in map(card.last("30d"), .merchant)`, `any(card.last("30d"), .merchant == tx.merchant)`},
		{
			`tx.merchant not in map(filter(card.last("30d"), .amount > 5), .merchant)`,
			`any(card.last("30d"), .amount > 5 and .merchant == tx.merchant)`,
		},
		{`count(map(card.last("1d"), .amount), # > 5) > 2`, `count(card.last("1d"), .amount > 5)`},
		{`count(filter(map(card.last("1d"), .amount * 2), # > 5)) > 2`, `count(card.last("1d"), .amount * 2 > 5)`},
		{`any(card.last("1d"), .merchant in lists.risky)`, `any(card.last("1d"), .merchant in lists.risky)`},
		{
			`tx.amount > 3 * mean(card.last("30d"), .amount) and count(card.last("30d")) > 5`,
			`mean(card.last("30d"), .amount) | count(card.last("30d"))`,
		},

		{`stddev(card.last("30d"), .amount) > 5`, slow},
		{`most_common(card.last("30d"), .country) != tx.country`, slow},
		{`streak(card.last("1d"), .amount < 5) > 3`, slow},
		{`sum(card.last("1d"), .amount * 2) > 500`, slow},
		{`sum(filter(map(card.last("1d"), .amount), # > 5)) > 500`, `sum(filter(card.last("1d"), .amount > 5), .amount)`},
		{`count(card.last("1h"), .amount > 10 * count(card.last("1d"))) > 0`, slow},
		{`count(card.last("1d")) > 5 and stddev(card.last("30d"), .amount) > 5`, `count(card.last("1d")) | VM`},
		{`count(card.last("1d")) > stddev(card.last("30d"), .amount)`, slow},
	}
	s := payments(t)
	for _, tt := range tests {
		p := compileAll(t, s, lists(), tt.source)
		var got []string
		for _, q := range p.Queries(0) {
			got = append(got, p.Describe(q))
		}
		if len(p.Lists(0)) > 0 {
			got = append(got, slow)
		}
		if text := strings.Join(got, " | "); text != tt.queries {
			t.Errorf("%s\n gives %s\n  want %s", tt.source, text, tt.queries)
		}
		if len(p.Queries(0)) != len(p.Plan().Queries) {
			t.Errorf("%s: the plan has %d queries, the condition reads %d", tt.source, len(p.Plan().Queries), len(p.Queries(0)))
		}
	}
}

func TestSharing(t *testing.T) {
	s := payments(t)
	p := compileAll(t, s, nil,
		`count(card.last("10m")) > 3 and sum(card.last("10m"), .amount) > 10`,
		`tx.amount > 5 and len(card.last("10m")) > 5`,
		`count(filter(card.last("10m"), .amount < 5)) > 1`,
		`count(card.last("10m"), .amount < 5) > 2 and stddev(card.last("1d"), .amount) > 2`,
		`stddev(card.last("1d"), .amount) > 3`,
	)
	if n := len(p.Plan().Queries); n != 3 {
		t.Errorf("%d queries, want 3: %q", n, p.texts)
	}
	if n := len(p.Plan().Lists); n != 1 {
		t.Errorf("%d lists, want 1", n)
	}
	for i, want := range [][]int{{0, 1}, {0}, {2}, {2}, nil} {
		if got := p.Queries(i); !slices.Equal(got, want) {
			t.Errorf("condition %d reads %v, want %v", i, got, want)
		}
	}
	if n := len(p.features); n != 4 {
		t.Errorf("%d things are compared, want 4: one for each window value, and the amount", n)
	}
}

func TestRetention(t *testing.T) {
	day := 24 * time.Hour
	s := payments(t)
	for source, want := range map[string]time.Duration{
		`count(card.last("10m")) > 3`:                       30 * day,
		`count(card.last("90d")) > 3`:                       90 * day,
		`count(card.between("60d", "30d")) > 3`:             60 * day,
		`stddev(card.last("45d"), .amount) > 3`:             45 * day,
		`count(card.newest(3)) > 2`:                         30 * day,
		`tx.amount > 3 or tx.amount > count(ip.last("1h"))`: 30 * day,
	} {
		if got := compileAll(t, s, nil, source).Plan().Retention; got != want {
			t.Errorf("%s: %v, want %v", source, got, want)
		}
	}
}

func TestReadsVerdicts(t *testing.T) {
	s := payments(t)
	for source, want := range map[string]bool{
		`count(card.last("10m"), .amount < 5) > 3`:                false,
		`count(card.last("10m"), .verdict == "deny") > 3`:         true,
		`last(card.last("10m")).verdict == "deny"`:                true,
		`most_common(card.last("10m"), .verdict) == "deny"`:       true,
		`"deny" in map(card.last("10m"), .verdict)`:               true,
		`tx.amount > 3 and any(card.last("1h"), .verdict != nil)`: true,
	} {
		if got := compileAll(t, s, nil, source).ReadsVerdicts(); got != want {
			t.Errorf("%s: %v", source, got)
		}
	}
}

func TestFilters(t *testing.T) {
	s := payments(t)
	column := func(name string) event.Column { return event.Column{Field: s.Field(name)} }
	tests := []struct {
		source  string
		columns []event.Column
		now     bool
	}{
		{`.amount < 5`, []event.Column{column("amount")}, false},
		{`.amount < 5 and .amount > 1 and .mcc == "1"`, []event.Column{column("amount"), column("mcc")}, false},
		{`.merchant == tx.merchant`, []event.Column{column("merchant")}, true},
		{`.seconds_ago > 60`, []event.Column{{Field: -1, Form: event.SecondsAgo}}, true},
		{`.fraud`, []event.Column{{Field: -1, Form: event.Fraud}}, false},
		{`.hour < 6 and .verdict == nil`, []event.Column{{Field: -1, Form: event.Hour}, {Field: -1, Form: event.Verdict}}, false},
		{`.merchant in lists.risky`, []event.Column{column("merchant")}, true},
	}
	for _, tt := range tests {
		p := compileAll(t, s, lists(), `count(card.last("1h"), `+tt.source+`) > 1`)
		f := p.Plan().Queries[0].Filter
		if f.Source != tt.source || !slices.Equal(f.Columns, tt.columns) || f.Now != tt.now || f.Match == nil {
			t.Errorf("%s: %+v", tt.source, f)
		}
	}
}

func TestQuery(t *testing.T) {
	s := payments(t)
	p := compileAll(t, s, nil, `mean(merchant.between("14d", "7d"), .amount) > 5`)
	want := history.Query{
		Entity: s.Fields[s.Field("merchant")].EntityIndex,
		Span:   history.Span{From: 14 * 24 * time.Hour, To: 7 * 24 * time.Hour},
		Agg:    history.Mean,
		Column: event.Column{Field: s.Field("amount")},
	}
	if got := p.Plan().Queries; len(got) != 1 || got[0] != want {
		t.Errorf("%+v", got)
	}
}
