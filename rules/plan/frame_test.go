package plan

import (
	"testing"

	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// payment decodes a transaction of the shipped schema.
func payment(tb testing.TB, s *event.Schema, message string) *event.Transaction {
	tb.Helper()
	tx := &event.Transaction{}
	const arrival = 1_700_000_000_000_000_000
	if err := event.NewDecoder(s).Transaction(tx, []byte(message), arrival); err != nil {
		tb.Fatal(err)
	}
	return tx
}

const full = `{"id":"t1","time":"2023-11-14T22:13:20Z","type":"purchase","amount":12.34,"currency":"EUR",
"card":"c1","device":"d1","ip":"10.0.0.1","merchant":"Shop","mcc":"5411","country":"DE","channel":"pos","lat":52.5,"lon":13.4}`

func TestNoAllocations(t *testing.T) {
	s := payments(t)
	p := compileAll(t, s, lists(),
		`tx.amount > 3 * mean(card.last("30d"), .amount) and count(card.last("30d")) > 5`,
		`tx.country == "DE" and tx.merchant in ["a", "b", "Shop"] and tx.mcc not in lists.codes`,
		`lower(tx.merchant) == "shop" or upper(tx.channel) contains "PO" or tx.merchant matches "^S.*p$"`,
		`(tx.lat ?? 0) + (tx.lon ?? 0) > 10 and distance_km(tx.lat, tx.lon, 48.1, 11.6) < 600`,
		`tx.hour < 6 ? tx.amount > 10 : tx.amount > 100 or tx.weekday == 2`,
		`tx.merchant not in map(card.last("30d"), .merchant)`,
		`last(card.last("1d")).country != tx.country and last(card.last("1d")).seconds_ago < 3600`,
		`tx.amount > 5 and tx.device == nil`,
		`len(tx.merchant) in [3, 4] and tx.time - last(card.last("1d")).time < 60`,
	)
	tx := payment(t, s, full)
	store := history.New(s)
	store.Install(p.Plan())
	values, out := make([]history.Value, len(p.Plan().Queries)), make([]lang.Tri, 9)
	store.Observe(tx, values, nil)
	f := p.NewFrame()
	if n := testing.AllocsPerRun(100, func() { f.Evaluate(tx, values, nil, out) }); n != 0 {
		t.Errorf("%v allocations a transaction", n)
	}
}

func TestWhy(t *testing.T) {
	const bare = `{"id":"t1","time":"2023-11-14T22:13:20Z","amount":0,"currency":"EUR","country":"DE"}`
	tests := []struct{ source, message, want string }{
		{`tx.merchant == "m"`, bare, `tx.merchant is missing`},
		{`tx.country == "DE" and tx.merchant == "m" and tx.mcc == "1"`, bare, `tx.merchant is missing`},
		{`not (tx.country == "FR" or lower(tx.merchant) == "m")`, bare, `tx.merchant is missing`},
		{`count(card.last("10m")) > 3`, bare, `card.last("10m") is missing: the transaction has no card`},
		{`any(card.last("10m"), .fraud)`, bare, `card.last("10m") is missing: the transaction has no card`},
		{`all(card.last("10m"), .fraud)`, bare, `card.last("10m") is missing: the transaction has no card`},
		{`tx.amount > 3 * mean(card.last("30d"), .amount)`, full, `mean(card.last("30d"), .amount) has no events`},
		{`last(card.last("1d")).country != tx.country`, full, `last(card.last("1d")).country has no events`},
		{`1 / tx.amount > 3`, bare, `1 / tx.amount is missing: division by zero`},
		{`tx.amount_minor % (tx.hour - tx.hour) == 1`, bare, `tx.amount_minor % (tx.hour - tx.hour) is missing: division by zero`},
		{`(tx.amount_minor + 9223372036854775807) * 2 > 1`, bare, `(tx.amount_minor + 9223372036854775807) * 2 is out of range`},
		{`(tx.merchant ?? tx.mcc) == "m"`, bare, `tx.mcc is missing`},
		{`(tx.merchant == "m" ? tx.lat : tx.lon) > 1`, bare, `tx.merchant is missing`},
		{`(tx.country == "DE" ? tx.lat : tx.lon) > 1`, bare, `tx.lat is missing`},
		{`tx.merchant in map(card.last("1d"), .merchant)`, bare, `tx.merchant is missing`},
		{`stddev(card.last("1d"), .amount) > tx.amount`, bare, `card.last("1d") is missing: the transaction has no card`},
		{`tx.lat > 5 and stddev(card.last("1d"), .amount) > tx.amount`, bare, `tx.lat is missing`},
	}
	s := payments(t)
	for _, tt := range tests {
		p := compileAll(t, s, nil, tt.source)
		tx := payment(t, s, tt.message)
		store := history.New(s)
		store.Install(p.Plan())
		values, lists := make([]history.Value, len(p.Plan().Queries)), make([]history.List, len(p.Plan().Lists))
		store.Observe(tx, values, lists)
		var out [1]lang.Tri
		f := p.NewFrame()
		f.Evaluate(tx, values, lists, out[:])
		if out[0] != lang.Unknown {
			t.Errorf("%s: %v, want unknown", tt.source, out[0])
			continue
		}
		if why, err := f.Why(0); why != tt.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", tt.source, why, err, tt.want)
		}
	}
}

func TestWhyOfValues(t *testing.T) {
	s := payments(t)
	p := compileAll(t, s, nil, `sum(card.last("1d"), .amount) > 3`)
	f := p.NewFrame()
	for why, want := range map[history.Why]string{
		history.MixedCurrencies: `sum(card.last("1d"), .amount) has amounts in several currencies`,
		history.OutOfRange:      `sum(card.last("1d"), .amount) is out of range`,
		history.Present:         `sum(card.last("1d"), .amount) is missing`,
	} {
		var out [1]lang.Tri
		f.Evaluate(payment(t, s, full), []history.Value{{Why: why}}, nil, out[:])
		if got, _ := f.Why(0); out[0] != lang.Unknown || got != want {
			t.Errorf("%v, %q, want %q", out[0], got, want)
		}
	}
}
