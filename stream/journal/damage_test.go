package journal

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestDamage cuts files at many places, turns bits over, and removes files.
// Opening, verifying and reading everything then either gives exactly what was
// there after some cut, or says that the journal is damaged.
func TestDamage(t *testing.T) {
	s := newStory(t, 8, 8)
	mem := vfs.NewMem()
	j, err := s.tell(t, mem, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := mem.List("/j/data")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(9, 9))
	times := 60
	if testing.Short() {
		times = 6
	}
	damaged, earlier, last := 0, 0, 0
	for _, name := range names {
		path := "/j/data/" + name
		whole := contents(t, mem, path)
		for i := range times {
			var broken []byte
			how := ""
			switch {
			case i == 0:
				how = "removed"
			case i%2 == 0 && len(whole) > 0:
				broken, how = whole[:r.IntN(len(whole))], "cut off"
			case len(whole) > 0:
				broken, how = append([]byte(nil), whole...), "a bit turned"
				broken[r.IntN(len(whole))] ^= 1 << r.IntN(8)
			default:
				continue
			}
			fs := vfs.NewMem()
			if _, err := vfs.Clone(mem, fs, "/j", "/j"); err != nil {
				t.Fatal(err)
			}
			if err := fs.Remove(path); err != nil {
				t.Fatal(err)
			}
			if how != "removed" {
				put(t, fs, path, broken)
			}
			switch k := s.examine(t, fs, name+" "+how); {
			case k < 0:
				damaged++
			case k < len(s.batches):
				earlier++
			default:
				last++
			}
		}
	}
	t.Logf("found damaged %d, at an earlier cut %d, whole %d", damaged, earlier, last)
	if damaged < earlier || damaged == 0 {
		t.Error("most damage should be found as such")
	}
}

// examine opens a journal, reads it, verifies it and reads it again; -1: it was
// found damaged.
func (s *story) examine(t *testing.T, fs vfs.FS, what string) int {
	t.Helper()
	o := Options{Dir: "/j", Schema: s.schema, FS: fs, Bucket: day, Cache: 1 << 20, Reserve: 1}
	_, verified := Verify(o)
	if verified != nil && !errors.Is(verified, ErrDamaged) {
		t.Fatalf("%s: verifying: %v", what, verified)
	}
	j, err := Open(o)
	if err == nil {
		defer j.Close()
		if j.Fresh() {
			t.Fatalf("%s: taken for a new journal", what)
		}
		k, why := 0, ""
		k, why, err = s.is(t, j, 0, len(s.batches))
		if err == nil && k < 0 {
			t.Fatalf("%s: it is like after no cut:%s", what, why)
		}
		if err == nil && verified == nil {
			return k
		}
		if err == nil {
			return -1 // what is damaged was not read
		}
	}
	if !errors.Is(err, ErrDamaged) {
		t.Fatalf("%s: %v", what, err)
	}
	if text := err.Error(); !strings.Contains(text, "journal.rebuild") || strings.Contains(text, "\n") || strings.Contains(text, "<corruption") {
		t.Errorf("%s: it is not said in a line what to do: %v", what, err)
	}
	if verified == nil {
		t.Errorf("%s: Verify has not found what reading found: %v", what, err)
	}
	return -1
}

func contents(t *testing.T, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func put(t *testing.T, fs vfs.FS, name string, b []byte) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(append([]byte(nil), b...)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
