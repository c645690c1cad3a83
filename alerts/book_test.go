package alerts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

const testSchema = `
key: account
fields:
  id:       {type: string}
  time:     {type: timestamp}
  account:  {type: string, entity: true}
  card:     {type: string, entity: true}
  phone:    {type: string, entity: true, secret: true}
  merchant: {type: string}
  amount:   {type: money, currency_from: currency, required: true}
  currency: {type: currency, required: true}
`

const testRules = `
rules:
  - id: cards
    description: A card is being tried
    when: count(card.last("1h")) >= 0 and tx.amount < 5
    reason: TRIED
    owner: risk
    alert: page
  - {id: phones, when: count(phone.last("1h")) >= 0 and tx.amount < 5, alert: ticket, mode: shadow}
  - {id: plain, when: tx.amount == 7, alert: ticket}
  - {id: silent, when: tx.amount < 5, verdict: deny}
`

// scene is a book that sees what a core decides.
type scene struct {
	t       *testing.T
	schema  *event.Schema
	decoder *event.Decoder
	core    *scoring.Core
	book    *Book
	start   time.Time // of arrivals
	n       int
}

func newScene(t *testing.T, lasts time.Duration, limit int) *scene {
	t.Helper()
	schema, err := event.ParseSchema("schema.yaml", []byte(testSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(testRules), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(dir, schema)
	if err != nil {
		t.Fatal(err)
	}
	return &scene{
		t: t, schema: schema, decoder: event.NewDecoder(schema), core: scoring.New(schema, set, scoring.Options{}),
		book: NewBook(lasts, limit), start: time.Date(2018, 7, 1, 0, 0, 0, 0, time.UTC),
	}
}

// pay decides a payment that arrives at a second of the scene, and is seen at
// that wall clock.
func (s *scene) pay(second int, fields string) { s.payAt(second, s.at(second), fields) }

func (s *scene) at(second int) time.Time { return s.start.Add(time.Duration(second) * time.Second) }

func (s *scene) payAt(second int, now time.Time, fields string) {
	s.t.Helper()
	s.n++
	arrival := s.at(second)
	body := fmt.Sprintf(`{"id":"t%d","time":%q,"currency":"EUR",%s}`, s.n, arrival.Format(time.RFC3339), fields)
	var tx event.Transaction
	if err := s.decoder.Transaction(&tx, []byte(body), arrival.UnixNano()); err != nil {
		s.t.Fatalf("%s: %v", body, err)
	}
	for _, d := range s.core.Decide([]scoring.Input{{Tx: &tx}}, arrival.UnixNano()) {
		s.book.Observe(&d, now)
	}
}

// told collects, and writes each alert as a line.
func (s *scene) told(second int, update time.Duration) string {
	return s.toldAt(s.at(second), update)
}

func (s *scene) toldAt(now time.Time, update time.Duration) string {
	var lines []string
	for _, a := range s.book.collect(now, update) {
		at := func(t time.Time) int { return int(t.Sub(s.start) / time.Second) }
		lines = append(lines, fmt.Sprintf("%s %s %s=%s x%d %s %d-%d", a.Status, a.Rule, a.Entity, a.Value, a.Count, a.Amount, at(a.First), at(a.Last)))
	}
	return strings.Join(lines, "\n")
}

func (s *scene) expect(what, got string, want ...string) {
	s.t.Helper()
	if got != strings.Join(want, "\n") {
		s.t.Errorf("%s:\n%s\nnot:\n%s", what, got, strings.Join(want, "\n"))
	}
}

func TestOneAlertWhileItLasts(t *testing.T) {
	s := newScene(t, 10*time.Minute, 100)
	for i := range 400 {
		s.pay(i, `"card":"c1","account":"a","amount":1.25`)
	}
	s.pay(400, `"card":"c2","account":"a","amount":2`)
	s.pay(400, `"card":"c2","account":"a","amount":20`) // no rule that alerts
	s.expect("at once", s.told(400, time.Minute),
		"firing cards card=c1 x400 500.00 EUR 0-399", "firing cards card=c2 x1 2.00 EUR 400-400")
	s.expect("nothing new", s.told(401, time.Minute))
	s.pay(402, `"card":"c1","account":"a","amount":1`)
	s.expect("grown, told lately", s.told(403, time.Minute))
	s.expect("grown", s.told(460, time.Minute), "firing cards card=c1 x401 501.00 EUR 0-402")
	s.expect("quiet", s.told(999, time.Minute))
	s.expect("one is over", s.told(1000, time.Minute), "resolved cards card=c2 x1 2.00 EUR 400-400")
	s.expect("the other one too", s.told(1002, time.Minute), "resolved cards card=c1 x401 501.00 EUR 0-402")
	s.expect("and stays so", s.told(5000, 0))
	s.pay(6000, `"card":"c1","account":"a","amount":1`)
	s.expect("again", s.told(6000, time.Minute), "firing cards card=c1 x1 1.00 EUR 6000-6000")
	if open, overflow := s.book.Open(); open != 1 || overflow != 0 {
		t.Errorf("%d open, overflow %d", open, overflow)
	}
}

func TestAlertsNameTheirRule(t *testing.T) {
	s := newScene(t, time.Minute, 100)
	for i := range 9 {
		s.pay(i, `"card":"c1","account":"a","amount":1`)
	}
	a := s.book.collect(s.at(10), 0)[0]
	set := s.core.Set().Hash
	want := fmt.Sprint(Alert{
		ID: a.ID, Status: Firing, Severity: "page", Rule: "cards", Mode: "live", Description: "A card is being tried",
		Reason: "TRIED", Owner: "risk", Entity: "card", Value: "c1", Count: 9, Amount: "9.00 EUR", First: s.at(0), Last: s.at(8),
		Examples: []string{"t1", "t2", "t3", "t4", "t5"}, RuleSet: set,
	})
	if fmt.Sprint(a) != want || !strings.HasPrefix(a.ID, "cards-") {
		t.Errorf("%+v", a)
	}
	s.pay(20, `"card":"c1","account":"a","amount":1`)
	if again := s.book.collect(s.at(20), 0)[0]; again.ID != a.ID {
		t.Errorf("the same incident under another id: %s, %s", a.ID, again.ID)
	}
	s.pay(100, `"card":"c1","account":"a","amount":1`)
	news := s.book.collect(s.at(100), 0)
	if len(news) != 2 || news[0].ID != a.ID || news[0].Status != Resolved || news[1].ID == a.ID {
		t.Errorf("after a quiet time: %+v", news)
	}
}

func TestEntityIsTheOneThatTheRuleLooksAt(t *testing.T) {
	s := newScene(t, time.Minute, 100)
	s.pay(0, `"account":"a9","amount":7`)                 // no windows: the partition key
	s.pay(1, `"amount":7`)                                // not even that
	s.pay(2, `"card":"4111 1111 1111 1111","amount":1.5`) // masked
	s.pay(3, `"phone":"+49 30 1","amount":4`)
	s.expect("entities", s.told(5, 0),
		"firing plain account=a9 x1 7.00 EUR 0-0",
		"firing plain = x1 7.00 EUR 1-1",
		"firing cards card=**** **** **** 1111 x1 1.50 EUR 2-2",
		"firing phones phone= x1 4.00 EUR 3-3") // a secret field's value is left out
}

func TestCurrenciesAreNotMixed(t *testing.T) {
	s := newScene(t, time.Minute, 100)
	s.pay(0, `"card":"c","amount":1`)
	arrival := s.at(1)
	body := fmt.Sprintf(`{"id":"y","time":%q,"currency":"JPY","card":"c","amount":3}`, arrival.Format(time.RFC3339))
	var tx event.Transaction
	if err := s.decoder.Transaction(&tx, []byte(body), arrival.UnixNano()); err != nil {
		t.Fatal(err)
	}
	for _, d := range s.core.Decide([]scoring.Input{{Tx: &tx}}, 0) {
		s.book.Observe(&d, arrival)
	}
	if got := s.told(1, 0); !strings.Contains(got, "x2 1.00 EUR + 3 JPY") {
		t.Error(got)
	}
}

func TestExamplesAreMasked(t *testing.T) {
	s := newScene(t, time.Minute, 100)
	arrival := s.at(0)
	var tx event.Transaction
	body := fmt.Sprintf(`{"id":"5500-0000-0000-0004","time":%q,"currency":"EUR","card":"c","amount":1}`, arrival.Format(time.RFC3339))
	if err := s.decoder.Transaction(&tx, []byte(body), arrival.UnixNano()); err != nil {
		t.Fatal(err)
	}
	for _, d := range s.core.Decide([]scoring.Input{{Tx: &tx}}, 0) {
		s.book.Observe(&d, arrival)
	}
	if a := s.book.collect(arrival, 0)[0]; fmt.Sprint(a.Examples) != "[****-****-****-0004]" {
		t.Errorf("%q", a.Examples)
	}
}

// TestReplay sees last year's payments at one wall clock: the incidents are
// those that were.
func TestReplay(t *testing.T) {
	s := newScene(t, 10*time.Minute, 100)
	now := s.start.Add(365 * 24 * time.Hour)
	for _, second := range []int{0, 100, 200, 5000, 5100, 90000} {
		s.payAt(second, now, `"card":"c1","amount":1`)
	}
	s.expect("told together", s.toldAt(now, time.Minute),
		"resolved cards card=c1 x3 3.00 EUR 0-200",
		"resolved cards card=c1 x2 2.00 EUR 5000-5100",
		"firing cards card=c1 x1 1.00 EUR 90000-90000")
	s.payAt(95000, now, `"card":"c2","amount":1`)
	s.expect("the replay has gone on, and may come back", s.toldAt(now.Add(5*time.Second), time.Minute), "firing cards card=c2 x1 1.00 EUR 95000-95000")
	s.expect("the replay has gone on", s.toldAt(now.Add(10*time.Second), time.Minute), "resolved cards card=c1 x1 1.00 EUR 90000-90000")
	s.expect("nothing comes any more", s.toldAt(now.Add(11*time.Minute), time.Minute), "resolved cards card=c2 x1 1.00 EUR 95000-95000")
}

// TestOldArrivals: one partition is an hour behind the others; its incidents
// must not end at every look.
func TestOldArrivals(t *testing.T) {
	s := newScene(t, 10*time.Minute, 100)
	s.pay(7200, `"card":"live","amount":1`)
	s.expect("live", s.told(7200, 0), "firing cards card=live x1 1.00 EUR 7200-7200")
	for i := range 5 {
		s.payAt(3600+i, s.at(7200+i), `"card":"old","amount":1`)
		if got := s.toldAt(s.at(7200+i), time.Minute); i == 0 && got != "firing cards card=old x1 1.00 EUR 3600-3600" || i > 0 && got != "" {
			t.Errorf("%d: %s", i, got)
		}
	}
	s.payAt(3500, s.at(7205), `"card":"old","amount":1`)
	s.expect("over", s.told(7220, time.Minute), "resolved cards card=old x6 6.00 EUR 3500-3604")
}

// TestWildArrival: one arrival far ahead must not end all others.
func TestWildArrival(t *testing.T) {
	s := newScene(t, 10*time.Minute, 100)
	s.pay(0, `"card":"c","amount":1`)
	s.told(0, 0)
	s.payAt(1e9, s.at(1), `"card":"wild","amount":1`)
	s.expect("the others go on", s.told(30, time.Minute), "firing cards card=wild x1 1.00 EUR 1000000000-1000000000")
}

func TestFullBookCountsTogether(t *testing.T) {
	const limit = 10
	s := newScene(t, 10*time.Minute, limit)
	for i := range 1000 {
		s.pay(i/10, fmt.Sprintf(`"card":"c%d","amount":1`, i))
	}
	open, overflow := s.book.Open()
	if open != limit+1 || overflow != 1000-limit {
		t.Errorf("%d open, overflow %d", open, overflow)
	}
	lines := strings.Split(s.told(100, 0), "\n")
	if len(lines) != limit+1 || !strings.HasSuffix(lines[0], " x1 1.00 EUR 0-0") || lines[limit] != "firing cards = x990 990.00 EUR 1-99" {
		t.Errorf("%q", lines)
	}
	// What nobody collects does not grow either.
	for i := range 100 {
		s.pay(1000*(i+1), `"card":"c1","amount":1`)
	}
	if n := len(s.book.ended) + len(s.book.incidents); n > 2*limit+1 {
		t.Errorf("%d held", n)
	}
	s.told(200_000, 0)
	s.pay(200_000, `"card":"c1","amount":1`)
	s.expect("there is room again", s.told(200_001, 0), "firing cards card=c1 x1 1.00 EUR 200000-200000")
}

func TestOnlyDecisionsCount(t *testing.T) {
	s := newScene(t, time.Minute, 100)
	arrival := s.at(0)
	body := fmt.Sprintf(`{"id":"1","time":%q,"currency":"EUR","card":"c","amount":1}`, arrival.Format(time.RFC3339))
	for i := range 5 {
		var tx event.Transaction
		if err := s.decoder.Transaction(&tx, []byte(body), arrival.UnixNano()); err != nil {
			t.Fatal(err)
		}
		for _, d := range s.core.Decide([]scoring.Input{{Tx: &tx, Remember: i == 4}}, 0) {
			s.book.Observe(&d, arrival)
		}
	}
	s.expect("repeats", s.told(0, 0), "firing cards card=c x1 1.00 EUR 0-0")
}

// TestIncidentsOfEqualValues checks that what a rule sees of two entities of the same
// value, at the same time, is two alerts for a channel.
func TestIncidentsOfEqualValues(t *testing.T) {
	s := newScene(t, time.Minute, 100)
	set, err := rules.LoadFS(fstest.MapFS{"a.yaml": {Data: []byte(`rules: [{id: small, when: tx.amount < 5 or count(card.last("1h")) > 9, alert: page}]`)}}, "test", s.schema)
	if err != nil {
		t.Fatal(err)
	}
	s.core = scoring.New(s.schema, set, scoring.Options{})
	s.pay(0, `"card":"77","amount":1`)
	s.pay(0, `"account":"77","amount":1`)
	s.expect("the book", fmt.Sprint(len(s.book.incidents)), "2")
	box := &outbox{latest: map[string]Alert{}, wake: make(chan struct{}, 1)}
	box.put(s.book.collect(s.at(0), 0))
	var told []string
	for a, ok := box.take(); ok; a, ok = box.take() {
		told = append(told, a.Entity)
	}
	if len(told) != 2 {
		t.Errorf("told of %v, not of the card and the account", told)
	}
}

// TestWildAmounts checks that an alert tells no sum below 0.
func TestWildAmounts(t *testing.T) {
	s := newScene(t, time.Minute, 100)
	set, err := rules.LoadFS(fstest.MapFS{"a.yaml": {Data: []byte("rules: [{id: large, when: tx.amount > 5, alert: page}]")}}, "test", s.schema)
	if err != nil {
		t.Fatal(err)
	}
	s.core = scoring.New(s.schema, set, scoring.Options{})
	for range 2 {
		s.pay(0, `"account":"a","amount":90000000000000000`)
	}
	s.expect("the sum", s.told(0, 0), "firing large account=a x2 92233720368547758.07 EUR 0-0")
}

// TestRuleChangesWhileAnAlertLasts checks that an alert goes by the rule as it is now.
func TestRuleChangesWhileAnAlertLasts(t *testing.T) {
	s := newScene(t, time.Minute, 100)
	for _, severity := range []string{"ticket", "page", "ticket"} {
		file := "rules: [{id: large, when: tx.amount > 5, owner: " + severity + "s, alert: " + severity + "}]"
		set, err := rules.LoadFS(fstest.MapFS{"a.yaml": {Data: []byte(file)}}, "test", s.schema)
		if err != nil {
			t.Fatal(err)
		}
		s.core.Swap(set)
		s.pay(0, `"account":"a","amount":7`)
		for _, a := range s.book.collect(s.at(0), 0) {
			if a.Severity != severity || a.Owner != severity+"s" || a.RuleSet != set.Hash {
				t.Errorf("%s: %+v", severity, a)
			}
		}
	}
}
