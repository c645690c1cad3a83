package alerts

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

const (
	// maxExamples bounds the transactions that an alert names.
	maxExamples = 5
	// backlogLasts is how long, by the wall clock, an incident whose arrivals
	// lie far back waits for more: one partition may be behind the others.
	backlogLasts = 10 * time.Second
)

// Book holds the open incidents. Observing costs a map access and no I/O, so
// that the engine's goroutine can do it; what there is to tell is collected.
//
// How long it was quiet goes by the arrivals of what is decided, so that a
// backlog, or a replay of last year, makes the incidents that were. Where
// nothing arrives any more, the wall clock ends them.
type Book struct {
	lasts time.Duration
	max   int
	news  chan struct{} // signals an incident that nobody was told of

	mu        sync.Mutex
	clock     time.Time // newest arrival
	incidents map[incidentKey]*incident
	ended     []Alert // not told of yet
	set       *rules.Set
	watched   []watch // of the set's rules that alert
	overflow  int64   // firings that found the book full
}

// incidentKey names what one rule sees of one entity.
type incidentKey struct {
	rule   string
	entity int // index into Schema.Entities, -1: none
	value  event.Key
}

type incident struct {
	Alert
	amounts map[uint64]int64 // minor units by currency
	seen    time.Time        // wall clock of the last transaction
	dirty   bool             // there is something to tell
	told    time.Time
}

// watch is a rule that alerts.
type watch struct {
	rule     int
	entities []int // that its windows look at, else that of the partition key
}

// NewBook makes a book. An incident ends when it has been quiet for lasts; about
// limit of them are held, further ones are counted together per rule.
func NewBook(lasts time.Duration, limit int) *Book {
	return &Book{lasts: lasts, max: limit, news: make(chan struct{}, 1), incidents: map[incidentKey]*incident{}}
}

// Observe counts a decision in the incidents of the rules that fired and alert.
// now is the wall clock.
func (b *Book) Observe(d *scoring.Decision, now time.Time) {
	if d.Status != scoring.Decided || len(d.Outcome.Fired)+len(d.Outcome.Shadow) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if arrival := arrivalOf(d); arrival.After(b.clock) && !arrival.After(now) { // a wild one must not end them all
		b.clock = arrival
	}
	if b.set != d.Set {
		b.set, b.watched = d.Set, watches(d.Set)
	}
	for _, w := range b.watched {
		fired := slices.Contains(d.Outcome.Fired, w.rule) || slices.Contains(d.Outcome.Shadow, w.rule)
		if fired && d.Outcome.DemotedBy(w.rule) != rules.OfSnooze { // whoever snoozes a rule does not want to hear of it
			b.count(d, w, now)
		}
	}
}

// watches finds the rules that alert, and what entity each is about.
func watches(set *rules.Set) []watch {
	var out []watch
	plan := set.Program.Plan()
	for i := range set.Rules {
		if set.Rules[i].Alert == "" {
			continue
		}
		w := watch{rule: i}
		for _, q := range set.Program.Queries(i) {
			w.entities = append(w.entities, plan.Queries[q].Entity)
		}
		for _, l := range set.Program.Lists(i) {
			w.entities = append(w.entities, plan.Lists[l].Entity)
		}
		if key := set.Schema.Key; key >= 0 && set.Schema.Fields[key].Entity {
			w.entities = append(w.entities, set.Schema.Fields[key].EntityIndex)
		}
		out = append(out, w)
	}
	return out
}

func arrivalOf(d *scoring.Decision) time.Time { return time.Unix(0, d.Tx.Arrival).UTC() }

func (b *Book) count(d *scoring.Decision, w watch, now time.Time) {
	rule := &d.Set.Rules[w.rule]
	key := incidentKey{rule.ID, -1, event.Key{}}
	for _, e := range w.entities {
		if d.Tx.Entities[e] != (event.Key{}) {
			key.entity, key.value = e, d.Tx.Entities[e]
			break
		}
	}
	arrival := arrivalOf(d)
	if b.incidents[key] == nil && len(b.incidents)+len(b.ended) >= b.max {
		b.overflow++
		key = incidentKey{rule.ID, -1, event.Key{}}
	}
	in := b.incidents[key]
	if in != nil && arrival.Sub(in.Last) >= b.lasts && len(b.ended) < b.max {
		b.end(key, in) // the same again after a quiet time is news
		in = nil
	}
	if in == nil {
		in = open(d, w.rule, key, arrival)
		b.incidents[key] = in
		select {
		case b.news <- struct{}{}:
		default: // somebody is on the way
		}
	}
	in.Severity, in.Description, in.Reason, in.Owner, in.RuleSet = rule.Alert, rule.Description, rule.Reason, rule.Owner, d.Set.Hash
	if slices.Contains(d.Outcome.Fired, w.rule) {
		in.Mode = rules.Live.String() // it acts, whatever it did at first
	}
	in.add(d, arrival, now)
}

// end takes an incident that is over out of the book.
func (b *Book) end(key incidentKey, in *incident) {
	in.Status = Resolved
	delete(b.incidents, key)
	b.ended = append(b.ended, in.state())
}

func open(d *scoring.Decision, index int, key incidentKey, arrival time.Time) *incident {
	rule := &d.Set.Rules[index]
	mode := rule.Mode
	if d.Outcome.DemotedBy(index) != rules.NoCause {
		mode = rules.Shadow
	}
	in := &incident{Alert: Alert{
		Status: Firing, Rule: rule.ID, Mode: mode.String(), First: arrival,
	}, amounts: map[uint64]int64{}}
	if key.entity >= 0 {
		f := d.Set.Schema.Entities[key.entity]
		field := &d.Set.Schema.Fields[f]
		in.Entity = field.Name
		if !field.Secret {
			in.Value = event.Mask(string(d.Tx.AppendText(nil, f)))
		}
	}
	of := key.value[0] ^ event.HashKey([]byte(in.Entity))[0] // a card and an account may have the same value
	in.ID = fmt.Sprintf("%s-%012x-%d", rule.ID, of&0xffffffffffff, arrival.Unix())
	return in
}

func (in *incident) add(d *scoring.Decision, arrival, now time.Time) {
	in.Count++
	in.seen, in.dirty = now, true
	if arrival.Before(in.First) {
		in.First = arrival
	}
	if arrival.After(in.Last) {
		in.Last = arrival
	}
	if len(in.Examples) < maxExamples {
		in.Examples = append(in.Examples, event.Mask(string(d.Tx.AppendText(nil, d.Tx.Schema.ID))))
	}
	for i := range d.Tx.Schema.Fields {
		if d.Tx.Schema.Fields[i].Type == event.TypeMoney && d.Tx.Words[i] != event.Missing {
			in.amounts[d.Tx.Currency] = event.AddMinor(in.amounts[d.Tx.Currency], int64(d.Tx.Words[i]))
			break
		}
	}
}

// collect gives what there is to tell at now: incidents that are over, which
// leave the book, those that nobody was told of, and those that grew since
// update ago.
func (b *Book) collect(now time.Time, update time.Duration) []Alert {
	b.mu.Lock()
	defer b.mu.Unlock()
	var open []Alert
	for key, in := range b.incidents {
		switch {
		case now.Sub(in.seen) >= b.lasts, now.Sub(in.seen) >= backlogLasts && b.clock.Sub(in.Last) >= b.lasts:
			b.end(key, in)
		case in.dirty && now.Sub(in.told) >= update:
			in.dirty, in.told = false, now
			open = append(open, in.state())
		}
	}
	out := append(b.ended, open...)
	b.ended = nil
	slices.SortStableFunc(out, func(x, y Alert) int {
		return cmp.Or(x.First.Compare(y.First), strings.Compare(x.ID, y.ID))
	})
	return out
}

// state gives the alert as it is now.
func (in *incident) state() Alert {
	a := in.Alert
	a.Amount = in.amount()
	a.Examples = slices.Clone(in.Examples)
	return a
}

func (in *incident) amount() string {
	var sums []string
	for currency, minor := range in.amounts {
		sums = append(sums, event.FormatMoney(minor, currency))
	}
	slices.Sort(sums)
	return strings.Join(sums, " + ")
}

// Open gives the number of open incidents, and that of firings that were
// counted together per rule because the book was full.
func (b *Book) Open() (open int, overflow int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.incidents), b.overflow
}
