package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sluice": main})
}

// TestScripts runs the program as its user does. $CONFIGS is the project's
// folder of example files; `code N COMMAND` wants the exit code N. UPDATE=1
// writes anew what cmp compares with.
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
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"code": exitsWith},
		Setup: func(e *testscript.Env) error {
			e.Setenv("CONFIGS", configs)
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
