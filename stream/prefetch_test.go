package stream

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"sluice/rules"
	"sluice/scoring/event"
	"sluice/stream/journal"
)

// TestReadFails: a journal that can't be read for a while is not an empty one.
// Who needs it waits, somebody is told, and what was read in the end is whole.
func TestReadFails(t *testing.T) {
	schema, err := event.ParseSchema("schema.yaml", []byte("fields: {id: {type: integer}, time: {type: timestamp}, card: {type: string, entity: true}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var broken atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsRead && strings.HasSuffix(op.Path, ".sst") {
			return syscall.EIO
		}
		return nil
	}))
	open := func() *journal.Journal {
		j, err := journal.Open(journal.Options{Dir: "/j", Schema: schema, FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	j := open()
	var tx event.Transaction
	if err := event.NewDecoder(schema).Transaction(&tx, []byte(`{"id":1,"time":"2026-01-01T00:00:00Z","card":"c"}`), 1); err != nil {
		t.Fatal(err)
	}
	s := j.Segment()
	s.Decided(&tx, rules.Allow, 0, true)
	if err := errors.Join(j.Write([]*journal.Segment{s}, journal.Progress{}), j.Close()); err != nil {
		t.Fatal(err)
	}

	j = open()
	broken.Store(true)
	var mu sync.Mutex
	var troubles []error
	trouble := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		troubles = append(troubles, err)
	}
	arrived := make(chan *load, 1)
	p := &prefetch{journal: j, wants: make(chan *load, 1)}
	p.later = func(f func()) {
		f()
		arrived <- p.arrived[0]
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.runAll(ctx, trouble) }()
	l := &load{want: want{0, tx.Entities[0]}}
	l.value, _ = tx.AppendEntityValue(nil, 0)
	p.wants <- l
	for told := 0; told < 3; time.Sleep(time.Millisecond) {
		mu.Lock()
		told = len(troubles)
		mu.Unlock()
		select {
		case <-arrived:
			t.Fatal("a past that could not be read has arrived")
		case err := <-ended:
			t.Fatalf("the loaders have ended: %v", err)
		default:
		}
	}
	broken.Store(false)
	if l = <-arrived; len(l.pasts.rows) != 1 {
		t.Errorf("%d rows have arrived, not 1", len(l.pasts.rows))
	}
	cancel()
	if err := errors.Join(<-ended, j.Close()); err != nil {
		t.Error(err)
	}
	last := len(troubles) - 1
	if troubles[last] != nil || !errors.Is(troubles[last-1], ErrJournalUnread) || !errors.Is(troubles[last-1], syscall.EIO) {
		t.Errorf("told of %v", troubles)
	}
}
