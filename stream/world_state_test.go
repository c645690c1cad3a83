package stream

import (
	"fmt"
	"io"
	"math/rand/v2"
	"syscall"
	"time"

	"sluice/scoring/event"
	"sluice/scoring/history"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// simPatience is how long the merge waits for a partition.
const simPatience = 2 * time.Second

// simWorld is a world: what exists outside the process, the process itself, and
// what the world knows so that it can judge it.
type simWorld struct {
	seed   uint64
	r      *rand.Rand
	keys   io.Reader // of journals: which hashes look alike is of the story, too
	schema *event.Schema
	sets   []*simSet
	set    *simSet
	model  *simModel

	now, began int64 // ns
	grain      int64 // of event times
	span       int64 // how much of it jumps may still take
	ids        int64 // producer ids given out
	memory     int64 // bytes of histories; with 1 all leave that may, with 0 none do
	bounds     history.Bounds
	piece      int   // rows of a past that are read at once
	rounds     int   // that what waits is looked at again
	unwritten  int64 // bytes beyond which deciding pauses
	requests   bool  // payments come over HTTP too
	calm       bool  // nothing goes wrong any more
	newest     int64 // event time of a payment
	arrived    int64 // newest arrival (ms)

	transactions, labels, verdicts, dead *simTopic

	payments  []*simTx             // all that were made
	txs       map[string]*simTx    // by message
	told      [][]event.Label      // labels by partition and offset
	given     map[string]bool      // verdict records, as they were decided
	decided   map[string]string    // verdicts in the topic, by id
	places    map[string]simSource // and where they stand
	conflicts map[simSource]string // ids that came with another body, and where
	letters   map[simSource]string // those that are reported
	reported  map[simSource]bool   // of these, by processes while they lived
	known     map[simSource]bool   // and before this one started

	haunted bool // a zombie is at it
	disk    *simDisk
	outage  int        // for so many steps it takes nothing
	fault   error      // and this is what it says
	left    *vfs.MemFS // what is on the disk after the power has failed
	process *simProcess
	zombies []simZombie // producers of dead processes
	runs    int
	story   []string
	tally   simTally
}

func newSimWorld(seed uint64, schema *event.Schema, sets []*simSet) *simWorld {
	r := rand.New(rand.NewPCG(seed, 1))
	w := &simWorld{
		seed: seed, r: r, keys: rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}), schema: schema, sets: sets, set: sets[r.IntN(len(sets))], model: newSimModel(),
		now: 1_700_000_000 * int64(time.Second), span: int64(28 * days), unwritten: 1 << 20,
		transactions: newSimTopic("transactions", 1+r.IntN(4)), labels: newSimTopic("labels", 1+r.IntN(2)),
		verdicts: newSimTopic("verdicts", 1+r.IntN(3)), dead: newSimTopic("dead", 1),
		txs: map[string]*simTx{}, given: map[string]bool{}, decided: map[string]string{}, places: map[string]simSource{},
		conflicts: map[simSource]string{}, letters: map[simSource]string{}, reported: map[simSource]bool{}, tally: simTally{}, fault: syscall.EIO,
	}
	w.began = w.now
	w.grain = []int64{int64(time.Millisecond), int64(time.Minute), int64(30 * time.Minute)}[r.IntN(3)]
	w.memory = []int64{0, 1, 1, 1}[r.IntN(4)]
	if r.IntN(8) == 0 {
		w.unwritten = 2000
	}
	w.requests = r.IntN(3) == 0
	if r.IntN(4) > 0 {
		w.bounds = history.Bounds{Hot: 3 + r.IntN(6), Leaf: 2 + r.IntN(3), Fan: 2 + r.IntN(3)}
	}
	w.piece, w.rounds = 1+r.IntN(12), r.IntN(4)*r.IntN(3)
	w.told = make([][]event.Label, len(w.labels.parts))
	w.verdicts.wrote = w.wroteVerdict
	w.dead.wrote = w.wroteLetter
	w.disk = newSimDisk(vfs.NewCrashableMem())
	return w
}

// simFailure ends a world.
type simFailure struct{ what string }

func (w *simWorld) fail(format string, args ...any) {
	panic(simFailure{fmt.Sprintf(format, args...)})
}

// tell adds a line to the story.
func (w *simWorld) tell(format string, args ...any) {
	w.story = append(w.story, fmt.Sprintf(format, args...))
}

func (w *simWorld) ms() int64 { return w.now / 1e6 }

// clock writes a time as distance from the beginning.
func (w *simWorld) clock(ns int64) string {
	return (time.Duration(ns-w.began) / time.Millisecond * time.Millisecond).String()
}
