package rules

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/configs/strict"
	"sluice/rules/hostile"
	"sluice/scoring/event"
)

// The bounds that hostile directories are held to. Time is CPU time of the whole
// process that loads one, so that other work on the machine does not count; the
// bound on it is for the shapes that run away, far beyond what each takes.
const (
	hostileMemory  = 1 << 30          // bytes
	hostileCPU     = 20 * time.Second // of one directory
	hostileSilence = hung             // without a word of the process: it hangs
	hostileSlow    = time.Second      // CPU time from which on one is reported
)

// TestHostileDirectories loads every hostile directory in a process of its own:
// some of them would take this one down with them, were a bound missing. Where
// the process dies or hangs, that one failed, and another goes on behind it.
func TestHostileDirectories(t *testing.T) {
	if os.Getenv("RULES_TEST_HOSTILE") != "" {
		loadHostile(t, os.Getenv("RULES_TEST_HOSTILE"))
		return
	}
	var names []string
	for _, c := range hostileCases() {
		if slices.Contains(names, c.Name) {
			t.Fatalf("two are called %q", c.Name)
		}
		names = append(names, c.Name)
	}
	if len(names) < 200 && !testing.Short() {
		t.Errorf("%d hostile directories", len(names))
	}
	var reports []hostileReport
	for next := 0; next < len(names); {
		got, why := runHostile(t, names[next])
		reports = append(reports, got...)
		if next += len(got); next < len(names) {
			t.Errorf("%s: %s", names[next], why)
			next++
		}
	}
	tellHostile(t, reports)
}

// hostileCases are all hostile directories, in short tests every eighth.
func hostileCases() []hostile.Case {
	all := hostile.Cases()
	if !testing.Short() {
		return all
	}
	var some []hostile.Case
	for i := 0; i < len(all); i += 8 {
		some = append(some, all[i])
	}
	return some
}

// hostileReport is what the loading of one directory took.
type hostileReport struct {
	name   string
	cpu    time.Duration
	memory uint64 // most at once
	ended  string // how
}

// tellHostile logs the worst, and fails those that took too much.
func tellHostile(t *testing.T, reports []hostileReport) {
	t.Helper()
	taken := 0
	for _, r := range reports {
		if r.ended == "set" {
			taken++
		}
		if r.cpu > hostileCPU {
			t.Errorf("%s took %v of CPU time", r.name, r.cpu)
		}
	}
	slow := slices.Clone(reports)
	slices.SortFunc(slow, func(a, b hostileReport) int { return int(b.cpu - a.cpu) })
	large := slices.Clone(reports)
	slices.SortFunc(large, func(a, b hostileReport) int { return int(int64(b.memory) - int64(a.memory)) })
	t.Logf("%d directories: %d taken, %d refused", len(reports), taken, len(reports)-taken)
	for i, r := range slow[:min(12, len(slow))] {
		mark := ""
		if r.cpu > hostileSlow {
			mark = "  (more than a second)"
		}
		if i < 5 || mark != "" {
			t.Logf("CPU %8v  %s%s", r.cpu.Round(time.Millisecond), r.name, mark)
		}
	}
	for _, r := range large[:min(3, len(large))] {
		t.Logf("memory %4d MiB  %s", r.memory>>20, r.name)
	}
}

// runHostile starts a process at one of the directories. It gives what was
// reported until its end, and why it ended.
func runHostile(t *testing.T, from string) (reports []hostileReport, why string) {
	t.Helper()
	run := exec.Command(os.Args[0], "-test.run=^TestHostileDirectories$", "-test.timeout=30m", fmt.Sprintf("-test.short=%t", testing.Short()))
	run.Env = append(os.Environ(), "RULES_TEST_HOSTILE="+from)
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaint strings.Builder
	run.Stderr = &complaint
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	hangs := time.AfterFunc(hostileSilence, func() { run.Process.Kill() })
	var other []string
	for lines := bufio.NewScanner(out); lines.Scan(); hangs.Reset(hostileSilence) {
		var r hostileReport
		if _, err := fmt.Sscanf(lines.Text(), "hostile %s %d %d %q", &r.ended, &r.cpu, &r.memory, &r.name); err == nil {
			reports = append(reports, r)
			continue
		}
		other = append(other, lines.Text())
	}
	why = fmt.Sprint(run.Wait())
	if !hangs.Stop() {
		why = "it hangs"
	}
	last := strings.Join(other[max(0, len(other)-5):], "\n")
	return reports, why + "\n" + last + "\n" + complaint.String()[:min(2000, complaint.Len())]
}

// loadHostile loads the directories from one on, and says how each ended.
func loadHostile(t *testing.T, from string) {
	t.Helper()
	debug.SetGCPercent(50)
	schema, err := event.LoadSchema("../configs/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cases := hostileCases()
	for _, c := range cases[slices.IndexFunc(cases, func(c hostile.Case) bool { return c.Name == from }):] {
		fsys := c.Make()
		runtime.GC()
		stop, most := watchMemory()
		before := cpuTime()
		set, warnings, err := checkFS(fsys, "rules", schema, time.Unix(1_800_000_000, 0))
		took := cpuTime() - before
		close(stop)
		ended := "set"
		var faults strict.Faults
		switch {
		case err == nil && set == nil, err != nil && set != nil:
			t.Fatalf("%s: a set %v beside the error %v", c.Name, set, err)
		case errors.As(err, &faults):
			ended = "faults"
			soundFaults(t, c.Name, faults)
		case err != nil:
			ended = "refused"
		default:
			soundFaults(t, c.Name, warnings)
			runtime.KeepAlive(set)
		}
		fmt.Printf("\nhostile %s %d %d %q\n", ended, took, <-most, c.Name)
	}
}

// soundFaults checks that faults can be shown to a person: bounded in number and
// size, each with a place.
func soundFaults(t *testing.T, name string, faults strict.Faults) {
	t.Helper()
	for _, f := range faults {
		if f.Line < 1 || f.Column < 1 || f.File == "" || f.Message == "" || len(f.Message) > 64<<10 {
			t.Fatalf("%s: the fault %.500v", name, f)
		}
	}
}

// watchMemory ends the process where it takes more memory than it may; most gives
// what was seen once stop is closed.
func watchMemory() (stop chan struct{}, most chan uint64) {
	stop, most = make(chan struct{}), make(chan uint64, 1)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		seen := uint64(0)
		for {
			metrics.Read(sample)
			if seen = max(seen, sample[0].Value.Uint64()); seen > hostileMemory {
				fmt.Printf("it takes %d MiB of memory\n", seen>>20)
				os.Exit(3)
			}
			select {
			case <-stop:
				most <- seen
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return stop, most
}

// cpuTime is what this process has taken of all processors so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
