package rules

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long the files must rest before they are read: an editor or a
// deployment writes several. Files that never rest are read after so many
// events all the same.
const (
	quiet     = 100 * time.Millisecond
	maxEvents = 1000
	again     = 5 * time.Second // a directory that can't be watched is tried again
)

// Watch reloads whenever the files change, until ctx ends; then it returns nil.
// It watches directories, not files, so that files renamed into place and
// swapped symlinks are seen, and goes by the content, so that anything else
// that happens there reloads nothing.
func (r *Reloader) Watch(ctx context.Context) error {
	return watch(ctx, r.dir, func() { _ = r.reload(false) }, r.failed) // reload reports how it went
}

// Watch calls changed at once and whenever the rule files of a directory have
// changed, until ctx ends. Trouble with watching is told to failed.
func Watch(ctx context.Context, dir string, changed func(), failed func(error)) error {
	last := ""
	return watch(ctx, dir, func() {
		now := ""
		if s, err := readSources(os.DirFS(dir)); err != nil {
			now = "error: " + err.Error()
		} else {
			now = s.hash
		}
		if now != last {
			last = now
			changed()
		}
	}, failed)
}

// watch calls moved at once and whenever something has happened to the files.
func watch(ctx context.Context, dir string, moved func(), failed func(error)) (err error) {
	w, err := newWatcher(dir)
	if err != nil {
		return fmt.Errorf("watch the rules in %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, w.events.Close()) }()
	// At once, for what changed before the watch began.
	timer := time.NewTimer(0) //nolint:forbidigo // it paces the reading of files and decides nothing
	defer timer.Stop()
	trouble := ""
	for events := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-w.events.Events:
			if !ok {
				return fmt.Errorf("the watch of the rules in %s ended", dir)
			}
			if !w.concerns(e.Name) {
				continue
			}
			if events++; events < maxEvents {
				timer.Reset(quiet)
			}
		case watchErr, ok := <-w.events.Errors: // some events were lost
			if !ok {
				return fmt.Errorf("the watch of the rules in %s ended", dir)
			}
			failed(fmt.Errorf("watch the rules in %s: %w", dir, watchErr))
			timer.Reset(quiet)
		case <-timer.C:
			events = 0
			armErr := w.arm()
			moved()
			if armErr == nil {
				trouble = ""
				continue
			}
			if armErr.Error() != trouble {
				trouble = armErr.Error()
				failed(armErr)
			}
			timer.Reset(again)
		}
	}
}

// watcher watches the rule directory, its lists, and the directory above,
// where the rule directory itself may be swapped.
type watcher struct {
	events             *fsnotify.Watcher
	above, dir, listed string
}

func newWatcher(dir string) (*watcher, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &watcher{events, filepath.Dir(dir), dir, filepath.Join(dir, "lists")}, nil
}

// arm watches the directories, which may be others than the last time.
func (w *watcher) arm() error {
	for _, path := range []string{w.dir, w.listed} {
		_ = w.events.Remove(path) // not watched yet, or gone with its directory
	}
	if err := w.events.Add(w.above); err != nil {
		return fmt.Errorf("watch %s: %w", w.above, err)
	}
	_ = w.events.Add(w.listed) // need not exist
	if err := w.events.Add(w.dir); err != nil {
		return fmt.Errorf("watch the rules in %s: %w", w.dir, err)
	}
	return nil
}

// concerns reports whether something that happened to a path may have changed
// the rules. A ConfigMap is swapped at ..data, beside or in the directory.
func (w *watcher) concerns(path string) bool {
	parent, name := filepath.Split(path)
	switch filepath.Clean(parent) {
	case w.dir, w.listed:
		return true
	case w.above:
		return path == w.dir || strings.HasPrefix(name, "..")
	}
	return false
}

// failed reports that the watch is in trouble; the set stays.
func (r *Reloader) failed(err error) {
	if r.report != nil {
		r.report(Reload{Set: r.Current(), Err: err})
	}
}
