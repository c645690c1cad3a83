package stream

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"sluice/stream/journal"
)

// damageFile notes in a journal's directory that it was found damaged while it
// was in use. Opening a journal does not read all of it: without the note the
// next run would open it again, stop at the same place, and never rebuild it.
const damageFile = "DAMAGED"

// Damage tells of damage that an earlier run has found in the journal of a
// directory, nil if none has: an error that wraps journal.ErrDamaged.
func Damage(dir string) error {
	note := filepath.Join(dir, damageFile)
	text, err := os.ReadFile(note)
	switch {
	case err == nil:
		return fmt.Errorf("%w, as was found while it was in use (noted in %s): set journal.rebuild: true to put it aside and begin a new one from the topics. What was found: %s",
			journal.ErrDamaged, note, bytes.TrimSpace(text))
	case !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR): // a file in its place: opening says so
		return fmt.Errorf("looking for a note of damage: %w", err)
	}
	return nil
}

// openDir opens the journal of a directory, unless it is known to be damaged.
func (p *Processor) openDir(dir string) (*journal.Journal, error) {
	if err := Damage(dir); err != nil {
		return nil, err
	}
	return journal.Open(journal.Options{Dir: dir, Schema: p.o.Schema, Bucket: bucketOf(p.retention()), Log: p.log})
}

// putAside moves a damaged journal out of the way, and gives where to.
func putAside(dir string) (string, error) {
	aside := dir + ".damaged-" + time.Now().UTC().Format("20060102T150405.000")
	if err := os.Rename(dir, aside); err != nil {
		return "", fmt.Errorf("putting the damaged journal aside: %w", err)
	}
	return aside, nil
}

// noteDamage leaves word for the next run if it was damage that ended this one.
func (p *Processor) noteDamage(err error) {
	if p.journalDir == "" || !errors.Is(err, journal.ErrDamaged) {
		return
	}
	if err := os.WriteFile(filepath.Join(p.journalDir, damageFile), []byte(err.Error()+"\n"), 0o600); err != nil {
		p.log.Error("the journal is damaged, and that can't be noted beside it: the next start may not notice at once", "error", err)
	}
}
