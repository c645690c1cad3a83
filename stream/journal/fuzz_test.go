package journal

import (
	"fmt"
	"hash/crc32"
	"testing"

	"sluice/rules"
	"sluice/scoring/event"
)

func sumOf(text string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(text))) }

// FuzzValues gives the readers of values any bytes: they read them or refuse
// them, and what they read of an id is written as the same again.
func FuzzValues(f *testing.F) {
	schema := parseSchema(f, testSchema)
	s := new(Segment)
	s.Decided(decode(f, schema, `{"id":"a","time":1700000000000,"card":"c","amount":5}`, noon), rules.Deny, 3, true)
	f.Add(append([]byte{0, 0, recordRow}, s.parts[0].buf[s.entry(0).row:]...))
	f.Add(appendLabel([]byte{0, 0}, []byte("ttx"), Waiting{noon, true}))
	f.Add(appendWaiting(nil, Waiting{noon, true}))
	f.Add(appendID(nil, &decidedID{decided: Decided{Arrival: noon, Time: noon, Body: event.Key{1, 0}, Taken: true}, entities: []uint64{3}}, 0))
	st := newState(keyed{1, 2}, int64(day))
	st.layout(schema.StoredLayout())
	if b, err := st.encode(); err == nil {
		f.Add(b)
	}
	j := &Journal{o: Options{Schema: schema}}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := j.decoder(st)
		if err != nil {
			t.Fatal(err)
		}
		d.look(0, []byte("c"), st)
		d.piece(b, &seen{map[event.Key]string{}, map[event.Key]map[int64]bool{}})
		d.count(b)
		readWaiting(b)
		decodeState(b)
		if len(b) > 0 {
			parseKey(b)
		}
		var id, again decidedID
		if readID(b, 0, &id) == nil {
			if err := readID(appendID(nil, &id, 0), 0, &again); err != nil || fmt.Sprint(id) != fmt.Sprint(again) {
				t.Errorf("%+v became %+v: %v", id, again, err)
			}
		}
	})
}
