package stream

import (
	"fmt"
	"strings"
)

// simTally counts, by kind, what worlds have met.
type simTally map[string]int

// simKinds is what there is to meet, in groups. A world that does not meet some
// of it is nothing special; many worlds must have met all.
var simKinds = [][]string{
	{"crash", "killed", "killed while it starts", "power fails in a write", "the journal can't be written at the start", "unsynced writes lost", "unsynced writes kept", "unsynced writes torn"},
	{"disk", "write fails: I/O error", "write fails: disk full", "fails for a while", "cut not written", "cut written", "read fails", "history read", "history read in pieces", "chunk read", "id read", "histories leave memory", "entries leave memory", "chunks come back", "a batch waits for a chunk", "deciding pauses for the journal"},
	{"network", "request lost", "answer lost", "append's place not told", "zombie appends", "zombie fenced off"},
	{"partitions", "let go", "taken back", "let go by a crash"},
	{"payments", "new", "the same again", "the same but for its secret", "another body of an id", "older than one before", "arrival before one before", "ahead of the clock", "older than the retention"},
	{"labels", "before their payment", "after their payment", "twice", "taken back or renewed"},
	{"clock", "jumps ahead", "goes back"},
	{"engine", "decided", "repeat", "conflict", "repeat, its body forgotten", "verdict read back", "put aside for a history", "rules reloaded", "request", "request answered", "request in conflict"},
}

// meet counts something of a kind.
func (w *simWorld) meet(group, kind string) { w.tally[group+": "+kind]++ }

func (t simTally) add(other simTally) {
	for kind, n := range other {
		t[kind] += n
	}
}

// missing gives the kinds that nobody has met, and panics for one that is not
// among them: a slip of the pen.
func (t simTally) missing() (idle []string) {
	known := map[string]bool{}
	for _, g := range simKinds {
		for _, kind := range g[1:] {
			name := g[0] + ": " + kind
			if known[name] = true; t[name] == 0 {
				idle = append(idle, name)
			}
		}
	}
	for kind := range t {
		if !known[kind] {
			panic("what is " + kind + "?")
		}
	}
	return idle
}

// String is a table, group by group.
func (t simTally) String() string {
	var b strings.Builder
	for _, g := range simKinds {
		for _, kind := range g[1:] {
			fmt.Fprintf(&b, "%9d  %s: %s\n", t[g[0]+": "+kind], g[0], kind)
		}
	}
	return b.String()
}
