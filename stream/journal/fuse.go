package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// errBlown is what a blown fuse answers.
var errBlown = errors.New("this journal has failed and writes no more")

// fuse stands between Pebble and the disk. When Pebble can't go on it is blown:
// nothing that this Pebble still does in the background changes a file from then
// on, so that another one can open the directory in the same process. It
// also takes the place of Pebble's lock: the journal holds one on the directory
// above for as long as it is open.
type fuse struct {
	vfs.FS
	failed func(error) // told when a directory can't be made durable
	blown  atomic.Bool
	busy   sync.RWMutex // held for reading by what changes files
}

// blow lets nothing through any more.
func (f *fuse) blow() { f.blown.Store(true) }

// quiet waits until nothing of what went through before is under way, at most
// for a time; false: something hangs.
func (f *fuse) quiet(patience time.Duration) bool {
	done := make(chan struct{})
	go func() {
		f.busy.Lock()
		f.busy.Unlock() //nolint:staticcheck // nothing is guarded: waiting is all
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(patience):
		return false
	}
}

// through does what changes a file.
func (f *fuse) through(do func() error) error {
	f.busy.RLock()
	defer f.busy.RUnlock()
	if f.blown.Load() {
		return errBlown
	}
	return do()
}

func (f *fuse) open(open func() (vfs.File, error)) (file vfs.File, err error) {
	err = f.through(func() error {
		file, err = open()
		return err
	})
	if err != nil {
		return nil, err
	}
	return &fusedFile{file, f}, nil
}

func (f *fuse) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.open(func() (vfs.File, error) { return f.FS.Create(name, category) })
}

func (f *fuse) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return f.open(func() (vfs.File, error) { return f.FS.OpenReadWrite(name, category, opts...) })
}

func (f *fuse) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.open(func() (vfs.File, error) { return f.FS.ReuseForWrite(oldname, newname, category) })
}

func (f *fuse) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &fusedDir{fusedFile{file, f}}, nil
}

func (f *fuse) Link(oldname, newname string) error {
	return f.through(func() error { return f.FS.Link(oldname, newname) })
}

func (f *fuse) Remove(name string) error {
	return f.through(func() error { return f.FS.Remove(name) })
}

func (f *fuse) RemoveAll(name string) error {
	return f.through(func() error { return f.FS.RemoveAll(name) })
}

func (f *fuse) Rename(oldname, newname string) error {
	return f.through(func() error { return f.FS.Rename(oldname, newname) })
}

func (f *fuse) MkdirAll(dir string, perm os.FileMode) error {
	return f.through(func() error { return f.FS.MkdirAll(dir, perm) })
}

func (f *fuse) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

func (f *fuse) Unwrap() vfs.FS { return f.FS }

// fusedFile is a file opened for writing.
type fusedFile struct {
	vfs.File
	fuse *fuse
}

func (f *fusedFile) Write(b []byte) (n int, err error) {
	err = f.fuse.through(func() error {
		n, err = f.File.Write(b)
		return err
	})
	return n, err
}

func (f *fusedFile) WriteAt(b []byte, at int64) (n int, err error) {
	err = f.fuse.through(func() error {
		n, err = f.File.WriteAt(b, at)
		return err
	})
	return n, err
}

func (f *fusedFile) Preallocate(offset, length int64) error {
	return f.fuse.through(func() error { return f.File.Preallocate(offset, length) })
}

func (f *fusedFile) Sync() error { return f.fuse.through(f.File.Sync) }

func (f *fusedFile) SyncData() error { return f.fuse.through(f.File.SyncData) }

func (f *fusedFile) SyncTo(length int64) (full bool, err error) {
	err = f.fuse.through(func() error {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

// fusedDir is a directory. Pebble syncs the same one again and again; once that
// has failed nobody knows which of its names will be there after a crash, and a
// second attempt that succeeds says nothing of the first. Pebble would panic, in
// a goroutine of its own; instead that goroutine stays here for ever.
type fusedDir struct{ fusedFile }

func (f *fusedDir) Sync() error {
	if err := f.fusedFile.Sync(); err != nil {
		f.fuse.failed(fmt.Errorf("making the directory durable: %w", err))
		select {}
	}
	return nil
}
