package alerts

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
)

// maxExamples bounds the transactions that an alert names.
const maxExamples = 5

// Book holds the open incidents. Observing costs a map access and no I/O, so
// that the engine's goroutine can do it; what there is to tell is collected.
type Book struct {
	lasts time.Duration
	max   int
	news  chan struct{} // signals an incident that nobody was told of

	mu        sync.Mutex
	incidents map[incidentKey]*incident
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

// NewBook makes a book. An incident ends when it has been quiet for lasts; at
// most limit of them are open, further ones are counted together per rule.
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
	if b.set != d.Set {
		b.set, b.watched = d.Set, watches(d.Set)
	}
	for _, w := range b.watched {
		if slices.Contains(d.Outcome.Fired, w.rule) || slices.Contains(d.Outcome.Shadow, w.rule) {
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

func (b *Book) count(d *scoring.Decision, w watch, now time.Time) {
	rule := &d.Set.Rules[w.rule]
	key := incidentKey{rule.ID, -1, event.Key{}}
	for _, e := range w.entities {
		if d.Tx.Entities[e] != (event.Key{}) {
			key.entity, key.value = e, d.Tx.Entities[e]
			break
		}
	}
	in := b.incidents[key]
	arrival := time.Unix(0, d.Tx.Arrival).UTC()
	if in != nil && (in.Status == Resolved || arrival.Sub(in.Last) > b.lasts) {
		in = nil // the same again after a quiet time is news
	}
	if in == nil {
		if len(b.incidents) >= b.max {
			b.overflow++
			key = incidentKey{rule.ID, -1, event.Key{}}
			in = b.incidents[key]
		}
		if in == nil {
			in = open(d, rule, key, arrival)
			b.incidents[key] = in
			select {
			case b.news <- struct{}{}:
			default: // somebody is on the way
			}
		}
	}
	in.add(d, arrival, now)
}

func open(d *scoring.Decision, rule *rules.Rule, key incidentKey, arrival time.Time) *incident {
	in := &incident{Alert: Alert{
		Status: Firing, Severity: rule.Alert, Rule: rule.ID, Mode: rule.Mode.String(), Description: rule.Description,
		Reason: rule.Reason, Owner: rule.Owner, First: arrival, RuleSet: d.Set.Hash,
	}, amounts: map[uint64]int64{}}
	if key.entity >= 0 {
		f := d.Set.Schema.Entities[key.entity]
		field := &d.Set.Schema.Fields[f]
		in.Entity = field.Name
		if !field.Secret {
			in.Value = event.Mask(string(d.Tx.AppendText(nil, f)))
		}
	}
	in.ID = fmt.Sprintf("%s-%012x-%d", rule.ID, key.value[0]&0xffffffffffff, arrival.Unix())
	return in
}

func (in *incident) add(d *scoring.Decision, arrival, now time.Time) {
	in.Count++
	in.seen, in.dirty = now, true
	if arrival.After(in.Last) {
		in.Last = arrival
	}
	if len(in.Examples) < maxExamples {
		in.Examples = append(in.Examples, event.Mask(string(d.Tx.AppendText(nil, d.Tx.Schema.ID))))
	}
	for i := range d.Tx.Schema.Fields {
		if d.Tx.Schema.Fields[i].Type == event.TypeMoney && d.Tx.Words[i] != event.Missing {
			in.amounts[d.Tx.Currency] += int64(d.Tx.Words[i])
			break
		}
	}
}

// collect gives what there is to tell at now: incidents that nobody was told
// of, those that grew since update ago, and those that are over, which leave
// the book.
func (b *Book) collect(now time.Time, update time.Duration) []Alert {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Alert
	for key, in := range b.incidents {
		over := now.Sub(in.seen) >= b.lasts
		if !over && (!in.dirty || now.Sub(in.told) < update) {
			continue
		}
		if over {
			in.Status = Resolved
			delete(b.incidents, key)
		}
		in.dirty, in.told = false, now
		a := in.Alert
		a.Amount = in.amount()
		a.Examples = slices.Clone(in.Examples)
		out = append(out, a)
	}
	slices.SortFunc(out, func(x, y Alert) int { return strings.Compare(x.ID, y.ID) })
	return out
}

func (in *incident) amount() string {
	var sums []string
	for currency, minor := range in.amounts {
		sums = append(sums, event.FormatMoney(minor, currency))
	}
	slices.Sort(sums)
	return strings.Join(sums, " + ")
}

// Open is the number of open incidents, and Overflow that of firings that were
// counted together because the book was full.
func (b *Book) Open() (open int, overflow int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.incidents), b.overflow
}
