package stream

import (
	"testing"
	"time"

	"sluice/scoring/event"
	"sluice/stream/wire"
)

// TestStamps: a record's timestamp is its arrival where it can be one. Where there
// is none, or one in microseconds or nanoseconds, it says nothing: a transaction
// arrived at its event time, and a label that does not say its own time is refused.
func TestStamps(t *testing.T) {
	const at = 1_795_478_232_000 // ms
	for _, c := range []struct {
		name           string
		stamp, arrival int64 // ms
		future         bool
		label          bool // that says no time is taken
	}{
		{"in milliseconds", at + 7, at + 7, false, true},
		{"long before", 0, 0, true, true},
		{"the last one", event.MaxTime / 1e6, event.MaxTime / 1e6, false, true},
		{"none", -1, at, false, false},
		{"the smallest", -1 << 63, at, false, false},
		{"behind the last one", event.MaxTime/1e6 + 1, at, false, false},
		{"in microseconds", at * 1000, at, false, false},
		{"in nanoseconds", at * 1000_000, at, false, false},
		{"the largest", 1<<63 - 1, at, false, false},
	} {
		schema, err := event.ParseSchema("schema.yaml", []byte(`
fields:
  id:   {type: integer}
  time: {type: timestamp, unit: ms}
label: {id: id, value: fraud, time: found}
`), nil)
		if err != nil {
			t.Fatal(err)
		}
		d := &decoding{decoder: event.NewDecoder(schema), schema: schema}
		txs := &chunk{lane: &lane{}}
		if fault := d.record(txs, &wire.Record{Time: c.stamp, Value: []byte(`{"id":1,"time":1795478232000}`)}); fault != nil {
			t.Fatalf("%s: %v", c.name, fault)
		}
		if tx := &txs.txs[0]; tx.Arrival != c.arrival*1e6 || tx.Future != c.future {
			t.Errorf("%s: arrived at %v, future %t", c.name, time.Unix(0, tx.Arrival).UTC(), tx.Future)
		}
		labels := &chunk{lane: &lane{label: true}}
		fault := d.record(labels, &wire.Record{Time: c.stamp, Value: []byte(`{"id":1,"fraud":true}`)})
		switch {
		case (fault != nil) != !c.label:
			t.Errorf("%s: a label without a time: %v", c.name, fault)
		case fault != nil && (fault.Code != event.MissingField || fault.Field != "time"):
			t.Errorf("%s: %+v", c.name, fault)
		case fault == nil && labels.labels[0].Time != c.stamp*1e6:
			t.Errorf("%s: a label of %v", c.name, time.Unix(0, labels.labels[0].Time).UTC())
		}
		if fault := d.record(labels, &wire.Record{Time: c.stamp, Value: []byte(`{"id":1,"fraud":true,"found":1795478232000}`)}); fault != nil {
			t.Errorf("%s: a label with a time: %v", c.name, fault)
			continue
		}
		last := len(labels.keys) - 1
		if key := labels.keys[last].time; key != min(c.arrival, at)*1e6 || labels.labels[last].Time != at*1e6 {
			t.Errorf("%s: a label of %v goes as of %v", c.name, time.Unix(0, labels.labels[last].Time).UTC(), time.Unix(0, key).UTC())
		}
	}
}
