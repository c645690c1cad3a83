package scoring_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"sluice/rules/lang"
	"sluice/rules/plan"
	"sluice/scoring/event"
	"sluice/scoring/history"
	"sluice/stream/files"
)

// handbook gives the path of a file of the real data, and skips the test where
// it is absent (.ci/run fails if it was).
func handbook(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("SLUICE_TEST_DATA")
	if root == "" {
		root = "../../shared/data"
	}
	path := filepath.Join(root, "handbook", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("real data is absent: %v; set SLUICE_TEST_DATA", err)
	}
	return path
}

// features asks the histories for one window value after another by its text.
type features struct {
	store   *history.Store
	program *plan.Program
	values  []history.Value
	lists   []history.List
}

func newFeatures(t *testing.T, schema *event.Schema, texts []string) *features {
	t.Helper()
	var conditions []plan.Condition
	for _, text := range texts {
		tree, faults := lang.Check(text, schema, nil)
		if len(faults) > 0 {
			t.Fatalf("%s: %v", text, faults)
		}
		conditions = append(conditions, plan.Condition{Tree: tree, Source: text})
	}
	program, err := plan.Compile(schema, conditions, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := program.Plan()
	if len(p.Lists) != 0 {
		t.Fatalf("%d windows need the slow path", len(p.Lists))
	}
	f := &features{store: history.New(schema), program: program, values: make([]history.Value, len(p.Queries))}
	f.store.Install(p)
	return f
}

// value gives the one window value of a condition.
func (f *features) value(condition int) history.Value {
	return f.values[f.program.Queries(condition)[0]]
}

func (f *features) int(condition int) int64 { return int64(f.value(condition).Bits) }

// july reads a reference file into rows by transaction id.
func july(t *testing.T, path string) (column map[string]int, rows map[int64][]string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(z)
	head, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	column, rows = map[string]int{}, map[int64][]string{}
	for i, name := range head {
		column[name] = i
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return column, rows
		}
		if err != nil {
			t.Fatal(err)
		}
		id, err := strconv.ParseInt(row[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		rows[id] = row
	}
}

// replay drives the histories over the real data with labels seven days late,
// and calls look for every transaction that the reference has.
func (f *features) replay(t *testing.T, schema *event.Schema, rows map[int64][]string, look func(tx *event.Transaction, row []string)) {
	t.Helper()
	var labels []event.Label
	seen := 0
	err := files.Read(context.Background(), schema, []string{handbook(t, "transactions.csv.gz")}, files.Options{}, func(items []files.Item) error {
		for i := range items {
			tx := &items[i].Tx
			for len(labels) > 0 && labels[0].Time <= tx.Time {
				f.store.Label(&labels[0])
				labels = labels[1:]
			}
			if row := rows[int64(tx.Words[schema.ID])]; row != nil {
				f.store.Observe(tx, f.values, f.lists)
				look(tx, row)
				seen++
			}
			f.store.Remember(tx)
			if items[i].Fraud {
				labels = append(labels, event.Label{IDKey: tx.IDKey, Time: tx.Time + 7*86400e9, Fraud: true, TxTime: math.MinInt64})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen != len(rows) {
		t.Fatalf("compared %d transactions of %d", seen, len(rows))
	}
}

// expect compares a number with the reference's text.
func expect(t *testing.T, id int64, name string, got int64, row []string, column map[string]int) {
	t.Helper()
	if want := row[column[name]]; strconv.FormatInt(got, 10) != want {
		t.Errorf("transaction %d, %s: got %d, want %s", id, name, got, want)
	}
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// TestFeaturesOfJuly compares every value of the book's features: the customer
// windows after adding the current transaction, which the file includes.
func TestFeaturesOfJuly(t *testing.T) {
	if testing.Short() {
		t.Skip("five months of real data: run without -short")
	}
	schema, err := event.LoadSchema("../configs/handbook/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	column, rows := july(t, handbook(t, "features_2018-07.csv.gz"))
	spans := []struct{ name, between string }{{"1d", `"8d", "7d"`}, {"7d", `"14d", "7d"`}, {"30d", `"37d", "7d"`}}
	var texts []string
	for _, s := range spans {
		texts = append(texts,
			`count(customer.last("`+s.name+`")) >= 0`,
			`sum(customer.last("`+s.name+`"), .amount_minor) >= 0`,
			`count(terminal.between(`+s.between+`)) >= 0`,
			`count(terminal.between(`+s.between+`), .fraud) >= 0`)
	}
	f := newFeatures(t, schema, texts)
	hour, weekday := event.Column{Field: -1, Form: event.Hour}, event.Column{Field: -1, Form: event.Weekday}
	amount := schema.Field("amount")
	f.replay(t, schema, rows, func(tx *event.Transaction, row []string) {
		id := int64(tx.Words[schema.ID])
		for i, s := range spans {
			n, sum := f.int(4*i)+1, f.int(4*i+1)+int64(tx.Words[amount])
			expect(t, id, "customer_nb_tx_"+s.name, n, row, column)
			expect(t, id, "customer_sum_cents_"+s.name, sum, row, column)
			ratio(t, id, "customer_avg_amount_"+s.name, float64(sum)/(float64(n)*100), row, column)
			terminals, frauds := f.int(4*i+2), f.int(4*i+3)
			expect(t, id, "terminal_nb_tx_"+s.name, terminals, row, column)
			expect(t, id, "terminal_nb_fraud_"+s.name, frauds, row, column)
			ratio(t, id, "terminal_risk_"+s.name, float64(frauds)/max(float64(terminals), 1), row, column)
		}
		expect(t, id, "tx_during_weekend", flag(int64(tx.Value(weekday).Bits) >= 6), row, column)
		expect(t, id, "tx_during_night", flag(int64(tx.Value(hour).Bits) <= 6), row, column)
	})
}

// ratio compares a quotient with the reference's six decimals.
func ratio(t *testing.T, id int64, name string, got float64, row []string, column map[string]int) {
	t.Helper()
	want, err := strconv.ParseFloat(row[column[name]], 64)
	if err != nil || math.Abs(got-want) > 0.000_000_6 {
		t.Errorf("transaction %d, %s: got %f, want %s", id, name, got, row[column[name]])
	}
}

// TestVelocityOfJuly compares every value of the velocity reference, after
// adding the current transaction, which the file includes.
func TestVelocityOfJuly(t *testing.T) {
	if testing.Short() {
		t.Skip("five months of real data: run without -short")
	}
	schema, err := event.LoadSchema("../configs/handbook/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	column, rows := july(t, handbook(t, "velocity_2018-07.csv.gz"))
	spans := []string{"15m", "1h", "24h"}
	var texts []string
	for _, e := range [][2]string{{"customer", "terminal"}, {"terminal", "customer"}} {
		for _, s := range spans {
			window := e[0] + `.last("` + s + `")`
			texts = append(texts,
				`count(`+window+`) >= 0`,
				`sum(`+window+`, .amount_minor) >= 0`,
				`distinct(`+window+`, .`+e[1]+`) >= 0`,
				`any(`+window+`, .`+e[1]+` == tx.`+e[1]+`)`,
				`max(`+window+`, .amount_minor) >= 0`)
		}
		texts = append(texts, `last(`+e[0]+`.last("150d")).seconds_ago >= 0`)
	}
	texts = append(texts, `any(customer.last("150d"), .terminal == tx.terminal)`)
	f := newFeatures(t, schema, texts)
	amount := schema.Field("amount")
	f.replay(t, schema, rows, func(tx *event.Transaction, row []string) {
		id, minor := int64(tx.Words[schema.ID]), int64(tx.Words[amount])
		for e, entity := range []string{"customer", "terminal"} {
			base := e * (5*len(spans) + 1)
			for i, s := range spans {
				q := base + 5*i
				expect(t, id, entity+"_nb_"+s, f.int(q)+1, row, column)
				expect(t, id, entity+"_sum_cents_"+s, f.int(q+1)+minor, row, column)
				expect(t, id, entity+"_distinct_"+s, f.int(q+2)+1-f.int(q+3), row, column)
				if s == "24h" {
					largest := minor
					if v := f.value(q + 4); v.Kind != event.None {
						largest = max(largest, int64(v.Bits))
					}
					expect(t, id, entity+"_max_cents_24h", largest, row, column)
				}
			}
			last := f.value(base + 5*len(spans))
			name := entity + "_secs_since_prev"
			if last.Kind == event.None {
				if want := row[column[name]]; want != "" && want != "-1" {
					t.Errorf("transaction %d, %s: got none, want %s", id, name, want)
				}
				continue
			}
			expect(t, id, name, int64(math.Float64frombits(last.Bits)), row, column)
		}
		expect(t, id, "first_customer_terminal_pair", 1-f.int(len(texts)-1), row, column)
	})
}
