package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// wound is one harm to one file of a journal.
type wound struct {
	file string
	at   int // where the file ends now, or which byte has a bit turned
	bit  int // -1: the file is cut off
}

// cutStory is a story of size x 28 KiB, sorted in in its middle.
func cutStory(t *testing.T, size int) (*story, *vfs.MemFS) {
	t.Helper()
	s := newStory(t, 11, 0)
	w := newWorld(11)
	for range 12 {
		b := w.batch(40)
		for range size - 1 {
			more := w.batch(40)
			b.txs, b.labels = append(b.txs, more.txs...), append(b.labels, more.labels...)
			maps.Copy(b.next.Next, more.next.Next)
		}
		m := s.models[len(s.models)-1].clone()
		m.apply(b)
		s.batches, s.models = append(s.batches, b), append(s.models, m)
	}
	mem := vfs.NewMem()
	j, err := s.tell(t, mem, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return s, mem
}

// TestCuts cuts a journal off where it hurts most, at random places, and turns
// random bits over. It is then found damaged, or is exactly what it was after
// some cut.
//
//	SLUICE_JOURNAL=full  go test -v -run TestCuts -timeout 1h ./stream/journal  at every record's and block's end and the bytes around it, at 10,000 places; 1,000 bits
//	SLUICE_JOURNAL=every go test -v -run TestCuts -timeout 5h ./stream/journal  at every byte of the last MiB; every/40: at every 40th
func TestCuts(t *testing.T) {
	t.Parallel()
	mode, share, _ := strings.Cut(os.Getenv("SLUICE_JOURNAL"), "/")
	size := 4
	if mode == "every" {
		size = 41 // more than a MiB
	}
	s, mem := cutStory(t, size)
	files, total := journalFiles(t, mem), 0
	for _, f := range files {
		total += len(f.data)
	}
	t.Logf("%d files, %d bytes, seed 9", len(files), total)
	r := rand.New(rand.NewPCG(9, 10))
	random := func(n int, bit func() int) (out []wound) {
		for range n {
			at := r.IntN(total)
			for _, f := range files {
				if at < len(f.data) {
					out = append(out, wound{f.name, at, bit()})
					break
				}
				at -= len(f.data)
			}
		}
		return out
	}
	cut, turned := func() int { return -1 }, func() int { return r.IntN(8) }
	switch mode {
	case "every":
		step, _ := strconv.Atoi(cmp.Or(share, "1"))
		s.wounds(t, mem, "bytes of the last MiB", lastMiB(files, max(step, 1)))
	case "full":
		s.wounds(t, mem, "ends of records and blocks", ends(t, files))
		s.wounds(t, mem, "random cuts", random(10_000, cut))
		s.wounds(t, mem, "random bits", random(1_000, turned))
	default:
		n := 16
		if testing.Short() {
			n = 4
		}
		around := ends(t, files)
		r.Shuffle(len(around), func(i, j int) { around[i], around[j] = around[j], around[i] })
		s.wounds(t, mem, "ends of records and blocks", around[:2*n])
		s.wounds(t, mem, "random cuts", random(4*n, cut))
		s.wounds(t, mem, "random bits", random(n/2, turned))
	}
}

type journalFile struct {
	name string
	data []byte
}

// journalFiles gives what is on the disk, the newest last.
func journalFiles(t *testing.T, fs vfs.FS) (files []journalFile) {
	t.Helper()
	names, err := fs.List("/j/data")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names) // tables by their numbers, then what names them
	for _, name := range names {
		files = append(files, journalFile{name, contents(t, fs, "/j/data/"+name)})
	}
	return files
}

// lastMiB gives cuts at every step-th byte of the last MiB.
func lastMiB(files []journalFile, step int) (out []wound) {
	n := 0
	for _, f := range slices.Backward(files) {
		for at := len(f.data) - 1; at >= 0 && n < 1<<20; at-- {
			if n%step == 0 {
				out = append(out, wound{f.name, at, -1})
			}
			n++
		}
	}
	return out
}

// ends gives cuts at every end of a record or a block, and at the bytes around.
func ends(t *testing.T, files []journalFile) (out []wound) {
	t.Helper()
	const around = 8
	for _, f := range files {
		places := []int{0, len(f.data)}
		switch {
		case strings.HasPrefix(f.name, "MANIFEST-"):
			places = append(places, recordEnds(t, f)...)
		case strings.HasSuffix(f.name, ".sst"):
			places = append(places, blockEnds(t, f)...)
		}
		near := map[int]bool{}
		for _, p := range places {
			for at := max(0, p-around); at < min(len(f.data), p+around+1); at++ {
				near[at] = true
			}
		}
		for at := range len(f.data) {
			if near[at] {
				out = append(out, wound{f.name, at, -1})
			}
		}
	}
	return out
}

func recordEnds(t *testing.T, f journalFile) (out []int) {
	t.Helper()
	r := record.NewReader(strings.NewReader(string(f.data)), 0)
	for {
		_, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		out = append(out, int(r.Offset()))
	}
}

func blockEnds(t *testing.T, f journalFile) (out []int) {
	t.Helper()
	fs := vfs.NewMem()
	put(t, fs, "table", f.data)
	file, err := fs.Open("table")
	if err != nil {
		t.Fatal(err)
	}
	o := pebble.Options{Comparer: comparer()}
	o.EnsureDefaults()
	readable, err := sstable.NewSimpleReadable(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := sstable.NewReader(t.Context(), readable, o.MakeReaderOptions())
	if err != nil {
		t.Fatalf("%s: %v", f.name, err)
	}
	defer r.Close()
	layout, err := r.Layout()
	if err != nil {
		t.Fatalf("%s: %v", f.name, err)
	}
	for _, b := range layout.Data {
		out = append(out, int(b.Offset+b.Length))
	}
	for _, b := range append(layout.Index, layout.TopIndex, layout.ValueIndex, layout.Properties, layout.MetaIndex, layout.Footer) {
		out = append(out, int(b.Offset), int(b.Offset+b.Length))
	}
	for _, b := range layout.Filter {
		out = append(out, int(b.Offset), int(b.Offset+b.Length))
	}
	return out
}

// wounds examines the journal with each of them, on two cores.
func (s *story) wounds(t *testing.T, mem *vfs.MemFS, name string, all []wound) {
	const shares = 2
	t.Run(name, func(t *testing.T) {
		for share := range shares {
			t.Run(fmt.Sprintf("share %d of %d", share+1, shares), func(t *testing.T) {
				t.Parallel()
				damaged, earlier, whole := 0, 0, 0
				for i := share; i < len(all); i += shares {
					switch k := s.wounded(t, mem, all[i]); {
					case k < 0:
						damaged++
					case k < len(s.batches):
						earlier++
					default:
						whole++
					}
				}
				t.Logf("%d: found damaged %d, at an earlier cut %d, whole %d, wrong 0", damaged+earlier+whole, damaged, earlier, whole)
				if damaged == 0 && len(all) > 2*shares { // few may all be where it does not matter
					t.Error("nothing is found damaged")
				}
			})
		}
	})
}

// wounded examines the journal with one wound, as examine does.
func (s *story) wounded(t *testing.T, mem *vfs.MemFS, w wound) int {
	t.Helper()
	fs := vfs.NewMem()
	if _, err := vfs.Clone(mem, fs, "/j", "/j"); err != nil {
		t.Fatal(err)
	}
	path := "/j/data/" + w.file
	data := slices.Clone(contents(t, fs, path))
	if w.bit < 0 {
		data = data[:w.at]
	} else {
		data[w.at] ^= 1 << w.bit
	}
	if err := fs.Remove(path); err != nil {
		t.Fatal(err)
	}
	put(t, fs, path, data)
	return s.examine(t, fs, fmt.Sprintf("%s, at %d, bit %d", w.file, w.at, w.bit))
}
