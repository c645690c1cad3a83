package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"sluice/scoring/event"
)

// operations is an injector that counts what changes files, or everything, and
// does something at one of them.
type operations struct {
	mu    sync.Mutex
	n     int
	reads bool
	at    func(n int) error
}

func (o *operations) String() string { return "operations" }

func (o *operations) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead && !o.reads {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
	if o.at == nil {
		return nil
	}
	return o.at(o.n)
}

// story is a few cuts with what else happens to a journal between them, and the
// twin after each of the cuts.
type story struct {
	schema  *event.Schema
	batches []*batch
	models  []*model // models[k] is after k cuts
}

func newStory(t testing.TB, seed uint64, cuts int) *story {
	s := &story{schema: parseSchema(t, testSchema), models: []*model{newModel()}}
	w := newWorld(seed)
	for range cuts {
		b := w.batch(12)
		m := s.models[len(s.models)-1].clone()
		m.apply(b)
		s.batches, s.models = append(s.batches, b), append(s.models, m)
	}
	return s
}

// tell writes cut by cut; written hears of each that stands. It goes on trying
// where a file operation fails, as the engine does.
func (s *story) tell(t testing.TB, fs vfs.FS, written func(cuts int)) (*Journal, error) {
	t.Helper()
	var j *Journal
	err := persist(func() (err error) {
		j, err = Open(Options{Dir: "/j", Schema: s.schema, FS: fs, Bucket: day, Cache: 1 << 20, Reserve: 1})
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, b := range s.batches {
		segs := segments(t, j, s.schema, b)
		if err := persist(func() error { return j.Write(segs, b.next) }); err != nil {
			return nil, err
		}
		written(i + 1)
		if i == len(s.batches)/2 {
			j.Compact() // may fail: nothing depends on it
		}
	}
	return j, nil
}

// persist tries a few times.
func persist(do func() error) (err error) {
	for range 10 {
		if err = do(); err == nil || errors.Is(err, ErrDamaged) {
			return err
		}
	}
	return err
}

// is says after how many cuts, from..to, the journal is; -1: after none of them.
func (s *story) is(t testing.TB, j *Journal, from, to int) (cuts int, why string, err error) {
	for k := to; k >= from; k-- {
		diff, err := s.models[k].differs(t, j, s.schema)
		if err != nil {
			return -1, "", err
		}
		if diff == "" {
			return k, "", nil
		}
		why += fmt.Sprintf("\n after %d cuts: %s", k, diff)
	}
	return -1, why, nil
}

// TestCrash pulls the plug at every operation that changes files, with nothing,
// some or all of what was not synced on the disk. What was written stands then,
// the cut under way stands whole or not at all.
func TestCrash(t *testing.T) {
	s := newStory(t, 5, 6)
	count := &operations{}
	j, err := s.tell(t, errorfs.Wrap(vfs.NewCrashableMem(), count), func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	j.Close()
	t.Logf("%d operations", count.n)
	step := 4
	if testing.Short() {
		step = 15
	}
	for n := 1; n <= count.n; n += step {
		mem := vfs.NewCrashableMem()
		var crashed *vfs.MemFS
		done, doneThen := 0, 0
		ops := &operations{at: func(i int) error {
			if i == n {
				crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: n % 3 * 50, RNG: rand.New(rand.NewPCG(uint64(n), 1))})
				doneThen = done
			}
			return nil
		}}
		j, err := s.tell(t, errorfs.Wrap(mem, ops), func(cuts int) {
			ops.mu.Lock()
			done = cuts
			ops.mu.Unlock()
		})
		if err != nil {
			t.Fatal(err)
		}
		j.Close()
		if crashed == nil {
			continue // the background did more the first time
		}
		j, err = Open(Options{Dir: "/j", Schema: s.schema, FS: crashed, Bucket: day, Cache: 1 << 20, Reserve: 1})
		if err != nil {
			t.Fatalf("crash at operation %d after %d cuts: %v", n, doneThen, err)
		}
		if k, why, err := s.is(t, j, doneThen, min(doneThen+1, len(s.batches))); k < 0 {
			t.Fatalf("crash at operation %d after %d cuts: %v%s", n, doneThen, err, why)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFailingOperations has each file operation fail in turn, once or for a
// while. The process lives, nothing hangs, what Write has said holds, and in the
// end everything is there.
func TestFailingOperations(t *testing.T) {
	s := newStory(t, 6, 5)
	for _, reads := range []bool{false, true} {
		count := &operations{reads: reads}
		j, err := s.tell(t, errorfs.Wrap(vfs.NewCrashableMem(), count), func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		j.Close()
		t.Logf("%d operations", count.n)
		step := 4
		if testing.Short() {
			step = 15
		}
		for n := 1; n <= count.n; n += step {
			for _, times := range []int{1, 6} {
				mem := vfs.NewCrashableMem()
				errno := []error{syscall.EIO, syscall.ENOSPC}[n%2]
				ops := &operations{reads: reads, at: func(i int) error {
					if i >= n && i < n+times {
						return errno
					}
					return nil
				}}
				j, err := s.tell(t, errorfs.Wrap(mem, ops), func(int) {})
				if err != nil {
					t.Fatalf("operation %d failed %d times: %v", n, times, err)
				}
				ops.mu.Lock()
				ops.at = nil
				ops.mu.Unlock()
				if k, why, err := s.is(t, j, len(s.batches), len(s.batches)); k < 0 && !errors.Is(err, ErrFailed) {
					t.Fatalf("operation %d failed %d times: %v%s", n, times, err, why)
				}
				j.Close()
				crashed := mem.CrashClone(vfs.CrashCloneCfg{})
				j = mustOpen(t, crashed, s.schema)
				if k, why, err := s.is(t, j, len(s.batches), len(s.batches)); k < 0 {
					t.Fatalf("operation %d failed %d times, reopened: %v%s", n, times, err, why)
				}
				j.Close()
			}
		}
	}
}
