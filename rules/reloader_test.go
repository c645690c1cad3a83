package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"sluice/scoring/event"
	"sluice/scoring/history"
)

var errInjected = errors.New("the disk is gone")

// failing is a file system whose nth operation fails.
type failing struct {
	fs.FS
	n *int // operations left until one fails
}

func (f failing) step() error {
	if *f.n--; *f.n == 0 {
		return errInjected
	}
	return nil
}

func (f failing) Open(name string) (fs.File, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return failingFile{file, f}, nil
}

func (f failing) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	return fs.ReadDir(f.FS, name)
}

func (f failing) Stat(name string) (fs.FileInfo, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	return fs.Stat(f.FS, name)
}

type failingFile struct {
	fs.File
	fs failing
}

func (f failingFile) Read(b []byte) (int, error) {
	if err := f.fs.step(); err != nil {
		return 0, err
	}
	return f.File.Read(b)
}

func (f failingFile) Close() error { return errors.Join(f.File.Close(), f.fs.step()) }

func TestFailureOfAnyFileOperationChangesNothing(t *testing.T) {
	good := files("a.yaml", "rules: [{id: a, when: 'true'}]", "lists/l.txt", "x\n")
	n := 0
	var reports []Reload
	r, err := NewReloaderFS(failing{good, &n}, "test", testSchema(t), nil, func(r Reload) { reports = append(reports, r) })
	if err != nil {
		t.Fatal(err)
	}
	before := r.Current()
	good["b.yaml"] = &fstest.MapFile{Data: []byte("rules: [{id: b, when: 'true'}]")}
	failed := 0
	for at := 1; ; at++ {
		n = at
		err := r.Reload()
		if n > 0 { // it took fewer operations than that
			if err != nil || len(r.Current().Rules) != 2 {
				t.Fatal(err)
			}
			break
		}
		if !errors.Is(err, errInjected) {
			t.Fatalf("operation %d: %v", at, err)
		}
		if r.Current() != before {
			t.Fatalf("operation %d failed and changed the set", at)
		}
		if last := reports[len(reports)-1]; last.Changed || last.Set != before || !errors.Is(last.Err, errInjected) {
			t.Fatalf("operation %d: reported as %+v", at, last)
		}
		failed++
	}
	if failed < 15 {
		t.Errorf("only %d operations failed", failed)
	}
}

func TestReloadReports(t *testing.T) {
	fsys := files("a.yaml", "rules: [{id: a, when: 'true'}]")
	var last Reload
	r, err := NewReloaderFS(fsys, "test", testSchema(t), nil, func(r Reload) { last = r })
	if err != nil {
		t.Fatal(err)
	}
	first := r.Current()
	write := func(text string) { fsys["a.yaml"] = &fstest.MapFile{Data: []byte(text)} }

	if err := r.Reload(); err != nil || last.Changed || r.Current() != first {
		t.Errorf("nothing changed: %v %+v", err, last)
	}
	write("rules: [{id: a, when: 'tx.amuont > 1'}]")
	if err := r.Reload(); err == nil || !strings.Contains(err.Error(), `did you mean "amount"`) || last.Err == nil || r.Current() != first {
		t.Errorf("a bad set: %v %+v", err, last)
	}
	delete(fsys, "a.yaml")
	if err := r.Reload(); err == nil || r.Current() != first {
		t.Errorf("no files: %v", err)
	}
	write("rules: [{id: b, when: 'true'}]")
	if err := r.Reload(); err != nil || !last.Changed || last.Set != r.Current() || r.Current().Rules[0].ID != "b" {
		t.Errorf("a good set: %v %+v", err, last)
	}
}

// TestAcceptHasTheLastWord: a set whose files are sound can still be refused.
func TestAcceptHasTheLastWord(t *testing.T) {
	errBad := errors.New("an example fails")
	fsys := files("a.yaml", "rules: [{id: a, when: 'true'}]")
	var asked []string
	accept := func(s *Set) error {
		asked = append(asked, s.Rules[0].ID)
		if s.Rules[0].ID == "bad" {
			return errBad
		}
		return nil
	}
	var last Reload
	r, err := NewReloaderFS(fsys, "test", testSchema(t), accept, func(r Reload) { last = r })
	if err != nil || r.Refused() != nil {
		t.Fatal(err, r.Refused())
	}
	first := r.Current()
	fsys["a.yaml"] = &fstest.MapFile{Data: []byte("rules: [{id: bad, when: 'true'}]")}
	if err := r.Reload(); !errors.Is(err, errBad) || last.Changed || !errors.Is(last.Err, errBad) || r.Current() != first {
		t.Errorf("%v %+v", err, last)
	}
	if f := r.Refused(); f == nil || !errors.Is(f.Err, errBad) || len(f.RuleSet) != 16 || f.RuleSet == first.Hash {
		t.Errorf("%+v", f)
	}
	if err := r.reload(false); err != nil || r.Refused() == nil || len(asked) != 2 {
		t.Errorf("the same files are asked about again: %v %v", err, asked)
	}
	if _, err := NewReloaderFS(fsys, "test", testSchema(t), accept, nil); !errors.Is(err, errBad) {
		t.Errorf("the first set is taken: %v", err)
	}
	fsys["a.yaml"] = &fstest.MapFile{Data: []byte("rules: [{id: b, when: 'true'}]")}
	if err := r.Reload(); err != nil || r.Refused() != nil || r.Current().Rules[0].ID != "b" {
		t.Errorf("%v %+v", err, r.Refused())
	}
}

func TestFirstLoadMustSucceed(t *testing.T) {
	if r, err := NewReloaderFS(files("a.yaml", "rulse: []"), "test", testSchema(t), nil, nil); err == nil {
		t.Errorf("%+v", r)
	}
}

// swapping is a file system that is swapped for another in the middle of being
// read, as a ConfigMap is.
type swapping struct {
	old, new fs.FS
	at       int
	n        *int
}

func (s swapping) now() fs.FS {
	if *s.n++; *s.n > s.at {
		return s.new
	}
	return s.old
}

func (s swapping) Open(name string) (fs.File, error)          { return s.now().Open(name) }
func (s swapping) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(s.now(), name) }
func (s swapping) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(s.now(), name) }

func TestSwapInTheMiddleGivesNoMixture(t *testing.T) {
	version := func(v int) fstest.MapFS {
		fsys := fstest.MapFS{}
		for _, name := range []string{"a", "b", "c"} {
			fsys[name+".yaml"] = &fstest.MapFile{
				Data:    fmt.Appendf(nil, "rules: [{id: %s%d, when: 'true'}]", name, v),
				ModTime: time.Unix(int64(v), 0),
			}
		}
		return fsys
	}
	schema := testSchema(t)
	for at := range 40 {
		n := 0
		set, err := LoadFS(swapping{version(1), version(2), at, &n}, "test", schema)
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range set.Rules {
			if rule.ID[1] != set.Rules[0].ID[1] {
				t.Fatalf("swapped at operation %d: %+v", at, set.Rules)
			}
		}
	}
}

func TestUnsteadyFiles(t *testing.T) {
	n := 0
	if _, err := LoadFS(restless{files("a.yaml", ""), &n}, "test", testSchema(t)); !errors.Is(err, errUnsteady) {
		t.Error(err)
	}
}

// restless is a file system that changes at every look.
type restless struct {
	fstest.MapFS
	n *int
}

func (r restless) Stat(name string) (fs.FileInfo, error) {
	*r.n++
	r.MapFS["a.yaml"].ModTime = time.Unix(int64(*r.n), 0)
	return r.MapFS.Stat(name)
}

// TestReloadsUnderLoad decides with whole sets while they are replaced: a
// mixture of two would show as a score that neither gives.
func TestReloadsUnderLoad(t *testing.T) {
	schema := testSchema(t)
	content := func(v int) []byte {
		return fmt.Appendf(nil, "rules:\n  - {id: a, when: tx.n == 3, score: %d}\n  - {id: b, when: tx.n > %d, score: %d}\n", v, v%3, 1000*v)
	}
	fsys := &swapped{}
	fsys.set(content(1))
	r, err := NewReloaderFS(fsys, "test", schema, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			var tx event.Transaction
			if err := event.NewDecoder(schema).Transaction(&tx, []byte(plainTx), 1); err != nil {
				t.Error(err)
				return
			}
			var out Outcome
			for !done.Load() {
				set := r.Current()
				e := set.NewEvaluator()
				for range 100 {
					e.Evaluate(&tx, make([]history.Value, len(set.Program.Plan().Queries)), nil, &out)
					if v := set.Rules[0].Score; len(out.Fired) != 2 || out.Score != 1001*v {
						t.Errorf("score %d of set %d", out.Score, v)
						return
					}
				}
			}
		})
	}
	for v := range 1000 {
		fsys.set(content(v + 1))
		if err := r.Reload(); err != nil {
			t.Error(err)
		}
	}
	done.Store(true)
	workers.Wait()
	if r.Current().Rules[0].Score != 1000 {
		t.Errorf("%+v", r.Current().Rules)
	}
}

// swapped is a file system of one file that is replaced as a whole.
type swapped struct{ fsys atomic.Pointer[fstest.MapFS] }

func (s *swapped) set(content []byte) {
	s.fsys.Store(&fstest.MapFS{"a.yaml": &fstest.MapFile{Data: content}})
}

func (s *swapped) Open(name string) (fs.File, error) { return s.fsys.Load().Open(name) }
