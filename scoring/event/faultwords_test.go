package event

import "testing"

// TestFaultNames: a fault names the member or column as the data has it, and the
// field where the schema calls it something else.
func TestFaultNames(t *testing.T) {
	s := mustSchema(t, `
fields:
  id: {type: integer}
  time: {from: at, type: timestamp}
  pin: {from: auth.pin, type: integer, secret: true}
label: {id: id, value: fraud}
`)
	d := NewDecoder(s)
	var tx Transaction
	for msg, want := range map[string]string{
		`{"id":"x"}`: "id must be an integer without fraction and exponent",
		`{"id":1}`:   "at (time in the schema) is missing",
		`{"id":1,"at":"2026-03-01T10:00:00Z","auth":{"pin":"73519"}}`: "auth.pin (pin in the schema) must be an integer without fraction and exponent",
		`{"id":`: "id is not valid JSON, or what follows it",
	} {
		if err := d.Transaction(&tx, []byte(msg), 0); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", msg, err, want)
		}
	}
	var label Label
	want := "fraud (value in the schema) must be true or false, or 1 or 0"
	if err := d.Label(&label, []byte(`{"id":1,"fraud":[]}`), 0); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestIDOfFault: of what is refused, the id is known where it was read.
func TestIDOfFault(t *testing.T) {
	s := mustSchema(t, "fields: {id: {type: string}, time: {type: timestamp}, n: {type: integer}}")
	known, _ := s.IDKey("a")
	d := NewDecoder(s)
	var tx Transaction
	if d.IDKey() != (Key{}) {
		t.Error("an id before anything was read")
	}
	for _, c := range []struct {
		msg  string
		want Key
	}{
		{`{"id":"a","time":"2026-03-01T10:00:00Z"}`, known},
		{`{"time":"2026-03-01T10:00:00Z"}`, Key{}},
		{`{"id":"a","n":"x"}`, known},
		{`{"n":"x","id":"a"}`, Key{}},
		{`{"id":"a"`, known},
	} {
		_ = d.Transaction(&tx, []byte(c.msg), 0)
		if d.IDKey() != c.want {
			t.Errorf("%s: another id", c.msg)
		}
	}
	csv, err := NewCSV(s, []string{"id", "time", "n"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cells []string
		want  Key
	}{
		{[]string{"a", "2026-03-01T10:00:00Z", "1"}, known},
		{[]string{"a", "x", "1"}, known},
		{[]string{"a", "x"}, Key{}},
		{[]string{"", "2026-03-01T10:00:00Z", "1"}, Key{}},
	} {
		_, _, _ = csv.Record(&tx, c.cells)
		if csv.IDKey() != c.want {
			t.Errorf("%q: another id", c.cells)
		}
	}
}
