package strict

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what comes out as what is expected")

type topics struct {
	In  string `yaml:"in,required"`
	Out string `yaml:"out"`
}

type login struct {
	User     string `yaml:"user"`
	Password Secret `yaml:"password"`
}

type sample struct {
	Mark   Mark          `yaml:"-"`
	Name   Text          `yaml:"name,required"`
	Count  int           `yaml:"count"`
	Ratio  float64       `yaml:"ratio"`
	On     *bool         `yaml:"on"`
	Wait   time.Duration `yaml:"wait"`
	Size   Bytes         `yaml:"size"`
	Topics topics        `yaml:"topics"`
	Login  *login        `yaml:"login"`
	Items  []topics      `yaml:"items"`
	Words  Map[int]      `yaml:"words"`
	Keep   Raw           `yaml:"keep"`
}

func (s *sample) Check(report func(key, message string)) {
	if s.Count < 0 {
		report("count", "count can't be negative")
	}
	if s.Name.Value == s.Topics.In && s.Name.Value != "" {
		report("", "name and topics.in can't be the same")
	}
}

func env(name string) (string, bool) {
	v, ok := map[string]string{"COUNT": "7", "BROKER": "a: b # {[", "EMPTY": "", "WORD": "word"}[name]
	return v, ok
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var s sample
			faults := Read(filepath.Base(file), source, &s, env)
			if faults.Err() == nil {
				t.Fatalf("no faults, read %+v", s)
			}
			got := faults.Error() + "\n"
			expected := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(expected, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(expected)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if strings.Contains(got, "hunter2") {
				t.Errorf("a password is shown:\n%s", got)
			}
		})
	}
}

func TestGood(t *testing.T) {
	source := `
name: ${WORD:x}y
count: ${COUNT}
ratio: 1.5
on: false
wait: 1h30m
size: 64KiB
topics: {in: "${BROKER}", out: '${MISSING:local:9092}'}
login:
  user: 12
  password: hunter2
items:
  - in: a
  - in: "true"
    out: ${EMPTY:default}
words: {z: 1, a: 2}
keep: [1, {a: b}]
`
	s := sample{Topics: topics{Out: "default"}, Ratio: 2}
	if err := Read("good.yaml", []byte(source), &s, env).Err(); err != nil {
		t.Fatal(err)
	}
	if s.Name.Value != "wordy" || s.Name.Node.Line != 2 || s.Mark != (Mark{2, 1}) {
		t.Errorf("name %v, mark %v", s.Name, s.Mark)
	}
	if s.Count != 7 || s.Ratio != 1.5 || s.On == nil || *s.On || s.Wait != 90*time.Minute || s.Size != 65536 {
		t.Errorf("scalars: %+v", s)
	}
	if s.Topics != (topics{"a: b # {[", "local:9092"}) {
		t.Errorf("the environment must not inject structure: %+v", s.Topics)
	}
	if s.Login.User != "12" || s.Login.Password.Reveal() != "hunter2" {
		t.Error("login is wrong")
	}
	if want := []topics{{In: "a"}, {In: "true"}}; !reflect.DeepEqual(s.Items, want) {
		t.Errorf("items %+v", s.Items)
	}
	if len(s.Words) != 2 || s.Words[0].Key.Value != "z" || s.Words[1].Value != 2 {
		t.Errorf("words %+v", s.Words)
	}
	for _, shown := range []string{fmt.Sprint(s.Login.Password), fmt.Sprintf("%+v %#v %s %q %x", *s.Login, *s.Login, s.Login.Password, s.Login.Password, s.Login.Password)} {
		if strings.Contains(shown, "hunter2") || strings.Contains(shown, "68756e") {
			t.Errorf("the secret prints: %s", shown)
		}
	}
}

func TestAbsentKeysKeepTheirDefaults(t *testing.T) {
	s := sample{Count: 3, Topics: topics{In: "i", Out: "o"}}
	if err := Read("x", []byte("name: n\ntopics: {in: other}\n"), &s, nil).Err(); err != nil {
		t.Fatal(err)
	}
	if s.Count != 3 || s.Topics != (topics{"other", "o"}) {
		t.Errorf("%+v", s)
	}
}

func TestWithoutEnvironmentNothingIsReplaced(t *testing.T) {
	var s sample
	if err := Read("x", []byte("name: ${WORD}\ntopics: {in: a}"), &s, nil).Err(); err != nil {
		t.Fatal(err)
	}
	if s.Name.Value != "${WORD}" {
		t.Error(s.Name.Value)
	}
}

func TestBounds(t *testing.T) {
	for name, source := range map[string]string{
		"size":       strings.Repeat("#", MaxSize+1),
		"brackets":   strings.Repeat("[", MaxSize),
		"closed":     strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		"dashes":     strings.Repeat("- ", MaxSize/2),
		"mappings":   strings.Repeat("{a: ", MaxSize/4),
		"laughs":     "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]",
		"utf16":      "\xff\xfea\x00:\x00",
		"nul":        "name: \x00",
		"separators": "name: a\u2028b",
		"return":     "name: a\rcount: 1",
		"endless":    strings.Repeat("x: 1\n", MaxSize/5),
	} {
		var s sample
		faults := Read(name, []byte(source), &s, nil)
		if len(faults) == 0 || len(faults) > maxFaults+1 {
			t.Errorf("%s: %d faults", name, len(faults))
		}
		if len(faults) > 0 && len(faults.Error()) > 200_000 {
			t.Errorf("%s: a report of %d bytes", name, len(faults.Error()))
		}
	}
}

func TestWindowsLineEnds(t *testing.T) {
	var s sample
	faults := Read("x", []byte("\uFEFFname: a\r\ncuont: 1\r\ntopics: {in: b}\r\n"), &s, nil)
	if len(faults) != 1 || faults[0].Line != 2 || faults[0].Column != 1 || faults[0].Source != "cuont: 1" {
		t.Errorf("%+v", faults)
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0s": 0, "10s": 10 * time.Second, "250ms": 250 * time.Millisecond, "1h30m": 90 * time.Minute,
		"2w1d": 15 * 24 * time.Hour, "1s500ms": 1500 * time.Millisecond,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "10", "s", "1.5h", "-1s", "1m1h", "1s1s", "1y", "99999999999999w", "1 h", "5µs"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{"0": 0, "64KiB": 65536, "10MB": 1e7, "1 GiB": 1 << 30, "5B": 5, "12": 12} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%s: %d %v", text, b, err)
		}
		var again Bytes
		if err := again.UnmarshalText([]byte(b.String())); err != nil || again != b {
			t.Errorf("%s prints as %s", text, b)
		}
	}
	for _, text := range []string{"", "KiB", "-1", "1.5MB", "9999999999TiB", "1kib"} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: %d", text, b)
		}
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"amount", "account", "merchant", "ip"}
	for word, want := range map[string]string{
		"amuont": "amount", "acount": "account", "merchnat": "merchant", "pi": "ip", "colour": "", "x": "",
	} {
		if got := Suggest(word, names); got != want {
			t.Errorf("%s: %q", word, got)
		}
	}
}
