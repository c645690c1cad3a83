//go:build unix

package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock takes a directory for this process, until it ends or gives it back. A
// directory that can't be written has nothing to protect.
func lock(dir string) (unlock func() error, err error) {
	none := func() error { return nil }
	if os.MkdirAll(dir, 0o700) != nil {
		return none, nil
	}
	f, err := os.OpenFile(filepath.Join(dir, "LOCK"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return none, nil //nolint:nilerr // whoever writes is told
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("the directory of state %s is in use by another process: stop it, or give this one another directory (key state.dir): %w", dir, err)
	}
	return f.Close, nil
}
