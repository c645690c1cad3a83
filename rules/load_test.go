package rules

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sluice/scoring/event"
)

var update = flag.Bool("update", false, "write what comes out as what is expected")

func testSchema(t testing.TB) *event.Schema {
	t.Helper()
	schema, err := event.LoadSchema("testdata/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestBad(t *testing.T) {
	schema := testSchema(t)
	dirs, err := filepath.Glob("testdata/bad/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			set, err := Load(dir, schema)
			if err == nil {
				t.Fatalf("loaded %+v", set)
			}
			got := filepath.ToSlash(err.Error()) + "\n"
			if *update {
				if err := os.WriteFile(dir+".txt", []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(dir + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestGood(t *testing.T) {
	set, err := Load("testdata/good/all", testSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Rules) != 3 || len(set.Off) != 1 || set.Off[0].ID != "third" || set.Policy != (Policy{10, 20}) || len(set.Hash) != 16 {
		t.Fatalf("%+v", set)
	}
	first := set.Rules[0]
	first.File = filepath.ToSlash(first.File)
	if len(first.Hash) != 16 || first.Hash == set.Rules[1].Hash {
		t.Errorf("rules have the hashes %q and %q", first.Hash, set.Rules[1].Hash)
	}
	first.Hash = ""
	want := Rule{
		ID: "everything", Description: "all keys", When: "tx.amount > 5 and tx.ip in lists.bad_networks",
		Verdict: Deny, Score: -60, Reason: "CARD_TESTING", Mode: Live, Alert: "page", Owner: "payments-risk",
		Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC).UnixNano(),
		Breaker: Breaker{Times: 10},
		File:    "testdata/good/all/a.yaml", Line: 4,
	}
	if first != want {
		t.Errorf("got  %+v\nwant %+v", first, want)
	}
	if set.Rules[1].ID != "12.x_y-z" || set.Rules[2].ID != "second" || set.Rules[2].Mode != Shadow {
		t.Errorf("%+v", set.Rules)
	}
	if names := fmt.Sprint(set.Lists.Names()); names != "[bad_networks empty]" {
		t.Error(names)
	}
}

func TestFileWithoutRules(t *testing.T) {
	set, err := Load("testdata/good/comments", testSchema(t))
	if err != nil || len(set.Rules) != 0 || set.Policy != DefaultPolicy() {
		t.Errorf("%+v %v", set, err)
	}
}

func TestNoDirectory(t *testing.T) {
	if _, err := Load("testdata/none", testSchema(t)); err == nil || !strings.Contains(err.Error(), "testdata/none") {
		t.Error(err)
	}
}

func files(contents ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(contents); i += 2 {
		fsys[contents[i]] = &fstest.MapFile{Data: []byte(contents[i+1])}
	}
	return fsys
}

func TestHash(t *testing.T) {
	schema := testSchema(t)
	seen := map[string]string{}
	for name, fsys := range map[string]fstest.MapFS{
		"base":           files("a.yaml", "rules: []\n", "lists/l.txt", "x\n"),
		"another list":   files("a.yaml", "rules: []\n", "lists/l.txt", "y\n"),
		"another name":   files("b.yaml", "rules: []\n", "lists/l.txt", "x\n"),
		"another text":   files("a.yaml", "rules: []\n\n", "lists/l.txt", "x\n"),
		"one more":       files("a.yaml", "rules: []\n", "b.yaml", "", "lists/l.txt", "x\n"),
		"list as a rule": files("a.yaml", "rules: []\n", "l.yml", "x: 1\n"),
	} {
		s, err := readSources(fsys)
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := seen[s.hash]; twice {
			t.Errorf("%s has the hash of %s", name, other)
		}
		seen[s.hash] = name
	}
	a, err := LoadFS(files("a.yaml", "rules: []\n", "README.md", "one"), "x", schema)
	if err != nil {
		t.Fatal(err)
	}
	b, err := LoadFS(files("a.yaml", "rules: []\n", "README.md", "two", ".hidden.yaml", "{"), "y", schema)
	if err != nil || a.Hash != b.Hash {
		t.Errorf("what is no rule file counts: %v", err)
	}
}

func TestBounds(t *testing.T) {
	schema := testSchema(t)
	var many strings.Builder
	many.WriteString("rules:\n")
	for i := range 6000 {
		fmt.Fprintf(&many, "  - {id: r%%d%d, when: 'true'}\n", i)
	}
	rules := func(prefix string) string { return strings.ReplaceAll(many.String(), "%d", prefix) }
	for name, fsys := range map[string]fstest.MapFS{
		"rules":     files("a.yaml", rules("a"), "b.yaml", rules("b")),
		"size":      files("a.yaml", strings.Repeat("#\n", 1<<20)),
		"condition": files("a.yaml", "rules:\n  - id: a\n    when: "+strings.Repeat("(", 300_000)),
		"ids":       files("a.yaml", "rules:\n"+strings.Repeat("  - {id: "+strings.Repeat("a", 65)+", when: 'true'}\n", 5000)),
		"list line": files("a.yaml", "", "lists/a.txt", strings.Repeat("a", 2000)),
	} {
		if _, err := LoadFS(fsys, name, schema); err == nil {
			t.Errorf("%s: loaded", name)
		} else if len(err.Error()) > 500_000 {
			t.Errorf("%s: a report of %d bytes", name, len(err.Error()))
		}
	}
}

func FuzzLoad(f *testing.F) {
	schema := testSchema(f)
	paths, err := filepath.Glob("testdata/*/*/*.y*ml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source, []byte("10.0.0.0/8\n"))
	}
	f.Fuzz(func(t *testing.T, rules, list []byte) {
		fsys := fstest.MapFS{
			"a.yaml":             &fstest.MapFile{Data: rules},
			"lists/networks.txt": &fstest.MapFile{Data: list},
		}
		set, err := LoadFS(fsys, "fuzz", schema)
		if err == nil && set.Program == nil || err != nil && err.Error() == "" {
			t.Errorf("%+v %v", set, err)
		}
	})
}
