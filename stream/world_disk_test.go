package stream

import (
	"hash/fnv"
	"io"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// simDisk is the disk of the journal: it can fail at an operation, and the power
// can fail at one.
type simDisk struct {
	mem *vfs.MemFS
	fs  vfs.FS

	mu      sync.Mutex
	n       int   // operations since armed
	failAt  int   // 0: never
	failFor int   // so many
	err     error // as what
	crashAt int
	torn    uint64 // see clone
	crashed *vfs.MemFS
	tally   simTally
}

// What the disk keeps of what was not synced when the power fails: nothing,
// everything, or, from tearSome on, a mixture of which that number is the seed.
const (
	tearNone = iota
	tearAll
	tearSome
)

func newSimDisk(mem *vfs.MemFS) *simDisk {
	d := &simDisk{mem: mem, tally: simTally{}}
	d.fs = errorfs.Wrap(mem, d)
	return d
}

func (d *simDisk) String() string { return "world" }

// counts says which operations count: those of a cut, one after the other. What
// Pebble does in the background comes whenever it comes.
func (d *simDisk) counts(op errorfs.Op) bool {
	return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpRemove && (strings.HasSuffix(op.Path, ".cut") || strings.Contains(op.Path, "MANIFEST"))
}

func (d *simDisk) MaybeError(op errorfs.Op) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failAt == 0 && d.crashAt == 0 || !d.counts(op) {
		return nil
	}
	d.n++
	if d.n == d.crashAt {
		d.crashed = d.clone(d.torn)
	}
	if d.failAt > 0 && d.n >= d.failAt && d.n < d.failAt+d.failFor {
		d.tally[map[error]string{syscall.EIO: "disk: write fails: I/O error", syscall.ENOSPC: "disk: write fails: disk full"}[d.err]]++
		return d.err
	}
	return nil
}

// met is what has happened to it.
func (d *simDisk) met() simTally {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tally
}

// arm lets the failAt-th operation from now on and failFor-1 more fail with err,
// and the power fail at the crashAt-th; 0: never.
func (d *simDisk) arm(failAt, failFor int, err error, crashAt int, torn uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n, d.failAt, d.failFor, d.err, d.crashAt, d.torn = 0, failAt, failFor, err, crashAt, torn
}

// disarm gives what is left on the disk if the power has failed meanwhile.
func (d *simDisk) disarm() (crashed *vfs.MemFS) {
	d.mu.Lock()
	defer d.mu.Unlock()
	crashed = d.crashed
	d.crashed, d.failAt, d.crashAt = nil, 0, 0
	return crashed
}

// clone is what is on the disk after the power has failed: what was synced, and
// of the rest nothing, everything, or some, file by file and block by block.
// Pebble's own clone takes them in the order of a map.
func (d *simDisk) clone(torn uint64) *vfs.MemFS {
	synced := d.mem.CrashClone(vfs.CrashCloneCfg{})
	if torn == tearNone {
		d.tally["crash: unsynced writes lost"]++
		return synced
	}
	all := d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	if torn == tearAll {
		d.tally["crash: unsynced writes kept"]++
		return all
	}
	d.tally["crash: unsynced writes torn"]++
	out := vfs.NewCrashableMem()
	m := &mixing{a: synced, b: all, out: out, seed: torn}
	m.dir("/")
	return out
}

type mixing struct {
	a, b, out *vfs.MemFS
	seed      uint64
}

// draw decides by name, without what is random in it.
func (m *mixing) draw(name string, block int) bool {
	h := fnv.New64a()
	if cut, _, ok := strings.Cut(strings.TrimSuffix(name, ".cut"), "-"); ok {
		name = cut
	}
	io.WriteString(h, name)
	h.Write([]byte{byte(block), byte(m.seed), byte(m.seed >> 8), byte(m.seed >> 16), byte(m.seed >> 24)})
	return h.Sum64()>>20&1 == 1
}

func (m *mixing) dir(dir string) {
	names, _ := m.a.List(dir)
	more, _ := m.b.List(dir)
	names = append(names, more...)
	slices.Sort(names)
	newest := m.draw(dir, 0) // file systems keep the order of what happens to names
	for _, name := range slices.Compact(names) {
		full := path.Join(dir, name)
		before, errA := m.a.Stat(full)
		after, errB := m.b.Stat(full)
		if !newest && errA != nil || newest && errB != nil {
			continue
		}
		if errA == nil && before.IsDir() || errB == nil && after.IsDir() {
			must(m.out.MkdirAll(full, 0o755))
			m.dir(full)
			continue
		}
		data := content(m.a, full)
		for i, all := 0, content(m.b, full); i < len(all); i += 4096 {
			if !m.draw(full, 1+i/4096) {
				continue
			}
			block := all[i:min(i+4096, len(all))]
			if grow := i + len(block) - len(data); grow > 0 {
				data = append(data, make([]byte, grow)...)
			}
			copy(data[i:], block)
		}
		f, err := m.out.Create(full, vfs.WriteCategoryUnspecified)
		must(err)
		if len(data) > 0 {
			_, err = f.Write(data)
			must(err)
		}
		must(f.Sync())
		must(f.Close())
	}
	d, err := m.out.OpenDir(dir)
	must(err)
	must(d.Sync())
	must(d.Close())
}

func content(fs *vfs.MemFS, name string) []byte {
	f, err := fs.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	must(err)
	return b
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
