package scoring

import (
	"strconv"
	"testing"
	"testing/fstest"

	"sluice/rules"
	"sluice/scoring/event"
)

const recordSchema = `
fields:
  id: {type: integer}
  time: {type: timestamp, unit: ms}
  amount: {type: money, currency: EUR}
  card: {type: string, entity: true}
`

const recordRules = `
rules:
  - {id: many, when: 'count(card.last("10m")) >= 3', verdict: review, reason: MANY}
  - {id: much, when: 'sum(card.last("1h"), .amount) > 100', score: 60, reason: MUCH}
`

// decidedOnce is a core that has just decided the fourth payment of a card, and
// that decision: two rules have fired.
func decidedOnce(t testing.TB) (*Core, *Decision) {
	t.Helper()
	schema, err := event.ParseSchema("record.yaml", []byte(recordSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.LoadFS(fstest.MapFS{"record.yaml": {Data: []byte(recordRules)}}, "record", schema)
	if err != nil {
		t.Fatal(err)
	}
	c := New(schema, set, Options{Run: "0123456789abcdef", Workers: 1})
	decoder := event.NewDecoder(schema)
	for i := range int64(4) {
		const start = 1_532_000_000_000 // ms
		ms := start + i*60_000
		tx := new(event.Transaction)
		m := `{"id":` + strconv.FormatInt(900_000+i, 10) + `,"time":` + strconv.FormatInt(ms, 10) + `,"amount":57.16,"card":"c-1"}`
		if err := decoder.Transaction(tx, []byte(m), 2e18); err != nil {
			t.Fatal(err)
		}
		tx.Arrive(ms*1e6 + 250e6)
		c.Decide([]Input{{Tx: tx, Source: Source{Partition: 3, Offset: 40_000 + i}}}, ms*1e6+251_234_567)
	}
	return c, &c.decisions[0]
}

// limitRecord is the record of decidedOnce written by hand: it knows all texts,
// which rules fired and where the values are, and no field is ever missing.
func limitRecord(b []byte, set string, id, score, partition, offset int64, at, arrival, now int64, count int64, sum float64) []byte {
	b = strconv.AppendInt(append(b, `{"transaction_id":`...), id, 10)
	b = strconv.AppendInt(append(b, `,"verdict":"review","score":`...), score, 10)
	b = append(b, `,"rules":["many","much"],"reasons":["MANY","MUCH"],"shadow":[],"skipped":[],"flags":[],"rule_set":"`...)
	b = append(append(b, set...), `","event_time":"`...)
	b = event.AppendTime(b, at)
	b = event.AppendTime(append(b, `","arrival_time":"`...), arrival)
	b = event.AppendTime(append(b, `","decided_at":"`...), now)
	b = appendMillis(append(b, `","latency_ms":`...), now-arrival)
	b = strconv.AppendInt(append(b, `,"source":{"partition":`...), partition, 10)
	b = strconv.AppendInt(append(b, `,"offset":`...), offset, 10)
	b = append(b, `},"run":"0123456789abcdef","windows":[{"expr":"count(card.last(\"10m\"))","value":`...)
	b = strconv.AppendInt(b, count, 10)
	b = append(b, `,"maturity":0.300},{"expr":"sum(card.last(\"1h\"), .amount)","value":`...)
	b = strconv.AppendFloat(b, sum, 'g', -1, 64)
	return append(b, `,"maturity":0.050}]}`...)
}

// BenchmarkEncode writes the record of a verdict for which two rules have fired.
func BenchmarkEncode(b *testing.B) {
	c, d := decidedOnce(b)
	now := d.Tx.Arrival + 1_234_567
	values := c.values[:len(c.plan.Queries)]
	limit := func(out []byte) []byte {
		return limitRecord(out, c.set.Hash, 900_003, 60, 3, 40_003, d.Tx.Time, d.Tx.Arrival, now, 3, 171.48)
	}
	if got, want := string(d.Record), string(limit(nil)); got != want {
		b.Fatalf("the limit's record is another one:\n%s\nnot\n%s", want, got)
	}
	out := make([]byte, 0, 4096)
	b.Run("sluice", func(b *testing.B) {
		var r recorder
		b.ReportAllocs()
		for b.Loop() {
			out = r.append(out[:0], c, d, values, now)
		}
	})
	b.Run("limit", func(b *testing.B) {
		for b.Loop() {
			out = limit(out[:0])
		}
	})
}
