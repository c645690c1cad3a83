package stream

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFileInPlaceOfJournal: the message is of the directory, not of a note that
// nobody ever wrote.
func TestFileInPlaceOfJournal(t *testing.T) {
	place := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(place, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &Processor{log: slog.New(slog.DiscardHandler)}
	p.retained.Store(time.Hour)
	_, err := p.openDir(filepath.Join(place, "group@cluster"))
	if err == nil || !strings.Contains(err.Error(), "making the journal's directory") {
		t.Error(err)
	}
}
