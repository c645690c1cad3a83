package stream

import (
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

// counts is what has happened since the start.
type counts struct {
	verdicts    [4]atomic.Int64 // by rules.Verdict
	repeats     atomic.Int64
	conflicts   atomic.Int64
	remembered  atomic.Int64
	late        atomic.Int64
	future      atomic.Int64
	skipped     atomic.Int64 // rules that could not be decided
	failed      atomic.Int64 // rules that failed
	labels      atomic.Int64
	earlyLabels atomic.Int64
	busy        atomic.Int64
	loads       atomic.Int64 // of pasts and ids, from the journal
	latency     histogram    // arrival to acknowledged verdict

	mu      sync.Mutex
	letters map[event.Code]int64
	hits    map[hit]*atomic.Int64

	// Of the engine's goroutine: the counters of the rules in force.
	live, shadow []*atomic.Int64
}

// hit names a counter of rule hits.
type hit struct {
	rule string
	mode rules.Mode
}

func newCounts(set *rules.Set) *counts {
	c := &counts{letters: map[event.Code]int64{}, hits: map[hit]*atomic.Int64{}}
	for _, code := range letterCodes() {
		c.letters[code] = 0 // a series that is there before it counts can be alerted on
	}
	c.use(set)
	return c
}

// letterCodes lists the codes of dead letters.
func letterCodes() []event.Code {
	return []event.Code{
		event.Malformed, event.NotAnObject, event.TrailingData, event.TooDeep, event.Oversize, event.BadUTF8,
		event.DuplicateKey, event.MissingField, event.WrongType, event.OutOfRange, event.BadValue,
		event.UnknownCurrency, event.UnknownCountry, event.NoRate, event.NoLabels, conflicting,
	}
}

// maxHits bounds the counters of rules that are not in force any more.
const maxHits = 10_000

// use takes the counters of a set's rules in hand.
func (c *counts) use(set *rules.Set) {
	c.live, c.shadow = nil, nil
	if set == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.hits) > maxHits {
		clear(c.hits)
	}
	counter := func(h hit) *atomic.Int64 {
		if c.hits[h] == nil {
			c.hits[h] = new(atomic.Int64)
		}
		return c.hits[h]
	}
	for i := range set.Rules {
		c.live = append(c.live, counter(hit{set.Rules[i].ID, rules.Live}))
		c.shadow = append(c.shadow, counter(hit{set.Rules[i].ID, rules.Shadow}))
	}
}

// decision counts what became of an input, from the engine's goroutine.
func (c *counts) decision(d *scoring.Decision) {
	switch d.Status {
	case scoring.Remembered:
		c.remembered.Add(1)
	case scoring.Repeat:
		c.repeats.Add(1)
	case scoring.Conflict:
		c.conflicts.Add(1)
	case scoring.Decided:
		c.decided(d)
	}
}

func (c *counts) decided(d *scoring.Decision) {
	c.verdicts[d.Outcome.Verdict].Add(1)
	if d.Flags&scoring.Late != 0 {
		c.late.Add(1)
	}
	if d.Flags&scoring.Future != 0 {
		c.future.Add(1)
	}
	for _, r := range d.Outcome.Fired {
		c.live[r].Add(1)
	}
	for _, r := range d.Outcome.Shadow {
		c.shadow[r].Add(1)
	}
	if n := len(d.Outcome.Skipped); n > 0 {
		c.skipped.Add(int64(n))
	}
	if n := len(d.Outcome.Errors); n > 0 {
		c.failed.Add(int64(n))
	}
}

func (c *counts) deadLetter(code event.Code) {
	c.mu.Lock()
	c.letters[code]++
	c.mu.Unlock()
}

// Counts is what a processor has done since it was made.
type Counts struct {
	Verdicts    map[rules.Verdict]int64
	Repeats     int64 // ids that came again with the same body
	Conflicts   int64 // and with another one
	Remembered  int64 // read back without being decided
	Late        int64
	Future      int64
	Skipped     int64 // rules that ended unknown
	Failed      int64 // rules that failed on the VM
	Labels      int64
	EarlyLabels int64 // that came before their transaction
	Busy        int64 // requests turned away
	DeadLetters map[event.Code]int64
	RuleHits    map[RuleHit]int64
	// Latency from arrival to the acknowledged verdict, cumulative counts at
	// LatencyBounds, and their sum in seconds.
	Latency    []uint64
	LatencySum float64
}

// RuleHit names a rule in a mode.
type RuleHit struct {
	Rule string
	Mode rules.Mode
}

// Decisions counts the transactions decided.
func (c Counts) Decisions() int64 {
	n := int64(0)
	for _, v := range c.Verdicts {
		n += v
	}
	return n
}

// Counts gives what has happened so far.
func (p *Processor) Counts() Counts {
	c := p.counts
	out := Counts{
		Verdicts: map[rules.Verdict]int64{}, Repeats: c.repeats.Load(), Conflicts: c.conflicts.Load(),
		Remembered: c.remembered.Load(), Late: c.late.Load(), Future: c.future.Load(),
		Skipped: c.skipped.Load(), Failed: c.failed.Load(), Labels: c.labels.Load(),
		EarlyLabels: c.earlyLabels.Load(), Busy: c.busy.Load(), RuleHits: map[RuleHit]int64{},
	}
	for _, v := range []rules.Verdict{rules.Allow, rules.Review, rules.Deny} {
		out.Verdicts[v] = c.verdicts[v].Load()
	}
	c.mu.Lock()
	out.DeadLetters = maps.Clone(c.letters)
	for h, n := range c.hits {
		out.RuleHits[RuleHit{h.rule, h.mode}] = n.Load()
	}
	c.mu.Unlock()
	out.Latency, out.LatencySum = c.latency.read()
	return out
}

// histogram counts durations; its buckets double from half a millisecond.
type histogram struct {
	buckets [latencyBuckets + 1]atomic.Uint64
	sum     atomic.Uint64 // bits of a float64, seconds: in ns a replay of old events would overflow
}

const (
	latencyBuckets = 16
	firstBound     = int64(500 * time.Microsecond)
)

// LatencyBounds gives the upper bounds of the buckets of Counts.Latency, in seconds.
func LatencyBounds() []float64 {
	out := make([]float64, latencyBuckets)
	for i := range out {
		out[i] = float64(firstBound<<i) / 1e9
	}
	return out
}

func (h *histogram) observe(ns int64) {
	i := 0
	for bound := firstBound; i < latencyBuckets && ns > bound; i++ {
		bound <<= 1
	}
	h.buckets[i].Add(1)
	seconds := float64(max(ns, 0)) / 1e9
	for {
		old := h.sum.Load()
		if h.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+seconds)) {
			return
		}
	}
}

// read gives cumulative counts; the last one is of all.
func (h *histogram) read() ([]uint64, float64) {
	out := make([]uint64, len(h.buckets))
	n := uint64(0)
	for i := range h.buckets {
		n += h.buckets[i].Load()
		out[i] = n
	}
	return out, math.Float64frombits(h.sum.Load())
}

// PartitionState is how far one assigned input partition is.
type PartitionState struct {
	Topic      string
	Partition  int32
	Position   int64         // next offset to be decided
	Committed  int64         // everything below has its verdict in the topic
	End        int64         // end of the partition
	Lag        int64         // records there and not decided
	LagSeconds float64       // age of the last one decided, while there is a lag
	Trouble    string        // why it does not move
	Behind     time.Duration // LagSeconds as a duration
}

// State is how a processor is.
type State struct {
	Assigned   bool    // partitions are assigned, if only none
	Phase      string  // connecting, joining, reading verdicts back, reading back, deciding, stopping
	Progress   float64 // of the phase, 0 to 1
	CaughtUp   bool    // deciding, and behind by no more than Options.ReadyLag
	Ready      bool    // caught up, and the broker takes what is decided
	Partitions []PartitionState
	Troubles   []string // what is wrong now, with its cause
	Queued     int64    // bytes of verdicts that are not acknowledged
	Requests   int      // waiting
}

// State tells how the processor is.
func (p *Processor) State() State {
	s := State{Phase: p.phase.Load().(string), Progress: 1, Requests: len(p.engine.requests)}
	lanes := p.assigned()
	s.Assigned = lanes != nil
	now := time.Now().UnixNano()
	done, total := int64(0), int64(0)
	for _, l := range lanes {
		s.Partitions = append(s.Partitions, l.state(now))
		if t := l.trouble(); t != nil {
			s.Troubles = append(s.Troubles, t.Error())
		}
		if l.decideFrom > l.from {
			total += l.decideFrom - l.from
			done += min(l.position.Load(), l.decideFrom) - l.from
		}
	}
	if s.Phase == phaseVerdicts {
		done, total = p.restored.Load(), p.toRestore.Load()
	}
	if total > 0 {
		s.Progress = float64(done) / float64(total)
	}
	s.CaughtUp = p.CaughtUp()
	s.Ready = s.CaughtUp && p.produces()
	s.Troubles = append(s.Troubles, p.troubles()...)
	if out := p.out.Load(); out != nil {
		s.Queued = out.verdicts.Queued()
	}
	return s
}

func (l *lane) state(now int64) PartitionState {
	s := PartitionState{
		Topic: l.topic, Partition: l.partition, Position: l.position.Load(), Committed: l.done.Load(),
		End: l.end.Load(), Lag: l.lag(),
	}
	if at := l.arrival.Load(); s.Lag > 0 && at > 0 {
		s.Behind = time.Duration(max(0, now-at))
		s.LagSeconds = s.Behind.Seconds()
	}
	if t := l.trouble(); t != nil {
		s.Trouble = t.Error()
	}
	return s
}

// produces says whether what is decided gets through, as far as is known.
func (p *Processor) produces() bool {
	out := p.out.Load()
	return out != nil && out.verdicts.Trouble() == nil && out.transactions.Trouble() == nil
}

// CaughtUp says whether the assigned partitions are decided up to a bound, as
// far as is known: nobody knows what lies there while nothing can be fetched.
func (p *Processor) CaughtUp() bool {
	lanes := p.assigned()
	if lanes == nil || p.phase.Load() != phaseDeciding || p.halted.Load() {
		return false
	}
	if p.troubled("fetch") || p.troubled(journalReading) {
		return false
	}
	lag := int64(0)
	for _, l := range lanes {
		lag += l.lag()
		if l.trouble() != nil {
			return false
		}
	}
	return lag <= p.o.ReadyLag
}
