package stream

import (
	"fmt"
	"time"

	"sluice/scoring/event"
	"sluice/stream/journal"
)

// live plays a world to its end.
func (w *simWorld) live() {
	steps := 300 + w.r.IntN(900)
	w.start()
	for range steps {
		if !w.survives(w.step) {
			w.start()
		}
	}
	w.tell("calm")
	w.calm = true
	if !w.survives(w.drain) {
		w.start()
		w.drain()
	}
	w.verify()
	before := len(w.decided)
	w.die("the end")
	w.start()
	w.drain()
	w.verify()
	if len(w.decided) != before {
		w.fail("%d verdicts after another start, %d before", len(w.decided), before)
	}
	must(w.process.journal.Close())
	w.tally.add(w.disk.met())
}

// start starts a run, again and again if it dies meanwhile.
func (w *simWorld) start() {
	for !w.survives(w.begin) {
	}
}

func (w *simWorld) begin() {
	w.runs++
	s := &simProcess{w: w, name: fmt.Sprintf("run-%d", w.runs), calls: map[*event.Transaction]*simCall{}}
	w.process = s
	if !w.calm && w.r.IntN(8) == 0 {
		w.disk.arm(0, 0, nil, 1+w.r.IntN(10), w.tear())
	}
	err := s.open()
	w.power()
	if err != nil {
		w.fail("opening: %v", err)
	}
	w.resume()
	if !w.calm && w.r.IntN(20) == 0 {
		w.disk.arm(1+w.r.IntN(8), 5, w.fault, 0, 0)
	}
	s.recall()
	w.disk.disarm()
	w.model.restart(len(w.model.log), w.decided)
	s.attach()
}

// survives does something that the process may die of; if it does, the next one
// finds what is on the disk.
func (w *simWorld) survives(do func()) (alive bool) {
	defer func() {
		if p := recover(); p != nil {
			crash, ok := p.(simCrash)
			if !ok {
				panic(p)
			}
			w.die(crash.why)
		}
	}()
	do()
	return true
}

// simCrash unwinds a process that dies.
type simCrash struct{ why string }

// die ends the process: its memory is gone, what it had handed to the network
// may still be sent.
func (w *simWorld) die(why string) {
	s := w.process
	left := w.left
	if w.left = nil; left == nil {
		left = w.disk.clone(w.tear())
	}
	w.tell("%s dies: %s", s.name, why)
	if len(s.lanes) > 0 {
		w.meet("partitions", "let go by a crash")
	}
	if s.e != nil {
		left := s.e.core.Store().Stats()
		w.tally["disk: histories leave memory"] += int(left.HistoriesLeft)
		w.tally["disk: entries leave memory"] += int(left.EntriesLeft)
		w.tally["disk: chunks come back"] += int(left.ChunksBack)
		w.tally["disk: a batch waits for a chunk"] += s.e.pre.late
	}
	if s.e != nil && s.e.out != nil {
		for _, z := range []simZombie{s.verdicts, s.transactions, s.letters} {
			if z.die(); z.alive() {
				w.zombies = append(w.zombies, z)
			}
		}
	}
	if s.journal != nil {
		_ = s.journal.Close()
	}
	w.tally.add(w.disk.met())
	w.disk = newSimDisk(left)
}

// tear draws what the disk keeps of what was not synced when the power fails:
// see simDisk.clone.
func (w *simWorld) tear() uint64 {
	switch w.r.IntN(4) {
	case 0:
		return tearNone
	case 1:
		return tearAll
	}
	return tearSome + w.r.Uint64()>>1
}

// drain lets everything come to its end. It gives up when nothing moves any more.
func (w *simWorld) drain() {
	w.calm = true
	at := ""
	for round, stands := 0, 0; stands < 3000; round, stands = round+1, stands+1 {
		s := w.process
		w.now += int64(300 * time.Millisecond)
		s.announce()
		if s.free {
			s.regroup()
		}
		for range len(s.lanes) {
			s.fetch()
		}
		s.turn()
		for range len(s.e.pre.wants) {
			s.read(true)
		}
		for len(s.reads) > 0 {
			s.bring()
		}
		s.turn()
		for range 4 {
			s.verdicts.step(true)
		}
		s.letters.step(true)
		s.transactions.step(true)
		s.tick()
		s.write(false)
		open := s.answers()
		if round%8 < 7 {
			continue
		}
		if open == 0 && w.idle() {
			return
		}
		if now := s.positions(); now != at {
			at, stands = now, 0
		}
	}
	w.fail("it does not come to its end: %s; %d verdicts, %d letters wait, %d loads, %d stretches", w.process.positions(),
		w.process.verdicts.queued, w.process.letters.queued, len(w.process.e.pre.loading), len(w.process.e.cuts.closed))
}

func (w *simWorld) idle() bool {
	s := w.process
	next := s.journal.Progress().Next
	for _, topic := range []*simTopic{w.transactions, w.labels} {
		for i := range topic.parts {
			if next[journal.Partition{Topic: topic.name, Number: int32(i)}] != topic.end(int32(i)) {
				return false
			}
		}
	}
	return s.verdicts.queued+s.letters.queued+s.transactions.queued == 0
}
