package configs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"sluice/configs/strict"
)

// Load reads a configuration file over the defaults. env looks variables up
// (os.LookupEnv). Its error lists every fault of the file, as strict.Faults.
func Load(path string, env strict.Env) (*Config, error) {
	source, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("the configuration: %w", err)
	}
	doc, faults := strict.Parse(path, source)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	c := Default()
	faults = doc.Decode(&c, env)
	for _, f := range []struct {
		file      *File
		directory bool
	}{{&c.Schema, false}, {&c.Rules, true}, {&c.TLS.CA, false}, {&c.TLS.Cert, false}, {&c.TLS.Key, false}} {
		if message := f.file.resolve(filepath.Dir(path), f.directory); message != "" {
			faults = append(faults, doc.Fault(f.file.node.Line, f.file.node.Column, message))
		}
	}
	faults.Sort()
	if err := faults.Err(); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(c.Journal.Dir) {
		c.Journal.Dir = filepath.Join(filepath.Dir(path), c.Journal.Dir)
	}
	switch {
	case c.State.Dir == "":
		c.State.Dir = filepath.Join(filepath.Dir(c.Journal.Dir), "state")
	case !filepath.IsAbs(c.State.Dir):
		c.State.Dir = filepath.Join(filepath.Dir(path), c.State.Dir)
	}
	return &c, nil
}

func read(path string) (source []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, strict.MaxSize+1))
}

// resolve makes the path one of this process, and says what is wrong with it.
func (f *File) resolve(dir string, directory bool) string {
	if f.node == nil {
		return ""
	}
	if !filepath.IsAbs(f.Path) {
		f.Path = filepath.Join(dir, f.Path)
	}
	info, err := os.Stat(f.Path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Sprintf("there is no %s (paths are relative to the configuration file)", f.Path)
	case err != nil:
		return err.Error()
	case directory && !info.IsDir():
		return f.Path + " is a file; a directory is expected"
	case !directory && info.IsDir():
		return f.Path + " is a directory; a file is expected"
	}
	return ""
}
