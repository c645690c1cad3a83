package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// store is one opening of the Pebble below a journal. If Pebble can't go on (it
// says so by Logger.Fatalf, after which nobody may touch it), the store has
// failed: its calls return, what it still does changes no file, and another
// store can be opened in its place.
type store struct {
	dir     string
	db      *pebble.DB
	options *pebble.Options
	fuse    *fuse
	filters *filters
	log     *slog.Logger

	failed  chan struct{} // closed once it has failed
	failing sync.Once
	cause   error // why; read after failed
	trouble atomic.Pointer[error]
	looks   atomic.Int64 // that were begun
	open    sync.RWMutex // held for reading by who reads, for writing by who closes
}

// compactAt is how many cuts lie unsorted on top of each other before Pebble
// sorts them in. Each costs a reader a look into its Bloom filter; fewer would
// have the same bytes rewritten more often.
const compactAt = 32

// openStore opens the Pebble of a directory.
func openStore(disk vfs.FS, dir string, cache *pebble.Cache, create, readOnly bool, log *slog.Logger) (*store, error) {
	s := &store{dir: dir, log: log, failed: make(chan struct{})}
	s.fuse = &fuse{FS: disk, failed: s.fail}
	s.options = &pebble.Options{
		FS: s.fuse, Cache: cache, Comparer: comparer(), Logger: logger{s},
		FormatMajorVersion: pebble.FormatValueSeparation,
		ErrorIfExists:      create, ErrorIfNotExists: !create, ReadOnly: readOnly,
		DisableWAL:   true, // cuts are ingested, nothing passes through the memtable
		MemTableSize: 1 << 20,
		MaxOpenFiles: 1000, BytesPerSync: 4 << 20,

		L0CompactionThreshold: 2 * compactAt, L0StopWritesThreshold: 1 << 20,
		LBaseMaxBytes:   512 << 20,
		EventListener:   s.listener(),
		NumPrevManifest: 1,
	}
	for i := range s.options.Levels {
		size := 8 << 10 // what lies sorted is looked up
		if i == 0 {
			size = 32 << 10
		}
		s.options.Levels[i] = pebble.LevelOptions{
			BlockSize: size, FilterPolicy: bloom.FilterPolicy(10), FilterType: pebble.TableFilter,
			Compression: func() *sstable.CompressionProfile { return sstable.FastCompression },
		}
		s.options.TargetFileSizes[i] = 32 << 20
	}
	x := &s.options.Experimental
	x.EnableColumnarBlocks = func() bool { return true }
	// Keys of one prefix are the parts of one history, wanted together, not
	// versions of which one is wanted.
	x.SpanPolicyFunc = func([]byte) (pebble.SpanPolicy, []byte, error) {
		return pebble.SpanPolicy{DisableValueSeparationBySuffix: true, ValueStoragePolicy: pebble.ValueStorageLowReadLatency}, nil, nil
	}
	s.options.EnsureDefaults()
	err := s.guard(func() (err error) {
		s.db, err = pebble.Open(dir, s.options)
		return err
	})
	if err != nil {
		s.fuse.blow()
		return nil, s.opening(err)
	}
	return s, nil
}

// guard does what calls Pebble, in a goroutine of its own: it may never return
// once the store has failed.
func (s *store) guard(do func() error) error {
	select {
	case <-s.failed:
		return s.failure()
	default:
	}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				s.log.Error("panic in the journal's storage", "panic", p, "stack", string(debug.Stack()))
				done <- fmt.Errorf("%w: reading or writing %s ended in a panic (%v); %s", ErrDamaged, s.dir, p, whatToDo)
			}
		}()
		done <- do()
	}()
	select {
	case err := <-done:
		return err
	case <-s.failed:
		return s.failure()
	}
}

// fail ends the store.
func (s *store) fail(cause error) {
	s.failing.Do(func() {
		s.fuse.blow()
		s.cause = cause
		close(s.failed)
	})
}

func (s *store) hasFailed() bool {
	select {
	case <-s.failed:
		return true
	default:
		return false
	}
}

func (s *store) failure() error { return fmt.Errorf("%w: %w", ErrFailed, s.cause) }

// close closes Pebble. One that has failed is left to itself.
func (s *store) close() error {
	if s.hasFailed() {
		return nil
	}
	s.open.Lock()
	defer s.open.Unlock()
	return s.known(s.guard(s.db.Close))
}

// known says what an error of a call means.
func (s *store) known(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrFailed), errors.Is(err, ErrForeign), errors.Is(err, ErrFull):
		return err
	case pebble.IsCorruptionError(err), errors.Is(err, fs.ErrNotExist):
		return s.damage(err)
	case vfs.IsNoSpaceError(err):
		return fmt.Errorf("%w (%s): make room; it goes on by itself: %w", ErrFull, s.dir, err)
	}
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		// Each attempt has another file, and the same trouble should read the same.
		err = fmt.Errorf("%s: %w", failed.Op, failed.Err)
	}
	return fmt.Errorf("the journal in %s: %w", s.dir, err)
}

// damage tells of damage, and where.
func (s *store) damage(err error) error {
	at := s.dir
	if info := pebble.ExtractDataCorruptionInfo(err); info != nil {
		at = info.Path
	}
	err = fmt.Errorf("%w (%s): %s; %s", ErrDamaged, at, plain(err), whatToDo)
	s.trouble.Store(&err)
	return err
}

// plain gives an error of the storage on one line, and without what stands there
// for details that only programs read.
func plain(err error) string {
	lines := slices.DeleteFunc(strings.Split(err.Error(), "\n"), func(line string) bool { return line == "<corruption detail carrier>" })
	return strings.Join(slices.Compact(lines), "; ")
}

// join joins two errors, unless the second says nothing new: the storage gives what
// it has found again when it is closed.
func join(err, more error) error {
	if err != nil && more != nil && strings.Contains(err.Error(), more.Error()) {
		return err
	}
	return errors.Join(err, more)
}

// opening says what an error of opening means: whatever is not the disk's is damage.
func (s *store) opening(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) && !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrFailed) {
		return s.known(err)
	}
	return s.damage(err)
}

func (s *store) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			err = s.known(err)
			s.trouble.Store(&err)
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			err := fmt.Errorf("%w (%s): %s; %s", ErrDamaged, info.Path, plain(info.Details), whatToDo)
			s.trouble.Store(&err)
		},
		CompactionEnd: func(info pebble.CompactionInfo) {
			if p := s.trouble.Load(); info.Err == nil && p != nil && !errors.Is(*p, ErrDamaged) {
				s.trouble.CompareAndSwap(p, nil)
			}
		},
	}
}

// logger is Pebble's way to talk.
type logger struct{ s *store }

func (l logger) Infof(format string, args ...any) {}

func (l logger) Errorf(format string, args ...any) {
	l.s.log.Warn("the journal's storage complains", "error", fmt.Sprintf(format, args...))
}

// Fatalf must not return, since what Pebble has in memory is wrong from here on.
// It ends the store instead of the process. The goroutine stays where it is,
// perhaps with locks that others of this store then wait for.
func (l logger) Fatalf(format string, args ...any) {
	l.s.fail(fmt.Errorf(format, args...)) //nolint:err113 // Pebble gives no error, only words
	select {}
}
