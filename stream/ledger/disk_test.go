package ledger

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

var errDisk = errors.New("no space left on device")

// memory is a disk whose nth operation fails, and which may tear a write there:
// half of it is done. It forgets nothing that was renamed; what was written and
// not synced is what tests cut off.
type memory struct {
	files map[string][]byte
	left  int // operations until one fails, 0: none does
	torn  bool
	done  int
}

func newMemory() *memory { return &memory{files: map[string][]byte{}} }

func (m *memory) step() error {
	m.done++
	if m.left > 0 {
		if m.left--; m.left == 0 {
			return errDisk
		}
	}
	return nil
}

func (m *memory) MkdirAll(string) error { return m.step() }

func (m *memory) ReadFile(name string) ([]byte, error) {
	if err := m.step(); err != nil {
		return nil, err
	}
	data, ok := m.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(data), nil
}

func (m *memory) ReadDir(dir string) ([]fs.DirEntry, error) {
	if err := m.step(); err != nil {
		return nil, err
	}
	var out []fs.DirEntry
	for name := range m.files {
		if filepath.Dir(name) == dir {
			out = append(out, entry(filepath.Base(name)))
		}
	}
	return out, nil
}

type entry string

func (e entry) Name() string               { return string(e) }
func (e entry) IsDir() bool                { return false }
func (e entry) Type() fs.FileMode          { return 0 }
func (e entry) Info() (fs.FileInfo, error) { return nil, errors.ErrUnsupported }

func (m *memory) Create(name string) (File, error) {
	if err := m.step(); err != nil {
		return nil, err
	}
	m.files[name] = nil
	return &memoryFile{m, name}, nil
}

func (m *memory) Append(name string) (File, error) {
	if err := m.step(); err != nil {
		return nil, err
	}
	return &memoryFile{m, name}, nil
}

func (m *memory) Rename(from, to string) error {
	if err := m.step(); err != nil {
		return err
	}
	m.files[to] = m.files[from]
	delete(m.files, from)
	return nil
}

func (m *memory) Remove(name string) error {
	if err := m.step(); err != nil {
		return err
	}
	delete(m.files, name)
	return nil
}

func (m *memory) SyncDir(string) error { return m.step() }

type memoryFile struct {
	m    *memory
	name string
}

func (f *memoryFile) Write(b []byte) (int, error) {
	if err := f.m.step(); err != nil {
		if f.m.torn {
			f.m.files[f.name] = append(f.m.files[f.name], b[:len(b)/2]...)
		}
		return 0, err
	}
	f.m.files[f.name] = append(f.m.files[f.name], b...)
	return len(b), nil
}

func (f *memoryFile) Sync() error  { return f.m.step() }
func (f *memoryFile) Close() error { return f.m.step() }

// at gives the moment so many hours into the tests.
func at(hours int) time.Time {
	return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).Add(time.Duration(hours) * time.Hour)
}

// show writes what changes hold, one a line.
func show(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		b.WriteString(strings.Join([]string{string(c.Do), c.List + c.Rule, c.Entity, c.Value, c.Until.Format(time.RFC3339)}, " "))
		b.WriteByte('\n')
	}
	return b.String()
}
