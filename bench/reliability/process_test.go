package reliability

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a running `sluice serve`.
type process struct {
	cmd   *exec.Cmd
	url   string
	ended chan struct{}
	quiet bool // its log is of no interest if the test fails

	file *os.File // where logs are kept; nil: nowhere
	mu   sync.Mutex
	log  bytes.Buffer
}

func (s *process) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		_, _ = s.file.Write(b)
	}
	return s.log.Write(b)
}

func (s *process) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

var listens = regexp.MustCompile(`msg=serving listen=(\S+)`)

// start starts the program, and does not wait.
func start(t *testing.T, config string, args ...string) *process {
	t.Helper()
	s := &process{ended: make(chan struct{})}
	s.cmd = exec.Command(program(t), append([]string{"serve", "--config", config}, args...)...)
	s.cmd.Stdout, s.cmd.Stderr = s, s
	if dir := os.Getenv("SLUICE_RELIABILITY_LOGS"); dir != "" {
		f, err := os.CreateTemp(dir, compact(t.Name())+"-*.log")
		if err != nil {
			t.Fatal(err)
		}
		s.file = f
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait()
		if s.file != nil {
			_ = s.file.Close()
		}
		close(s.ended)
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Process.Signal(syscall.SIGCONT)
		<-s.ended
		if t.Failed() && !s.quiet {
			log := s.logged()
			t.Logf("process %d, the end of its log:\n%s", s.cmd.Process.Pid, log[max(0, len(log)-6000):])
		}
	})
	return s
}

// serve starts the program and waits until it listens.
func serve(t *testing.T, config string, args ...string) *process {
	t.Helper()
	s := start(t, config, args...)
	s.await(t, "it listens", hung, func() bool { return listens.MatchString(s.logged()) })
	s.url = "http://" + listens.FindStringSubmatch(s.logged())[1]
	return s
}

func (s *process) alive() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// hung: what has not moved for so long will not. It is far more than a busy machine
// needs, for a test must fail of what is wrong only.
const hung = 4 * time.Minute

func (s *process) await(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if !s.alive() {
			t.Fatalf("it ended while this was waited for: %s", what)
		}
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain: %s", within, what)
		}
	}
}

func (s *process) awaitLog(t *testing.T, text string, within time.Duration) {
	t.Helper()
	s.await(t, "log says "+text, within, func() bool { return strings.Contains(s.logged(), text) })
}

// get asks over HTTP; status 0: no answer.
func (s *process) get(t *testing.T, path string) (status int, answer string) {
	t.Helper()
	return s.ask(t, http.MethodGet, path, "")
}

func (s *process) ask(t *testing.T, method, path, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(b)
}

// signal sends one.
func (s *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("%v: %v", sig, err)
	}
}

// kill ends it as a power cut would, if only for this process.
func (s *process) kill(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGKILL)
	<-s.ended
	s.quiet = true
}

// freeze stops it where it is; every thread stands once this returns.
func (s *process) freeze(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGSTOP)
	s.await(t, "it stands still", hung, func() bool { return stands(s.cmd.Process.Pid) })
}

// stands says whether all threads of a process are stopped.
func stands(pid int) bool {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return false
	}
	for _, task := range tasks {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/status", pid, task.Name()))
		if err != nil || !bytes.Contains(status, []byte("State:\tT")) {
			return false
		}
	}
	return true
}

// end waits until it has ended and gives its exit code.
func (s *process) end(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(within):
		t.Fatalf("it did not end within %v", within)
	}
	return s.cmd.ProcessState.ExitCode()
}

// terminate stops it as an operator does.
func (s *process) terminate(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGTERM)
	if code := s.end(t, hung); code != 0 || !strings.Contains(s.logged(), "msg=stopped") {
		t.Errorf("SIGTERM: exit code %d", code)
	}
	s.quiet = !t.Failed()
}

// memory gives the resident bytes of the process.
func (s *process) memory() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// cpu gives the time that the process has computed, for itself and in the system.
func (s *process) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // behind the name
	fields := strings.Fields(rest)
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // ticks of Linux
}

// thaw lets a frozen process go on.
func (s *process) thaw(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGCONT)
}

// awaitReady waits until /readyz says so.
func (s *process) awaitReady(t *testing.T) {
	t.Helper()
	s.await(t, "ready", hung, func() bool { status, _ := s.get(t, "/readyz"); return status == http.StatusOK })
}

// awaitEndOr waits until it has ended, or ok.
func (s *process) awaitEndOr(t *testing.T, within time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); s.alive() && !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain for an end", within)
		}
	}
}
