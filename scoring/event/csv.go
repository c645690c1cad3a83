package event

import (
	"fmt"
	"slices"
	"strings"
)

// CSV reads records of a file whose first line names the columns. It is scratch
// space: one goroutine uses it.
type CSV struct {
	schema  *Schema
	header  int   // number of columns
	columns []int // column of each field, -1 if the file has none
	label   int   // column that carries the label, -1 if there is none
	filler
	cell []byte
}

// NewCSV matches a file's header against the fields' from. Columns that the
// schema does not know are left alone; a required one must be there.
func NewCSV(s *Schema, header []string) (*CSV, error) {
	c := &CSV{schema: s, header: len(header), label: -1, filler: filler{layout: s.layout()}}
	for i, name := range header {
		if slices.Index(header, name) != i && c.wants(name) {
			return nil, fmt.Errorf("the CSV file has two columns %q; rename or remove one", name)
		}
	}
	for _, f := range s.Fields {
		column := slices.Index(header, f.From)
		if column < 0 && f.Required {
			return nil, fmt.Errorf("the CSV file has no column %q, which the field %s needs; its columns are %q%s", f.From, f.Name, header, separator(header))
		}
		c.columns = append(c.columns, column)
	}
	if s.Label != nil && s.Label.CSVValue != "" {
		c.label = slices.Index(header, s.Label.CSVValue)
	}
	return c, nil
}

// separator says what stands between columns, where it seems to be something else.
func separator(header []string) string {
	if len(header) == 1 && strings.ContainsAny(header[0], ";\t|") {
		return "; columns are separated by commas"
	}
	return ""
}

// Unread gives the columns of the header that neither a field nor the label reads.
func (c *CSV) Unread(header []string) []string {
	var unread []string
	for _, name := range header {
		if !c.wants(name) {
			unread = append(unread, name)
		}
	}
	return unread
}

// Lacking gives the columns that fields or the label are read from and that the
// header has not.
func (c *CSV) Lacking() []string {
	var lacking []string
	for i, column := range c.columns {
		if column < 0 {
			lacking = append(lacking, c.schema.Fields[i].From)
		}
	}
	if l := c.schema.Label; l != nil && l.CSVValue != "" && !c.Labelled() {
		lacking = append(lacking, l.CSVValue)
	}
	return lacking
}

// wants reports whether the schema reads a column.
func (c *CSV) wants(name string) bool {
	if l := c.schema.Label; l != nil && l.CSVValue == name {
		return true
	}
	return slices.ContainsFunc(c.schema.Fields, func(f Field) bool { return f.From == name })
}

// Labelled reports whether the file has a column that carries the label.
func (c *CSV) Labelled() bool { return c.label >= 0 }

// Record reads a record into dst, whose slices are used again. An empty cell is
// a missing value. The arrival is the event time. has says whether the record
// carries a label. The error is a *Fault, whose Offset is a column's index.
func (c *CSV) Record(dst *Transaction, cells []string) (fraud, has bool, err error) {
	return readRecord(c, dst, cells)
}

// RecordBytes is Record for cells that are not copied into strings.
func (c *CSV) RecordBytes(dst *Transaction, cells [][]byte) (fraud, has bool, err error) {
	return readRecord(c, dst, cells)
}

// IDKey gives the key of the id of the last record, zero where a fault ended the
// reading before its id was read.
func (c *CSV) IDKey() Key { return c.idKey(c.schema) }

func readRecord[T string | []byte](c *CSV, dst *Transaction, cells []T) (fraud, has bool, err error) {
	c.begin(dst.Words, dst.Text)
	if len(cells) != c.header {
		return false, false, &Fault{Code: Malformed, Offset: min(len(cells), c.header), Message: fmt.Sprintf(
			"the record has %d columns and the first line %d", len(cells), c.header)}
	}
	for i, column := range c.columns {
		if column < 0 || len(cells[column]) == 0 {
			continue
		}
		c.cell = append(c.cell[:0], cells[column]...)
		if code := c.fromCell(i, c.cell, column); code != "" {
			return false, false, newFault(code, &c.schema.Fields[i], column)
		}
	}
	if field, _, code := c.fill(dst, c.schema); code != "" {
		return false, false, newFault(code, &c.schema.Fields[field], c.columns[field])
	}
	dst.Arrive(int64(dst.Words[c.schema.Time]))
	if c.label < 0 || len(cells[c.label]) == 0 {
		return false, false, nil
	}
	value, ok := parseFlag(append(c.cell[:0], cells[c.label]...))
	if !ok {
		return false, false, newFault(BadValue, &Field{Name: "label", From: c.schema.Label.CSVValue, Type: typeFlag}, c.label)
	}
	return value == 1, true, nil
}
