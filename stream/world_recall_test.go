package stream

import (
	"context"
	"encoding/json"
	"maps"

	"sluice/stream/wire"
)

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
		s.w.meet("crash", "the journal can't be written at the start")
		panic(simCrash{"no place for letters: " + brief(err)})
	}
	s.w.known = maps.Clone(s.w.reported)
}

// recall fences earlier runs off, which ends what they still send, and reads
// what they have sent: what Processor.readTail does over the network.
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
		w.meet("crash", "the journal can't be written at the start")
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
		w.tally["engine: verdict read back"] += t.known
		if t.runs.void > 0 {
			w.fail("%d verdicts are void behind a fence", t.runs.void)
		}
		s.e.later(t.file)
		s.turn()
	}
}
