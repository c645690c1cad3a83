package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"sluice/rules"
)

// Fate is what became of a rule set.
type Fate string

// The fates.
const (
	Active     Fate = "active"
	Replaced   Fate = "replaced"    // by another one that stood in the files
	RolledBack Fate = "rolled_back" // by an earlier one, at somebody's request
	Refused    Fate = "refused"     // it never decided
)

// Set is a rule set that decided, or was refused.
type Set struct {
	RuleSet string    `json:"rule_set"`          // hash of its files, "" if they could not be read
	Version string    `json:"version,omitempty"` // what the files say they are: a commit, a release
	Fate    Fate      `json:"fate"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until,omitzero"` // when it ceased to decide
	Author  string    `json:"author,omitempty"`
	Why     string    `json:"why,omitempty"` // it was refused, or rolled back to
	Files   []Kept    `json:"files,omitempty"`
}

// Kept is a file of a rule set, kept under the hash of its content.
type Kept struct {
	Name string `json:"name"`
	Sum  string `json:"sum"`
}

// Pin says that a rule set decides in place of the one in the files, until they
// change or it is released.
type Pin struct {
	RuleSet string    `json:"rule_set"`
	Over    string    `json:"over"` // hash of the files that it decides in place of
	At      time.Time `json:"at"`
	Author  string    `json:"author"`
	Why     string    `json:"why"`
}

// keptSets bounds the sets that decided, and apart from them those refused.
const keptSets = 10

// maxWhy bounds what is kept of why a set was refused.
const maxWhy = 2000

// ErrNoSet is given for a set whose files are not kept.
var ErrNoSet = errors.New("no such rule set is kept")

// Register holds the last rule sets. It is safe for concurrent use.
type Register struct {
	disk Disk
	dir  string

	mu   sync.Mutex
	page page
}

// page is what the register's file holds.
type page struct {
	Sets []Set `json:"sets"` // newest first
	Pin  *Pin  `json:"pin,omitempty"`
}

const filesDir = "files"

// OpenRegister reads the register of a directory, if there is one.
func OpenRegister(d Disk, dir string) (*Register, error) {
	r := &Register{disk: d, dir: dir}
	data, err := d.ReadFile(r.name())
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the register of rule sets: %w", err)
	}
	if err := json.Unmarshal(data, &r.page); err != nil {
		return nil, fmt.Errorf("%w: %s: %w; put the file aside to begin a new register", ErrDamaged, r.name(), err)
	}
	return r, nil
}

func (r *Register) name() string { return filepath.Join(r.dir, "sets.json") }

// Sets gives the sets, newest first.
func (r *Register) Sets() []Set {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.page.Sets)
}

// Pinned gives the pin, nil if there is none.
func (r *Register) Pinned() *Pin {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.page.Pin
}

// Took notes that a set decides from now on, and keeps its files. What stands in
// the register holds for this process also where it can't be written.
func (r *Register) Took(set Set, files []rules.File) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.active(); i >= 0 && r.page.Sets[i].RuleSet == set.RuleSet && r.page.Sets[i].Files != nil {
		return r.named(set.Version) // as after a restart
	}
	next := page{Sets: slices.Clone(r.page.Sets), Pin: r.page.Pin}
	set.Fate = Active
	ended := Replaced
	if p := next.Pin; p != nil && p.RuleSet == set.RuleSet {
		set.Author, set.Why, ended = p.Author, p.Why, RolledBack
	} else {
		next.Pin = nil
	}
	if i := r.active(); i >= 0 {
		next.Sets[i].Fate, next.Sets[i].Until = ended, set.Since
		if next.Sets[i].RuleSet == set.RuleSet {
			next.Sets = slices.Delete(next.Sets, i, i+1) // its files were not kept
		}
	}
	err := r.disk.MkdirAll(filepath.Join(r.dir, filesDir))
	if err == nil {
		set.Files, err = r.keep(files)
	}
	next.Sets = bounded(slices.Insert(next.Sets, 0, set))
	return r.turn(next, err)
}

// named notes what the set that decides is said to be now; "": nothing new is said.
func (r *Register) named(version string) error {
	i := r.active()
	if version == "" || r.page.Sets[i].Version == version {
		return nil
	}
	next := page{Sets: slices.Clone(r.page.Sets), Pin: r.page.Pin}
	next.Sets[i].Version = version
	return r.turn(next, nil)
}

// Refused notes that the files were not taken.
func (r *Register) Refused(set Set) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := page{Sets: slices.Clone(r.page.Sets), Pin: r.page.Pin}
	set.Fate = Refused
	if len(set.Why) > maxWhy {
		set.Why = set.Why[:maxWhy] + "…"
	}
	if n := next.Sets; len(n) > 0 && n[0].Fate == Refused && n[0].RuleSet == set.RuleSet {
		next.Sets = n[1:]
	}
	next.Sets = bounded(slices.Insert(next.Sets, 0, set))
	return r.turn(next, nil)
}

// Pin notes that a set is to decide in place of the files; nil: none is. It is
// kept before it happens.
func (r *Register) Pin(p *Pin) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := page{r.page.Sets, p}
	if err := r.write(next); err != nil {
		return unwritten(err)
	}
	r.page = next
	return nil
}

// version gives what a set was said to be when it last decided.
func (r *Register) version(hash string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.page.Sets {
		if s.RuleSet == hash && s.Fate != Refused {
			return s.Version
		}
	}
	return ""
}

// Files gives the files of a set.
func (r *Register) Files(hash string) ([]rules.File, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.page.Sets, func(s Set) bool { return s.RuleSet == hash && s.Files != nil })
	if i < 0 {
		return nil, ErrNoSet
	}
	var out []rules.File
	for _, k := range r.page.Sets[i].Files {
		data, err := r.disk.ReadFile(r.blob(k.Sum))
		if err != nil {
			return nil, fmt.Errorf("reading the kept files of rule set %s: %w", hash, err)
		}
		if sum(data) != k.Sum {
			return nil, fmt.Errorf("%w: the kept file %s of rule set %s is another one now", ErrDamaged, k.Name, hash)
		}
		out = append(out, rules.File{Name: k.Name, Data: data})
	}
	return out, nil
}

// turn makes a page the current one, whether or not it can be written.
func (r *Register) turn(next page, err error) error {
	r.page = next
	if err == nil {
		err = r.write(next)
	}
	if err == nil {
		r.clean()
	}
	return unwritten(err)
}

func (r *Register) write(p page) error {
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	if err := r.disk.MkdirAll(r.dir); err != nil {
		return err
	}
	return replace(r.disk, r.name(), append(data, '\n'))
}

// keep writes files that are not there yet.
func (r *Register) keep(files []rules.File) ([]Kept, error) {
	out := make([]Kept, 0, len(files))
	have := map[string]bool{}
	for i := range r.page.Sets {
		for _, k := range r.page.Sets[i].Files {
			have[k.Sum] = true
		}
	}
	for _, f := range files {
		k := Kept{f.Name, sum(f.Data)}
		if !have[k.Sum] {
			if err := replace(r.disk, r.blob(k.Sum), f.Data); err != nil {
				return nil, err
			}
			have[k.Sum] = true
		}
		out = append(out, k)
	}
	return out, nil
}

// clean removes files that no set in the register has. What can't be removed is
// tried again the next time.
func (r *Register) clean() {
	wanted := map[string]bool{}
	for i := range r.page.Sets {
		for _, k := range r.page.Sets[i].Files {
			wanted[k.Sum] = true
		}
	}
	entries, err := r.disk.ReadDir(filepath.Join(r.dir, filesDir))
	if err != nil {
		return
	}
	for _, e := range entries {
		if !wanted[e.Name()] {
			_ = r.disk.Remove(r.blob(e.Name()))
		}
	}
}

func (r *Register) blob(sum string) string { return filepath.Join(r.dir, filesDir, sum) }

// active gives the set that decides, -1: none is known.
func (r *Register) active() int {
	return slices.IndexFunc(r.page.Sets, func(s Set) bool { return s.Fate == Active })
}

// bounded drops the oldest sets beyond what is kept; refused ones never push out
// one that can be rolled back to.
func bounded(sets []Set) []Set {
	decided, refused := 0, 0
	return slices.DeleteFunc(sets, func(s Set) bool {
		n := &decided
		if s.Fate == Refused {
			n = &refused
		}
		*n++
		return *n > keptSets
	})
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
