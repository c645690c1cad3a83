package scoring

import (
	"sluice/rules"
	"sluice/scoring/event"
	"sluice/scoring/history"
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
	Warming                   // histories are still being read back, or could not be read back whole
	Gap                       // records that its windows would have seen are lost, or stand behind lost ones
)

// Input is one transaction for the Core.
type Input struct {
	Tx     *event.Transaction
	Source Source
	Flags  Flags // Warming and Gap may be set by the caller
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
	Stored  bool          // Body is the journal's, of an earlier run (StoredBodies)
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
	Earlier Earlier // of Repeat and Conflict, and of Remembered
	// New says that nothing was known of its id, and Taken that the histories
	// have taken it in just now: what a journal must keep.
	New, Taken bool

	// Of Decided.
	Set     *rules.Set
	Outcome rules.Outcome
	Beside  rules.Outcome // of Options.Beside
	Record  []byte        // the verdict record, JSON
	number  uint64        // in Core.ids
	row     history.Ref   // where the histories hold it, 0: nowhere
	since   int64         // event time from which on everything had been seen by then
}
