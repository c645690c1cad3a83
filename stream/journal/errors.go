package journal

import "errors"

// What can be wrong with a journal. The errors that wrap these say where, and
// what to do.
var (
	// ErrDamaged: what is on disk is not what was written. Nothing of it may be
	// used; journal.rebuild begins a new journal from the topics.
	ErrDamaged = errors.New("the journal is damaged")
	// ErrFailed: the disk failed where nobody can tell what was written. Close the
	// journal and open it again: what stands is then known.
	ErrFailed = errors.New("the journal has failed and must be opened again")
	// ErrFull: the disk has too little room for the next cut.
	ErrFull = errors.New("the disk of the journal is full")
	// ErrLocked: another process uses the journal.
	ErrLocked = errors.New("the journal is in use")
	// ErrForeign: the journal was written by a newer version, or its transactions
	// can't be read under this schema.
	ErrForeign = errors.New("the journal can't be read")
	// ErrClosed: the journal is closed.
	ErrClosed = errors.New("the journal is closed")
)

// whatToDo ends the messages of damage.
const whatToDo = "set journal.rebuild: true to put it aside and begin a new one from the topics"
