package journal

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sluice/scoring/event"
)

func mustOpen(t testing.TB, fs vfs.FS, schema *event.Schema) *Journal {
	t.Helper()
	j, err := Open(Options{Dir: "/j", Schema: schema, FS: fs, Bucket: day, Cache: 1 << 20, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TestTwin plays random cuts on a journal and on plain maps, with reopenings,
// sorting in and forgetting between them.
func TestTwin(t *testing.T) {
	schema := parseSchema(t, testSchema)
	seeds := uint64(5)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		fs := vfs.NewMem()
		j := mustOpen(t, fs, schema)
		if !j.Fresh() {
			t.Fatal("a new journal is not fresh")
		}
		w, m := newWorld(seed), newModel()
		for range 40 {
			b := w.batch(30)
			if err := j.Write(segments(t, j, schema, b), b.next); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			m.apply(b)
			switch w.r.IntN(8) {
			case 0:
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				j = mustOpen(t, fs, schema)
				if j.Fresh() {
					t.Fatal("an old journal is fresh")
				}
				m.check(t, j, schema, "reopened")
			case 1:
				m.check(t, j, schema, "open")
			case 2:
				if err := j.Compact(); err != nil {
					t.Fatal(err)
				}
				m.check(t, j, schema, "compacted")
			case 3:
				events, ids := w.now-w.r.Int64N(40)*int64(day), w.now-w.r.Int64N(40)*int64(day)
				if err := j.Forget(events, ids); err != nil {
					t.Fatal(err)
				}
				m.forget(events, ids, int64(day))
				m.check(t, j, schema, "forgotten")
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if err := j.Write(nil, Progress{}); !errors.Is(err, ErrClosed) {
			t.Errorf("writing to a closed journal: %v", err)
		}
	}
}
