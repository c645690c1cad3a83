// Package scoring is one transaction in, one verdict out: observe what its
// entities did before, evaluate the rules, settle the verdict under its id.
//
// The Core takes no locks, does no I/O and reads no clock: time comes in with
// the events. A thin goroutine around it (package stream) gives it work.
package scoring

import (
	"time"

	"sluice/rules"
	"sluice/scoring/event"
)

// Source says where a transaction came from.
type Source struct {
	HTTP      bool
	Partition int32 // of the transactions topic, unless HTTP
	Offset    int64
}

// Flags mark a decision.
type Flags uint8

// The flags.
const (
	Late    Flags = 1 << iota // older than the retention on arrival: decided, not remembered
	Future                    // event time too far ahead, replaced by arrival; at least review
	Warming                   // histories are still being read back
)

// Input is one transaction for the Core.
type Input struct {
	Tx     *event.Transaction
	Source Source
	Flags  Flags // Warming may be set by the caller
	// Remember takes the transaction into the histories without deciding it:
	// it was decided before a restart.
	Remember bool
}

// Status says what became of an input.
type Status uint8

// The statuses.
const (
	Decided    Status = iota + 1
	Remembered        // Input.Remember was set
	Repeat            // the same id with the same body was decided before: Earlier says how
	Conflict          // the same id with another body was decided before; the first one stands
)

// Earlier is what is known of an id that was decided before.
type Earlier struct {
	Body    event.Key     // zero: not known (read back from the verdicts topic)
	Verdict rules.Verdict // NoVerdict: not known
	Score   int64
	Arrival int64 // ns
	// Where the verdict stands in the verdicts topic; Offset -1: not yet acknowledged.
	Partition int32
	Offset    int64
}

// Decision is what became of an input. It is valid until the next call of Decide.
type Decision struct {
	Input
	Status  Status
	Earlier Earlier // of Repeat and Conflict

	// Of Decided.
	Set     *rules.Set
	Outcome rules.Outcome
	Record  []byte // the verdict record, JSON
}

// Options of a Core.
type Options struct {
	Run     string        // names this run in verdict records
	KeepIDs time.Duration // how long decided ids are kept, by arrival; 0: 24 h
	MaxIDs  int           // how many at most; the oldest go first; 0: 50 million
	Workers int           // goroutines that evaluate a batch; 0: GOMAXPROCS
	// NoRecord leaves Decision.Record empty.
	NoRecord bool
}

// Core decides transactions. It is not safe for concurrent use.
type Core struct{ set *rules.Set }

// New makes a core with empty histories.
func New(schema *event.Schema, set *rules.Set, o Options) *Core { panic("unbuilt") }

// Set gives the rule set in force.
func (c *Core) Set() *rules.Set { return c.set }

// Swap puts another rule set in force, from the next batch on.
func (c *Core) Swap(set *rules.Set) { panic("unbuilt") }

// Decide decides a batch, in the order given; the verdicts do not depend on how
// a stream is cut into batches. now (ns, wall clock) only stamps the records.
func (c *Core) Decide(batch []Input, now int64) []Decision { panic("unbuilt") }

// Label files a label; matched is false if its transaction has not come yet.
func (c *Core) Label(l *event.Label) (matched bool) { panic("unbuilt") }

// Restore files an id that an earlier run decided, read back from the verdicts topic.
func (c *Core) Restore(id event.Key, e Earlier) { panic("unbuilt") }

// Placed files where the verdict of an id was appended.
func (c *Core) Placed(id event.Key, partition int32, offset int64) { panic("unbuilt") }

// Known gives what is known of a decided id.
func (c *Core) Known(id event.Key) (e Earlier, ok bool) { panic("unbuilt") }
