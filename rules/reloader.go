package rules

import (
	"errors"
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
	refused atomic.Pointer[Refusal]
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
	r := &Reloader{fsys: fsys, dir: name, schema: schema, accept: accept, report: report}
	set, _, err := r.load("")
	if err != nil {
		return nil, err
	}
	r.tried = set.Hash
	r.current.Store(set)
	return r, nil
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
	seen := r.tried
	if forced {
		seen = ""
	}
	set, hash, err := r.load(seen)
	if errors.Is(err, errSeen) {
		return nil
	}
	r.tried = hash
	out := Reload{Set: r.Current(), Err: err}
	var refused *Refusal
	if err != nil {
		refused = &Refusal{hash, err}
	}
	r.refused.Store(refused)
	if err == nil && set.Hash != out.Set.Hash {
		r.current.Store(set)
		out.Set, out.Changed = set, true
	}
	if r.report != nil {
		r.report(out)
	}
	return err
}

var errSeen = errors.New("the files are as they were")

// load builds a set, unless the files' hash is seen.
func (r *Reloader) load(seen string) (*Set, string, error) {
	s, err := readSources(r.fsys)
	if err != nil {
		return nil, "", fmt.Errorf("rules in %s: %w", r.dir, err)
	}
	if s.hash == seen {
		return nil, s.hash, errSeen
	}
	set, _, err := build(s, r.dir, r.schema)
	if err == nil && r.accept != nil {
		err = r.accept(set)
	}
	return set, s.hash, err
}
