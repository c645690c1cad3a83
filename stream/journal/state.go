package journal

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"

	"sluice/scoring/event"
)

// format is the version of what is on disk. A program reads its own and refuses
// others. In format 1 the values of ids began with the ids.
const format = 2

// state is what a journal knows of itself. It is written whole with every cut,
// under one key, so that it can't disagree with what the cut holds.
type state struct {
	Format int    `json:"format"`
	Key    keyed  `json:"key"`    // of the hashes
	Bucket int64  `json:"bucket"` // width, ns
	Cut    uint32 `json:"cut"`    // number of the last one
	Run    Run    `json:"run"`
	Since  int64  `json:"since"`
	Gap    int64  `json:"gap"`
	Whole  int64  `json:"whole,omitempty"`
	Rules  []byte `json:"rules,omitempty"` // how they stood
	// Letters is, by partition of the dead letters topic, below which offset all
	// are of records that were passed.
	Letters map[int32]int64 `json:"letters,omitempty"`
	Next    []offset        `json:"next"`
	// Verdicts is, by partition of the verdicts topic, below which offset all is here.
	Verdicts map[int32]int64 `json:"verdicts"`
	// Layouts are those that rows were stored under; rows carry the index.
	Layouts []event.Layout `json:"layouts"`
	// Events and IDs are the live buckets, and how much was put into them.
	Events map[uint16]int64 `json:"events"`
	IDs    map[uint16]int64 `json:"ids"`
	// Waits are the live buckets of waiting labels.
	Waits map[uint16]int64 `json:"waits"`
}

// offset is from where reading a partition goes on.
type offset struct {
	Topic  string `json:"topic"`
	Number int32  `json:"number"`
	Offset int64  `json:"offset"`
}

func newState(key keyed, bucket int64) *state {
	return &state{
		Format: format, Key: key, Bucket: bucket, Run: Run{ProducerID: -1},
		Verdicts: map[int32]int64{}, Events: map[uint16]int64{}, IDs: map[uint16]int64{}, Waits: map[uint16]int64{},
	}
}

// clone copies what a cut changes.
func (s *state) clone() *state {
	c := *s
	c.Next = slices.Clone(s.Next)
	c.Verdicts, c.Events, c.IDs, c.Waits = maps.Clone(s.Verdicts), maps.Clone(s.Events), maps.Clone(s.IDs), maps.Clone(s.Waits)
	c.Layouts = slices.Clip(s.Layouts)
	return &c
}

// encode writes the state, with a checksum of its own in front: it is what
// everything else is read by.
func (s *state) encode() ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	sum := crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli))
	return append(binary.BigEndian.AppendUint32(nil, sum), text...), nil
}

func decodeState(b []byte) (*state, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("%w: what it knows of itself is cut off; %s", ErrDamaged, whatToDo)
	}
	text := b[4:]
	if crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)) != binary.BigEndian.Uint32(b) {
		return nil, fmt.Errorf("%w: the checksum of what it knows of itself is wrong; %s", ErrDamaged, whatToDo)
	}
	s := newState(keyed{}, 0)
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("%w: what it knows of itself can't be read (%w); %s", ErrDamaged, err, whatToDo)
	}
	if s.Format != format {
		return nil, foreignFormat(s.Format)
	}
	if s.Bucket <= 0 {
		return nil, fmt.Errorf("%w: its buckets have no width; %s", ErrDamaged, whatToDo)
	}
	return s, nil
}

// foreignFormat tells of a journal that another version wrote.
func foreignFormat(version int) error {
	if version > format {
		return fmt.Errorf("%w: it has format %d, this program reads format %d; run the newer program again", ErrForeign, version, format)
	}
	return fmt.Errorf("%w: it has format %d, this program reads format %d; run the program that wrote it, or move the journal's directory "+
		"away for a new one to be made from the topics", ErrForeign, version, format)
}

// progress gives the progress as callers have it.
func (s *state) progress() Progress {
	p := Progress{Next: make(map[Partition]int64, len(s.Next)), Since: s.Since, Gap: s.Gap, Whole: s.Whole, Letters: maps.Clone(s.Letters), Rules: bytes.Clone(s.Rules)}
	for _, n := range s.Next {
		p.Next[Partition{n.Topic, n.Number}] = n.Offset
	}
	return p
}

// advance takes over the progress of a cut.
func (s *state) advance(p Progress) {
	s.Since, s.Gap, s.Whole = p.Since, p.Gap, p.Whole
	if p.Rules != nil {
		s.Rules = bytes.Clone(p.Rules)
	}
	if p.Letters != nil {
		s.Letters = maps.Clone(p.Letters)
	}
	all := s.progress().Next
	maps.Copy(all, p.Next)
	s.Next = s.Next[:0]
	for at, next := range all {
		s.Next = append(s.Next, offset{at.Topic, at.Number, next})
	}
	slices.SortFunc(s.Next, func(a, b offset) int {
		return Partition{a.Topic, a.Number}.compare(Partition{b.Topic, b.Number})
	})
}

func (p Partition) compare(o Partition) int {
	return cmp.Or(cmp.Compare(p.Topic, o.Topic), cmp.Compare(p.Number, o.Number))
}

// layout gives the number of a layout, and files it if it is new.
func (s *state) layout(l event.Layout) int {
	for i, known := range s.Layouts {
		if slices.Equal(known, l) {
			return i
		}
	}
	s.Layouts = append(s.Layouts, slices.Clone(l))
	return len(s.Layouts) - 1
}

// buckets gives the live buckets of a kind in ascending order.
func buckets(live map[uint16]int64) []uint16 { return slices.Sorted(maps.Keys(live)) }
