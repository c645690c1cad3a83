package explanation_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/scoring/explanation"
	"sluice/scoring/history"
)

const storySchema = `
fields:
  id: {type: string, required: true}
  time: {type: timestamp, required: true}
  card: {type: string, entity: true}
  shop: {type: string, entity: true, from: where.shop}
  amount: {type: money, currency: EUR, required: true}
  items: {type: integer}
  chip: {type: bool}
  country: {type: country}
  pin: {type: string, secret: true}
`

const storyRules = `
policy: {review: 30, deny: 60}
rules:
  - {id: large, when: tx.amount > 40 and tx.chip != true, score: 30}
  - {id: many, when: count(card.last("10m")) >= 3, score: 20}
  - {id: usual, when: 'tx.amount > 2 * mean(card.last("1h"), .amount)', score: 30}
  - {id: jump, when: 'last(card.last("1h")).country != tx.country', verdict: review}
  - {id: streak, when: 'streak(card.last("1h"), .amount > 30) >= 2', score: 25}
  - {id: shops, when: 'distinct(card.last("30m"), .shop) >= 3 or tx.items > 8', verdict: deny}
  - {id: fraud, when: 'any(shop.last("2h"), .fraud)', score: 40}
  - {id: same, when: 'count(card.last("1h"), .amount == tx.amount) >= 1', score: 10}
  - {id: known, when: 'tx.country in lists.safe and tx.amount < 20', verdict: allow}
  - {id: seen, when: 'tx.country not in map(card.newest(5), .country)', mode: shadow}
  - {id: old, when: tx.amount > 0, verdict: deny, expires: 2020-01-01}
`

func story(t *testing.T) (*event.Schema, *rules.Set) {
	t.Helper()
	schema, err := event.ParseSchema("schema.yaml", []byte(storySchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.LoadFS(fstest.MapFS{"a.yaml": {Data: []byte(storyRules)}, "lists/safe.txt": {Data: []byte("DE\n")}}, "test", schema)
	if err != nil {
		t.Fatal(err)
	}
	return schema, set
}

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// payment makes a transaction.
func payment(t *testing.T, schema *event.Schema, id, at int, cents int, more string) *event.Transaction {
	t.Helper()
	when := start.Add(time.Duration(at) * time.Second)
	text := fmt.Sprintf(`{"id":"p%d","time":%q,"amount":%d.%02d,"pin":"pin-of-it"%s}`, id, when.Format(time.RFC3339), cents/100, cents%100, more)
	tx := new(event.Transaction)
	if err := event.NewDecoder(schema).Transaction(tx, []byte(text), when.UnixNano()); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return tx
}

// random makes the rest of a payment up.
func random(r *rand.Rand) string {
	text := ""
	add := func(format string, args ...any) {
		if r.IntN(6) > 0 {
			text += fmt.Sprintf(","+format, args...)
		}
	}
	add(`"card":"c%d"`, r.IntN(3))
	add(`"where":{"shop":"s%d"}`, r.IntN(4))
	add(`"items":%d`, r.IntN(11))
	add(`"chip":%v`, r.IntN(3) == 0)
	add(`"country":%q`, []string{"DE", "DE", "FR"}[r.IntN(3)])
	return text
}

// TestExplainStory holds explanations to the engine, at every step of random
// stories: the verdict, each rule by the parts of its condition, each change by
// trying it, and each record by deciding it again.
func TestExplainStory(t *testing.T) {
	schema, set := story(t)
	met := map[string]int{}
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 9))
		core := scoring.New(schema, set, scoring.Options{})
		at := 0
		for i := range 50 {
			at += r.IntN(400)
			more, cents := random(r), r.IntN(6000)
			tx := payment(t, schema, i, at, cents, more)
			x, err := explanation.Explain(explanation.Subject{Set: set, Store: core.Store(), Tx: tx})
			if err != nil {
				t.Fatal(err)
			}
			checkChanges(t, schema, set, core, x, tx, i, at, cents, more, met)
			d := core.Decide([]scoring.Input{{Tx: tx}}, tx.Arrival)[0]
			if x.Verdict != d.Outcome.Verdict.String() || x.Score != d.Outcome.Score {
				t.Fatalf("seed %d, p%d: explained as %s %d, decided as %s %d", seed, i, x.Verdict, x.Score, d.Outcome.Verdict, d.Outcome.Score)
			}
			met[x.Verdict]++
			checkRules(t, x, met)
			checkRecord(t, set, tx, d.Record, met)
			if r.IntN(4) == 0 {
				core.Label(&event.Label{IDKey: tx.IDKey, Time: tx.Time + int64(time.Minute), Fraud: true, TxTime: tx.Time, Entities: tx.Entities})
			}
		}
	}
	for _, what := range []string{
		"allow", "review", "deny", explanation.Fires, explanation.Not, explanation.Skipped, explanation.Shadowing, explanation.Expired,
		"tx.amount", "tx.country", "tx.chip", "tx.items", "tx.card", `count(card.last("10m"))`, "verified", "open",
	} {
		if met[what] < 5 {
			t.Errorf("%q was met %d times: the test shows little", what, met[what])
		}
	}
}

// checkRules holds what a rule is said to do to the truth of its parts.
func checkRules(t *testing.T, x *explanation.Explanation, met map[string]int) {
	t.Helper()
	for _, r := range x.Rules {
		met[r.Outcome]++
		count := map[string]int{}
		for _, p := range r.Parts {
			count[p.Truth]++
			for _, v := range p.Values {
				if v.Window && v.Behind < len(v.Past) {
					t.Errorf("%s: %+v", r.ID, v)
				}
			}
		}
		want := explanation.Not
		switch {
		case r.ID == "old":
			want = explanation.Expired
		case count["false"] > 0:
		case count["unknown"] > 0:
			want = explanation.Skipped
		case r.Mode == "shadow":
			want = explanation.Shadowing
		default:
			want = explanation.Fires
		}
		if r.Outcome != want || (want == explanation.Skipped) != (r.Why != "") && r.ID != "old" {
			t.Fatalf("%s of %s: %q %q, and its parts say %q: %+v", r.ID, x.ID, r.Outcome, r.Why, want, r.Parts)
		}
	}
	text, _ := json.Marshal(x)
	if strings.Contains(string(text), "pin-of-it") {
		t.Fatalf("a secret: %s", text)
	}
}

// checkChanges tries changes of the amount: the one that is told changes the
// verdict, and no nearer one does.
func checkChanges(t *testing.T, schema *event.Schema, set *rules.Set, core *scoring.Core, x *explanation.Explanation, tx *event.Transaction, id, at, cents int, more string, met map[string]int) {
	t.Helper()
	evaluator := set.NewEvaluator()
	verdict := func(cents int) string {
		other := payment(t, schema, id, at, cents, more)
		return decide(set, core, evaluator, other)
	}
	nearest, best := -1, ""
	if id%15 == 0 { // by trying all there are
		for d := 1; d < 6100 && nearest < 0; d++ {
			for _, c := range []int{cents + d, cents - d} {
				if c >= 0 && nearest < 0 && verdict(c) != x.Verdict {
					nearest, best = d, verdict(c)
				}
			}
		}
	}
	for _, c := range x.Changes {
		met[c.Name]++
		if c.Name != "tx.amount" {
			continue
		}
		f, _ := strconv.ParseFloat(c.To, 64)
		to := int(f*100 + 0.5)
		if got := verdict(to); got != c.Verdict || got == x.Verdict {
			t.Fatalf("%s: an amount of %s gives %s, not %s (it was %s)", x.ID, c.To, got, c.Verdict, x.Verdict)
		}
		if distance := max(to-cents, cents-to); nearest > 0 && nearest < distance {
			t.Errorf("%s: %s instead of %s, and %d cents are enough for %s", x.ID, c.To, c.From, nearest, best)
		}
		nearest = -1
	}
	if nearest > 0 {
		t.Errorf("%s: %d cents give %s, and that is not told: %+v", x.ID, nearest, best, x.Changes)
	}
}

func decide(set *rules.Set, core *scoring.Core, e *rules.Evaluator, tx *event.Transaction) string {
	return decideWith(set, core, e, tx).Verdict.String()
}

// checkRecord verifies a record, and records that were tampered with.
func checkRecord(t *testing.T, set *rules.Set, tx *event.Transaction, record []byte, met map[string]int) {
	t.Helper()
	r, err := explanation.ParseRecord(record)
	if err != nil {
		t.Fatal(err)
	}
	v := explanation.Verify(set, tx, r, true)
	if len(v.Wrong) > 0 {
		t.Fatalf("%v\n%s", v.Wrong, record)
	}
	slow := func(s string) bool { return strings.Contains(s, "one by one") }
	if slices.ContainsFunc(v.Open, func(s string) bool { return !slow(s) }) {
		t.Fatalf("%v\n%s", v.Open, record)
	}
	if met["verified"]++; len(v.Open) > 0 {
		met["open"]++
	}
	tampered := func(what string, change func(*explanation.Record)) {
		c := *r
		c.Windows, c.Rules = slices.Clone(r.Windows), slices.Clone(r.Rules)
		change(&c)
		if v := explanation.Verify(set, tx, &c, true); len(v.Wrong)+len(v.Open) == 0 {
			t.Fatalf("%s is not noticed: %s", what, record)
		}
	}
	tampered("another score", func(c *explanation.Record) { c.Score++ })
	tampered("another set", func(c *explanation.Record) { c.RuleSet = "0" })
	tampered("an unknown rule", func(c *explanation.Record) { c.Rules = append(c.Rules, "none") })
	tampered("another rule", func(c *explanation.Record) {
		if i := slices.Index(c.Rules, "many"); i >= 0 {
			c.Rules = slices.Delete(c.Rules, i, i+1)
		} else {
			c.Rules = append(c.Rules, "many")
		}
	})
	if slices.Contains(r.Rules, "many") {
		tampered("another window value", func(c *explanation.Record) {
			for i := range c.Windows {
				if c.Windows[i].Expr == `count(card.last("10m"))` {
					c.Windows[i].Value = json.RawMessage("2")
				}
			}
		})
	}
}

// decideWith decides a transaction on what the histories hold, beside the engine.
func decideWith(set *rules.Set, core *scoring.Core, e *rules.Evaluator, tx *event.Transaction) (out rules.Outcome) {
	plan := set.Program.Plan()
	values, lists := make([]history.Value, len(plan.Queries)), make([]history.List, len(plan.Lists))
	core.Store().Observe(tx, values, lists)
	e.Evaluate(tx, values, lists, &out)
	return out
}
