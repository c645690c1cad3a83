package lang

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzCheck looks for texts that break what sound demands of all.
func FuzzCheck(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if source, ok := strings.CutPrefix(line, "> "); ok {
				f.Add(strings.TrimSuffix(source, "\n"))
			}
		}
	}
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > 2*MaxSource {
			t.Skip("longer than anything that is looked at")
		}
		if !utf8.ValidString(source) {
			tree, faults := checkTest(source)
			if tree != nil || len(faults) == 0 {
				t.Fatal("bad UTF-8 is accepted")
			}
			return
		}
		sound(t, source)
	})
}
