package reliability

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ailment is what a disk can have.
type ailment struct {
	name  string
	lasts bool // over a restart
	// make prepares the journal's directory and gives what makes the disk ill
	// for a process, and well again.
	make func(t *testing.T, dir string) (ill, well func(*process))
}

var ailments = []ailment{
	{"full", true, func(t *testing.T, dir string) (ill, well func(*process)) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", dir).CombinedOutput(); err != nil {
			t.Skipf("a disk of its own can't be mounted here: %v: %s", err, out)
		}
		t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
		filler := filepath.Join(dir, "filler")
		return func(*process) {
				// The journal leaves a reserve for others: less than that is left.
				if out, err := exec.Command("fallocate", "-l", "200MiB", filler).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}, func(*process) {
				if err := os.Remove(filler); err != nil {
					t.Fatal(err)
				}
			}
	}},
	{"failing", false, func(t *testing.T, _ string) (ill, well func(*process)) {
		// The process may not write any more: each attempt fails in the middle.
		limit := func(s *process, bytes string) {
			if s == nil || !s.alive() {
				return
			}
			out, err := exec.Command("prlimit", "--pid", strconv.Itoa(s.cmd.Process.Pid), "--fsize="+bytes+":unlimited").CombinedOutput()
			if err != nil {
				t.Fatalf("prlimit: %v: %s", err, out)
			}
		}
		return func(s *process) { limit(s, "2000") }, func(s *process) { limit(s, "unlimited") }
	}},
}

// TestReliabilityDisk: while the journal can't be written deciding goes on, as
// far as more may wait; then it pauses, and goes on when the disk is well again.
func TestReliabilityDisk(t *testing.T) {
	t.Parallel()
	for _, a := range ailments {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			diskIll(t, a)
		})
	}
}

func diskIll(t *testing.T, a ailment) {
	n := scale(250_000, 500_000)
	p := newPlace(t)
	all := payments(t, n)
	dir := filepath.Join(p.dir, "disk")
	ill, well := a.make(t, dir)
	config := p.configure(t, "sluice", "{dir: disk/journal, interval: 50ms, max_unwritten: 16MiB}")
	w := p.watch(t)
	s := serve(t, config)
	p.send(t, all[:n/10])
	w.await(t, n/10, s, hung)
	s.awaitReady(t)

	ill(s)
	p.send(t, all[n/10:n/10+1000])
	w.await(t, n/10+1000, s, hung) // deciding goes on
	s.awaitUnready(t, "journal")
	p.awaitAlert(t, "firing")

	p.send(t, all[n/10+1000:])
	s.awaitLog(t, "deciding pauses", hung)
	s.await(t, "requests are refused", hung, func() bool {
		status, answer := s.ask(t, http.MethodPost, "/v1/verdicts", `{"transaction_id":9000000,"tx_datetime":"2018-10-01T00:00:00Z","customer_id":1,"terminal_id":1,"tx_amount":1}`)
		return status == http.StatusServiceUnavailable && strings.Contains(answer, `"code":"journal"`)
	})
	paused := w.settle()
	if paused >= int64(n) {
		t.Errorf("deciding does not pause: all is decided")
	}
	t.Logf("%s: deciding went on for %d transactions of %d", a.name, paused-int64(n/10), n-n/10)

	if a.lasts {
		s.kill(t) // a restart does not help, and does no harm
		paused = w.settle()
		s = serve(t, config)
		s.awaitUnready(t, "make room")
		if seen := w.settle(); seen > paused {
			t.Errorf("%d more are decided by a run that can't begin in its journal", seen-paused)
		}
	}
	well(s)
	w.await(t, n*3/4, s, hung)
	if !a.lasts { // the alert of a run that was killed is nobody's
		p.awaitAlert(t, "resolved")
	}
	s.kill(t) // what it caught up with has to be worth something
	s = serve(t, config)
	w.await(t, n, s, hung)
	s.awaitReady(t)
	s.terminate(t)
	t.Logf("%s: %+v", a.name, p.judge(t, reference(t, n)))
}

// awaitUnready waits until /readyz says so, and why.
func (s *process) awaitUnready(t *testing.T, why string) {
	t.Helper()
	s.await(t, "unready: "+why, hung, func() bool {
		status, text := s.get(t, "/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(text, why)
	})
}

// settle waits until no verdicts come any more.
func (w *watch) settle() int64 {
	for {
		before := w.seen.Load()
		time.Sleep(time.Second)
		if w.seen.Load() == before {
			return before
		}
	}
}

// awaitAlert waits for the journal's alert in the alerts topic.
func (p *place) awaitAlert(t *testing.T, status string) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(p.seeds...), kgo.ConsumeTopics(p.topic("alerts")), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	for ctx.Err() == nil {
		for _, r := range c.PollFetches(ctx).Records() {
			var a struct{ Status, Reason string }
			if json.Unmarshal(r.Value, &a) == nil && a.Reason == "JOURNAL_UNWRITTEN" && a.Status == status {
				return
			}
		}
	}
	t.Fatalf("no alert says that the journal can't be written: %s", status)
}
