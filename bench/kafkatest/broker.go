//go:build unix

package kafkatest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Broker is a real broker of .ci/kafka, by the folder that it was started with.
type Broker string

// Named gives the broker of SLUICE_TEST_KAFKA, or skips.
func Named(t testing.TB) Broker {
	t.Helper()
	dir := os.Getenv("SLUICE_TEST_KAFKA")
	if dir == "" {
		t.Skip("needs a broker of its own: .ci/kafka start DIR, then set SLUICE_TEST_KAFKA=DIR")
	}
	return Broker(dir)
}

// File names a file in the broker's folder; .ci/kafka says what there is.
func (b Broker) File(name string) string { return filepath.Join(string(b), name) }

// Says reads such a file.
func (b Broker) Says(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(b.File(name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// Kill kills it; Restart starts it again.
func (b Broker) Kill(t testing.TB) { b.signal(t, syscall.SIGKILL) }

// Freeze lets it stand still, until Thaw.
func (b Broker) Freeze(t testing.TB) { b.signal(t, syscall.SIGSTOP) }

// Thaw lets it go on.
func (b Broker) Thaw(t testing.TB) { b.signal(t, syscall.SIGCONT) }

func (b Broker) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(b.pid(t), s); err != nil {
		t.Fatalf("%v to the broker: %v", s, err)
	}
}

func (b Broker) pid(t testing.TB) int {
	t.Helper()
	pid, err := strconv.Atoi(b.Says(t, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// Stop ends it as its operator would; Restart starts it again.
func (b Broker) Stop(t testing.TB) { b.script(t, "stop") }

// Restart starts it on the same data and ports, and comes back once it listens.
func (b Broker) Restart(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(b.File("pid")); err == nil {
		pid := b.pid(t)
		Eventually(t, "the broker is gone", func() error { // its memory is taken apart first
			if lives(pid) {
				return fmt.Errorf("process %d is there", pid)
			}
			return nil
		})
	}
	b.script(t, "restart")
}

// lives says whether a process is there that is not waited for.
func lives(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !strings.Contains(string(status), "State:\tZ")
}

func (b Broker) script(t testing.TB, what string) {
	t.Helper()
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	ci := filepath.Join(strings.TrimSpace(string(root)), ".ci", "kafka")
	if out, err := exec.Command(ci, what, string(b)).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", ci, what, err, out)
	}
}
