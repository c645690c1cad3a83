package stream

import (
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sluice/scoring/event"
)

// A simulated world: deterministic, one seed one story, without a network, a
// disk or a clock of its own. It plays the engine, the core, the prefetch, the
// cuts, the journal and the recovery against a naive model, while it lets
// everything go wrong that may.
//
//	go test -run TestWorlds -v ./stream                          some seeds, and a table of what they have met
//	SLUICE_WORLD_SEEDS=10000 go test -run TestWorlds ./stream    that many
//	SLUICE_WORLD_FROM=5000 SLUICE_WORLD_SEEDS=5000 …             that many from that one on
//	SLUICE_WORLD_SEED=17 go test -run TestWorlds -v ./stream     seed 17, with its story
//
// To read it, begin with the model (world_model): what must come out, on plain
// maps and lists. Then what may happen (world_events, simWorld.chances), how runs
// follow each other (world_life), and what is looked at (world_checks). What the
// process is made of is in world_process, world_recall and world_request: the
// real things, of which the world moves one at a time. Around it are the broker
// (world_broker), the disk (world_disk) and the rules (world_rules).

// simSeeds is how many seeds the short form has.
const simSeeds = 200

// play plays a world to its end. It gives what went wrong, "" if nothing did.
func (w *simWorld) play() (failure string) { return w.judge(w.live) }

// judge does something and gives what went wrong, "" if nothing did.
func (w *simWorld) judge(do func()) (failure string) {
	defer func() {
		if p := recover(); p != nil {
			if f, ok := p.(simFailure); ok {
				failure = f.what
			} else {
				failure = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
			}
		}
	}()
	do()
	return ""
}

func TestWorlds(t *testing.T) {
	schema, sets := simSchema(t)
	if seed, ok := simNumber(t, "SLUICE_WORLD_SEED"); ok {
		w := newSimWorld(seed, schema, sets)
		failure := w.play()
		t.Logf("\n%s\n%s", strings.Join(w.story, "\n"), w.tally)
		if failure != "" {
			t.Fatal(failure)
		}
		return
	}
	n, asked := simNumber(t, "SLUICE_WORLD_SEEDS")
	if !asked && testing.Short() {
		n = simSeeds / 4
	} else if !asked {
		n = simSeeds
	}
	from, _ := simNumber(t, "SLUICE_WORLD_FROM")
	var (
		all      sync.WaitGroup
		mu       sync.Mutex
		played   uint64
		failures []string
		tally    = simTally{}
	)
	draw := func() (seed uint64, more bool) {
		mu.Lock()
		defer mu.Unlock()
		if played == n || len(failures) > 2 {
			return 0, false
		}
		played++
		return from + played - 1, true
	}
	for range 2 {
		all.Go(func() {
			for seed, more := draw(); more; seed, more = draw() {
				w := newSimWorld(seed, schema, sets)
				failure := w.play()
				mu.Lock()
				tally.add(w.tally)
				if failure != "" {
					failures = append(failures, fmt.Sprintf("seed %d: %s\nplay it again: SLUICE_WORLD_SEED=%d go test -run TestWorlds -v ./stream", seed, failure, seed))
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.Logf("%d worlds, %d differences; what they have met:\n%s", played, len(failures), tally)
	slices.Sort(failures)
	for _, f := range failures {
		t.Error(f)
	}
	if idle := tally.missing(); len(idle) > 0 && n >= simSeeds && len(failures) == 0 {
		t.Errorf("nobody has met: %s", strings.Join(idle, ", "))
	}
}

// TestWorldsReplay: a seed is a story, here and in another process, byte by byte.
func TestWorldsReplay(t *testing.T) {
	schema, sets := simSchema(t)
	for seed := range uint64(10) {
		var stories [2]string
		for i := range stories {
			w := newSimWorld(seed, schema, sets)
			w.play()
			stories[i] = strings.Join(w.story, "\n")
		}
		if stories[0] != stories[1] {
			t.Fatalf("seed %d: another story the second time: %s", seed, simDifference(stories[0], stories[1]))
		}
		if seed > 2 {
			continue
		}
		program, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		other := exec.Command(program, "-test.run=^TestWorlds$", "-test.v")
		other.Env = append(os.Environ(), fmt.Sprintf("SLUICE_WORLD_SEED=%d", seed))
		out, err := other.CombinedOutput()
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		_, rest, _ := strings.Cut(strings.ReplaceAll(string(out), "\n        ", "\n"), ": \n")
		if len(rest) < len(stories[0]) || rest[:len(stories[0])] != stories[0] {
			t.Errorf("seed %d: another story in another process: %s", seed, simDifference(stories[0], rest))
		}
	}
}

// simDifference gives the first line that differs.
func simDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d: %q, %q", i+1, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d lines, %d lines", len(x), len(y))
}

func simSchema(t *testing.T) (*event.Schema, []*simSet) {
	t.Helper()
	schema, err := event.ParseSchema("schema.yaml", []byte(simSchemaText), nil)
	if err != nil {
		t.Fatal(err)
	}
	return schema, simSets(t, schema)
}

// simNumber reads a number from the environment.
func simNumber(t *testing.T, name string) (n uint64, ok bool) {
	t.Helper()
	text, ok := os.LookupEnv(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n, true
}

// TestWorldMends lets the journal fail where nobody writes a cut, and then only
// what is read from it: it must be opened again all the same.
func TestWorldMends(t *testing.T) {
	schema, sets := simSchema(t)
	w := newSimWorld(1, schema, sets)
	w.calm = true
	failure := w.judge(func() {
		w.start()
		w.publish()
		w.drain()
		w.die("so that all is on the disk alone")
		w.start()
		for at := 1; !w.process.journal.Failed(); at++ {
			if at > 100 {
				w.fail("wherever the disk fails, the journal goes on")
			}
			w.disk.arm(at, 1, syscall.EIO, 0, 0)
			_ = w.process.journal.Begin(w.process.journal.Run())
		}
		w.disk.disarm()
		w.publish()
		w.drain()
		w.verify()
		must(w.process.journal.Close())
	})
	if failure != "" {
		t.Fatal(failure)
	}
}
