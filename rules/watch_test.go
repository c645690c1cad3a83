package rules

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// watched starts a watch of dir and gives the outcomes of its reloads.
func watched(t *testing.T, dir string) (*Reloader, <-chan Reload) {
	t.Helper()
	reports := make(chan Reload, 100)
	r, err := NewReloader(dir, testSchema(t), nil, func(r Reload) { reports <- r })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Watch(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return r, reports
}

// hung: what has not moved for so long will not. It is far more than a busy machine
// needs, for a test must fail of what is wrong only.
const hung = 4 * time.Minute

// await waits for a reload with the outcome.
func await(t *testing.T, reports <-chan Reload, what string, is func(Reload) bool) {
	t.Helper()
	for {
		select {
		case r := <-reports:
			if is(r) {
				return
			}
		case <-time.After(hung):
			t.Fatalf("%s: no reload", what)
		}
	}
}

func first(id string) func(Reload) bool {
	return func(r Reload) bool { return r.Changed && r.Set.Rules[0].ID == id } // never empty: a file being written is none
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func ruleNamed(id string) string { return "rules: [{id: " + id + ", when: 'true'}]\n" }

func TestWatchFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rules")
	write(t, filepath.Join(dir, "a.yaml"), ruleNamed("one"))
	r, reports := watched(t, dir)

	write(t, filepath.Join(dir, "a.yaml"), ruleNamed("two"))
	await(t, reports, "written in place", first("two"))

	write(t, filepath.Join(dir, ".a.yaml.swp"), ruleNamed("three"))
	if err := os.Rename(filepath.Join(dir, ".a.yaml.swp"), filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	await(t, reports, "renamed into place", first("three"))

	write(t, filepath.Join(dir, "a.yaml"), "rules: [{id: three, when: 'tx.amuont > 1'}]")
	await(t, reports, "a bad one", func(r Reload) bool { return r.Err != nil })
	if r.Current().Rules[0].ID != "three" {
		t.Error("a bad set was taken")
	}

	write(t, filepath.Join(dir, "a.yaml"), ruleNamed("four"))
	await(t, reports, "mended", first("four"))

	write(t, filepath.Join(dir, "lists", "l.txt"), "x\n")
	await(t, reports, "a first list", func(r Reload) bool { return r.Changed && r.Set.Lists.Contains("l", "x", 0) })
	write(t, filepath.Join(dir, "lists", "l.txt"), "y\n")
	await(t, reports, "a list", func(r Reload) bool { return r.Changed && r.Set.Lists.Contains("l", "y", 0) })
}

func TestWatchSwappedDirectory(t *testing.T) {
	root := t.TempDir()
	for _, id := range []string{"one", "two", "three"} {
		write(t, filepath.Join(root, id, "a.yaml"), ruleNamed(id))
	}
	link := filepath.Join(root, "rules")
	point := func(target string) {
		t.Helper()
		if err := os.Symlink(target, link+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link+".new", link); err != nil {
			t.Fatal(err)
		}
	}
	point("one")
	_, reports := watched(t, link)
	point("two")
	await(t, reports, "the link is swapped", first("two"))
	point("three")
	await(t, reports, "and again", first("three"))
	write(t, filepath.Join(root, "three", "a.yaml"), ruleNamed("four"))
	await(t, reports, "a file behind the new link", first("four"))
}

// TestWatchConfigMap swaps files as Kubernetes does: each is a link through
// ..data, which is replaced.
func TestWatchConfigMap(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rules")
	for _, id := range []string{"one", "two"} {
		write(t, filepath.Join(dir, ".."+id, "a.yaml"), ruleNamed(id))
	}
	swap := func(target string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(dir, "..tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	swap("..one")
	if err := os.Symlink(filepath.Join("..data", "a.yaml"), filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	_, reports := watched(t, dir)
	swap("..two")
	await(t, reports, "..data is swapped", first("two"))
}

func TestWatchDirectoryThatGoesAndComes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rules")
	write(t, filepath.Join(dir, "a.yaml"), ruleNamed("one"))
	r, reports := watched(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	await(t, reports, "gone", func(r Reload) bool { return r.Err != nil })
	if r.Current().Rules[0].ID != "one" {
		t.Error("the set went with the directory")
	}
	write(t, filepath.Join(dir, "a.yaml"), ruleNamed("two"))
	await(t, reports, "back", first("two"))
}
