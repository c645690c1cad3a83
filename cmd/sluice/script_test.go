package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sluice/bench/kafkatest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sluice": main})
}

// TestScripts runs the program as its user does. $CONFIGS is the project's
// folder of example files; `code N COMMAND` wants the exit code N; $LISTEN and
// $AT are an address of this machine where nobody listens, and `answers PATH
// [TEXT]` waits until somebody does and answers with the text, and notes the rule
// set in it as $RULE_SET. UPDATE=1 writes anew what cmp compares with.
func TestScripts(t *testing.T) {
	configs, err := filepath.Abs("../../configs")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"code": exitsWith, "answers": answers},
		Setup: func(e *testscript.Env) error {
			e.Setenv("CONFIGS", configs)
			port, release, err := kafkatest.Port()
			if err != nil {
				return err
			}
			e.Defer(release)
			e.Setenv("LISTEN", fmt.Sprint("127.0.0.1:", port))
			e.Setenv("AT", fmt.Sprint("http://127.0.0.1:", port))
			return nil
		},
	})
}

// exitsWith is the script command code.
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND [ARG...]")
	}
	var ended *exec.ExitError
	code := "0"
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &ended) {
		code = strconv.Itoa(ended.ExitCode())
	} else {
		ts.Check(err)
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, not %s", code, args[0])
	}
}

// answers is the script command of the same name.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: answers PATH [TEXT]")
	}
	text := strings.Join(args[1:], "")
	for end := time.Now().Add(hung); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		w, err := http.Get(ts.Getenv("AT") + args[0])
		if err != nil {
			continue
		}
		body, err := io.ReadAll(w.Body)
		_ = w.Body.Close()
		if err != nil || w.StatusCode != http.StatusOK || !strings.Contains(string(body), text) {
			continue
		}
		if set := regexp.MustCompile(`"rule_set":"([0-9a-f]+)"`).FindSubmatch(body); set != nil {
			ts.Setenv("RULE_SET", string(set[1]))
		}
		return
	}
	ts.Fatalf("%s did not answer with %q", args[0], text)
}
