package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// List gives the journals of a directory: itself, if it is one, or those right
// below it.
func List(dir string) ([]string, error) {
	if isJournal(dir) {
		return []string{dir}, nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, syscall.ENOTDIR) {
		return nil, fmt.Errorf("%s is a file; name the directory of a journal, or one that holds some", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("looking for journals: %w", err)
	}
	var out []string
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); isJournal(path) {
			out = append(out, path)
		}
	}
	return out, nil
}

func isJournal(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, dirData))
	return err == nil && info.IsDir()
}
