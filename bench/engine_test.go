package bench

import (
	"context"
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
	"sluice/scoring/history"
	"sluice/stream/files"
)

// warm is how many transactions of the real data fill the histories before
// anything is measured: more than the 30 days that the windows look back.
const warm = 400_000

// batchSize is how many transactions the engine takes at once when it is busy.
const batchSize = 128

// handbook gives the path of a file of the real data.
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

func loadSchema(t testing.TB) *event.Schema {
	t.Helper()
	schema, err := event.LoadSchema("../configs/handbook/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func loadRules(t testing.TB, schema *event.Schema) *rules.Set {
	t.Helper()
	set, err := rules.Load("../configs/heavy/rules", schema)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// messages are the transactions of the real data as they stand in Kafka.
func messages(t testing.TB, schema *event.Schema, n int) [][]byte {
	t.Helper()
	var out [][]byte
	enough := fmt.Errorf("enough")
	err := files.Read(context.Background(), schema, []string{handbook(t, "transactions.csv.gz")}, files.Options{}, func(items []files.Item) error {
		for i := range items {
			// Written as the peers' loader writes them: plain numbers for ids.
			tx := &items[i].Tx
			out = append(out, fmt.Appendf(nil, `{"transaction_id":%s,"tx_datetime":"%s","customer_id":%s,"terminal_id":%s,"tx_amount":%s}`,
				tx.AppendText(nil, 0), tx.AppendText(nil, 1), tx.AppendText(nil, 2), tx.AppendText(nil, 3), amount(tx)))
		}
		if len(out) >= n {
			return enough
		}
		return nil
	})
	if err != nil && err != enough { //nolint:errorlint // it is returned as it is
		t.Fatal(err)
	}
	return out
}

// amount is the amount without its currency.
func amount(tx *event.Transaction) string {
	text, _, _ := strings.Cut(event.FormatMoney(int64(tx.Words[tx.Schema.Field("amount")]), tx.Currency), " ")
	return text
}

// BenchmarkDecode turns the bytes of a transaction into its fields.
func BenchmarkDecode(b *testing.B) {
	schema := loadSchema(b)
	in := messages(b, schema, 20_000)
	b.Run("sluice", func(b *testing.B) {
		decoder := event.NewDecoder(schema)
		var tx event.Transaction
		b.ReportAllocs()
		for i := range b.N {
			if err := decoder.Transaction(&tx, in[i%len(in)], 2e18); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("limit", func(b *testing.B) {
		sum := int64(0)
		for i := range b.N {
			sum += limitDecode(in[i%len(in)]).cents
		}
		if sum == 0 {
			b.Fatal("nothing was read")
		}
	})
}

// BenchmarkLight is the way of a transaction through the three rules of the
// handbook's pack.
func BenchmarkLight(b *testing.B) {
	schema := loadSchema(b)
	set, err := rules.Load("../configs/handbook/rules", schema)
	if err != nil {
		b.Fatal(err)
	}
	in := messages(b, schema, 900_000)
	e := newEngine(schema, set, 1)
	e.run(in[:warm])
	live := in[warm:]
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += len(live) {
		if done > 0 {
			b.StopTimer()
			e = newEngine(schema, set, 1)
			e.run(in[:warm])
			b.StartTimer()
		}
		e.run(live[:min(len(live), b.N-done)])
	}
}

// BenchmarkTransaction is the whole way of a transaction through the heavy job:
// decode, 20 windows, 100 rules, and the verdict's record.
func BenchmarkTransaction(b *testing.B) {
	schema := loadSchema(b)
	set := loadRules(b, schema)
	in := messages(b, schema, 900_000)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("sluice/workers=%d", workers), func(b *testing.B) {
			e := newEngine(schema, set, workers)
			e.run(in[:warm])
			live := in[warm:]
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += len(live) {
				if done > 0 {
					b.StopTimer()
					e = newEngine(schema, set, workers)
					e.run(in[:warm])
					b.StartTimer()
				}
				e.run(live[:min(len(live), b.N-done)])
			}
			if e.bytes == 0 {
				b.Fatal("no records were made")
			}
		})
	}
	b.Run("limit", func(b *testing.B) {
		j := newLimitJob(b)
		for _, m := range in[:warm] {
			j.observe(limitDecode(m))
		}
		live := in[warm:]
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			if i%len(live) == 0 && i > 0 {
				b.StopTimer()
				j = newLimitJob(b)
				for _, m := range in[:warm] {
					j.observe(limitDecode(m))
				}
				b.StartTimer()
			}
			x := limitDecode(live[i%len(live)])
			j.observe(x)
			j.decide(x)
		}
	})
}

// engine is decode and the core, without Kafka.
type engine struct {
	core    *scoring.Core
	decoder *event.Decoder
	txs     []event.Transaction
	batch   []scoring.Input
	bytes   int
}

func newEngine(schema *event.Schema, set *rules.Set, workers int) *engine {
	return &engine{
		core:    scoring.New(schema, set, scoring.Options{Run: "bench", Workers: workers}),
		decoder: event.NewDecoder(schema), txs: make([]event.Transaction, batchSize),
	}
}

func (e *engine) run(in [][]byte) {
	for len(in) > 0 {
		n := min(batchSize, len(in))
		e.batch = e.batch[:0]
		for i := range n {
			tx := &e.txs[i]
			if err := e.decoder.Transaction(tx, in[i], 0); err != nil {
				panic(err)
			}
			tx.Arrive(int64(tx.Words[1]))
			e.batch = append(e.batch, scoring.Input{Tx: tx})
		}
		for _, d := range e.core.Decide(e.batch, 0) {
			e.bytes += len(d.Record)
		}
		in = in[n:]
	}
}

// BenchmarkObserve fills 20 windows over 4 entities and remembers the transaction.
func BenchmarkObserve(b *testing.B) {
	schema, err := event.ParseSchema("bench.yaml", []byte(observeSchema), nil)
	if err != nil {
		b.Fatal(err)
	}
	txs := observeStream(b, schema, 600_000)
	b.Run("sluice", func(b *testing.B) {
		var plan history.Plan
		plan.Retention = 30 * 24 * time.Hour
		for e := range schema.Entities {
			for _, w := range []time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour} {
				q := history.Query{Entity: e, Span: history.Span{From: w}, Agg: history.Count}
				if e%2 == 1 {
					q.Agg, q.Column = history.Sum, event.Column{Field: schema.Field("amount")}
				}
				plan.Queries = append(plan.Queries, q)
			}
		}
		values := make([]history.Value, len(plan.Queries))
		var store *history.Store
		start := func() {
			store = history.New(schema)
			store.Install(&plan)
			for i := range txs[:warm] {
				store.Remember(&txs[i])
			}
		}
		start()
		live := txs[warm:]
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			if i%len(live) == 0 && i > 0 {
				b.StopTimer()
				start()
				b.StartTimer()
			}
			tx := &live[i%len(live)]
			store.Observe(tx, values, nil)
			store.Remember(tx)
		}
	})
	b.Run("limit", func(b *testing.B) {
		var h [4]map[uint64][]seen
		var values [4][10]int64
		observe := func(tx *event.Transaction) {
			for e := range h {
				key := tx.Entities[e][0]
				s := limitWindows(h[e][key], tx.Time/1e9, values[e][:])
				h[e][key] = append(s, seen{tx.Time / 1e9, int64(tx.Words[2])})
			}
		}
		start := func() {
			for e := range h {
				h[e] = map[uint64][]seen{}
			}
			for i := range txs[:warm] {
				observe(&txs[i])
			}
		}
		start()
		live := txs[warm:]
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			if i%len(live) == 0 && i > 0 {
				b.StopTimer()
				start()
				b.StartTimer()
			}
			observe(&live[i%len(live)])
		}
	})
}

const observeSchema = `
fields:
  id: {type: integer}
  time: {type: timestamp, unit: ms}
  amount: {type: money, currency: EUR}
  card: {type: string, entity: true}
  device: {type: string, entity: true}
  ip: {type: string, entity: true}
  merchant: {type: string, entity: true}
`

// observeStream spreads payments over 40 days: a card has some 60 a month.
func observeStream(b *testing.B, schema *event.Schema, n int) []event.Transaction {
	b.Helper()
	out := make([]event.Transaction, n)
	decoder := event.NewDecoder(schema)
	step := 40 * 24 * time.Hour / time.Duration(n)
	for i := range out {
		// Multiplying by odd numbers scatters the entities without a generator.
		m := fmt.Appendf(nil, `{"id":%d,"time":%d,"amount":%d.%02d,"card":"c%d","device":"d%d","ip":"i%d","merchant":"m%d"}`,
			i, 1_600_000_000_000+int64(i)*step.Milliseconds(), i%200, i%100, i*7919%7500, i*104729%9000, i*1299709%11000, i*15485863%6000)
		if err := decoder.Transaction(&out[i], m, 2e18); err != nil {
			b.Fatal(err)
		}
		out[i].Arrive(out[i].Time)
	}
	return out
}

// BenchmarkReload compiles the 100 rules from their file.
func BenchmarkReload(b *testing.B) {
	schema := loadSchema(b)
	src, err := os.ReadFile("../configs/heavy/rules/heavy.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := rules.LoadFS(fstest.MapFS{"heavy.yaml": {Data: src}}, "heavy", schema); err != nil {
			b.Fatal(err)
		}
	}
}
