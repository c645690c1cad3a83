package reliability

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// mutation is a slip that somebody could make: one place of the program that
// does a little less than it should.
type mutation struct {
	what string // is wrong then
	file string
	old  string // once in the file
	new  string
}

// mutations are what the simulated world of package stream must find.
var mutations = []mutation{
	{"an event exactly as old as the retention is late", "scoring/core.go", "tx.Arrival-tx.Time > int64(", "tx.Arrival-tx.Time >= int64("},
	{"an event exactly as far ahead as may be is in the future", "scoring/event/transaction.go", "t.Time > arrival+MaxAhead", "t.Time >= arrival+MaxAhead"},
	{"a window lacks what is at its right end, and has what is at its left", "scoring/history/observe.go", "if int64(times[low]) <= t {", "if int64(times[low]) < t {"},
	{"a label does not count at its own time", "scoring/history/label.go", "if int64(l[2*i]) <= t {", "if int64(l[2*i]) < t {"},
	{"another body of an id passes for a repeat", "scoring/core.go", "default:\n\t\td.Status = Conflict", "default:\n\t\td.Status = Repeat"},
	{"verdicts are not filed in the histories", "scoring/core.go", "c.store.SettleVerdict(d.row, d.Tx.IDKey, d.Outcome.Verdict.String())", ""},
	{"a rule does not see the verdict of the payment before in its batch", "scoring/core.go", "if c.meets(batch[i].Tx) {", "if c.meets(batch[i].Tx) && false {"},
	{"the maturity is that of the end of the batch", "scoring/record.go", "d.Tx.Time, d.since", "d.Tx.Time, c.store.Since()"},
	{"the body that the journal knows is not taken over", "scoring/known.go", "known.Body, known.Stored = e.Body, e.Stored", ""},
	{"a history that has left memory since it was read is taken for empty", "stream/hold.go", "e.pre.histories(tx, h)\n\treturn h.missing == 0", "return true"},
	{"a history may leave before what is new of it is durable", "scoring/history/evict.go", "slot.history.touched() > upTo ||", "slot.history.touched() > upTo+1 ||"},
	{"what was put aside for a history is taken for all of it", "scoring/history/outside.go", "return h.cut&partial == 0", "return true"},
	{"what was put aside for a history is forgotten once that is in memory", "scoring/history/outside.go", "h := s.history(entity, key)\n\tif !h.resident() {", "h := s.history(entity, key)\n\tif h.cut&(partial|begun) == partial {\n\t\ts.drop(h, h.len(s))\n\t}\n\tif !h.resident() {"},
	{"what is put aside may leave at once", "scoring/history/evict.go", "h.cut = h.cut&(partial|begun) | s.cut", "if h.resident() {\n\t\th.cut = s.cut\n\t}"},
	{"a history may leave while it is being brought", "scoring/history/evict.go", "slot.history.cut&begun != 0 ||", ""},
	{"what was put aside counts for durable where a history becomes hot", "scoring/history/hot.go", "s.mark = max(mark, h.touched())", "s.mark = mark"},
	{"what was decided is not put aside", "scoring/history/store.go", "if h != nil && tx.Time < h.newest-s.retention {", "if h == nil && s.outside || h != nil && tx.Time < h.newest-s.retention {"},
	{"entries may leave before they are durable", "scoring/history/leave.go", "x.touched <= t.upTo &&", "x.touched <= t.upTo+1 &&"},
	{"a verdict that comes back has sums made anew that know it", "scoring/history/outside.go", "fileVerdict(s.rows.at(row), verdict)", "s.setVerdict(s.rows.at(row), row, verdict)"},
	{"a batch goes on where entries are outside of memory", "scoring/history/observe.go", "return !s.short", "return true"},
	{"a window's edge amid entries outside of memory finds none there", "scoring/history/hot.go", "if t >= x.first {\n\t\t\ts.lack(h, x)", "if false {\n\t\t\ts.lack(h, x)"},
	{"a label of what is outside of memory changes no sum", "scoring/history/label.go", "s.soil(l.IDKey, event.Fraud)", ""},
	{"a label of what others hold changes no sum where it is outside of memory", "scoring/history/label.go", "case x.away != 0 && k.sees(form):", "case false:"},
	{"a past read in pieces lacks what is between them", "stream/load.go", "return r.time <= last", "return r.time < last"},
	{"a cut does not wait for its verdicts to be acknowledged", "stream/cuts.go", "c.closed[n].left == 0", "c.closed[n].left >= 0"},
	{"the journal says of the time of its next cut since when it has watched", "stream/cuts.go", "Since: job.stretches[n-1].since", "Since: e.core.Store().Since()"},
	{"a repeated request is answered while its transaction is on its way", "stream/settle.go", "c.log != nil || e.posting[c.tx.IDKey] > 0", "c.log != nil"},
	{"labels that waited for their transaction are not brought", "stream/prefetch.go", "return p.waits && p.journal.Awaited(p.scratch)", "return false"},
	{"what a cut adds is not in the filters", "stream/journal/tables.go", "t.filters.add(t.filter, h)", ""},
	{"a run produces under the epoch of the run before", "stream/journaling.go", "Epoch: run.Epoch + 1", "Epoch: run.Epoch"},
	{"verdicts behind the last cut are not read back", "stream/tail.go", "t.p.engine.core.Restore(d.id, d.Earlier)", ""},
	{"an id that the journal knows is not looked up", "stream/prefetch.go", "return !known || e.Body == (event.Key{})", "return false && (!known || e.Body == (event.Key{}))"},
	{"a cut forgets the body that an earlier one knew", "stream/journal/emit.go", "if n.Body == (event.Key{}) {", "if n.Body == (event.Key{}) && false {"},
	{"what was read back is not logged", "stream/tail.go", "t.p.engine.recalled(d.text, &d.Earlier)", ""},
	{"an acknowledged letter counts for passed with the record at which reading goes on", "stream/told.go", "if offset < n.next {", "if offset <= n.next {"},
	{"labels that waited are not brought to the history", "stream/journal/deliver.go", "m.labels = append(m.labels, labels...)", "_ = labels"},
	{"the journal's files are not synced", "stream/journal/fuse.go", "return f.fuse.through(f.File.Sync)", "return nil"},
}

// TestReliabilityMutations breaks the program in one place after the other, and
// expects that the simulated world notices. Nothing is written into the tree: the
// broken file takes the place of the other one in the build alone.
func TestReliabilityMutations(t *testing.T) {
	if !full() && os.Getenv("SLUICE_TEST_KAFKA") == "" {
		t.Skip("it takes minutes: SLUICE_RELIABILITY=full")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range mutations {
		if i >= scale(2, len(mutations)) {
			break
		}
		t.Run(strings.ReplaceAll(m.what, " ", "-"), func(t *testing.T) {
			out, err := worlds(t, root, m.overlay(t, root))
			found := difference.FindString(out)
			switch {
			case err == nil:
				t.Errorf("%s: no world notices that %s", m.file, m.what)
			case found == "":
				t.Errorf("%s: the worlds do not run: %v\n%s", m.file, err, out)
			default:
				t.Log(found)
			}
		})
	}
}

// TestMutationsHavePlaces: what the full form breaks is still there to be broken.
func TestMutationsHavePlaces(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutations {
		t.Run(strings.ReplaceAll(m.what, " ", "-"), func(t *testing.T) { m.overlay(t, root) })
	}
}

// difference is what TestWorlds says of a world that goes wrong.
var difference = regexp.MustCompile(`seed \d+: .*`)

// worlds plays simulated worlds on the program with a file replaced.
func worlds(t *testing.T, root, overlay string) (output string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "go", "test", "-vet=off", "-ldflags=-s -w", "-count=1", "-overlay", overlay, "-run", "^TestWorlds$", "./stream")
	c.Dir, c.Env = root, append(os.Environ(), "SLUICE_WORLD_SEEDS=2000")
	out, err := c.CombinedOutput()
	if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return string(out), err
}

// overlay writes the broken file, and what tells the build to take it.
func (m *mutation) overlay(t *testing.T, root string) string {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(m.file))
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		t.Fatalf("%s has %q %d times, not once: the program has changed, find the place again", m.file, m.old, n)
	}
	dir := t.TempDir()
	broken := filepath.Join(dir, filepath.Base(file))
	if err := os.WriteFile(broken, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: broken}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
