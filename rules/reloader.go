package rules

import (
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"sluice/scoring/event"
)

// Reload is the outcome of taking rule files in.
type Reload struct {
	Set     *Set  // the one that decides from now on
	Changed bool  // it is another one than before
	Err     error // why the files were not taken; Set is then the one from before

	Seen    string // hash of the files that were looked at, "" if they could not be read
	Version string // what their file VERSION says
	Files   []File // of Set, where it Changed
	Pinned  bool   // Set decides in place of the files
}

// Reloader holds the Set that decides and replaces it as a whole. It is safe
// for concurrent use.
type Reloader struct {
	fsys   fs.FS
	dir    string // where Watch watches; only the name of what is embedded
	schema *event.Schema
	accept func(*Set) error
	report func(Reload)

	current atomic.Pointer[Set]
	mu      sync.Mutex // held while a set is built
	tried   string     // hash of the files that the last attempt saw
	over    string     // hash of the files that a pinned set decides in place of, "": none does
	refused atomic.Pointer[Refusal]
}

// Pin is a set of files that decides in place of those in the directory, as long
// as these are the ones that it was put over.
type Pin struct {
	Files []File
	Over  string // hash of the files in the directory
}

// Refusal is an attempt that failed.
type Refusal struct {
	RuleSet string // hash of the files, "" if they could not be read
	Err     error
}

// NewReloader loads a directory, which must succeed, and from then on calls
// report with the outcome of every further attempt. accept has the last word on
// a set whose files are sound: with an error it is not taken, the first one
// neither. Both may be nil.
func NewReloader(dir string, schema *event.Schema, accept func(*Set) error, report func(Reload)) (*Reloader, error) {
	return NewReloaderFS(os.DirFS(dir), dir, schema, accept, report)
}

// NewReloaderFS is NewReloader for the root of a file system; name stands
// before the files' names in faults.
func NewReloaderFS(fsys fs.FS, name string, schema *event.Schema, accept func(*Set) error, report func(Reload)) (*Reloader, error) {
	r, _, err := newReloader(fsys, name, schema, nil, accept, report)
	return r, err
}

// NewPinnedReloader is NewReloader where an earlier run had pinned a set (nil: it
// had not). Where the files have changed since, they are loaded. It also gives
// what was loaded.
func NewPinnedReloader(dir string, schema *event.Schema, pin *Pin, accept func(*Set) error, report func(Reload)) (*Reloader, Reload, error) {
	return newReloader(os.DirFS(dir), dir, schema, pin, accept, report)
}

func newReloader(fsys fs.FS, name string, schema *event.Schema, pin *Pin, accept func(*Set) error, report func(Reload)) (*Reloader, Reload, error) {
	r := &Reloader{fsys: fsys, dir: name, schema: schema, accept: accept, report: report}
	s, err := readSources(fsys)
	if err != nil {
		return nil, Reload{}, fmt.Errorf("rules in %s: %w", name, err)
	}
	r.tried = s.hash
	out := Reload{Seen: s.hash, Version: s.version, Changed: true}
	if pin != nil && pin.Over == s.hash {
		r.over, out.Pinned = pin.Over, true
		s = sourcesOf(pin.Files)
	}
	if out.Set, err = r.build(s); err != nil {
		return nil, Reload{}, err
	}
	out.Files = s.all()
	r.current.Store(out.Set)
	return r, out, nil
}

// Current gives the set that decides. Ask once a batch: the next call may give
// another one.
func (r *Reloader) Current() *Set { return r.current.Load() }

// Refused gives the last attempt to take files in if it failed, else nil.
func (r *Reloader) Refused() *Refusal { return r.refused.Load() }

// Reload reads the files again. All that can fail is done before the one
// pointer is swapped; after an error the set from before still decides.
func (r *Reloader) Reload() error { return r.reload(true) }

// reload takes the files in. Unless forced, files that the last attempt saw
// already are left alone, and nothing is reported.
func (r *Reloader) reload(forced bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.again(forced)
}

// again is reload, under the lock.
func (r *Reloader) again(forced bool) error {
	s, err := readSources(r.fsys)
	out := Reload{Set: r.Current(), Pinned: r.over != ""}
	if err != nil {
		r.tried = ""
		return r.end(out, fmt.Errorf("rules in %s: %w", r.dir, err))
	}
	if s.hash == r.tried && !forced {
		return nil
	}
	r.tried, out.Seen, out.Version = s.hash, s.hash, s.version
	if s.hash == r.over { // the pinned set goes on in their place
		return r.end(out, nil)
	}
	set, err := r.build(s)
	if err == nil {
		r.over, out.Pinned = "", false
		r.take(set, s, &out)
	}
	return r.end(out, err)
}

// Pin puts a set of files in force in place of those of the directory, until
// these change or Release. keep is told what the pin is before anything changes,
// and can refuse it. After an error nothing has changed.
func (r *Reloader) Pin(files []File, keep func(Pin) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, err := readSources(r.fsys)
	if err != nil {
		return fmt.Errorf("rules in %s: %w", r.dir, err)
	}
	s := sourcesOf(files)
	set, err := r.build(s)
	if err != nil {
		return err
	}
	if err := keep(Pin{files, now.hash}); err != nil {
		return err
	}
	r.over, r.tried = now.hash, now.hash
	out := Reload{Set: r.Current(), Seen: r.tried, Pinned: true}
	r.take(set, s, &out)
	return r.end(out, nil)
}

// Release lets the files of the directory decide again. If they are faulty, the
// pinned set stays.
func (r *Reloader) Release() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	over := r.over
	r.over = ""
	err := r.again(true)
	if err != nil {
		r.over = over
	}
	return err
}

// take makes a set the one that decides.
func (r *Reloader) take(set *Set, s *sources, out *Reload) {
	if set.Hash == out.Set.Hash {
		return
	}
	r.current.Store(set)
	out.Set, out.Changed, out.Files = set, true, s.all()
}

// end reports how an attempt went.
func (r *Reloader) end(out Reload, err error) error {
	out.Err = err
	var refused *Refusal
	if err != nil {
		refused = &Refusal{out.Seen, err}
	}
	r.refused.Store(refused)
	if r.report != nil {
		r.report(out)
	}
	return err
}

// build makes a set that has passed all that it must.
func (r *Reloader) build(s *sources) (*Set, error) {
	set, _, err := build(s, r.dir, r.schema)
	if err == nil && r.accept != nil {
		err = r.accept(set)
	}
	return set, err
}
