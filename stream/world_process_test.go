package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/journal"
	"sluice/stream/wire"
)

// simProcess is one run of the program: the real engine, core, prefetch, cuts
// and journal, of which the world moves one piece at a time.
type simProcess struct {
	w       *simWorld
	name    string
	p       *Processor
	e       *engine
	journal *journal.Journal

	verdicts     *simProducer[token]
	transactions *simProducer[*call]
	letters      *simProducer[answered]

	lanes    []*lane
	decoding map[*lane]*decoding
	seen     map[*lane]int64 // labels that the model has heard
	reads    []*load         // read, and on their way to the engine
	job      *cut            // of the writer
	calls    map[*event.Transaction]*simCall
	broken   error
	deciding bool
}

// simCall is a request and what the model says of it.
type simCall struct {
	*call
	tx     simArrival
	status scoring.Status
	done   bool
}

// simCrash unwinds a process that dies.
type simCrash struct{ why string }

// open opens the journal and makes the engine.
func (s *simProcess) open() error {
	w := s.w
	j, err := journal.Open(journal.Options{Dir: "/j", Schema: w.schema, FS: w.disk.fs, Bucket: days, Cache: 64 << 10, Reserve: 1})
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	s.journal = j
	s.p = &Processor{
		o: Options{
			Schema: w.schema, Set: w.set.set, Core: scoring.Options{Run: s.name, Workers: 1},
			Topics: Topics{Transactions: "transactions", Labels: "labels", Verdicts: "verdicts", DeadLetters: "dead"},
		},
		log: log, journal: j, fatal: make(chan error, 1), what: map[string]error{}, held: map[int32]span{}, verdictsRead: map[int32]int64{},
	}
	s.p.o.Log = log
	s.p.note(w.set.set)
	s.e = newEngine(scoring.New(w.schema, w.set.set, s.p.o.Core), int64Patience, 64, log)
	s.e.now = func() int64 { return w.now }
	s.p.engine, s.p.counts = s.e, s.e.counts
	s.p.identity = &identity{journal: j, newID: func(context.Context) (wire.Producer, error) {
		w.ids++
		return wire.Producer{ID: w.ids, Valid: true}, nil
	}}
	session := func(topic string) func() (wire.Producer, error) {
		return func() (wire.Producer, error) { return s.p.identity.session(context.Background(), topic) }
	}
	out := &outputs{onDecision: s.decided, counts: s.e.counts}
	out.posted = func(c *call) { s.e.later(func() { s.e.posted(c) }) }
	s.verdicts = newSimProducer(w, w.verdicts, session("verdicts"), s.e.acknowledged)
	s.transactions = newSimProducer(w, w.transactions, session("transactions"), func(_ int32, _ int64, calls []*call) {
		for _, c := range calls {
			c.partDone()
			out.appended(c)
		}
	})
	s.letters = newSimProducer(w, w.dead, session("dead"), func(partition int32, base int64, done []answered) {
		for i, f := range done {
			f(deadPlace{partition, base + int64(i)}, nil)
		}
	})
	out.verdicts, out.transactions = s.verdicts, s.transactions
	out.dead = &deadLetters{schema: w.schema, transactions: "transactions", counts: s.e.counts, now: s.e.now, producer: s.letters}
	s.e.out = out
	told := newTold(len(w.dead.parts))
	out.dead.told = told
	budget := &Journaling{Memory: w.memory, MaxUnwritten: w.unwritten}
	err = s.e.keep(j, budget, w.schema, func(err error) { s.broken = err })
	s.e.cuts.told = told
	return err
}

// recallLetters reads the dead letters that the journal's last cut has not
// passed: what Processor.readLetters does over the network.
func (s *simProcess) recallLetters() {
	from := s.journal.Progress()
	told := s.e.cuts.told
	for i := range s.w.dead.parts {
		id := int32(i)
		end := s.w.dead.end(id)
		at, known := from.Letters[id]
		if !known {
			at = end
		}
		told.ends[id] = end
		for offset := max(at, 0); offset < end; offset++ {
			var l letter
			must(json.Unmarshal(s.w.dead.parts[i].records[offset].value, &l))
			told.note(l.Source, deadPlace{id, offset})
		}
	}
	if err := told.begin(s.journal); err != nil {
		panic(simCrash{"no place for letters: " + brief(err)})
	}
	s.w.known = maps.Clone(s.w.letters)
}

// recall fences earlier runs off, which ends what they still send, and reads what they have sent: what
// Processor.readTail does over the network.
func (s *simProcess) recall() {
	w := s.w
	s.recallLetters()
	empty := s.journal.Fresh()
	for i := range w.verdicts.parts {
		empty = empty && w.verdicts.end(int32(i)) == 0
	}
	if empty {
		return
	}
	session, err := s.p.identity.session(context.Background(), "verdicts")
	if err != nil {
		panic(simCrash{"no epoch: " + brief(err)})
	}
	marks := map[int32]int64{}
	for i := range w.verdicts.parts {
		w.between()
		id := int32(i)
		base, err := w.verdicts.append(id, session, 0, []simRecord{{time: w.ms(), run: s.name}})
		if err != nil {
			w.fail("marker in %d under epoch %d: %v", id, session.Epoch, err)
		}
		marks[id] = base
	}
	w.tell("%s: epoch %d, markers %v, tail from %v", s.name, session.Epoch, marks, s.journal.Verdicts())
	from := s.journal.Verdicts()
	for i := range w.verdicts.parts {
		id := int32(i)
		t := &tail{p: s.p, partition: id}
		var records wire.Records
		records.Reset(w.verdicts.encoded(id, from[id], marks[id]), from[id], nil)
		var rec wire.Record
		for records.Next(&rec) {
			if t.take(&rec); w.r.IntN(5) == 0 {
				s.e.later(t.file)
				s.turn()
				s.background()
				w.between()
			}
		}
		if t.void > 0 {
			w.fail("%d verdicts are void behind a fence", t.void)
		}
		s.e.later(t.file)
		s.turn()
	}
}

// attach gives the engine the partitions, from where the journal says.
func (s *simProcess) attach() {
	s.lanes, s.decoding, s.seen = nil, map[*lane]*decoding{}, map[*lane]int64{}
	for _, topic := range []*simTopic{s.w.transactions, s.w.labels} {
		for i := range topic.parts {
			id := int32(i)
			at := standing{topic: topic.name, partition: id, last: topic.end(id), fresh: true}
			if next, ok := s.p.journaled(topic.name, id); ok {
				at.at, at.fresh, at.journaled = next, false, true
			}
			l, err := s.p.laneOf(context.Background(), at, 0, topic == s.w.labels)
			must(err)
			s.lanes = append(s.lanes, l)
			s.seen[l] = l.from
			s.decoding[l] = &decoding{decoder: event.NewDecoder(s.w.schema), schema: s.w.schema, engine: s.e, counts: s.e.counts}
		}
	}
	s.e.later(func() { s.e.attach(s.lanes, nil) })
	s.turn()
	s.w.tell("%s: attached at %v", s.name, s.positions())
}

func (s *simProcess) positions() string {
	var b strings.Builder
	for _, l := range s.lanes {
		fmt.Fprintf(&b, " %s/%d:%d", l.topic[:1], l.partition, l.position.Load())
	}
	return b.String()
}

func (w *simWorld) topicOf(l *lane) *simTopic {
	if l.label {
		return w.labels
	}
	return w.transactions
}

// fetch decodes some records of a partition and hands them on.
func (s *simProcess) fetch() {
	l := s.lanes[s.w.r.IntN(len(s.lanes))]
	topic := s.w.topicOf(l)
	end := topic.end(l.partition)
	if s.w.r.IntN(3) == 0 {
		s.announce()
	}
	if l.fetchAt >= end || len(l.free) == 0 && l.made == chunksAhead {
		return
	}
	to := min(end, l.fetchAt+1+s.w.r.Int64N(12))
	var records wire.Records
	records.Reset(topic.encoded(l.partition, l.fetchAt, to), l.fetchAt, nil)
	c := l.chunk(nil)
	if faulty, _ := s.decoding[l].chunk(l, c, &records); len(faulty) > 0 {
		s.w.fail("%s/%d: %v", l.topic, l.partition, faulty[0].Reason)
	}
	s.w.tell("fetch %s/%d %d..%d", l.topic, l.partition, l.fetchAt, records.NextOffset())
	l.fetchAt = records.NextOffset()
	s.e.deliver(c, l.fetchAt)
}

// announce tells what exists.
func (s *simProcess) announce() {
	for _, l := range s.lanes {
		end := s.w.topicOf(l).end(l.partition)
		l.end.Store(end)
		s.e.arrived = append(s.e.arrived, arrival{lane: l, end: end})
	}
}

// turn is one round of the engine's goroutine.
func (s *simProcess) turn() (decided int) {
	s.e.intake()
	s.e.gather()
	s.hearLabels()
	if decided = len(s.e.batch); decided > 0 {
		s.w.tell("batch of %d", decided)
		s.e.decide()
	}
	if s.broken != nil {
		panic(simCrash{"broken: " + brief(s.broken)})
	}
	return decided
}

// hearLabels tells the model of the labels that were taken out of the merge.
func (s *simProcess) hearLabels() {
	for _, l := range s.lanes {
		if !l.label {
			continue
		}
		for at := l.position.Load(); s.seen[l] < at; s.seen[l]++ {
			label := s.w.told[l.partition][s.seen[l]]
			s.w.tell("label %s %v at %s", label.ID, label.Fraud, s.w.clock(label.Time))
			s.w.model.heardLabel(simSource{true, l.partition, s.seen[l]}, &label)
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
	status, o := w.model.expect(source, a, w.set)
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
	got, want := readOutcome(d.Record), o
	w.tell("    %v", got)
	if got.String() != want.String() {
		w.fail("%v %s (%s, time %s):\n got %v\nwant %v", source, a.id, a.message, w.clock(a.at()), got, want)
	}
}

func simStatus(s scoring.Status) string {
	return [...]string{"nothing", "decided", "remembered", "repeat", "conflict"}[s]
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

// read reads one want of the prefetch, as its loaders do.
func (s *simProcess) read(calm bool) {
	if len(s.e.pre.wants) == 0 {
		return
	}
	l := <-s.e.pre.wants
	if !calm && s.w.r.IntN(10) == 0 { // the disk did not give it
		s.e.pre.wants <- l
		return
	}
	if err := s.e.pre.once(l); err != nil {
		if errors.Is(err, journal.ErrDamaged) {
			s.w.fail("reading: %v", err)
		}
		s.e.pre.wants <- l
		return
	}
	s.reads = append(s.reads, l)
}

// bring hands the engine something that was read.
func (s *simProcess) bring() {
	if len(s.reads) == 0 {
		return
	}
	i := s.w.r.IntN(len(s.reads))
	l := s.reads[i]
	s.reads = slices.Delete(s.reads, i, i+1)
	s.e.later(func() { s.e.pre.arrived = append(s.e.pre.arrived, l) })
}

// write is a step of the journal's writer: it takes a cut, or tries to write it.
func (s *simProcess) write(faulty bool) {
	w := s.w
	if s.job == nil {
		select {
		case job := <-s.e.cuts.jobs:
			s.job = &job
		default:
		}
		return
	}
	if faulty {
		w.trouble()
	}
	before := s.journal.Progress().Next
	var segments []*journal.Segment
	for _, x := range s.job.stretches {
		segments = append(segments, x.Segment)
	}
	err := s.journal.Write(segments, s.job.progress)
	w.power()
	if err != nil {
		if errors.Is(err, journal.ErrDamaged) {
			w.fail("writing: %v", err)
		}
		w.tell("cut not written: %s", brief(err))
		return
	}
	for at, next := range s.job.progress.Next {
		if next < before[at] {
			w.fail("the journal goes back from %d to %d in %v", before[at], next, at)
		}
	}
	w.tell("cut of %d stretches up to %d written", len(segments), s.job.stretches[len(segments)-1].number)
	job := s.job
	s.job = nil
	s.e.later(func() { s.e.cuts.done(s.e, job) })
}

// brief is an error without what differs between runs.
func brief(err error) string {
	for _, kind := range []error{journal.ErrFailed, journal.ErrFull, journal.ErrDamaged} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	return "error"
}

// background lets everything but the engine take a step.
func (s *simProcess) background() {
	switch s.w.r.IntN(4) {
	case 0:
		s.e.later(func() { s.e.cuts.tick(s.e) })
	case 1:
		s.write(true)
	case 2:
		s.read(false)
	case 3:
		s.bring()
	}
}

// request is a payment over HTTP.
func (s *simProcess) request() {
	x := s.w.payment()
	c := &simCall{call: &call{body: []byte(x.message), done: make(chan struct{})}, tx: simArrival{x, s.w.ms() * 1e6}}
	must(event.NewDecoder(s.w.schema).Transaction(&c.call.tx, c.body, c.tx.arrival))
	s.calls[&c.call.tx] = c
	s.w.tell("request %s", x.message)
	select {
	case s.e.requests <- c.call:
	default:
	}
}

// answers looks at the requests that are answered.
func (s *simProcess) answers() (open int) {
	for _, c := range s.calls {
		if c.done {
			continue
		}
		if !c.ended.Load() {
			open++
			continue
		}
		c.done = true
		switch {
		case errors.Is(c.err, ErrConflict):
			if c.status != scoring.Conflict {
				s.w.fail("request %s: %v", c.tx.id, c.err)
			}
		case c.err != nil:
			s.w.fail("request %s: %v", c.tx.id, c.err)
		default:
			s.w.promise(c)
		}
	}
	return open
}
