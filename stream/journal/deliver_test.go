package journal

import (
	"testing"

	"sluice/rules"
)

// TestLabelBesideRepeat: a label goes to the history that holds its transaction,
// also where its cut has the same transaction once more, which the history did not
// take again.
func TestLabelBesideRepeat(t *testing.T) {
	schema := parseSchema(t, testSchema)
	j, err := Open(Options{Dir: t.TempDir(), Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	tx := decode(t, schema, `{"id":"a","time":1700000000000,"card":"c","amount":5}`, noon)
	late := decode(t, schema, `{"id":"b","time":1600000000000,"card":"c","amount":5}`, noon)
	write := func(fill func(s *Segment)) {
		t.Helper()
		s := j.Segment()
		fill(s)
		if err := j.Write([]*Segment{s}, Progress{}); err != nil {
			t.Fatal(err)
		}
	}
	write(func(s *Segment) {
		s.Decided(tx, rules.Allow, 0, true)
		s.Label(late.AppendIDValue(nil), noon, true) // waits
	})
	write(func(s *Segment) {
		s.Decided(tx, rules.Allow, 0, false)
		s.Label(tx.AppendIDValue(nil), noon+1, true)
		s.Decided(late, rules.Allow, 0, false)
		s.Decided(late, rules.Allow, 0, false)
		s.Label(late.AppendIDValue(nil), noon+1, true)
	})
	if labels := history(t, j, 0, "c").labels; len(labels) != 1 || !labels[tx.IDKey][noon+1] {
		t.Errorf("the history has the labels %v", labels)
	}
	if n := j.waiting.len(); n != 0 {
		t.Errorf("labels of %d payments wait", n)
	}
}
