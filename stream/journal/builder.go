package journal

import (
	"cmp"
	"slices"

	"sluice/scoring/event"
)

// builder sorts what segments hold by where it goes. Its memory is used again
// for the next cut.
type builder struct {
	segments []*Segment
	st       *state // of the cut that is being built
	layout   int
	names    [][]byte // of the entities, each with a zero behind it
	secret   []bool

	groups  []group
	slots   []int32 // open addressing: 1 + index into groups, 0: free
	rows    []row
	members []int32 // groups of the taken entries' entities, -1: none
	ids     []idAt
	labels  []labelled

	key, value []byte
	order      []int32
}

// group is the rows of an entity in a bucket, or labels of them.
type group struct {
	key        event.Key
	entity     int32
	first      int32 // row, -1: none
	last       int32
	labels     int32 // first label, -1: none
	hash       hash
	bucket     uint16
	unresolved bool // hash[1] is not known: it was read from the journal
}

// row is a transaction in a group.
type row struct {
	segment int32
	entry   int32
	next    int32
}

// idAt is an entry by its id.
type idAt struct {
	id      hash
	segment int32
	entry   int32
	members int32 // first of its groups in members, -1: it has none
	bucket  uint16
}

// labelled is a label in a group.
type labelled struct {
	id   []byte
	at   Waiting
	next int32
}

func (b *builder) reset(segments []*Segment, st *state, schema *event.Schema) {
	b.segments, b.st = segments, st
	b.layout = st.layout(schema.StoredLayout())
	b.groups, b.rows, b.members, b.ids, b.labels = b.groups[:0], b.rows[:0], b.members[:0], b.ids[:0], b.labels[:0]
	clear(b.slots)
	if b.names == nil {
		for _, field := range schema.Entities {
			b.names = append(b.names, append([]byte(schema.Fields[field].Name), 0))
			b.secret = append(b.secret, schema.Fields[field].Secret)
		}
	}
}

// collect finds the groups of all rows, and hashes each entity and id once.
func (b *builder) collect() {
	for si, s := range b.segments {
		for i := range s.entries {
			e := &s.entries[i]
			at := idAt{
				id: b.st.Key.hash(s.buf[e.start : e.start+int(e.idEnd)]), segment: int32(si), entry: int32(i),
				members: -1, bucket: bucketOf(e.arrival, b.st.Bucket),
			}
			if e.remembered {
				at.members = int32(len(b.members))
				b.enter(s, e, int32(si), int32(i))
			}
			b.ids = append(b.ids, at)
			if e.partition >= 0 {
				b.st.Verdicts[e.partition] = max(b.st.Verdicts[e.partition], e.offset+1)
			}
		}
	}
}

// enter puts a row into the groups of its entities.
func (b *builder) enter(s *Segment, e *entry, segment, number int32) {
	bucket := bucketOf(e.time, b.st.Bucket)
	from := e.idEnd
	for i := range b.names {
		end := s.ends[int(e.keys)+i]
		if key := s.keys[int(e.keys)+i]; key != (event.Key{}) {
			g := b.group(int32(i), key, bucket, s.buf[e.start+int(from):e.start+int(end)])
			b.members = append(b.members, g)
			b.rows = append(b.rows, row{segment, number, -1})
			at := &b.groups[g]
			n := int32(len(b.rows) - 1)
			if at.first < 0 {
				at.first = n
			} else {
				b.rows[at.last].next = n
			}
			at.last = n
		} else {
			b.members = append(b.members, -1)
		}
		from = end
	}
}

// group finds the group of an entity in a bucket, or begins it. Only then is
// the entity's value hashed.
func (b *builder) group(entity int32, key event.Key, bucket uint16, value []byte) int32 {
	if 2*(len(b.groups)+1) > len(b.slots) {
		b.grow()
	}
	slot := b.slot(entity, key, bucket)
	for ; b.slots[slot] != 0; slot = (slot + 1) & (len(b.slots) - 1) {
		g := &b.groups[b.slots[slot]-1]
		if g.key == key && g.entity == entity && g.bucket == bucket {
			return b.slots[slot] - 1
		}
	}
	b.groups = append(b.groups, group{
		key: key, entity: entity, first: -1, labels: -1, bucket: bucket,
		hash: b.st.Key.entity(b.names[entity], value, &b.key),
	})
	b.slots[slot] = int32(len(b.groups))
	return int32(len(b.groups) - 1)
}

func (b *builder) slot(entity int32, key event.Key, bucket uint16) int {
	h := (key[0] ^ uint64(entity)<<16 ^ uint64(bucket)) * 0x9e3779b97f4a7c15
	return int(h>>32) & (len(b.slots) - 1)
}

func (b *builder) grow() {
	b.slots = make([]int32, max(1024, 2*len(b.slots)))
	for i := range b.groups {
		g := &b.groups[i]
		if g.entity < 0 {
			continue
		}
		slot := b.slot(g.entity, g.key, g.bucket)
		for b.slots[slot] != 0 {
			slot = (slot + 1) & (len(b.slots) - 1)
		}
		b.slots[slot] = int32(i + 1)
	}
}

// sorted gives the groups in the order of their keys.
func (b *builder) sorted() []int32 {
	b.order = b.order[:0]
	for i := range b.groups {
		b.order = append(b.order, int32(i))
	}
	slices.SortFunc(b.order, func(x, y int32) int {
		g, h := &b.groups[x], &b.groups[y]
		if c := cmp.Compare(g.bucket, h.bucket); c != 0 {
			return c
		}
		return cmp.Compare(g.hash[0], h.hash[0])
	})
	return b.order
}

// sortIDs brings the ids into the order of their keys, those of one id in the
// order of the log.
func (b *builder) sortIDs() {
	slices.SortFunc(b.ids, func(x, y idAt) int {
		if c := cmp.Compare(x.bucket, y.bucket); c != 0 {
			return c
		}
		if c := x.id.compare(y.id); c != 0 {
			return c
		}
		if c := cmp.Compare(x.segment, y.segment); c != 0 {
			return c
		}
		return cmp.Compare(x.entry, y.entry)
	})
}
