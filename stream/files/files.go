// Package files reads transactions from CSV and NDJSON files, plain or gzip,
// and gives them in the order of the merge: by time, then id. In files arrival
// is event time.
package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"sluice/scoring/event"
)

// Item is one transaction of a file.
type Item struct {
	Tx event.Transaction
	// Label tells whether the file says what the transaction turned out to be,
	// and Fraud what.
	Label, Fraud bool
}

// Fault is a line that is not a valid transaction.
type Fault struct {
	File string
	Line int
	Err  error
	// IDKey is the key of the transaction's id, zero where that could not be read.
	IDKey event.Key
}

// Error gives file, line and cause.
func (f Fault) Error() string { return fmt.Sprintf("%s:%d: %v", f.File, f.Line, f.Err) }

// Unwrap gives the cause.
func (f Fault) Unwrap() error { return f.Err }

// ErrOrder says that a file is not sorted by time and id; read it with Sort.
var ErrOrder = errors.New("not sorted by time and id")

// Options of Read.
type Options struct {
	// Sort holds everything in memory and sorts it, for files out of order.
	Sort bool
	// Fault is called for every line that is not a valid transaction; reading
	// goes on. Nil: such a line ends the reading.
	Fault func(Fault) error
	// Unread is called for a CSV file with columns that no field of the schema
	// reads, from the goroutine that reads it. It may be nil.
	Unread func(path string, columns []string)
	// Lacking is called like Unread for a CSV file without columns that the schema
	// reads: of fields that are not required, and of the label. It may be nil.
	Lacking func(path string, columns []string)
	// Progress is called now and then with the bytes read so far, of the files
	// as they lie on disk, from the goroutines that read them. It may be nil.
	Progress func(read int64)
}

// Size gives the bytes of all files, for a progress bar.
func Size(paths []string) (int64, error) {
	var n int64
	for _, p := range paths {
		st, err := os.Stat(p)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return 0, fmt.Errorf("%s: %w; give files (.csv, .ndjson, .jsonl or .json, also with .gz)", p, errors.Unwrap(err))
		case err != nil:
			return 0, err
		case st.IsDir():
			return 0, fmt.Errorf("%s is a directory; give files (.csv, .ndjson, .jsonl or .json, also with .gz)", p)
		}
		n += st.Size()
	}
	return n, nil
}

// Read decodes files and calls yield with their transactions, merged by
// (time, id). Items are reused once yield returns.
func Read(ctx context.Context, schema *event.Schema, paths []string, o Options, yield func([]Item) error) error {
	parent := ctx
	ctx, cancel := context.WithCancel(ctx)
	readers := make([]*reader, len(paths))
	for i, p := range paths {
		readers[i] = newReader(schema, p, o)
		go readers[i].run(ctx)
	}
	err := merge(schema, readers, o.Sort, yield)
	cancel()
	for _, r := range readers {
		<-r.done
	}
	if err == nil {
		err = parent.Err() // readers that were stopped look like ended ones
	}
	return err
}

// Format is how a file's transactions are written.
type format int

const (
	csvFormat format = iota + 1
	jsonFormat
)

// formatOf tells a file's format from its name.
func formatOf(path string) (f format, zipped bool, err error) {
	name, zipped := strings.CutSuffix(path, ".gz")
	switch {
	case strings.HasSuffix(name, ".csv"):
		return csvFormat, zipped, nil
	case strings.HasSuffix(name, ".ndjson"), strings.HasSuffix(name, ".jsonl"), strings.HasSuffix(name, ".json"):
		return jsonFormat, zipped, nil
	}
	return 0, false, fmt.Errorf("%s: the name must end in .csv, .ndjson, .jsonl or .json, also with .gz", path)
}
