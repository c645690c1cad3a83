package scoring_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

// second is a second in nanoseconds; start is where the tests' time begins.
const (
	second = int64(time.Second)
	start  = int64(1_600_000_000) * second
)

func testSchema(t testing.TB) *event.Schema {
	t.Helper()
	schema, err := event.LoadSchema("../configs/handbook/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// testSet compiles rules given as lines of "id: condition => effects".
func testSet(t testing.TB, schema *event.Schema, lines ...string) *rules.Set {
	t.Helper()
	var b strings.Builder
	b.WriteString("rules:\n")
	for _, l := range lines {
		id, rest, _ := strings.Cut(l, ": ")
		when, effects, _ := strings.Cut(rest, " => ")
		fmt.Fprintf(&b, "  - id: %s\n    when: |\n      %s\n", id, when)
		for _, e := range strings.Split(effects, ", ") {
			fmt.Fprintf(&b, "    %s\n", e)
		}
	}
	set, err := rules.LoadFS(fstest.MapFS{"r.yaml": {Data: []byte(b.String())}}, "test", schema)
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	return set
}

// payment is a transaction of the handbook's schema, at seconds after start.
func payment(t testing.TB, schema *event.Schema, id, at int64, customer, terminal, amount string) *event.Transaction {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `{"transaction_id":%d,"tx_datetime":"%s"`, id, time.Unix(0, start+at*second).UTC().Format(time.RFC3339))
	for _, f := range [][2]string{{"customer_id", customer}, {"terminal_id", terminal}} {
		if f[1] != "" {
			fmt.Fprintf(&b, `,%q:%q`, f[0], f[1])
		}
	}
	fmt.Fprintf(&b, `,"tx_amount":%s}`, amount)
	tx := new(event.Transaction)
	if err := event.NewDecoder(schema).Transaction(tx, []byte(b.String()), start+at*second); err != nil {
		t.Fatalf("%s: %v", b.String(), err)
	}
	return tx
}

// verdictRules look at amounts, windows, labels and the verdicts of before.
func verdictRules(t testing.TB, schema *event.Schema) *rules.Set {
	return testSet(t, schema,
		`big: tx.amount > 80 => verdict: review, reason: BIG`,
		`many: count(customer.last("10m")) >= 3 => score: 30`,
		`before: count(customer.last("1h"), .verdict != "allow") >= 2 => verdict: deny, score: 5, reason: BEFORE`,
		`place: any(terminal.last("30m"), .verdict == "deny") => score: 25`,
		`fraud: count(terminal.last("2h"), .fraud) >= 1 => score: 40`,
		`usual: stddev(customer.last("1h"), .amount) > 20 => score: 10`,
		`quiet: tx.amount < 3 => mode: shadow, verdict: deny`,
		`good: tx.terminal == "t1" and tx.amount < 10 => verdict: allow`)
}

// step is a transaction or, with tx nil, a label.
type step struct {
	tx    *event.Transaction
	label event.Label
}

// story makes a random stream with ties, repeats, conflicts, missing entities and labels.
func story(t testing.TB, schema *event.Schema, r *rand.Rand, n int) []step {
	var out []step
	at := int64(0)
	for i := range n {
		at += r.Int64N(90) * r.Int64N(2)
		id := int64(i)
		if i > 5 && r.IntN(20) == 0 {
			id = r.Int64N(int64(i))
		}
		customer := fmt.Sprintf("c%d", r.IntN(4))
		if r.IntN(15) == 0 {
			customer = ""
		}
		tx := payment(t, schema, id, at-r.Int64N(30)*r.Int64N(2), customer, fmt.Sprintf("t%d", r.IntN(3)), fmt.Sprintf("%d.%02d", r.IntN(100), r.IntN(100)))
		tx.Arrive(start + at*second)
		out = append(out, step{tx: tx})
		if r.IntN(30) == 0 {
			old := out[r.IntN(len(out))]
			if old.tx != nil {
				out = append(out, step{label: event.Label{IDKey: old.tx.IDKey, Time: start + at*second, Fraud: r.IntN(4) > 0}})
			}
		}
	}
	return out
}

// play runs a story, cut into batches of random sizes up to most, and returns
// what became of every transaction.
func play(core *scoring.Core, steps []step, r *rand.Rand, most int) []string {
	var out []string
	var batch []scoring.Input
	flush := func() {
		for _, d := range core.Decide(batch, 0) {
			out = append(out, fmt.Sprintf("%d %d %v %s", d.Status, d.Tx.Words[0], d.Earlier.Verdict, d.Record))
		}
		batch = batch[:0]
	}
	size := 1
	for i := range steps {
		if steps[i].tx == nil {
			flush()
			core.Label(&steps[i].label)
			continue
		}
		batch = append(batch, scoring.Input{Tx: steps[i].tx, Source: scoring.Source{Offset: int64(i)}})
		if len(batch) >= size {
			flush()
			size = 1 + r.IntN(most)
		}
	}
	flush()
	return out
}

// TestCutting proves that verdicts and records do not depend on how a stream is
// cut into batches nor on how many cores evaluate them.
func TestCutting(t *testing.T) {
	schema := testSchema(t)
	set := verdictRules(t, schema)
	for seed := range uint64(20) {
		steps := story(t, schema, rand.New(rand.NewPCG(seed, 1)), 600)
		r := rand.New(rand.NewPCG(seed, 2))
		want := play(scoring.New(schema, set, scoring.Options{Run: "run", Workers: 1}), steps, r, 1)
		if seed == 0 {
			mustMention(t, want, `"verdict":"deny"`, `"BEFORE"`, `"skipped":[{`, `"shadow":["quiet"]`, `"place"`, `"fraud"`, `"usual"`)
		}
		for _, o := range []struct{ workers, most int }{{1, 256}, {2, 7}, {8, 200}} {
			got := play(scoring.New(schema, set, scoring.Options{Run: "run", Workers: o.workers}), steps, r, o.most)
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("seed %d, batches up to %d on %d workers, transaction %d:\n got %s\nwant %s", seed, o.most, o.workers, i, got[i], want[i])
				}
			}
		}
	}
}

// mustMention makes sure that a story reaches what it is to test.
func mustMention(t *testing.T, lines []string, texts ...string) {
	t.Helper()
	all := strings.Join(lines, "\n")
	for _, text := range texts {
		if !strings.Contains(all, text) {
			t.Errorf("no line has %s", text)
		}
	}
}

// decideOne decides one transaction.
func decideOne(core *scoring.Core, tx *event.Transaction) scoring.Decision {
	return core.Decide([]scoring.Input{{Tx: tx}}, 0)[0]
}

func TestRepeatsAndConflicts(t *testing.T) {
	schema := testSchema(t)
	core := scoring.New(schema, verdictRules(t, schema), scoring.Options{})
	first := payment(t, schema, 1, 0, "c", "t", "90.00")
	batch := core.Decide([]scoring.Input{{Tx: first}, {Tx: first}, {Tx: payment(t, schema, 1, 0, "c", "t", "91.00")}}, 0)
	for i, want := range []scoring.Status{scoring.Decided, scoring.Repeat, scoring.Conflict} {
		if batch[i].Status != want {
			t.Errorf("input %d: status %d, want %d", i, batch[i].Status, want)
		}
		if i > 0 && batch[i].Earlier.Verdict != rules.Review {
			t.Errorf("input %d: earlier verdict %v, want review", i, batch[i].Earlier.Verdict)
		}
	}
	d := decideOne(core, payment(t, schema, 2, 1, "c", "t", "1.00"))
	if n := core.Store().Stats().Transactions; n != 2 {
		t.Errorf("the histories hold %d transactions, want 2", n)
	}
	if d.Status != scoring.Decided {
		t.Errorf("another id: status %d", d.Status)
	}
}

// TestRepeatAfterIDsAreGone is a repeat that comes later than decided ids are kept.
func TestRepeatAfterIDsAreGone(t *testing.T) {
	schema := testSchema(t)
	core := scoring.New(schema, verdictRules(t, schema), scoring.Options{KeepIDs: time.Hour})
	decideOne(core, payment(t, schema, 1, 0, "c", "t", "90.00"))
	ahead := payment(t, schema, 2, 3*86400, "x", "y", "1.00")
	decideOne(core, ahead)
	if core.IDs() != 2 {
		t.Fatal("one arrival far ahead made an id forgotten")
	}
	const many = 10_000 // arrivals make it believed
	for i := range int64(many) {
		decideOne(core, payment(t, schema, 10+i, 3*86400, "", "", "1.00"))
	}
	if _, ok := core.Known(payment(t, schema, 1, 0, "c", "t", "90.00").IDKey); ok {
		t.Fatal("the id is still known after three days")
	}
	again := payment(t, schema, 1, 0, "c", "t", "90.00")
	again.Arrive(start + 3*86400*second)
	d := decideOne(core, again)
	if d.Status != scoring.Repeat || d.Earlier.Verdict != rules.Review {
		t.Errorf("status %d, earlier %v; want a repeat of a review", d.Status, d.Earlier.Verdict)
	}
}

func TestIDsAreBounded(t *testing.T) {
	schema := testSchema(t)
	core := scoring.New(schema, verdictRules(t, schema), scoring.Options{MaxIDs: 5000, NoRecord: true})
	for i := range int64(20_000) {
		decideOne(core, payment(t, schema, i, i/100, "", "", "1.00"))
	}
	if core.IDs() != 5000 {
		t.Errorf("%d ids are kept, want 5000", core.IDs())
	}
	for id, want := range map[int64]bool{14_999: false, 15_000: true, 19_999: true} {
		if _, ok := core.Known(payment(t, schema, id, 0, "", "", "1").IDKey); ok != want {
			t.Errorf("id %d is known: %v, want %v", id, ok, want)
		}
	}
}

// TestLateAndFuture holds section 2 of the design: what is too old is decided
// and not remembered, what is ahead takes its arrival's time and is reviewed.
func TestLateAndFuture(t *testing.T) {
	schema := testSchema(t)
	core := scoring.New(schema, verdictRules(t, schema), scoring.Options{})
	day := int64(86400)
	late := payment(t, schema, 1, 0, "c", "t", "5.00")
	late.Arrive(start + (30*day+1)*second)
	edge := payment(t, schema, 2, 1, "c", "t", "5.00")
	edge.Arrive(start + (30*day+1)*second)
	ahead := payment(t, schema, 3, 40*day, "c", "t", "5.00")
	ahead.Arrive(start + (40*day-301)*second)
	within := payment(t, schema, 4, 40*day, "c", "t", "5.00")
	within.Arrive(start + (40*day-300)*second)
	for _, c := range []struct {
		name  string
		tx    *event.Transaction
		flags scoring.Flags
		is    rules.Verdict
		held  int
	}{
		{"late", late, scoring.Late, rules.Allow, 0},
		{"as old as the retention", edge, 0, rules.Allow, 1},
		{"ahead", ahead, scoring.Future, rules.Review, 1}, // the one before has expired
		{"five minutes ahead", within, 0, rules.Allow, 2},
	} {
		d := decideOne(core, c.tx)
		if d.Flags != c.flags || d.Outcome.Verdict != c.is {
			t.Errorf("%s: flags %b verdict %v, want %b %v", c.name, d.Flags, d.Outcome.Verdict, c.flags, c.is)
		}
		if n := core.Store().Stats().Transactions; n != c.held {
			t.Errorf("%s: %d transactions are held, want %d", c.name, n, c.held)
		}
		if (c.flags == scoring.Future) != strings.Contains(string(d.Record), "FUTURE_TIME") {
			t.Errorf("%s: record %s", c.name, d.Record)
		}
	}
}

// TestRestart takes what an earlier run decided into the histories without
// deciding it again.
func TestRestart(t *testing.T) {
	schema := testSchema(t)
	set := testSet(t, schema, `again: count(customer.last("1h"), .verdict == "deny") >= 1 => verdict: review`)
	core := scoring.New(schema, set, scoring.Options{})
	remembered, restored := payment(t, schema, 1, 0, "c", "t", "5.00"), payment(t, schema, 2, 1, "c", "t", "5.00")
	core.Restore(restored.IDKey, scoring.Earlier{Verdict: rules.Deny, Arrival: restored.Arrival, Partition: 3, Offset: 7})
	got := core.Decide([]scoring.Input{{Tx: remembered, Remember: true}, {Tx: restored}}, 0)
	if got[0].Status != scoring.Remembered || got[1].Status != scoring.Repeat || got[1].Earlier.Offset != 7 {
		t.Fatalf("statuses %d and %d, earlier %+v", got[0].Status, got[1].Status, got[1].Earlier)
	}
	if d := decideOne(core, payment(t, schema, 3, 2, "c", "t", "5.00")); d.Outcome.Verdict != rules.Review {
		t.Errorf("verdict %v: the restored one is not seen", d.Outcome.Verdict)
	}
	conflict := payment(t, schema, 2, 1, "c", "t", "6.00")
	if d := decideOne(core, conflict); d.Status != scoring.Conflict {
		t.Errorf("status %d, want a conflict: the body is known once it was seen", d.Status)
	}
	again := core.Decide([]scoring.Input{{Tx: conflict, Remember: true}, {Tx: remembered, Remember: true}}, 0)
	for i := range again {
		if again[i].Status != scoring.Remembered {
			t.Errorf("status %d of what was a conflict or a repeat before the restart, want remembered", again[i].Status)
		}
	}
}

// TestSwapSeesThePast proves that a rule set deployed now sees what was before it.
func TestSwapSeesThePast(t *testing.T) {
	schema := testSchema(t)
	core := scoring.New(schema, testSet(t, schema, `none: tx.amount < 0 => score: 1`), scoring.Options{})
	for i := range int64(5) {
		decideOne(core, payment(t, schema, i, i, "c", "t", "10.00"))
	}
	set := testSet(t, schema, `sum: sum(customer.last("1h"), .amount) == 50 => verdict: deny`)
	core.Swap(set)
	if d := decideOne(core, payment(t, schema, 9, 9, "c", "t", "1.00")); d.Outcome.Verdict != rules.Deny || d.Set != set {
		t.Errorf("verdict %v", d.Outcome.Verdict)
	}
}

// TestRecord shows a verdict record whole.
func TestRecord(t *testing.T) {
	schema := testSchema(t)
	core := scoring.New(schema, verdictRules(t, schema), scoring.Options{Run: "r7"})
	decideOne(core, payment(t, schema, 1, 0, "c", "t", "90.00"))
	decideOne(core, payment(t, schema, 2, 30, "c", "t", "99.50"))
	tx := payment(t, schema, 3, 60, "c", "", "2.50")
	d := core.Decide([]scoring.Input{{Tx: tx, Source: scoring.Source{Partition: 2, Offset: 41}}}, tx.Arrival+1_234_567)[0]
	want := `{"transaction_id":3,"verdict":"deny","score":5,"rules":["before"],"reasons":["BEFORE"],"shadow":["quiet"],` +
		`"skipped":[{"rule":"place","why":"terminal.last(\"30m\") is missing: the transaction has no terminal"},` +
		`{"rule":"fraud","why":"terminal.last(\"2h\") is missing: the transaction has no terminal"},` +
		`{"rule":"good","why":"tx.terminal is missing"}],"flags":[],` +
		`"rule_set":"` + core.Set().Hash + `","event_time":"2020-09-13T12:27:40Z","arrival_time":"2020-09-13T12:27:40Z",` +
		`"decided_at":"2020-09-13T12:27:40.001234567Z","latency_ms":1.234,"source":{"partition":2,"offset":41},"run":"r7",` +
		`"windows":[{"expr":"count(customer.last(\"1h\"), .verdict != \"allow\")","value":2,"maturity":0.016}]}`
	if string(d.Record) != want {
		t.Errorf("got  %s\nwant %s", d.Record, want)
	}
	if !json.Valid(d.Record) {
		t.Error("not JSON")
	}
}
