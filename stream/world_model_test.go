package stream

import (
	"fmt"
	"slices"
	"strings"

	"sluice/scoring"
	"sluice/scoring/event"
)

// The naive model: what sections 2 to 4 of the design say, on plain maps and
// lists. It takes the order of deciding from the engine and computes everything
// else itself: what is a repeat or a conflict, what each window holds, which
// verdict that makes.
//
// It knows nothing of journals. What is known after a restart is what lies below
// the offsets that reading goes on from, and what stands in the verdicts topic.

// simTx is a payment as the world made it.
type simTx struct {
	id       string
	time     int64 // event time, ns
	entities [3]string
	amount   int64
	message  string
}

// body is what tells a repeat from a conflict: all but what is secret.
func (x *simTx) body() string {
	return fmt.Sprint(x.id, x.time, x.entities[0], x.entities[1], x.amount)
}

// simArrival is a copy of a payment that came.
type simArrival struct {
	*simTx
	arrival int64
}

func (a *simArrival) future() bool { return a.time > a.arrival+event.MaxAhead }

// at is the time that windows go by.
func (a *simArrival) at() int64 {
	if a.future() {
		return a.arrival
	}
	return a.time
}

func (a *simArrival) late() bool { return a.arrival-a.at() > simRetention }

// simSource says where something was read; partition -1: a request.
type simSource struct {
	label     bool
	partition int32
	offset    int64
}

func (s simSource) String() string {
	switch {
	case s.partition < 0:
		return "request"
	case s.label:
		return fmt.Sprintf("label %d:%d", s.partition, s.offset)
	}
	return fmt.Sprintf("%d:%d", s.partition, s.offset)
}

// simEntry is something that was taken in, in the order of deciding.
type simEntry struct {
	source simSource
	tx     simArrival
	took   bool
	status scoring.Status
	label  *event.Label
	effect bool // it changed what is known
}

type simRow struct {
	simArrival
	t int64
}

// simModel is what is known.
type simModel struct {
	log      []simEntry // all that is durable, then what this run took in
	durable  int        // of log
	bodies   map[string]string
	verdicts map[string]string
	rows     [3]map[string][]simRow
	newest   [3]map[string]int64
	labels   map[string]map[int64]bool
	since    int64
	heard    map[simSource]bool // labels and letters of this run
}

func newSimModel() *simModel {
	m := &simModel{}
	m.forget()
	return m
}

func (m *simModel) forget() {
	m.bodies, m.verdicts, m.labels, m.heard = map[string]string{}, map[string]string{}, map[string]map[int64]bool{}, map[simSource]bool{}
	m.since = 0
	for e := range m.rows {
		m.rows[e], m.newest[e] = map[string][]simRow{}, map[string]int64{}
	}
}

// restart forgets all but the first n entries; topic gives the verdicts that stand.
func (m *simModel) restart(n int, topic map[string]string) {
	m.log, m.durable = m.log[:n], n
	m.forget()
	for i := range m.log {
		x := &m.log[i]
		switch {
		case x.label != nil:
			m.file(x.label)
		case x.status == scoring.Decided || x.effect && x.status == scoring.Repeat:
			m.bodies[x.tx.id] = x.tx.body()
			m.take(&x.tx)
		}
	}
	for id, verdict := range topic {
		m.verdicts[id] = verdict
		if _, known := m.bodies[id]; !known {
			m.bodies[id] = "" // only that it is decided
		}
	}
}

// heardLabel takes a label in.
func (m *simModel) heardLabel(source simSource, l *event.Label) {
	m.log = append(m.log, simEntry{source: source, label: l, effect: !m.heard[source]})
	m.heard[source] = true
	m.file(l)
}

func (m *simModel) file(l *event.Label) {
	if m.labels[l.ID] == nil {
		m.labels[l.ID] = map[int64]bool{}
	}
	m.labels[l.ID][l.Time] = m.labels[l.ID][l.Time] || l.Fraud
}

// fraud is what the labels of a payment say at t.
func (m *simModel) fraud(id string, t int64) bool {
	newest, fraud := int64(-1<<63), false
	for at, says := range m.labels[id] {
		if at <= t && at > newest {
			newest, fraud = at, says
		}
	}
	return fraud
}

// take puts a payment into the histories, if it is not too old for them.
func (m *simModel) take(a *simArrival) (took bool) {
	if a.late() {
		return false
	}
	if m.since == 0 || a.at() < m.since {
		m.since = a.at()
	}
	for e, value := range a.entities {
		newest, some := m.newest[e][value]
		if value == "" || some && a.at() < newest-simRetention {
			continue
		}
		took = true
		m.rows[e][value] = append(m.rows[e][value], simRow{*a, a.at()})
		m.newest[e][value] = max(newest, a.at())
	}
	return took
}

// window gives the events of a rule's window for a payment, oldest first.
func (m *simModel) window(r *simRule, a *simArrival) []simRow {
	value, t := a.entities[r.entity], a.at()
	from, to := t-int64(r.from), t-int64(r.to)
	if r.newest > 0 {
		from, to = t-simRetention, t
	}
	var out []simRow
	for _, x := range m.rows[r.entity][value] {
		if x.t > from && x.t <= to && x.id != a.id && x.t >= m.newest[r.entity][value]-simRetention {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(x, y simRow) int {
		if x.t != y.t {
			return int(min(1, max(-1, x.t-y.t)))
		}
		return strings.Compare(x.id, y.id)
	})
	if r.newest > 0 && len(out) > r.newest {
		out = out[len(out)-r.newest:]
	}
	return out
}

// aggregate gives the value of a rule's window, and whether it is missing; sums
// are in minor units.
func (m *simModel) aggregate(r *simRule, a *simArrival) (value int64, missing bool) {
	if a.entities[r.entity] == "" {
		return 0, true
	}
	cards := map[string]bool{}
	for _, x := range m.window(r, a) {
		switch {
		case r.agg == "sum":
			value += x.amount
		case r.agg == "distinct":
			if card := x.entities[0]; card != "" {
				cards[card] = true
			}
		case r.where == "" || r.where == "fraud" && m.fraud(x.id, a.at()) ||
			r.where == "deny" && m.verdicts[x.id] == "deny" || r.where == "dear" && x.amount >= 5000:
			value++
		}
	}
	return value + int64(len(cards)), false
}

// simOutcome is what a verdict record says.
type simOutcome struct {
	verdict string
	score   int64
	fired   []string
	skipped []string
	flags   []string
	windows map[string]string
}

func (o *simOutcome) String() string {
	return fmt.Sprintf("%s %d fired %v skipped %v flags %v windows %v", o.verdict, o.score, o.fired, o.skipped, o.flags, o.windows)
}

// outcome decides.
func (m *simModel) outcome(set *simSet, a *simArrival) *simOutcome {
	o := &simOutcome{windows: map[string]string{}}
	said := map[string]bool{}
	for i := range set.rules {
		r := &set.rules[i]
		fires := r.amount > 0 && a.amount >= r.amount || r.below > 0 && a.amount < r.below
		if r.amount == 0 && r.below == 0 {
			value, missing := m.aggregate(r, a)
			if missing {
				o.skipped = append(o.skipped, r.id)
				continue
			}
			if fires = value >= r.atLeast; fires { // sums are compared with 0 only
				o.windows[r.value()] = m.spell(r, a, value)
			}
		}
		if fires {
			o.fired = append(o.fired, r.id)
			o.score += r.score
			said[r.verdict] = true
		}
	}
	switch {
	case said["allow"]:
		o.verdict = "allow"
	case said["deny"] || o.score >= 80:
		o.verdict = "deny"
	case said["review"] || o.score >= 50:
		o.verdict = "review"
	default:
		o.verdict = "allow"
	}
	if a.late() {
		o.flags = append(o.flags, "late")
	}
	if a.future() {
		o.flags = append(o.flags, "future_time")
		if o.verdict == "allow" {
			o.verdict = "review"
		}
	}
	return o
}

// spell writes a window value and its maturity as a record does.
func (m *simModel) spell(r *simRule, a *simArrival, value int64) string {
	text := fmt.Sprint(value)
	if r.agg == "sum" {
		text = fmt.Sprint(float64(value) / 100)
	}
	from, to := a.at()-int64(r.from), a.at()-int64(r.to)
	if r.newest > 0 {
		from, to = a.at()-simRetention, a.at()
	}
	// The payment itself counts as watched by the time that it is written.
	since := m.since
	if !a.late() && (since == 0 || a.at() < since) {
		since = a.at()
	}
	switch {
	case from >= since:
		return text + " of 1"
	case to <= since:
		return text + " of 0"
	}
	if n := int(float64(to-since) / float64(to-from) * 1000); n > 0 {
		return fmt.Sprintf("%s of 0.%03d", text, n)
	}
	return text + " of 0"
}

// expect says what must become of a payment, and takes it in.
func (m *simModel) expect(source simSource, a simArrival, set *simSet) (status scoring.Status, o *simOutcome) {
	x := simEntry{source: source, tx: a}
	body, known := m.bodies[a.id]
	switch {
	case !known:
		x.status, x.effect = scoring.Decided, true
		o = m.outcome(set, &a)
		x.took = m.take(&a)
		m.bodies[a.id], m.verdicts[a.id] = a.body(), o.verdict
	case body == "": // an earlier run decided it, and nobody remembers more
		x.status, x.effect = scoring.Repeat, true
		x.took = m.take(&a)
		m.bodies[a.id] = a.body()
	case body == a.body():
		x.status = scoring.Repeat
	default:
		x.status = scoring.Conflict
	}
	m.log = append(m.log, x)
	return x.status, o
}
