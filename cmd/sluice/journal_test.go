package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEndToEndJournal looks at a journal as people do: while the program runs, when
// it has stopped, and when the disk has harmed it.
func TestEndToEndJournal(t *testing.T) {
	p := newPlace(t, lettered("a"))
	config, dir := filepath.Join(p.dir, "sluice.yaml"), filepath.Join(p.dir, "journal")
	t.Setenv("SLUICE_BROKERS", strings.Join(p.seeds, ","))
	says := func(want int, text string, args ...string) {
		t.Helper()
		stdout, stderr, code := sluice(t, append([]string{"journal"}, args...)...)
		if all := stdout + stderr; code != want || !strings.Contains(all, text) || strings.Count(stderr, "\n") > 1 {
			t.Errorf("journal %v: exit code %d, want %d, and %q in\n%s", args, code, want, text, all)
		}
	}
	s := p.serve(t)
	s.awaitReady(t)
	const n, accounts = 5000, 500
	at := time.Now().Truncate(time.Second)
	for i := range n {
		account := fmt.Sprintf("a%d", i%accounts)
		p.send(t, "tx", account, tx(i, account, at, "1", ""), at)
	}
	p.flush(t)
	p.verdicts(t, n)
	says(exitFault, "a running `sluice serve` has it open", "inspect", "--config", config)
	s.terminate(t)

	says(exitOK, fmt.Sprintf("  %[1]d          %[1]d  ", n), "inspect", "--config", config)
	says(exitOK, "checked     not; `sluice journal verify` reads every byte", "compact", "--config", config)
	says(exitOK, "keys, nothing is wrong", "verify", "--config", config)
	says(exitOK, "keys, nothing is wrong", "verify", "--schema", filepath.Join(p.dir, "schema.yaml"), dir)
	says(exitFault, "holds no journal; `sluice serve` makes one", "verify", filepath.Join(p.dir, "rules"))
	says(exitFault, "sluice.yaml is a file; name the directory", "inspect", config)
	other := filepath.Join(p.dir, "other.yaml")
	put(t, other, strings.Replace(fmt.Sprintf(e2eConfig, p.name), "group: ", "group: another-", 1))
	says(exitFault, "holds no journal of the group another-"+p.name+", only of others", "compact", "--config", other)

	harm(t, dir)
	says(exitFault, "checksum mismatch", "verify", "--config", config)
	s = p.serve(t)
	for i, end := 0, time.Now().Add(hung); s.runs(); i++ { // no account is in memory
		if time.Now().After(end) {
			t.Fatal("it does not end of the damage")
		}
		s.try("POST", "/v1/verdicts", tx(n+i%accounts, fmt.Sprintf("a%d", i%accounts), at, "1", ""))
	}
	if code := s.cmd.ProcessState.ExitCode(); code != exitFault || !strings.Contains(s.logged(), "the journal is damaged (") || strings.Count(s.logged(), "\nthe journal") > 0 {
		t.Errorf("exit code %d, or it is not said in one line why", code)
	}
	says(exitFault, "as was found while it was in use", "inspect", "--config", config)
}

// runs says whether a process has not ended.
func (s *process) runs() bool {
	select {
	case <-s.ended:
		return false
	case <-time.After(time.Millisecond):
		return true
	}
}

// try asks a process that may have ended, whatever it says.
func (s *process) try(method, path, body string) {
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		return
	}
	if res, err := http.DefaultClient.Do(req); err == nil {
		_ = res.Body.Close()
	}
}

// harm turns bits in the middle of the largest table of a journal, where histories
// are: opening it does not read them.
func harm(t *testing.T, dir string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "*", "data", "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	var largest []byte
	var path string
	for _, table := range tables {
		b, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > len(largest) {
			largest, path = b, table
		}
	}
	for i := len(largest) / 3; i < len(largest)/2; i += 1000 {
		largest[i] ^= 0x55
	}
	if err := os.WriteFile(path, largest, 0o600); err != nil {
		t.Fatal(err)
	}
}
