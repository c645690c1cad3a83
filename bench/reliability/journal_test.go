package reliability

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReliabilityLostJournal kills the program and throws its journal away, in
// the middle of a run: what was decided is not decided again.
func TestReliabilityLostJournal(t *testing.T) {
	t.Parallel()
	times, n := scale(3, 20), scale(60_000, 300_000)
	p := newPlace(t)
	random := rand.New(rand.NewPCG(seed(t), 20))
	p.send(t, payments(t, n))
	config := p.configure(t, "sluice", "{dir: journal, interval: 50ms}")
	w := p.watch(t)
	for i := range times {
		seen := int(w.seen.Load())
		goal := min(seen+1+random.IntN(max(1, 2*(n-seen)/(times-i+1))), n-1)
		s := serve(t, config)
		w.await(t, goal, s, hung)
		s.kill(t)
		t.Logf("loss %d: at %d of %d", i+1, w.seen.Load(), n)
		if err := os.RemoveAll(filepath.Join(p.dir, "journal")); err != nil {
			t.Fatal(err)
		}
	}
	s := serve(t, config)
	w.await(t, n, s, hung)
	s.awaitReady(t)
	s.terminate(t)
	t.Logf("%d journals lost over %d transactions: %+v", times, n, p.judge(t, reference(t, n)))
}

// TestReliabilityDamagedJournal turns bits of a journal over while nobody runs.
// Either the start, or the first reading of the place, says that it is damaged
// and what to do, and with journal.rebuild it goes on; or what is damaged is of
// no use any more. It never decides wrong.
func TestReliabilityDamagedJournal(t *testing.T) {
	t.Parallel()
	times, n := scale(3, 30), scale(60_000, 300_000)
	p := newPlace(t)
	random := rand.New(rand.NewPCG(seed(t), 21))
	all := payments(t, n)
	config := p.configure(t, "sluice", "{dir: journal, interval: 50ms}")
	rebuild := p.configure(t, "rebuild", "{dir: journal, interval: 50ms, rebuild: true}")
	w := p.watch(t)
	found, sent := 0, 0
	feed := func(to int) {
		p.send(t, all[sent:to])
		sent = to
	}
	for i := range times {
		s := serve(t, config)
		feed(n * (i + 1) / (times + 1))
		w.await(t, sent, s, hung)
		if i%2 == 0 {
			s.terminate(t)
		} else {
			s.kill(t)
		}
		where := flip(t, random, filepath.Join(p.dir, "journal"))
		feed(sent + n/(times+1)/2)
		s = start(t, config)
		s.awaitEndOr(t, hung, func() bool { return w.seen.Load() >= int64(sent) })
		_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may still find the damage, in what it writes last
		if s.end(t, hung) == 0 {
			s.quiet = true
			t.Logf("damage %d, %s: without consequence; %s", i+1, where, p.verified(t, config))
			continue
		}
		found++
		if log := s.logged(); !strings.Contains(log, "damaged") || !strings.Contains(log, "journal.rebuild: true") {
			t.Errorf("damage %d, %s: it does not say what to do:\n%s", i+1, where, log)
		}
		s.quiet = true
		s = serve(t, rebuild)
		s.awaitLog(t, "a new one is made from the topics", hung) // what was found once is known
		w.await(t, sent, s, hung)
		s.terminate(t)
		t.Logf("damage %d, %s: found, and rebuilt", i+1, where)
	}
	s := serve(t, config)
	feed(n)
	w.await(t, n, s, hung)
	s.awaitReady(t)
	s.terminate(t)
	t.Logf("%d damages, %d of them found, over %d transactions: %+v", times, found, n, p.judge(t, reference(t, n)))
}

// verified has every byte of the journal read. Damage that nothing has met is met
// some day: such a journal is thrown away.
func (p *place) verified(t *testing.T, config string) string {
	t.Helper()
	out, err := exec.Command(program(t), "journal", "verify", "--config", config).CombinedOutput()
	if err == nil {
		return "it lay in what is of no use any more"
	}
	if err := os.RemoveAll(filepath.Join(p.dir, "journal")); err != nil {
		t.Fatal(err)
	}
	return "sluice journal verify: " + strings.TrimSpace(string(out))
}

// flip turns one bit over, in any file of a journal, and says where.
func flip(t *testing.T, random *rand.Rand, dir string) string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, ".damaged-") {
			return err
		}
		if info, err := d.Info(); err == nil && info.Size() > 100 {
			files = append(files, path)
		}
		return nil
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("no journal in %s: %v", dir, err)
	}
	path := files[random.IntN(len(files))]
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := random.IntN(len(data))
	data[at] ^= 1 << random.IntN(8)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s at %d of %d", filepath.Base(path), at, len(data))
}
