package journal

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"sluice/rules"
)

// The first looks after a start ask no Bloom filter, the later ones do, and both
// find the same: of entities and ids that are there, in any number of cuts and
// buckets, and of ones that are not.
func TestSeek(t *testing.T) {
	schema := parseSchema(t, testSchema)
	o := Options{Dir: t.TempDir(), Schema: schema}
	j, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(4, 9))
	for range 12 { // cuts
		s := j.Segment()
		for range 50 {
			at := noon - r.Int64N(20)*int64(24*time.Hour)
			tx := decode(t, schema, fmt.Sprintf(`{"id":"p%d","time":%d,"card":"c%d","amount":5}`, r.IntN(900), at/1e6, r.IntN(60)), at+1e9)
			s.Decided(tx, rules.Allow, 0, true)
			if r.IntN(9) == 0 {
				s.Label(tx.AppendIDValue(nil), at+1, true)
			}
		}
		if err := j.Write([]*Segment{s}, Progress{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	o.ReadOnly = true
	if j, err = Open(o); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	s := j.store.Load()
	asked := func() int64 { m := s.db.Metrics(); return m.Filter.Hits + m.Filter.Misses }
	later := int64(0) // filters that later looks asked
	// both does something without filters, and with them.
	both := func(what string, do func() any) {
		t.Helper()
		s.looks.Store(0)
		before := asked()
		without := do()
		if n := asked() - before; n > 0 {
			t.Errorf("%s: the first look asked %d filters", what, n)
		}
		s.looks.Store(looksWithout)
		if with := do(); !reflect.DeepEqual(without, with) {
			t.Errorf("%s: without filters %v, with them %v", what, without, with)
		}
		later += asked() - before
	}
	rows := 0
	for card := range 80 { // a quarter of them are not there
		both(fmt.Sprintf("card c%d", card), func() any {
			h := history(t, j, 0, fmt.Sprintf("c%d", card))
			rows += len(h.rows)
			return h
		})
	}
	if rows == 0 {
		t.Error("no card has a row")
	}
	for n := range 900 {
		id, ok := schema.AppendIDValue(nil, fmt.Sprintf("p%d", n))
		if !ok {
			t.Fatal(n)
		}
		both(fmt.Sprintf("id p%d", n), func() any {
			d, ok, err := j.Find(id)
			if err != nil {
				t.Fatal(err)
			}
			return []any{d, ok}
		})
	}
	if later < 900 { // a key below or above all of a table needs none
		t.Errorf("later looks asked %d filters", later)
	}
	s.looks.Store(0)
	before := asked()
	for range looksWithout {
		history(t, j, 0, "c1")
	}
	if asked() != before {
		t.Errorf("filters were asked within the first %d looks", looksWithout)
	}
	for c := range 20 {
		history(t, j, 0, fmt.Sprintf("c%d", c))
	}
	if asked() == before {
		t.Error("no filter is ever asked")
	}
}

// What is behind a prefix lies above all keys that begin with it, and no other
// key lies between.
func TestBehind(t *testing.T) {
	for _, c := range []struct{ prefix, want []byte }{
		{[]byte{'h', 0, 1}, []byte{'h', 0, 2}},
		{[]byte{'h', 0, 0xff}, []byte{'h', 1, 0}},
		{[]byte{'h', 0xff, 0xff}, []byte{'i', 0, 0}},
	} {
		got := behind(nil, c.prefix)
		if !bytes.Equal(got, c.want) {
			t.Errorf("behind %x lies %x, not %x", c.prefix, got, c.want)
		}
		if last := append(bytes.Clone(c.prefix), 0xff, 0xff); bytes.Compare(last, got) >= 0 {
			t.Errorf("%x does not lie below %x", last, got)
		}
	}
}
