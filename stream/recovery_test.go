package stream

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"sluice/scoring/event"
	"sluice/stream/wire"
)

func TestArrivedBefore(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano()
	for record, want := range map[string]bool{
		`{"transaction_id":1,"arrival_time":"2026-01-02T03:04:04.999Z"}`:                                     true,
		`{"transaction_id":1,"arrival_time":"2026-01-02T03:04:05Z"}`:                                         false,
		`{"transaction_id":"\"arrival_time\":\"2020-01-01T00:00:00Z","arrival_time":"2026-01-02T03:04:05Z"}`: false,
		`{"arrival_time":"yesterday"}`:                                                                       false,
		`{"arrival_time":"2026`:                                                                              false,
		``:                                                                                                   false,
	} {
		if got := arrivedBefore([]byte(record), since); got != want {
			t.Errorf("%s: %v", record, got)
		}
	}
}

// TestGlance: what is read fast is what the whole reading says, and what may
// be something else is left to it.
func TestGlance(t *testing.T) {
	const end = `,"rules":[],"event_time":"2018-04-01T00:00:31Z","arrival_time":"2018-04-01T00:00:31.25Z","source":"http","run":"ab12","windows":[]}`
	for record, fast := range map[string]bool{
		`{"transaction_id":17,"verdict":"deny","score":-4` + end:         true,
		`{"transaction_id":"p-1","verdict":"allow","score":0` + end:      true,
		`{"transaction_id":"p\u002d1","verdict":"allow","score":0` + end: false,
		`{"transaction_id":"a\",\"verdict\":\"deny","score":0` + end:     false,
		`{"verdict":"allow","transaction_id":"p-1","score":0` + end:      false,
		`{"transaction_id": 17,"verdict":"deny","score":-4` + end:        false,
		`{"transaction_id":17,"verdict":"deny","score":1.5` + end:        false,
		`{"transaction_id":17,"verdict":"deny","score":1,"run":"x"}`:     false,
		`{"transaction_id":17,"verdict":"deny","score":1`:                false,
		`{"transaction_id":""` + `,"verdict":"review","score":12` + end:  true,
		``: false,
	} {
		id, v, ok := glance([]byte(record))
		if ok != fast {
			t.Errorf("%s: read fast: %v", record, ok)
		}
		slowID, slow, good := peruse([]byte(record))
		slow.ID = nil
		if ok && (!good || !reflect.DeepEqual(v, slow) || id != slowID) {
			t.Errorf("%s:\n%q %+v\n%q %+v", record, id, v, slowID, slow)
		}
	}
}

// TestVoidVerdicts: what a run still writes behind the marker of another one
// does not count, and a marker is no verdict.
func TestVoidVerdicts(t *testing.T) {
	schema, err := event.ParseSchema("schema.yaml", []byte("fields: {id: {type: integer}, time: {type: timestamp}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var b wire.Batch
	b.Reset()
	verdict := func(id int, run string) {
		b.Append(1, nil, fmt.Appendf(nil, `{"transaction_id":%d,"verdict":"deny","score":0,"arrival_time":"2026-01-02T03:04:05Z","run":%q}`, id, run))
	}
	marker := func(run string) { b.Append(1, nil, nil, wire.Header{Key: markerHeader, Value: []byte(run)}) }
	verdict(1, "a")
	verdict(2, "a")
	marker("b")
	verdict(3, "a") // void
	verdict(3, "b")
	verdict(4, "b")
	marker("c")
	verdict(5, "b")       // void
	verdict(6, "a")       // void
	b.Append(1, nil, nil) // a tombstone of somebody else
	verdict(5, "c")
	verdict(7, "d") // without a journal a run sets no marker
	verdict(8, "c") // and nobody is fenced off by it
	marker("e")
	verdict(9, "d") // void

	tail := &tail{p: &Processor{o: Options{Schema: schema}}}
	var records wire.Records
	records.Reset(b.Seal(wire.Producer{}, 0), 0, nil)
	var rec wire.Record
	for records.Next(&rec) {
		tail.take(&rec)
	}
	var got []string
	for _, d := range tail.batch {
		got = append(got, fmt.Sprintf("%s at %d", d.run, d.Offset))
	}
	if want := []string{"a at 0", "a at 1", "b at 4", "b at 5", "c at 10", "d at 11", "c at 12"}; !slices.Equal(got, want) || tail.runs.void != 4 || tail.known != 7 {
		t.Errorf("%d count and %d are void: %q, want %q", tail.known, tail.runs.void, got, want)
	}
}

// TestIsVerdictOf: where a topic was made anew, what stands at a verdict's place
// is not given out as the verdict.
func TestIsVerdictOf(t *testing.T) {
	schema, err := event.ParseSchema("schema.yaml", []byte("fields: {id: {type: string}, time: {type: timestamp}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &Processor{o: Options{Schema: schema}}
	key, _ := schema.IDKey("p-1")
	for record, want := range map[string]bool{
		`{"transaction_id":"p-1","verdict":"deny","score":0,"arrival_time":"2026-01-02T03:04:05Z","run":"a"}`: true,
		`{"transaction_id": "p-1", "verdict": "deny"}`:                                                        true,
		`{"transaction_id":"p-2","verdict":"deny","score":0,"arrival_time":"2026-01-02T03:04:05Z","run":"a"}`: false,
		`{"transaction_id":"p-1"}`: false,
		``:                         false, // a marker
	} {
		if got := p.isVerdictOf(key, []byte(record)); got != want {
			t.Errorf("%s: %v", record, got)
		}
	}
}
