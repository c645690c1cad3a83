package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"sluice/configs/strict"
	"sluice/scoring/event"
)

// The bounds of a rule directory.
const (
	maxFiles = 1000
	maxRules = 10_000
)

// File is a file of a rule directory, read.
type File struct {
	Name string // within the directory, with slashes
	Data []byte
}

// sources is a rule directory, read at one moment.
type sources struct {
	files   []File // rule files, sorted by name
	lists   []File // list files, sorted by name
	hash    string
	version string // what the file VERSION says; no part of the hash
}

// all gives the files that make the set.
func (s *sources) all() []File { return slices.Concat(s.files, s.lists) }

// sourcesOf is the inverse of all.
func sourcesOf(files []File) *sources {
	s := &sources{}
	for _, f := range files {
		if path.Dir(f.Name) == listDir {
			s.lists = append(s.lists, f)
		} else {
			s.files = append(s.files, f)
		}
	}
	s.hash = hashOf(s.files, s.lists)
	return s
}

// listDir is where list files stand, and versionFile what may say which commit
// or release the files are of.
const (
	listDir     = "lists"
	versionFile = "VERSION"
	maxVersion  = 200
)

// readVersion gives the first line of the file VERSION, "" where there is none.
func readVersion(fsys fs.FS) (string, error) {
	data, err := readFile(fsys, versionFile, maxVersion)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return Version(line), err
}

// Version makes a text one that can be shown as what a rule set says it is: at
// most 200 bytes of plain text, card numbers masked.
func Version(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return -1
		}
		return r
	}, text)
	return event.Mask(strings.TrimSpace(strings.ToValidUTF8(text[:min(len(text), maxVersion)], "")))
}

// readAttempts is how often a directory that changes while it is read is read
// again.
const readAttempts = 5

var errUnsteady = errors.New("the files kept changing while they were read; try again")

// readSources reads a rule directory. Files that are swapped in the middle, as
// a ConfigMap's are, never give a mixture of two sets.
func readSources(fsys fs.FS) (*sources, error) {
	before, err := fingerprint(fsys)
	if err != nil {
		return nil, err
	}
	for range readAttempts {
		s, readErr := readOnce(fsys)
		after, err := fingerprint(fsys)
		if err != nil {
			return nil, err
		}
		if after == before {
			return s, readErr
		}
		before = after
	}
	return nil, errUnsteady
}

// fingerprint tells two states of a directory apart by names, sizes and times.
func fingerprint(fsys fs.FS) (string, error) {
	var b strings.Builder
	for _, in := range []struct{ dir, suffixes string }{{".", ".yaml .yml"}, {listDir, ".txt"}} {
		infos, err := matching(fsys, in.dir, in.suffixes)
		if err != nil {
			return "", err
		}
		for _, i := range infos {
			fmt.Fprintf(&b, "%s/%s %d %d\n", in.dir, i.name, i.info.Size(), i.info.ModTime().UnixNano())
		}
	}
	return b.String(), nil
}

type found struct {
	name string
	info fs.FileInfo
}

// matching gives the regular files of a directory with one of the suffixes,
// sorted by name. Hidden ones, where editors and ConfigMaps keep theirs, are
// left out. Only the rule directory itself must exist.
func matching(fsys fs.FS, dir, suffixes string) ([]found, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) && dir != "." {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []found
	for _, e := range entries {
		suffix := path.Ext(e.Name())
		if suffix == "" || strings.HasPrefix(e.Name(), ".") || !strings.Contains(" "+suffixes+" ", " "+suffix+" ") {
			continue
		}
		info, err := fs.Stat(fsys, path.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			out = append(out, found{e.Name(), info})
		}
	}
	if len(out) > maxFiles {
		return nil, fmt.Errorf("%d files in %s, more than the %d that are read", len(out), dir, maxFiles)
	}
	return out, nil
}

func readOnce(fsys fs.FS) (*sources, error) {
	s := &sources{}
	for _, in := range []struct {
		dir, suffixes string
		most          int64
		into          *[]File
	}{{".", ".yaml .yml", strict.MaxSize, &s.files}, {listDir, ".txt", maxListSize, &s.lists}} {
		infos, err := matching(fsys, in.dir, in.suffixes)
		if err != nil {
			return nil, err
		}
		if size := sizeOf(infos); size > maxDirSize {
			return nil, fmt.Errorf("the files in %s have %d MiB together, and at most %d are read", in.dir, size>>20, maxDirSize>>20)
		}
		for _, i := range infos {
			name := path.Join(in.dir, i.name)
			data, err := readFile(fsys, name, in.most)
			if err != nil {
				return nil, err
			}
			*in.into = append(*in.into, File{name, data})
		}
	}
	if len(s.files) == 0 {
		return nil, errors.New("there is no rule file (*.yaml or *.yml) in it")
	}
	s.hash = hashOf(s.files, s.lists)
	var err error
	s.version, err = readVersion(fsys)
	return s, err
}

func sizeOf(files []found) (bytes int64) {
	for _, f := range files {
		bytes += f.info.Size()
	}
	return bytes
}

// readFile reads a file up to a byte more than it may have.
func readFile(fsys fs.FS, name string, most int64) (data []byte, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, most+1))
}

// hashOf gives the content hash: of the names and contents of all files.
func hashOf(groups ...[]File) string {
	h := sha256.New()
	var length [8]byte
	write := func(b []byte) {
		binary.BigEndian.PutUint64(length[:], uint64(len(b)))
		h.Write(length[:])
		h.Write(b)
	}
	for _, group := range groups {
		for _, c := range group {
			write([]byte(c.Name))
			write(c.Data)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// contentHash is a short hash of some content.
func contentHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])[:16]
}
