package journal

import (
	"errors"
	"fmt"
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

// checkNothing looks for what a journal that was sifted does not hold: most of
// it needs no look at the disk.
func (m *model) checkNothing(t *testing.T, j *Journal) {
	t.Helper()
	seems := 0
	for n := range 200 {
		if j.MayFind(fmt.Appendf(nil, "tno-%d", n)) {
			seems++
		}
		if j.MayHold(n%3, fmt.Appendf(nil, "no-%d", n)) {
			seems++
		}
	}
	if seems > 20 {
		t.Errorf("%d of 400 seem to be there", seems)
	}
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
			switch w.r.IntN(10) {
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
			case 4:
				if err := j.Sift(t.Context()); err != nil {
					t.Fatal(err)
				}
				m.check(t, j, schema, "sifted")
				m.checkNothing(t, j)
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
