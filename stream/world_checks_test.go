package stream

import (
	"encoding/json"
	"fmt"
	"slices"

	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/journal"
)

// wroteVerdict sees every record of the verdicts topic.
func (w *simWorld) wroteVerdict(partition int32, offset int64, rec *simRecord) {
	if rec.run != "" {
		return
	}
	var v struct {
		ID      string `json:"transaction_id"`
		Verdict string
	}
	must(json.Unmarshal(rec.value, &v))
	if !w.given[string(rec.value)] {
		w.fail("the verdict of %s at %d:%d is none that was given: %s", v.ID, partition, offset, rec.value)
	}
	if _, twice := w.decided[v.ID]; twice {
		w.fail("%s has two verdicts in the topic: at %v and %d:%d", v.ID, w.places[v.ID], partition, offset)
	}
	w.decided[v.ID], w.places[v.ID] = v.Verdict, simSource{partition: partition, offset: offset}
}

func (w *simWorld) wroteLetter(_ int32, _ int64, rec *simRecord) {
	var l letter
	must(json.Unmarshal(rec.value, &l))
	var id string
	must(json.Unmarshal(l.ID, &id))
	source := simSource{partition: l.Source.Partition, offset: l.Source.Offset}
	w.letters[source] = id
	if w.haunted {
		return // who has read the topic back already does not know of it
	}
	if w.known[source] {
		w.fail("the conflict of %s at %v is reported again", id, source)
	}
	w.reported[source] = true
}

// watch looks at what must hold between any two steps.
func (s *simProcess) watch() {
	next := s.journal.Progress().Next
	for _, l := range s.lanes {
		if done := l.done.Load(); done > next[journal.Partition{Topic: l.topic, Number: l.partition}] {
			s.w.fail("%s/%d: %d may be committed, and the journal has not come so far: %v", l.topic, l.partition, done, next)
		}
	}
}

// decided holds a decision against the model.
func (s *simProcess) decided(d *scoring.Decision) {
	w := s.w
	source, a := simSource{partition: -1}, simArrival{}
	var c *simCall
	if d.Source.HTTP {
		c = s.calls[d.Tx]
		a = c.tx
	} else {
		source = simSource{partition: d.Source.Partition, offset: d.Source.Offset}
		rec := &w.transactions.parts[source.partition].records[source.offset]
		a = simArrival{w.txs[string(rec.value)], rec.time * 1e6}
	}
	if body, known := w.model.bodies[a.id]; known && body == "" {
		w.meet("engine", "repeat, its body forgotten")
	}
	if store := s.e.core.Store(); d.Taken {
		for e, key := range d.Tx.Entities {
			if !store.Resident(e, key) {
				w.meet("engine", "put aside for a history")
			}
		}
	}
	status, o := w.model.expect(source, a, w.set)
	w.meet("engine", simStatus(status))
	if c != nil {
		c.status = status
	}
	w.tell("  %v %s %v: %s", source, a.id, a.entities, simStatus(d.Status))
	if d.Status != status {
		w.fail("%v %s: %s, must be %s", source, a.id, simStatus(d.Status), simStatus(status))
	}
	if status == scoring.Conflict && c == nil {
		w.conflicts[source] = a.id
	}
	if status != scoring.Decided {
		return
	}
	if slices.Contains(o.flags, "late") {
		w.meet("payments", "older than the retention")
	}
	if slices.Contains(o.flags, "future_time") {
		w.meet("payments", "ahead of the clock")
	}
	w.given[string(d.Record)] = true
	got, want := readOutcome(d.Record), o
	w.tell("    %v", got)
	if got.String() != want.String() {
		w.fail("%v %s (%s, time %s):\n got %v\nwant %v", source, a.id, a.message, w.clock(a.at()), got, want)
	}
}

// readOutcome reads a verdict record.
func readOutcome(record []byte) *simOutcome {
	var v struct {
		Verdict string
		Score   int64
		Rules   []string
		Skipped []struct{ Rule string }
		Flags   []string
		Windows []struct {
			Expr     string
			Value    json.RawMessage
			Maturity json.Number
			Approx   bool
		}
	}
	must(json.Unmarshal(record, &v))
	o := &simOutcome{verdict: v.Verdict, score: v.Score, fired: v.Rules, flags: v.Flags, windows: map[string]string{}}
	for _, s := range v.Skipped {
		o.skipped = append(o.skipped, s.Rule)
	}
	for _, x := range v.Windows {
		o.windows[x.Expr] = fmt.Sprintf("%s of %s", x.Value, x.Maturity)
	}
	return o
}

func simStatus(s scoring.Status) string {
	return [...]string{"nothing", "decided", "remembered", "repeat", "conflict"}[s]
}

// promise notes what a request was told: it must stand.
func (w *simWorld) promise(c *simCall) {
	at, ok := w.places[c.tx.id]
	if !ok {
		w.fail("request %s is answered, and has no verdict in the topic", c.tx.id)
	}
	if c.again && c.place.offset >= 0 && (c.place.partition != at.partition || c.place.offset != at.offset) {
		w.fail("request %s: its verdict stands at %v, not %d:%d", c.tx.id, at, c.place.partition, c.place.offset)
	}
	if !c.again && c.verdict.String() != w.decided[c.tx.id] {
		w.fail("request %s is answered with %v, the topic has %s", c.tx.id, c.verdict, w.decided[c.tx.id])
	}
	for i := range w.transactions.parts {
		for _, rec := range w.transactions.parts[i].records {
			if w.txs[string(rec.value)].id == c.tx.id {
				return
			}
		}
	}
	w.fail("request %s is answered, and is not in the transactions topic", c.tx.id)
}

// resume finds out how much of what the model knows is durable: what lies below
// the offsets that the journal gives. That must be a beginning of what was
// decided, and every verdict in it must stand in the topic.
func (w *simWorld) resume() {
	next := w.process.journal.Progress().Next
	durable := func(x *simEntry) bool {
		topic := "transactions"
		switch {
		case x.source.partition < 0:
			id, _ := w.schema.AppendIDValue(nil, x.tx.id)
			d, ok, err := w.process.journal.Find(id)
			must(err)
			return ok && (d.Taken || d.Body != event.Key{})
		case x.source.label:
			topic = "labels"
		}
		return x.source.offset < next[journal.Partition{Topic: topic, Number: x.source.partition}]
	}
	m := w.model
	n, last := 0, ""
	for i := range m.log {
		x := &m.log[i]
		if !x.effect {
			if i == n && (x.source.partition < 0 || durable(x)) {
				n++
			}
			continue
		}
		switch yes := durable(x); {
		case yes && last != "":
			w.fail("the journal has %v, and not %s, which was before it", x.source, last)
		case yes:
			n = i + 1
		case last == "" && i < m.durable:
			w.fail("the journal had %v, and has it no more", x.source)
		case last == "":
			last = x.source.String()
		}
	}
	for i := range m.log[:n] {
		x := &m.log[i]
		if x.label != nil {
			continue
		}
		if _, stands := w.decided[x.tx.id]; !stands {
			w.fail("%v %s is behind the journal's offset, and has no verdict in the topic", x.source, x.tx.id)
		}
	}
	w.tell("%s: knows %d of %d", w.process.name, n, len(m.log))
	m.log, m.durable = m.log[:n], n
}

// verify looks at the end at what every world must have come to.
func (w *simWorld) verify() {
	for i := range w.transactions.parts {
		for _, rec := range w.transactions.parts[i].records {
			x := w.txs[string(rec.value)]
			if _, ok := w.decided[x.id]; !ok {
				w.fail("%s has no verdict", x.id)
			}
		}
	}
	for _, x := range w.model.log {
		if x.status == scoring.Conflict && x.source.partition >= 0 && w.conflicts[x.source] != "" && w.letters[x.source] != w.conflicts[x.source] {
			w.fail("the conflict of %s at %v is not reported", x.tx.id, x.source)
		}
	}
	for at, id := range w.letters {
		if w.conflicts[at] != id {
			w.fail("a conflict of %s at %v is reported, and was none", id, at)
		}
	}
}
