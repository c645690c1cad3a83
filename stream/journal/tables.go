package journal

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// maxTables is into how many tables a cut is divided at most.
const maxTables = 6

// tables are the sorted tables of a cut on their way into Pebble. A table ends
// where a bucket does, as far as there may be more: one that overlaps no
// other goes where it belongs at once, and is not sorted in again.
type tables struct {
	s     *store
	names []string
	cut   uint32
	last  [3]byte // kind and bucket of the last key
	w     *sstable.Writer
	bytes int64

	filters *filters // nil: none are kept
	filter  *filter  // of the bucket of the last key
	noted   [3]byte  // kind and bucket of that
	hash    uint64   // of it
}

// set adds a key, which must be above all before.
func (t *tables) set(key, value []byte) error {
	if err := t.table(key); err != nil {
		return err
	}
	t.bytes += int64(len(key) + len(value))
	t.note(key)
	return t.w.Set(key, value)
}

// note adds a key to the filter of its bucket.
func (t *tables) note(key []byte) {
	if t.filters == nil || key[0] > keyID {
		return
	}
	at := [3]byte(key)
	h := binary.BigEndian.Uint64(key[3:])
	switch {
	case t.filter == nil || at != t.noted:
		t.filter, t.noted = t.filters.of(key[0], binary.BigEndian.Uint16(key[1:])), at
	case h == t.hash:
		return
	}
	t.hash = h
	t.filters.add(t.filter, h)
}

func (t *tables) remove(key []byte) error {
	if err := t.table(key); err != nil {
		return err
	}
	t.bytes += int64(len(key))
	return t.w.Delete(key)
}

// table makes sure that there is a table for a key.
func (t *tables) table(key []byte) error {
	var at [3]byte
	copy(at[:], key)
	if t.w != nil && (at == t.last || len(t.names) == maxTables || at[0] > keyID) {
		return nil // what the journal knows of itself and what waits is little: it follows the ids
	}
	t.last = at
	if err := t.finish(); err != nil {
		return err
	}
	name := t.s.fuse.PathJoin(t.s.dir, cutName(t.cut, len(t.names)))
	file, err := t.s.fuse.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	t.names = append(t.names, name)
	o := t.s.options.MakeWriterOptions(0, t.s.db.TableFormat())
	o.DisableValueBlocks = true
	o.Compression = sstable.NoCompression // sorting in compresses; here it would be a part of deciding's price
	t.w = sstable.NewWriter(objstorageprovider.NewFileWritable(file), o)
	return nil
}

// finish makes the table at hand durable.
func (t *tables) finish() error {
	if t.w == nil {
		return nil
	}
	err := t.w.Close()
	t.w = nil
	return err
}

// state adds what the journal knows of itself.
func (t *tables) state(st *state) error {
	value, err := st.encode()
	if err != nil {
		return err
	}
	return t.set([]byte{keyMeta}, value)
}

// ingest makes the tables part of the journal: all or none of them. Whether they
// are is not known if the store fails meanwhile.
func (t *tables) ingest() error {
	if err := t.finish(); err != nil {
		return errors.Join(t.s.known(err), t.drop())
	}
	err := t.s.guard(func() error { return t.s.db.Ingest(context.Background(), t.names) })
	if err != nil && !t.s.hasFailed() {
		return errors.Join(t.s.known(err), t.drop())
	}
	return err
}

// drop removes what was written.
func (t *tables) drop() (err error) {
	if t.w != nil {
		err = t.w.Close()
		t.w = nil
	}
	for _, name := range t.names {
		err = errors.Join(err, t.s.fuse.Remove(name))
	}
	return err
}
