package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// outputs are files that a run writes as a whole or not at all: under other names
// beside their own until keep, so that a run that fails leaves what was there.
type outputs struct{ open []*output }

type output struct {
	*os.File
	path string // "": it is written where it is, as a pipe must be
}

// create begins a file.
func (o *outputs) create(path string) (*os.File, error) {
	there, err := os.Stat(path)
	if err == nil && !there.Mode().IsRegular() {
		file, err := os.Create(path)
		if err == nil {
			o.open = append(o.open, &output{File: file})
		}
		return file, err
	}
	path = linked(path)
	if err == nil { // who may not write to it may not replace it
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		_ = file.Close()
	}
	file, err := os.Create(fmt.Sprintf("%s.%d.part", path, os.Getpid()))
	if err != nil {
		return nil, err
	}
	o.open = append(o.open, &output{File: file, path: path})
	if there != nil {
		err = file.Chmod(there.Mode().Perm())
	}
	return file, err
}

// keep ends all of them and gives them their names.
func (o *outputs) keep() error {
	for len(o.open) > 0 {
		out := o.open[0]
		if err := out.Close(); err != nil {
			return err
		}
		if out.path != "" {
			if err := os.Rename(out.Name(), out.path); err != nil {
				return err
			}
		}
		o.open = o.open[1:]
	}
	return nil
}

// discard takes away what was not kept.
func (o *outputs) discard() {
	for _, out := range o.open {
		_ = out.Close()
		if out.path != "" {
			_ = os.Remove(out.Name())
		}
	}
	o.open = nil
}

// linked follows links to the file that a name stands for, whether it is there or
// not.
func linked(path string) string {
	for range 40 { // as many as the system follows
		link, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return path
}

// oneFile tells whether two names stand for one file, there or yet to be made.
func oneFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if errX == nil && errY == nil {
		return x.Mode().IsRegular() && os.SameFile(x, y)
	}
	if errX == nil || errY == nil {
		return false
	}
	a, b = linked(a), linked(b)
	x, errX = os.Stat(filepath.Dir(a))
	y, errY = os.Stat(filepath.Dir(b))
	return errX == nil && errY == nil && os.SameFile(x, y) && filepath.Base(a) == filepath.Base(b)
}

// apart refuses outputs that are what is read, or each other.
func (b *backtest) apart(f *flag.FlagSet, o *backtestFlags) error {
	if o.verdicts != "" && o.flips != "" && oneFile(o.verdicts, o.flips) {
		return misused(f, "--verdicts %s and --flips %s are one file; name two", o.verdicts, o.flips)
	}
	read := b.inputs(o)
	for _, out := range []struct{ flag, path string }{{"--verdicts", o.verdicts}, {"--flips", o.flips}} {
		if out.path == "" {
			continue
		}
		for _, in := range read {
			if in != "" && oneFile(out.path, in) {
				return misused(f, "%s %s would replace %s, which is read; name another file", out.flag, out.path, in)
			}
		}
		if b.isReport(out.path) {
			return misused(f, "%s %s is where the report goes; name another file", out.flag, out.path)
		}
	}
	return nil
}

// inputs lists the files that are read. What is not there is said when it is.
func (b *backtest) inputs(o *backtestFlags) []string {
	read := append([]string{o.schema, o.config}, b.data...)
	for _, dir := range []string{o.rules, o.against} {
		if dir == "" {
			continue
		}
		dir += string(filepath.Separator) // which may be a link
		_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				read = append(read, path)
			}
			return err
		})
	}
	return read
}

// isReport tells whether a file is the one that the report is written to.
func (b *backtest) isReport(path string) bool {
	out, ok := b.out.(*os.File)
	if !ok {
		return false
	}
	report, err := out.Stat()
	if err != nil || !report.Mode().IsRegular() {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(there, report)
}
