package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"sluice/rules"
	"sluice/scoring/event"
)

func decode(t testing.TB, schema *event.Schema, msg string, arrival int64) *event.Transaction {
	t.Helper()
	var tx event.Transaction
	if err := event.NewDecoder(schema).Transaction(&tx, []byte(msg), arrival); err != nil {
		t.Fatal(err)
	}
	return &tx
}

func history(t testing.TB, j *Journal, entity int, value string) *seen {
	t.Helper()
	s := &seen{map[event.Key]string{}, map[event.Key]map[int64]bool{}}
	if err := j.History(entity, []byte(value), s); err != nil {
		t.Fatal(err)
	}
	return s
}

const noon = int64(1_700_000_000_000_000_000)

// TestLockCantBeMade: that the lock can't be written does not mean that another
// process has it.
func TestLockCantBeMade(t *testing.T) {
	o := Options{Dir: t.TempDir(), Schema: parseSchema(t, testSchema)}
	if err := os.Mkdir(filepath.Join(o.Dir, fileLock), 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(o); err == nil || errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "writable") {
		t.Errorf("opened with a lock that can't be written: %v", err)
	}
}

// TestOnDisk runs on a real disk: lock, run, reopening.
func TestOnDisk(t *testing.T) {
	schema := parseSchema(t, testSchema)
	o := Options{Dir: filepath.Join(t.TempDir(), "a", "journal"), Schema: schema}
	if _, err := Verify(o); err == nil || !strings.Contains(err.Error(), "no journal") {
		t.Errorf("verifying nothing: %v", err)
	}
	if _, err := os.Stat(o.Dir); err == nil {
		t.Error("looking has made a directory")
	}
	j, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(o); !errors.Is(err, ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	if got := j.Run(); got != (Run{ProducerID: -1}) {
		t.Errorf("the first run is after %+v", got)
	}
	run := Run{Number: 1, ProducerID: 7, Epoch: 3}
	if err := j.Begin(run); err != nil {
		t.Fatal(err)
	}
	s := j.Segment()
	tx := decode(t, schema, `{"id":"a","time":1700000000000,"card":"c","pan":"4111111111111111","amount":5}`, noon)
	n := s.Decided(tx, rules.Deny, -7, true)
	s.Placed(n, 2, 40)
	if err := j.Write([]*Segment{s}, Progress{Since: 5, Gap: 6, Whole: 7}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	if _, _, err := j.Find([]byte("ta")); !errors.Is(err, ErrClosed) {
		t.Errorf("finding in a closed journal: %v", err)
	}
	r, err := Verify(o)
	if err != nil || r.Checked != 4 || r.Run != run || r.Buckets[0].Rows != 2 {
		t.Errorf("%v %+v", err, r)
	}
	var text strings.Builder
	if err := r.Print(&text); err != nil || !strings.Contains(text.String(), "nothing is wrong") {
		t.Errorf("%v\n%s", err, text.String())
	}
	if _, err := Compact(o); err != nil {
		t.Error(err)
	}
	if j, err = Open(o); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if j.Run() != run || j.Progress().Since != 5 || j.Progress().Gap != 6 || j.Progress().Whole != 7 || j.Verdicts()[2] != 41 {
		t.Errorf("%+v %+v %v", j.Run(), j.Progress(), j.Verdicts())
	}
	if got := history(t, j, 2, "4111111111111111"); len(got.rows) != 1 {
		t.Errorf("the history of a secret entity has %d rows", len(got.rows))
	}
	if got := history(t, j, 2, "4111111111111112"); len(got.rows) != 0 {
		t.Errorf("a history that does not exist has %d rows", len(got.rows))
	}
	if err := j.Close(); err != nil { // Pebble removes files in the background
		t.Fatal(err)
	}
	err = filepath.WalkDir(o.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if b, err := os.ReadFile(path); err != nil || bytes.Contains(b, []byte("4111111111111111")) {
			t.Errorf("%s: %v: a secret is on the disk", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	schema := parseSchema(t, testSchema)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "letter.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir, Schema: schema}); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), "letter.txt") {
		t.Errorf("in a directory with letters: %v", err)
	}
	if _, err := Open(Options{Dir: dir, Schema: schema, Bucket: 5}); err == nil {
		t.Error("buckets of 5 ns")
	}
	fs := vfs.NewMem()
	mustOpen(t, fs, schema).Close()
	newer := strings.Replace(stamp(), "journal 2", "journal 9", 1)
	for format, says := range map[string]string{"1": "format 1, this program reads format 2; run the program that wrote it", "9": "run the newer program"} {
		put(t, fs, "/j/data/SLUICE", []byte("sluice journal "+format+" "+sumOf("sluice journal "+format)+"\n"))
		if _, err := Open(Options{Dir: "/j", Schema: schema, FS: fs}); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), says) {
			t.Errorf("format %s: %v", format, err)
		}
	}
	put(t, fs, "/j/data/SLUICE", []byte(newer))
	if _, err := Open(Options{Dir: "/j", Schema: schema, FS: fs}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged stamp: %v", err)
	}
}

// TestOtherSchema reads rows of an earlier schema, and refuses one that can't.
func TestOtherSchema(t *testing.T) {
	fs := vfs.NewMem()
	schema := parseSchema(t, testSchema)
	j := mustOpen(t, fs, schema)
	s := j.Segment()
	s.Decided(decode(t, schema, `{"id":"a","time":1700000000000,"card":"c","amount":5,"country":"DE"}`, noon), rules.Allow, 0, true)
	if err := j.Write([]*Segment{s}, Progress{}); err != nil {
		t.Fatal(err)
	}
	j.Close()
	later := parseSchema(t, strings.Replace(testSchema, "  country:  {type: country}", "  channel: {type: string}\n  device: {type: string, entity: true}", 1))
	j = mustOpen(t, fs, later)
	s.Reset()
	s.Decided(decode(t, later, `{"id":"b","time":1700000000000,"card":"c","amount":5,"channel":"pos"}`, noon), rules.Deny, 0, true)
	if err := j.Write([]*Segment{s}, Progress{}); err != nil {
		t.Fatal(err)
	}
	if got := history(t, j, 0, "c"); len(got.rows) != 2 {
		t.Errorf("%d rows under two layouts", len(got.rows))
	}
	j.Close()
	if r, err := Verify(Options{Dir: "/j", Schema: later, FS: fs}); err != nil || len(r.Layouts) != 2 {
		t.Errorf("%v %+v", err, r.Layouts)
	}
	numbered := parseSchema(t, strings.Replace(testSchema, "{type: string, required: true}", "{type: integer, required: true}", 1))
	if _, err := Open(Options{Dir: "/j", Schema: numbered, FS: fs}); !errors.Is(err, ErrForeign) {
		t.Errorf("with ids of another type: %v", err)
	}
}

// TestLongHistory writes so much of one merchant that it takes several pieces,
// and is read in several steps.
func TestLongHistory(t *testing.T) {
	schema := parseSchema(t, testSchema)
	j := mustOpen(t, vfs.NewMem(), schema)
	defer j.Close()
	segments := []*Segment{j.Segment(), j.Segment(), j.Segment()}
	const n = 20_000
	for i := range n {
		msg := fmt.Sprintf(`{"id":"tx-%d","time":%d,"merchant":"m","card":"c-%d","amount":5}`, i, 1_700_000_000_000+i, i%7)
		segments[i%3].Decided(decode(t, schema, msg, noon), rules.Allow, 0, true)
	}
	if err := j.Write(segments, Progress{}); err != nil {
		t.Fatal(err)
	}
	if got := history(t, j, 1, "m"); len(got.rows) != n {
		t.Errorf("%d rows, want %d", len(got.rows), n)
	}
	if n, largest := pieces(t, j, "merchant", "m"); n < 10 || largest > 2*pieceBytes {
		t.Errorf("%d pieces of up to %d bytes", n, largest)
	}
	if got := history(t, j, 0, "c-6"); len(got.rows) != n/7 {
		t.Errorf("%d rows, want %d", len(got.rows), n/7)
	}
}

// TestTimes has times at the ends of what there is.
func TestTimes(t *testing.T) {
	for _, d := range []Decided{
		{Arrival: math.MinInt64, Time: math.MaxInt64, Partition: -1, Offset: -1},
		{Arrival: math.MaxInt64, Time: math.MinInt64, Partition: math.MaxInt32, Offset: math.MaxInt64, Score: math.MinInt64},
		{Arrival: -1, Time: 1, Partition: 0, Offset: 0, Body: event.Key{7, 0}, Taken: true, Verdict: rules.Deny},
		{Arrival: noon, Time: noon - 3e9, Partition: -1, Offset: -1},
	} {
		start := int64(bucketOf(d.Arrival, int64(day))) * int64(day)
		b := appendID(nil, &decidedID{decided: d, entities: []uint64{1, 2}}, start)
		var got decidedID
		if err := readID(b, start, &got); err != nil || got.decided != d || len(got.entities) != 2 {
			t.Errorf("%+v became %+v: %v", d, got, err)
		}
	}
	for _, x := range []struct {
		at   int64
		want uint16
	}{{math.MinInt64, 0}, {-1, 0}, {0, 0}, {int64(day) - 1, 0}, {int64(day), 1}, {math.MaxInt64, math.MaxUint16}} {
		if got := bucketOf(x.at, int64(day)); got != x.want {
			t.Errorf("bucket of %d is %d, want %d", x.at, got, x.want)
		}
	}
}

// TestWaitingBound drops labels for which there is no room, and counts them.
func TestWaitingBound(t *testing.T) {
	schema := parseSchema(t, testSchema)
	fs := vfs.NewMem()
	j, err := Open(Options{Dir: "/j", Schema: schema, FS: fs, MaxWaiting: 3, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	s := j.Segment()
	for i := range 5 {
		s.Label(fmt.Appendf(nil, "ttx-%d", i), noon, true)
	}
	if err := j.Write([]*Segment{s}, Progress{}); err != nil {
		t.Fatal(err)
	}
	if st := j.Stats(); st.Waiting != 3 || st.Dropped != 2 {
		t.Errorf("%+v", st)
	}
}

// TestFullDisk refuses a cut for which there is no room before it begins.
func TestFullDisk(t *testing.T) {
	schema := parseSchema(t, testSchema)
	mem := vfs.NewMem()
	j := mustOpen(t, mem, schema)
	defer j.Close()
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 0, TotalBytes: 1 << 30, UsedBytes: 1 << 30})
	if err := j.Write(nil, Progress{}); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "MiB are free") {
		t.Errorf("on a full disk: %v", err)
	}
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 30, TotalBytes: 1 << 30})
	if err := j.Write(nil, Progress{}); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestFailed takes the disk away while the manifest is written: calls come back,
// Trouble says it, the next Write opens the journal again.
func TestFailed(t *testing.T) {
	schema := parseSchema(t, testSchema)
	var broken bool
	var mu sync.Mutex
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if broken && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, "MANIFEST") {
			return syscall.EIO
		}
		return nil
	}))
	breakIt := func(b bool) {
		mu.Lock()
		defer mu.Unlock()
		broken = b
	}
	j := mustOpen(t, fs, schema)
	w := newWorld(1)
	m := newModel()
	cut := w.batch(20)
	segs := segments(t, j, schema, cut)
	id := segs[0].parts[0].buf[:segs[0].entry(0).idEnd]
	if err := j.Write(segs, cut.next); err != nil {
		t.Fatal(err)
	}
	m.apply(cut)
	cut = w.batch(20)
	segs = segments(t, j, schema, cut)
	breakIt(true)
	for range 3 {
		if err := j.Write(segs, cut.next); !errors.Is(err, ErrFailed) && !errors.Is(err, syscall.EIO) {
			t.Fatalf("with a broken disk: %v", err)
		}
		if err := j.Trouble(); !errors.Is(err, ErrFailed) {
			t.Errorf("trouble: %v", err)
		}
	}
	if _, _, err := j.Find(id); !errors.Is(err, ErrFailed) {
		t.Errorf("finding in a failed journal: %v", err)
	}
	breakIt(false)
	if err := j.Write(segs, cut.next); err != nil {
		t.Fatalf("on a whole disk: %v", err)
	}
	if err := j.Trouble(); err != nil {
		t.Errorf("trouble: %v", err)
	}
	m.apply(cut)
	m.check(t, j, schema, "after a failure")
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// TestAtOnce reads from several goroutines while cuts are written, sorted in and
// forgotten, and the journal is closed.
func TestAtOnce(t *testing.T) {
	schema := parseSchema(t, testSchema)
	fs := vfs.NewMem()
	j := mustOpen(t, fs, schema)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, fs, schema) // an old one, which is to be sifted
	w := newWorld(3)
	var readers sync.WaitGroup
	for i := range 3 {
		readers.Go(func() {
			for n := 0; ; n++ {
				s := &seen{map[event.Key]string{}, map[event.Key]map[int64]bool{}}
				err := j.History((i+n)%3, fmt.Appendf(nil, "%s-%d", entityNames()[(i+n)%3][:1], n%4), s)
				if err == nil {
					_, _, err = j.Find(fmt.Appendf(nil, "ttx-%d", n%100))
				}
				j.Stats()
				if err == nil {
					err = j.Sift(t.Context())
				}
				if errors.Is(err, ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := range 40 {
		b := w.batch(30)
		if err := j.Write(segments(t, j, schema, b), b.next); err != nil {
			t.Fatal(err)
		}
		if n%10 == 5 {
			if err := errors.Join(j.Compact(), j.Forget(w.now-5*int64(day), w.now-5*int64(day))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	readers.Wait()
}
