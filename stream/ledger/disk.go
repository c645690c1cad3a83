package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Disk is the file system of a ledger; tests let it fail.
type Disk interface {
	MkdirAll(dir string) error
	ReadFile(name string) ([]byte, error)
	ReadDir(dir string) ([]fs.DirEntry, error)
	Create(name string) (File, error) // or empty it
	Append(name string) (File, error) // to what is there
	Rename(from, to string) error
	Remove(name string) error
	SyncDir(dir string) error
}

// File is one that is written.
type File interface {
	io.WriteCloser
	Sync() error
}

// OS is the operating system's.
type OS struct{}

// MkdirAll makes a directory that this user alone can look into: what is kept
// may be as secret as a list of cards.
func (OS) MkdirAll(dir string) error { return os.MkdirAll(dir, 0o700) }

// ReadFile reads a file.
func (OS) ReadFile(name string) ([]byte, error) { return os.ReadFile(name) }

// ReadDir lists a directory.
func (OS) ReadDir(dir string) ([]fs.DirEntry, error) { return os.ReadDir(dir) }

// Create makes a file, or empties it.
func (OS) Create(name string) (File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
}

// Append opens a file to write behind what it holds.
func (OS) Append(name string) (File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0o600)
}

// Rename gives a file another name, of whatever had it.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file.
func (OS) Remove(name string) error { return os.Remove(name) }

// SyncDir makes what was renamed in a directory outlast a power cut.
func (OS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// replace writes a file whole or not at all: whenever the process dies, the
// name has the old content or the new one.
func replace(d Disk, name string, data []byte) (err error) {
	made := name + ".new"
	f, err := d.Create(made)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := d.Rename(made, name); err != nil {
		return err
	}
	return d.SyncDir(filepath.Dir(name))
}

// ErrUnwritten is what nothing is changed for: it could not be kept.
var ErrUnwritten = errors.New("the directory of state can't be written")

func unwritten(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnwritten, err)
}
