package journal

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sluice/rules"
	"sluice/scoring/event"
)

// TestKnownBefore logs an id again and again, each time knowing something else
// of it: nothing that was known is forgotten, in one cut or in several.
func TestKnownBefore(t *testing.T) {
	schema := parseSchema(t, testSchema)
	tx := decode(t, schema, `{"id":"a","time":1700000000000,"card":"c","amount":5}`, noon)
	id := tx.AppendIDValue(nil)
	steps := []func(s *Segment){
		func(s *Segment) { s.Decided(tx, rules.NoVerdict, 0, true) },
		func(s *Segment) { s.Recalled(id, rules.Deny, 5, noon, 1, 7) },
		func(s *Segment) { s.Decided(tx, rules.NoVerdict, 0, false) },
	}
	for cuts := 1; cuts <= len(steps); cuts += 2 {
		j := mustOpen(t, vfs.NewMem(), schema)
		s := j.Segment()
		for i, step := range steps {
			step(s)
			if cuts == 1 && i < len(steps)-1 {
				continue
			}
			if err := j.Write([]*Segment{s}, Progress{}); err != nil {
				t.Fatal(err)
			}
			s.Reset()
		}
		want := Decided{Verdict: rules.Deny, Score: 5, Arrival: noon, Time: tx.Time, Body: j.Body(tx), Partition: 1, Offset: 7, Taken: true}
		if got, ok, err := j.Find(id); !ok || err != nil || got != want {
			t.Errorf("%d cuts: found %v %+v, want %+v, %v", cuts, ok, got, want, err)
		}
		s.Label(id, noon+1, true)
		if err := j.Write([]*Segment{s}, Progress{}); err != nil {
			t.Fatal(err)
		}
		if got := history(t, j, 0, "c"); len(got.labels) != 1 {
			t.Errorf("%d cuts: the label has not found its way", cuts)
		}
		j.Close()
	}
}

// TestCollision gives a reader the rows of another entity whose hash is the same.
func TestCollision(t *testing.T) {
	schema := parseSchema(t, testSchema)
	st := newState(keyed{1, 2}, int64(day))
	st.layout(schema.StoredLayout())
	tx := decode(t, schema, `{"id":"a","time":1700000000000,"card":"c-1","pan":"41","amount":5}`, noon)
	s := new(Segment)
	s.Decided(tx, rules.Deny, 0, true)
	var b builder
	b.reset([]*Segment{s}, st, schema)
	b.collect()
	j := &Journal{o: Options{Schema: schema}}
	for _, c := range []struct {
		entity int
		value  string
		rows   int
	}{{0, "c-1", 1}, {0, "c-2", 0}, {2, "41", 1}, {2, "42", 0}} {
		d, err := j.decoder(st)
		if err != nil {
			t.Fatal(err)
		}
		d.look(c.entity, []byte(c.value), st)
		for i := range b.groups {
			if g := &b.groups[i]; int(g.entity) == c.entity {
				b.head(g)
				got := &seen{map[event.Key]string{}, map[event.Key]map[int64]bool{}}
				if err := d.piece(append(b.value, b.records[g.from:g.end]...), got); err != nil || len(got.rows) != c.rows {
					t.Errorf("%s: %d rows, want %d, %v", c.value, len(got.rows), c.rows, err)
				}
			}
		}
	}
}

// TestFuse lets nothing change a file once it is blown, whoever opened it when.
func TestFuse(t *testing.T) {
	mem := vfs.NewMem()
	f := &fuse{FS: mem, failed: func(error) {}}
	file, err := f.Create("/a", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte("before")); err != nil {
		t.Fatal(err)
	}
	f.blow()
	if !f.quiet(time.Minute) {
		t.Error("nothing is under way, and yet it is not quiet")
	}
	_, write := file.Write([]byte("after"))
	_, create := f.Create("/b", vfs.WriteCategoryUnspecified)
	_, full := file.SyncTo(1)
	for name, err := range map[string]error{
		"write": write, "create": create, "sync to": full, "sync": file.Sync(), "sync data": file.SyncData(), "remove": f.Remove("/a"),
		"remove all": f.RemoveAll("/a"), "rename": f.Rename("/a", "/c"), "link": f.Link("/a", "/c"), "make": f.MkdirAll("/d", 0o700),
	} {
		if !errors.Is(err, errBlown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := contents(t, mem, "/a"); string(got) != "before" {
		t.Errorf("the file holds %q", got)
	}
}

// pieces counts the pieces of an entity's history and gives the largest one.
func pieces(t *testing.T, j *Journal, name, value string) (n, largest int) {
	t.Helper()
	st := j.state.Load()
	var scratch []byte
	sc := scan{s: j.store.Load(), live: buckets(st.Events), history: true, prefix: st.Key.entity([]byte(name+"\x00"), []byte(value), &scratch)[0]}
	if err := sc.run(func(_, value []byte) error {
		n, largest = n+1, max(largest, len(value))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n, largest
}

func TestKeys(t *testing.T) {
	c := comparer()
	full := appendHistoryKey(nil, 7, math.MaxUint64, 1, 2)
	prefix := full[:c.Split(full)]
	if len(prefix) != historyPrefix {
		t.Fatalf("the prefix has %d bytes", len(prefix))
	}
	next := c.ImmediateSuccessor(nil, prefix)
	if c.Compare(next, full) <= 0 || c.Split(next) != len(next) {
		t.Errorf("%x does not follow %x", next, full)
	}
	lower, upper := bucketBounds(keyHistory, 7, 8)
	if c.Compare(lower, full) > 0 || c.Compare(upper, full) <= 0 {
		t.Errorf("%x is not in %x to %x", full, lower, upper)
	}
	if _, upper := bucketBounds(keyHistory, 7, math.MaxUint16+1); c.Compare(upper, appendHistoryKey(nil, math.MaxUint16, math.MaxUint64, 1, 1)) <= 0 {
		t.Errorf("the last bucket is not below %x", upper)
	}
}
