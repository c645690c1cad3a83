package files

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"

	"sluice/scoring/event"
)

// blockSize is how many items travel together between goroutines.
const blockSize = 512

// blocks is how many blocks a file has in flight.
const blocks = 4

// block is a piece of a file.
type block struct {
	items  []Item
	faults []Fault
	err    error // ends the file; errEnd at its end
}

// errEnd is the end of a file. It is not io.EOF, which comes wrapped from files
// that end too early.
var errEnd = errors.New("end of the file")

// reader decodes one file in a goroutine of its own.
type reader struct {
	schema *event.Schema
	path   string
	o      Options
	full   chan *block
	empty  chan *block
	done   chan struct{}

	// Of the merge, which consumes the blocks.
	block *block
	next  int
}

func newReader(schema *event.Schema, path string, o Options) *reader {
	r := &reader{
		schema: schema, path: path, o: o,
		full: make(chan *block, blocks), empty: make(chan *block, blocks), done: make(chan struct{}),
	}
	for range blocks {
		r.empty <- &block{items: make([]Item, 0, blockSize)}
	}
	return r
}

// run decodes the file until its end or that of ctx, and tells how it ended in
// the last block.
func (r *reader) run(ctx context.Context) {
	defer close(r.done)
	defer close(r.full)
	decode, closeFile, err := r.open()
	defer closeFile()
	for {
		var b *block
		select {
		case b = <-r.empty:
		case <-ctx.Done():
			return
		}
		b.items, b.faults, b.err = b.items[:0], b.faults[:0], err
		for b.err == nil && len(b.items) < blockSize && len(b.faults) < blockSize {
			b.err = r.decodeOne(b, decode)
		}
		err = b.err
		select {
		case r.full <- b:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// decodeOne adds the next item or fault to b.
func (r *reader) decodeOne(b *block, decode func(*Item) error) error {
	b.items = b.items[:len(b.items)+1]
	item := &b.items[len(b.items)-1]
	item.Label = false
	err := decode(item)
	if err == nil {
		item.Tx.Arrive(int64(item.Tx.Words[r.schema.Time]))
		return nil
	}
	b.items = b.items[:len(b.items)-1]
	var fault Fault
	if errors.As(err, &fault) {
		b.faults = append(b.faults, fault)
		return nil
	}
	return err
}

// count counts what is read from the disk, for progress.
type count struct {
	file io.Reader
	each func(int64)
}

func (c *count) Read(p []byte) (int, error) {
	n, err := c.file.Read(p)
	if c.each != nil {
		c.each(int64(n))
	}
	return n, err
}

// open gives a function that decodes the file's next transaction.
func (r *reader) open() (decode func(*Item) error, closeFile func(), err error) {
	closeFile = func() {}
	kind, zipped, err := formatOf(r.path)
	if err != nil {
		return nil, closeFile, err
	}
	file, err := os.Open(r.path)
	if err != nil {
		return nil, closeFile, err
	}
	closeFile = func() { _ = file.Close() }
	disk := bufio.NewReaderSize(&count{file: file, each: r.o.Progress}, 256<<10)
	in := io.Reader(disk)
	magic, _ := disk.Peek(2)
	switch {
	case !zipped && string(magic) == "\x1f\x8b":
		return nil, closeFile, fmt.Errorf("%s: this is compressed by gzip; its name must end in .gz", r.path)
	case zipped:
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, closeFile, fmt.Errorf("%s: not a gzip file: %w", r.path, err)
		}
		in = z
	}
	if kind == csvFormat {
		decode, err = r.csv(in)
	} else {
		decode = r.json(in)
	}
	return decode, closeFile, err
}

func (r *reader) csv(in io.Reader) (func(*Item) error, error) {
	lines := event.NewLines(in)
	header, err := lines.Header()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.path, cutOff(err))
	}
	columns, err := event.NewCSV(r.schema, header)
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", r.path, err)
	}
	if unread := columns.Unread(header); len(unread) > 0 && r.o.Unread != nil {
		r.o.Unread(r.path, unread)
	}
	if lacking := columns.Lacking(); len(lacking) > 0 && r.o.Lacking != nil {
		r.o.Lacking(r.path, lacking)
	}
	return func(item *Item) error {
		cells, err := lines.Read()
		var id event.Key
		if err == nil {
			if item.Fraud, item.Label, err = columns.RecordBytes(&item.Tx, cells); err != nil {
				id = columns.IDKey()
			}
		}
		var fault *event.Fault
		switch {
		case errors.As(err, &fault):
			return Fault{r.path, lines.Number, fault, id}
		case errors.Is(err, io.EOF):
			return errEnd
		case err != nil:
			return fmt.Errorf("%s: %w", r.path, cutOff(err))
		}
		return nil
	}, nil
}

func (r *reader) json(in io.Reader) func(*Item) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	decoder := event.NewDecoder(r.schema)
	label := newLabelMember(r.schema)
	var long []byte
	n := 0
	return func(item *Item) error {
		for {
			line, err := readLine(lines, &long)
			switch {
			case errors.Is(err, io.EOF) && len(line) == 0:
				return errEnd
			case err != nil && !errors.Is(err, io.EOF):
				return fmt.Errorf("%s:%d: %w", r.path, n+1, cutOff(err))
			}
			if n++; n == 1 { // some programs begin a file so
				line = bytes.TrimPrefix(line, []byte("\uFEFF"))
			}
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			if err := decoder.Transaction(&item.Tx, line, 0); err != nil {
				return Fault{r.path, n, err, decoder.IDKey()}
			}
			if item.Fraud, item.Label, err = label.read(line); err != nil {
				return Fault{r.path, n, err, decoder.IDKey()}
			}
			return nil
		}
	}
}

// cutOff says of a compressed file what its end in the middle means.
func cutOff(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the compressed file ends in the middle; is it whole? (%w)", err)
	}
	return err
}

// maxLine bounds what is kept of a line: more than any message may have.
const maxLine = 1 << 20

// readLine reads up to the end of a line, which is good until the next call.
// What a line has beyond maxLine is read and forgotten: the decoder refuses it
// for its size.
func readLine(in *bufio.Reader, long *[]byte) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	*long = append((*long)[:0], line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = in.ReadSlice('\n')
		*long = append(*long, line[:min(len(line), maxLine-len(*long))]...)
	}
	return *long, err
}
