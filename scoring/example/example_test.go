package example_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"sluice/configs/strict"
	"sluice/rules"
	"sluice/scoring/event"
	"sluice/scoring/example"
)

// load makes a set of one file, for the schema that comes with Sluice.
func load(t *testing.T, text string) *rules.Set {
	t.Helper()
	schema, err := event.LoadSchema("../../configs/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.LoadFS(fstest.MapFS{"a.yaml": {Data: []byte(text)}}, "", schema)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// run gives what is wrong with each example of a set, a line for each difference.
func run(t *testing.T, set *rules.Set) (wrong [][]string, off int) {
	t.Helper()
	r := example.New(set)
	for i := range set.Examples {
		res, ok, err := r.Run(t.Context(), &set.Examples[i])
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			off++
			continue
		}
		var lines []string
		for _, d := range res.Wrong {
			lines = append(lines, fmt.Sprintf("%s: %s, not %s", d.What, d.Got, d.Want))
		}
		wrong = append(wrong, lines)
	}
	return wrong, off
}

const counting = `
policy: {review: 10, deny: 100}
rules:
  - id: three-in-an-hour
    when: count(card.last("1h"), .amount < 5) >= 3
    score: 30
    examples:
      - history: [{times: 3, every: 10m, amount: 1}]
        transaction: {card: c-1}
        expect: %s
  - id: watching
    when: count(card.last("1h")) >= 1
    mode: shadow
  - id: no-device
    when: tx.device == "d-1"
    verdict: deny
`

// TestExpectations: each thing that can be expected, as it is and otherwise.
func TestExpectations(t *testing.T) {
	for expect, want := range map[string][]string{
		"fires":                     nil,
		"does not fire":             {"rule: fires, not does not fire"},
		"skipped":                   {"rule: fires, not skipped"},
		"{verdict: review}":         nil,
		"{verdict: deny}":           {"verdict: review, not deny"},
		"{verdict: allow}":          {"verdict: review, not allow"},
		"{score: 30}":               nil,
		"{score: 0}":                {"score: 30, not 0"},
		"{fired: [watching]}":       {"fired: three-in-an-hour, watching, not watching"},
		"{fired: []}":               {"fired: three-in-an-hour, watching, not none"},
		"{rule: skipped, score: 1}": {"rule: fires, not skipped", "score: 30, not 1"},
		"{rule: fires, verdict: review, score: 30, fired: [watching, three-in-an-hour]}": nil,
	} {
		wrong, _ := run(t, load(t, fmt.Sprintf(counting, expect)))
		if fmt.Sprint(wrong[0]) != fmt.Sprint(want) {
			t.Errorf("%s: got %q, want %q", expect, wrong[0], want)
		}
	}
}

// TestPast: what a past payment may say of itself reaches the rules, and windows
// end where they should.
func TestPast(t *testing.T) {
	wrong, off := run(t, load(t, `
rules:
  - id: seen
    when: count(card.last("10m")) >= 1
    examples:
      - {history: [{ago: 10m}], transaction: {card: c-1}, expect: does not fire}
      - {history: [{ago: 599s}], transaction: {card: c-1}, expect: fires}
      - {history: [{ago: 0s}], transaction: {card: c-1}, expect: fires}
      - {history: [{ago: 1m, card: c-2}], transaction: {card: c-1}, expect: does not fire}
      - {history: [{ago: 1m, card: nil}], transaction: {card: c-1}, expect: does not fire}
      - {history: [{ago: 1m}], transaction: {}, expect: skipped}
  - id: fraud
    when: any(card.last("30d"), .fraud)
    examples:
      - {history: [{ago: 1m, fraud: true}], transaction: {card: c-1}, expect: fires}
      - {history: [{ago: 29d, fraud: true}], transaction: {card: c-1}, expect: fires}
      - {history: [{ago: 1m, fraud: false}], transaction: {card: c-1}, expect: does not fire}
  - id: night
    when: tx.hour < 6 and tx.weekday == 6
    examples:
      - {transaction: {time: Sat 03:00}, expect: fires}
      - {transaction: {time: Sun 03:00}, expect: does not fire}
      - {transaction: {time: "2026-11-21 05:59"}, expect: fires}
  - id: long-gone
    when: tx.amount > 5
    expires: 2020-02-29
    examples:
      - {transaction: {amount: 6}, expect: fires}
      - {transaction: {amount: 6, time: 2020-02-29T00:00:00Z}, expect: does not fire}
  - id: resting
    when: tx.amount > 5
    mode: off
    examples: [{transaction: {}, expect: skipped}]
`))
	for i, w := range wrong {
		if len(w) > 0 {
			t.Errorf("example %d: %q", i, w)
		}
	}
	if off != 1 {
		t.Errorf("%d examples of rules that are off", off)
	}
}

// TestPastVerdicts: a past payment was decided as it says, or else by the rules.
func TestPastVerdicts(t *testing.T) {
	wrong, _ := run(t, load(t, `
rules:
  - id: large
    when: tx.amount > 100
    verdict: deny
  - id: denied-before
    when: count(card.last("1d"), .verdict == "deny") >= 2
    verdict: review
    examples:
      - {history: [{times: 2, every: 1m, amount: 101}], transaction: {card: c-1}, expect: fires}
      - {history: [{times: 2, every: 1m, amount: 101, verdict: allow}], transaction: {card: c-1}, expect: does not fire}
      - {history: [{times: 2, every: 1m, verdict: deny}], transaction: {card: c-1}, expect: fires}
      - {history: [{times: 2, every: 1m, verdict: review}], transaction: {card: c-1}, expect: does not fire}
`))
	for i, w := range wrong {
		if len(w) > 0 {
			t.Errorf("example %d: %q", i, w)
		}
	}
}

// TestFailures: what fails says where it stands, why, and by which part.
func TestFailures(t *testing.T) {
	err := example.Check(t.Context(), load(t, `
rules:
  - id: dear
    when: tx.amount > 100 and count(card.last("1h")) >= 3
    examples:
      - name: two before
        history: [{times: 2, every: 1m}]
        transaction: {card: c-1, amount: 200}
        expect: {rule: fires, verdict: review}
      - {name: fine, transaction: {card: c-1}, expect: does not fire}
      - {name: no card, transaction: {amount: 200}, expect: does not fire}
`))
	const want = "a.yaml:9:17: the example \"two before\" of dear fails: rule: expected fires, got does not fire " +
		"(`count(card.last(\"1h\")) >= 3` is false, count(card.last(\"1h\")) is 2); verdict: expected review, got allow\n" +
		"            expect: {rule: fires, verdict: review}\n                    ^\n" +
		"a.yaml:11:61: the example \"no card\" of dear fails: rule: expected does not fire, got skipped, " +
		"as card.last(\"1h\") is missing: the transaction has no card\n"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	var failures example.Failures
	var faults strict.Faults
	if !errors.As(err, &failures) || len(failures) != 2 || failures[0].Rule != "dear" || failures[1].Example != "no card" ||
		!errors.As(err, &faults) || len(faults) != 2 || faults[0].Line != 9 {
		t.Errorf("%#v", err)
	}
	if err := example.Check(t.Context(), load(t, "rules: [{id: a, when: 'true'}]")); err != nil {
		t.Error(err)
	}
}

// TestSameID: a payment is one by its id, in examples too.
func TestSameID(t *testing.T) {
	for name, history := range map[string]string{
		"two past payments have the same id": `[{ago: 2m, id: x}, {ago: 1m, id: x}]`,
		"the id of the transaction":          `[{ago: 2m, id: y}]`,
	} {
		err := example.Check(t.Context(), load(t, "rules: [{id: a, when: 'true', examples: [{history: "+history+", transaction: {id: y}, expect: fires}]}]"))
		if err == nil || !strings.Contains(err.Error(), name) || !strings.HasPrefix(err.Error(), "a.yaml:1:") {
			t.Errorf("%v does not say %q", err, name)
		}
	}
}

// TestSecretsAndCards: values in what is told of a failure are masked.
func TestCardNumbersAreMasked(t *testing.T) {
	err := example.Check(t.Context(), load(t, `
rules:
  - id: a
    when: tx.card == "x"
    examples:
      - {name: number, transaction: {card: "4111111111111111"}, expect: fires}
`))
	var failures example.Failures
	if !errors.As(err, &failures) || strings.Contains(failures[0].Why, "4111111111111111") || !strings.Contains(failures[0].Why, "tx.card is") {
		t.Errorf("%v", err)
	}
}

// TestCoverage: which ways of which parts were gone.
func TestCoverage(t *testing.T) {
	set := load(t, `
rules:
  - id: whole
    when: tx.amount > 5 and not (tx.channel == "pos")
    examples:
      - {transaction: {amount: 6, channel: ecom}, expect: fires}
      - {transaction: {amount: 5, channel: pos}, expect: does not fire}
  - id: half
    when: |
      tx.amount > (tx.channel == "pos" ? 500 : 200) or any(card.last("1h"), .amount > 5 or .fraud)
    examples:
      - {transaction: {amount: 501, channel: pos}, expect: fires}
  - id: never-shown
    when: tx.amount > 7
  - id: quiet
    when: tx.amount > 8
    examples: [{transaction: {amount: 1}, expect: does not fire}]
`)
	r := example.New(set)
	c, err := r.Cover()
	if err != nil {
		t.Fatal(err)
	}
	for i := range set.Examples {
		if _, _, err := r.Run(t.Context(), &set.Examples[i]); err != nil {
			t.Fatal(err)
		}
	}
	var b strings.Builder
	gaps, reached, all := c.Gaps()
	fmt.Fprintf(&b, "%d of %d\n", reached, all)
	for _, g := range gaps {
		fmt.Fprintf(&b, "%s none=%v fires=%v quiet=%v\n", g.Rule.ID, g.None, g.Fires, g.Quiet)
		for _, h := range g.Parts {
			fmt.Fprintf(&b, "  true=%v false=%v %s\n", h.True, h.False, h.Text)
		}
	}
	const want = `7 of 14
half none=false fires=true quiet=false
  true=true false=false tx.channel == "pos"
  true=true false=false tx.amount > (tx.channel == "pos" ? 500 : 200)
  true=false false=false any(card.last("1h"), .amount > 5 or .fraud)
never-shown none=true fires=false quiet=false
quiet none=false fires=false quiet=true
  true=false false=true tx.amount > 8
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestReadme runs the examples of the analyst's page, and one that fails as the
// page shows it.
func TestReadme(t *testing.T) {
	source, err := os.ReadFile("../../rules/README.md")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, b := range regexp.MustCompile("(?ms)^```yaml\n(rules:.*?)^```$").FindAllStringSubmatch(string(source), -1) {
		set := load(t, b[1])
		ran += len(set.Examples)
		if err := example.Check(t.Context(), set); err != nil {
			t.Error(err)
		}
	}
	if ran < 3 {
		t.Errorf("only %d examples found", ran)
	}
}

// TestEnoughIsEnough: examples end with their context, and failures after so many.
func TestEnoughIsEnough(t *testing.T) {
	set := load(t, "rules: [{id: a, when: 'true', examples: [{name: long, history: [{times: 900, every: 1s}], transaction: {}, expect: fires}]}]")
	cause := errors.New("too long")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	err := example.Check(ctx, set)
	if !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), `a.yaml:1:`) || !strings.Contains(err.Error(), `the example "long" of a can't be run: too long`) {
		t.Error(err)
	}
	many := load(t, "rules:\n  - id: a\n    when: 'true'\n    examples:\n"+strings.Repeat("      - {transaction: {}, expect: skipped}\n", 150))
	var failures example.Failures
	if err := example.Check(t.Context(), many); !errors.As(err, &failures) || len(failures) != 100 {
		t.Errorf("%d failures", len(failures))
	}
}
