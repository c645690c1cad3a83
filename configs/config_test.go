package configs

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what comes out as what is expected")

func env(name string) (string, bool) {
	v, ok := map[string]string{"BROKERS": "b:2, b:3", "PASSWORD": "hunter2"}[name]
	return v, ok
}

func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c, err := Load(file, env)
			if err == nil {
				t.Fatalf("read %+v", c)
			}
			got := filepath.ToSlash(err.Error()) + "\n"
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
				t.Error("a secret is shown")
			}
		})
	}
}

func TestMinimalIsTheDefault(t *testing.T) {
	c, err := Load("testdata/good/minimal.yaml", env)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Brokers = Brokers{"localhost:9092"}
	c.Schema.node, c.Rules.node = nil, nil
	want.Journal.Dir = filepath.Join("testdata", "good", "journal")
	want.State.Dir = filepath.Join(filepath.Dir(want.Journal.Dir), "state")
	want.Schema.Path, want.Rules.Path = filepath.Join("testdata", "schema.yaml"), filepath.Join("testdata", "rules")
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("got  %+v\nwant %+v", *c, want)
	}
}

func TestWhole(t *testing.T) {
	c, err := Load("testdata/good/whole.yaml", env)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Brokers{"a:1", "b:2", "b:3", "c:4"}); !reflect.DeepEqual(c.Brokers, want) {
		t.Errorf("brokers %v", c.Brokers)
	}
	if c.SASL == nil || c.SASL.Mechanism != ScramSHA512 || c.SASL.Password.Reveal() != "hunter2" {
		t.Errorf("sasl %+v", c.SASL)
	}
	if !c.TLS.Enabled || c.TLS.CA.Path != filepath.Join("testdata", "schema.yaml") || c.TLS.ServerName != "kafka" {
		t.Errorf("tls %+v", c.TLS)
	}
	if c.Topics != (Topics{Transactions: "t", Verdicts: "v", DeadLetters: "d"}) {
		t.Errorf("topics %+v", c.Topics)
	}
	if c.CreateTopics || c.Partitions != 64 || c.ReplicationFactor != -1 || c.Listen != ":80" {
		t.Errorf("%+v", c)
	}
	if c.DecidedIDs != (DecidedIDs{7 * 24 * time.Hour, 10}) || c.Merge.Wait != 2*time.Millisecond || !c.DeadLetters.Raw {
		t.Errorf("%+v", c)
	}
	if want := (Journal{false, filepath.Join("testdata", "good", "here"), 10 * time.Millisecond, 16 << 20, true}); c.Journal != want || c.History.Memory != 0 {
		t.Errorf("journal %+v, history %+v", c.Journal, c.History)
	}
	if c.Alerts.Log || c.Alerts.Lasts != time.Hour || c.Alerts.Webhook.Reveal() != "https://hooks.example/hunter2" {
		t.Errorf("alerts %+v", c.Alerts)
	}
	if c.Gateway != (Gateway{2, 50 * time.Millisecond}) || c.Ready.MaxLag != 0 || c.DrainTimeout != 90*time.Second {
		t.Errorf("%+v", c)
	}
	if c.Log.Level.Level() != slog.LevelWarn || c.Log.Format != JSON {
		t.Errorf("log %+v", c.Log)
	}
	for _, shown := range []string{fmt.Sprintf("%+v", c), fmt.Sprintf("%v %+v", c.SASL, *c.SASL)} {
		if strings.Contains(shown, "hunter2") {
			t.Errorf("a secret prints: %s", shown)
		}
	}
}

func TestNoFile(t *testing.T) {
	if _, err := Load("testdata/none.yaml", env); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Error(err)
	}
}

func TestTLSConfig(t *testing.T) {
	if c, err := (&TLS{CA: File{Path: "nowhere"}}).Config(); c != nil || err != nil {
		t.Errorf("without enabled: %v %v", c, err)
	}
	if _, err := (&TLS{Enabled: true, CA: File{Path: "testdata/schema.yaml"}}).Config(); err == nil {
		t.Error("a CA file without a certificate is taken")
	}
	if _, err := (&TLS{Enabled: true, Cert: File{Path: "testdata/schema.yaml"}, Key: File{Path: "testdata/schema.yaml"}}).Config(); err == nil {
		t.Error("a certificate file without one is taken")
	}
	c, err := (&TLS{Enabled: true, ServerName: "kafka"}).Config()
	if err != nil || c.ServerName != "kafka" || c.InsecureSkipVerify {
		t.Errorf("%+v %v", c, err)
	}
}

func TestShippedFilesRunAsTheyAre(t *testing.T) {
	for file, topic := range map[string]string{
		"sluice.yaml":          "transactions",
		"handbook/sluice.yaml": "handbook-transactions",
		"heavy/sluice.yaml":    "heavy-transactions",
	} {
		c, err := Load(file, func(string) (string, bool) { return "", false })
		if err != nil {
			t.Error(err)
			continue
		}
		if c.Topics.Transactions != topic || c.Brokers[0] != "localhost:9092" || c.Listen != "127.0.0.1:8080" || c.SASL != nil || c.TLS.Enabled {
			t.Errorf("%s: %+v", file, c)
		}
	}
}

// TestExampleNamesEveryKey holds the commented example to the types, and what
// it says is the default to what is.
func TestExampleNamesEveryKey(t *testing.T) {
	source, err := os.ReadFile("sluice.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var missing func(typ reflect.Type, path string)
	missing = func(typ reflect.Type, path string) {
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		for i := range typ.NumField() {
			key, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ",")
			if key == "" {
				continue
			}
			if !strings.Contains(string(source), key+":") {
				t.Errorf("sluice.yaml does not name %s%s", path, key)
			}
			missing(typ.Field(i).Type, path+key+".")
		}
	}
	missing(reflect.TypeFor[Config](), "")

	c, err := Load("sluice.yaml", func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Brokers, want.Schema, want.Rules = c.Brokers, c.Schema, c.Rules
	want.Journal.Dir = "journal" // the file lies in this directory
	want.State.Dir = filepath.Join(filepath.Dir(want.Journal.Dir), "state")
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("the example sets something else than the default:\n%+v\n%+v", *c, want)
	}

	dir := t.TempDir()
	uncommented := regexp.MustCompile(`(?m)^( *)# ?( *[a-z_]+:( .*)?)$`).ReplaceAllString(string(source), "$1$2")
	for file, content := range map[string]string{
		"sluice.yaml": uncommented, "schema.yaml": "", "ca.pem": "", "client.pem": "", "client.key": "", "rules/a.yaml": "",
	} {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	variables := map[string]string{"SLUICE_PASSWORD": "hunter2", "SLUICE_WEBHOOK": "https://hooks.example/x"}
	c, err = Load(filepath.Join(dir, "sluice.yaml"), func(name string) (string, bool) { v, ok := variables[name]; return v, ok })
	if err != nil {
		t.Fatalf("with every line uncommented: %v", err)
	}
	if !c.TLS.Enabled || c.SASL == nil {
		t.Errorf("not everything was uncommented: %+v", c)
	}
	c.TLS, c.SASL, c.Alerts.Webhook = want.TLS, nil, want.Alerts.Webhook
	want.Schema, want.Rules = c.Schema, c.Rules
	want.Journal.Dir = filepath.Join(dir, "journal")
	want.State.Dir = filepath.Join(filepath.Dir(want.Journal.Dir), "state")
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("what the example says is the default is not:\n%+v\n%+v", *c, want)
	}
}
