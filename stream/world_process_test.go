package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	free     bool            // its partitions are let go, and may be taken back
	reads    []*load         // read, and on their way to the engine
	broken   error
	job      *cut // of the writer
	calls    map[*event.Transaction]*simCall
}

// open opens the journal and makes the engine.
func (s *simProcess) open() error {
	w := s.w
	j, err := journal.Open(journal.Options{Dir: "/j", Schema: w.schema, FS: w.disk.fs, Bucket: days, Cache: 64 << 10, Reserve: 1, Keys: w.keys})
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	s.journal = j
	s.p = &Processor{
		o: Options{
			Schema: w.schema, Set: w.set.set, Core: scoring.Options{Run: s.name, Workers: 1, Bounds: w.bounds},
			Topics: Topics{Transactions: "transactions", Labels: "labels", Verdicts: "verdicts", DeadLetters: "dead"},
		},
		log: log, journal: j, fatal: make(chan error, 1), what: map[string]error{}, held: map[int32]span{}, verdictsRead: map[int32]int64{},
	}
	s.p.o.Log = log
	s.p.note(w.set.set)
	s.e = newEngine(scoring.New(w.schema, w.set.set, s.p.o.Core), simPatience, 64, log)
	s.e.now = func() int64 { return w.now }
	s.p.engine, s.p.counts = s.e, s.e.counts
	s.p.identity = &identity{journal: j, newID: func(context.Context) (wire.Producer, error) {
		w.ids++
		return wire.Producer{ID: w.ids, Valid: true}, nil
	}}
	s.e.out = s.outputs()
	budget := &Journaling{Memory: w.memory, MaxUnwritten: w.unwritten}
	err = s.e.keep(j, budget, w.schema, func(err error) { s.broken = err }, func(error) {})
	s.e.cuts.told = s.e.out.dead.told
	s.e.pre.bound, s.e.pre.rounds = w.piece, w.rounds
	return err
}

// outputs makes the producers.
func (s *simProcess) outputs() *outputs {
	w := s.w
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
	out.dead = &deadLetters{
		schema: w.schema, transactions: "transactions", counts: s.e.counts, now: s.e.now,
		producer: s.letters, told: newTold(len(w.dead.parts)),
	}
	return out
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
	s.e.later(func() { s.e.attach(&plan{lanes: s.lanes}, nil) })
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

// announce tells what exists.
func (s *simProcess) announce() {
	for _, l := range s.lanes {
		end := s.w.topicOf(l).end(l.partition)
		l.end.Store(end)
		s.e.arrived = append(s.e.arrived, arrival{lane: l, end: end})
	}
}

// fetch decodes some records of a partition and hands them on.
func (s *simProcess) fetch() {
	if len(s.lanes) == 0 {
		return
	}
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

// regroup lets the partitions go, as at the end of a generation of the group, or
// takes them back once all that was decided is durable.
func (s *simProcess) regroup() {
	switch {
	case s.free:
		s.free = false
		s.w.meet("partitions", "taken back")
		s.attach()
	case len(s.lanes) > 0 && s.w.r.IntN(3) == 0:
		s.w.meet("partitions", "let go")
		s.e.later(s.e.detach)
		s.e.later(func() { s.e.cuts.force(s.e, func(error) { s.free = true }) })
		s.turn()
		s.w.tell("partitions let go at %s", s.positions())
		s.lanes = nil
	}
}

// reload puts another rule set in force.
func (s *simProcess) reload() {
	w := s.w
	w.set = w.sets[w.r.IntN(len(w.sets))]
	w.meet("engine", "rules reloaded")
	w.tell("reload")
	set := w.set.set
	s.e.later(func() { s.e.swap(set) })
	s.e.intake()
	s.hearLabels()
}

// sift has the ids of the journal noted, so that others are not looked up.
func (s *simProcess) sift() {
	if err := s.journal.Sift(context.Background()); errors.Is(err, journal.ErrDamaged) {
		s.w.fail("reading all ids: %v", err)
	}
}

// tick goes on with the log.
func (s *simProcess) tick() { s.e.later(func() { s.e.cuts.tick(s.e) }) }

// turn is one round of the engine's goroutine.
func (s *simProcess) turn() {
	s.e.intake()
	s.e.gather()
	s.hearLabels()
	if s.e.cuts.full() {
		s.w.meet("disk", "deciding pauses for the journal")
	}
	if n := len(s.e.batch); n > 0 {
		s.w.tell("batch of %d", n)
		ended, end := context.WithCancel(context.Background())
		end() // what can't be read at once ends it
		s.e.decide(ended)
		if s.broken != nil {
			panic(simCrash{"broken: " + s.broken.Error()})
		}
	}
}

// hearLabels tells the model of the labels that were taken out of the merge.
func (s *simProcess) hearLabels() {
	for _, l := range s.lanes {
		if !l.label {
			continue
		}
		for at := l.position.Load(); s.seen[l] < at; s.seen[l]++ {
			label := s.w.told[l.partition][s.seen[l]]
			s.meetLabel(&label)
			s.w.tell("label %s %v at %s", label.ID, label.Fraud, s.w.clock(label.Time))
			s.w.model.heardLabel(simSource{true, l.partition, s.seen[l]}, &label)
		}
	}
}

func (s *simProcess) meetLabel(l *event.Label) {
	if _, came := s.w.model.bodies[l.ID]; came {
		s.w.meet("labels", "after their payment")
	} else {
		s.w.meet("labels", "before their payment")
	}
	for _, says := range s.w.model.labels[l.ID] {
		if says != l.Fraud {
			s.w.meet("labels", "taken back or renewed")
			return
		}
	}
}

// read reads one want of the prefetch, as its loaders do.
func (s *simProcess) read(calm bool) {
	if len(s.e.pre.wants) == 0 {
		return
	}
	l := <-s.e.pre.wants
	if !calm && s.w.r.IntN(10) == 0 {
		s.w.meet("disk", "read fails")
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
	switch {
	case l.entity < 0:
		s.w.meet("disk", "id read")
	case l.want.from != whole:
		s.w.meet("disk", "chunk read")
	case l.to < l.end():
		s.w.meet("disk", "history read in pieces")
	default:
		s.w.meet("disk", "history read")
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
		w.meet("disk", "cut not written")
		w.tell("cut not written: %s", brief(err))
		return
	}
	for at, next := range s.job.progress.Next {
		if next < before[at] {
			w.fail("the journal goes back from %d to %d in %v", before[at], next, at)
		}
	}
	w.meet("disk", "cut written")
	w.tell("cut of %d stretches up to %d written", len(segments), s.job.stretches[len(segments)-1].number)
	job := s.job
	s.job = nil
	s.e.later(func() { s.e.cuts.done(s.e, job) })
}

// forget takes out of the journal what has expired: here nothing, but its disk
// may fail at it.
func (s *simProcess) forget() {
	s.w.trouble()
	err := s.journal.Forget(s.w.began-int64(90*days), s.w.began-int64(90*days))
	s.w.power()
	if errors.Is(err, journal.ErrDamaged) {
		s.w.fail("forgetting: %v", err)
	}
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
		s.tick()
	case 1:
		s.write(true)
	case 2:
		s.read(false)
	case 3:
		s.bring()
	}
}
