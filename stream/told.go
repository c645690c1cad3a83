package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"sluice/stream/journal"
	"sluice/stream/wire"
)

// told knows the dead letters of records that no cut of the journal has passed
// yet: those records are read again after a crash, or when a partition comes
// back, and must not be told of twice.
type told struct {
	mu      sync.Mutex
	ends    []int64 // acknowledged, by partition of the dead letters topic
	letters map[place]map[int64]deadPlace
}

// deadPlace is where a letter stands.
type deadPlace struct {
	partition int32
	offset    int64
}

func newTold(partitions int) *told {
	return &told{ends: make([]int64, partitions), letters: map[place]map[int64]deadPlace{}}
}

// note takes a letter in that stands in the topic.
func (t *told) note(source Place, at deadPlace) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ends[at.partition] = max(t.ends[at.partition], at.offset+1)
	p := place{source.Topic, source.Partition}
	if t.letters[p] == nil {
		t.letters[p] = map[int64]deadPlace{}
	}
	t.letters[p][source.Offset] = at
}

// knows says whether there is a letter of a record.
func (t *told) knows(source Place) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.letters[place{source.Topic, source.Partition}][source.Offset]
	return ok
}

// passed forgets the letters of records that lanes have passed, and gives for
// each partition of the topic an offset below which no other letter stands.
// Those on their way will stand behind what is acknowledged.
func (t *told) passed(next []lanePlace) map[int32]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range next {
		p := place{n.lane.topic, n.lane.partition}
		for offset := range t.letters[p] {
			if offset < n.next {
				delete(t.letters[p], offset)
			}
		}
	}
	marks := make(map[int32]int64, len(t.ends))
	for partition, end := range t.ends {
		marks[int32(partition)] = end
	}
	for _, letters := range t.letters {
		for _, at := range letters {
			marks[at.partition] = min(marks[at.partition], at.offset)
		}
	}
	return marks
}

// readLetters reads the letters that the journal's last cut has not passed.
func (p *Processor) readLetters(ctx context.Context) error {
	topic := p.o.Topics.DeadLetters
	t := p.engine.out.dead.told
	ids := make([]int32, len(t.ends))
	for i := range ids {
		ids[i] = int32(i)
	}
	bounds, err := p.cluster.allBounds(ctx, topic, ids)
	if err != nil {
		return err
	}
	from := p.journal.Progress()
	for _, id := range ids {
		at, known := from.Letters[id]
		switch {
		case !known:
			at = bounds[id].LastOffset
		case at > bounds[id].LastOffset:
			at = 0 // the topic was made anew
		}
		t.ends[id] = bounds[id].LastOffset
		err := p.cluster.readRange(ctx, topic, id, max(at, bounds[id].FirstOffset), bounds[id].LastOffset, func(rec *wire.Record) {
			var l struct {
				Source Place `json:"source"`
			}
			if json.Unmarshal(rec.Value, &l) == nil {
				t.note(l.Source, deadPlace{id, rec.Offset})
			}
		})
		if err != nil {
			return fmt.Errorf("reading dead letters back: %w", err)
		}
	}
	return t.begin(p.journal)
}

// begin notes in a journal that does not know it yet where the letters end: a
// run that dies before its first cut may have told of some already.
func (t *told) begin(j *journal.Journal) error {
	now := j.Progress()
	if len(now.Letters) == len(t.ends) {
		return nil
	}
	now.Letters = t.passed(nil)
	if err := j.Write(nil, now); err != nil {
		return fmt.Errorf("noting in the journal where the dead letters end: %w", err)
	}
	return nil
}
