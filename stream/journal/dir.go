package journal

import (
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A journal's directory holds a lock, the directory of Pebble, and, while a
// journal is made, the directory that becomes it: what is in data is whole.
const (
	fileLock  = "LOCK"
	fileStamp = "SLUICE"
	dirData   = "data"
	dirNew    = "new"
	cutSuffix = ".cut"
)

// lockDir makes the directory and takes its lock.
func lockDir(o *Options) (io.Closer, error) {
	if !o.ReadOnly {
		if err := o.FS.MkdirAll(o.Dir, 0o750); err != nil {
			return nil, fmt.Errorf("making the journal's directory: %w", err)
		}
		if err := syncDir(o.FS, o.FS.PathDir(o.Dir)); err != nil {
			return nil, fmt.Errorf("making the journal's directory: %w", err)
		}
	} else if _, err := o.FS.Stat(o.FS.PathJoin(o.Dir, dirData)); err != nil {
		return nil, fmt.Errorf("there is no journal in %s: %w", o.Dir, err)
	}
	lock, err := o.FS.Lock(o.FS.PathJoin(o.Dir, fileLock))
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, fmt.Errorf("taking the journal's lock, for which its directory must be writable: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w (%s): stop the other process that has it open, or give this one another journal (key journal.dir): %w", ErrLocked, o.Dir, err)
	}
	return lock, nil
}

// present says whether there is a journal, whole or damaged.
func present(o *Options) (bool, error) {
	_, err := o.FS.Stat(o.FS.PathJoin(o.Dir, dirData))
	if err == nil {
		return true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("looking for a journal: %w", err)
	}
	names, err := o.FS.List(o.Dir)
	if err != nil {
		return false, fmt.Errorf("looking for a journal: %w", err)
	}
	for _, name := range names {
		if !slices.Contains([]string{fileLock, dirNew, "lost+found"}, name) {
			return false, fmt.Errorf("%w: %s holds other things (%s) and no journal; give journal.dir an empty directory", ErrForeign, o.Dir, name)
		}
	}
	return false, nil
}

// create makes a journal, in a directory that takes its name once it is whole.
func (j *Journal) create() error {
	f, made := j.o.FS, j.o.FS.PathJoin(j.o.Dir, dirNew)
	if err := f.RemoveAll(made); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("making a journal: %w", err)
	}
	if err := f.MkdirAll(made, 0o750); err != nil {
		return fmt.Errorf("making a journal: %w", err)
	}
	s, err := openStore(f, made, j.cache, true, false, j.o.Log)
	if err != nil {
		return fmt.Errorf("making a journal: %w", err)
	}
	err = j.fill(s)
	if err = errors.Join(err, s.close()); err != nil {
		return fmt.Errorf("making a journal: %w", err)
	}
	if err := writeStamp(f, made); err != nil {
		return fmt.Errorf("making a journal: %w", err)
	}
	for _, do := range []func() error{
		func() error { return syncDir(f, made) },
		func() error { return f.Rename(made, j.dir) },
		func() error { return syncDir(f, j.o.Dir) },
	} {
		if err := do(); err != nil {
			return fmt.Errorf("making a journal: %w", err)
		}
	}
	return nil
}

// fill writes what a new journal knows of itself.
func (j *Journal) fill(s *store) error {
	var key [16]byte
	keys := j.o.Keys
	if keys == nil {
		keys = crand.Reader
	}
	if _, err := io.ReadFull(keys, key[:]); err != nil {
		return fmt.Errorf("making the key of a journal: %w", err)
	}
	st := newState(keyed{binary.LittleEndian.Uint64(key[:]), binary.LittleEndian.Uint64(key[8:])}, int64(j.o.Bucket))
	t := &tables{s: s}
	if err := t.state(st); err != nil {
		return errors.Join(err, t.drop())
	}
	return t.ingest()
}

// stamp says what the directory is, to people and to other versions.
func stamp() string {
	text := fmt.Sprintf("sluice journal %d", format)
	return fmt.Sprintf("%s %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
}

func writeStamp(f vfs.FS, dir string) error {
	file, err := f.Create(f.PathJoin(dir, fileStamp), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = file.Write([]byte(stamp()))
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func checkStamp(f vfs.FS, dir string) error {
	name := f.PathJoin(dir, fileStamp)
	file, err := f.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is missing; %s", ErrDamaged, name, whatToDo)
	}
	if err != nil {
		return fmt.Errorf("opening the journal: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	b, err := io.ReadAll(io.LimitReader(file, 100))
	if err != nil {
		return fmt.Errorf("opening the journal: %w", err)
	}
	if string(b) == stamp() {
		return nil
	}
	var version int
	var sum uint32
	_, err = fmt.Sscanf(string(b), "sluice journal %d %x\n", &version, &sum)
	if err != nil || version == format || version < 1 || sum != crc32.ChecksumIEEE(fmt.Appendf(nil, "sluice journal %d", version)) {
		return fmt.Errorf("%w: %s does not say what it should; %s", ErrDamaged, name, whatToDo)
	}
	return foreignFormat(version)
}

// clearCuts removes tables of cuts that never came to stand.
func clearCuts(o *Options, dir string) error {
	if o.ReadOnly {
		return nil
	}
	names, err := o.FS.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is missing; %s", ErrDamaged, dir, whatToDo)
	}
	if err != nil {
		return fmt.Errorf("opening the journal: %w", err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, cutSuffix) {
			if err := o.FS.Remove(o.FS.PathJoin(dir, name)); err != nil {
				return fmt.Errorf("opening the journal: %w", err)
			}
		}
	}
	return nil
}

// cutName gives a new name for a table of a cut. A name is never used twice:
// what is written under it after a failure is another file.
func cutName(cut uint32, table int) string {
	return fmt.Sprintf("%d-%d-%08x%s", cut, table, rand.Uint32(), cutSuffix)
}

func syncDir(f vfs.FS, name string) error {
	dir, err := f.OpenDir(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
