package journal

import (
	"cmp"
	"math/bits"
	"slices"

	"sluice/rules"
	"sluice/scoring/event"
)

// builder sorts what segments hold by where it goes. It goes over the log twice,
// in its order: once to find the groups and how large each gets, and to write
// the values of the ids, once to copy the rows to where their group is. What
// is then written in the order of keys lies side by side already; to pick it up
// from all over the log costs a wait for memory each. Its memory is used again
// for the next cut.
type builder struct {
	segments []*Segment
	st       *state // of the cut that is being built
	layout   int
	names    [][]byte // of the entities, each with a zero behind it
	secret   []bool

	groups  []group
	slots   []int32 // open addressing: 1 + index into groups, 0: free
	members []int32 // groups of the taken entries' entities, -1: none
	records []byte  // of the rows, group by group
	splits  []cutAt
	ids     []idAt
	values  []byte // of the ids
	labels  []labelled

	key, value, scratch []byte
	order, bins         []int32
	spare               []idAt
}

// group is what is new of an entity in a bucket: rows, or labels of some.
type group struct {
	key    event.Key
	hash   hash
	from   int // in records
	end    int
	rows   int32
	entity int32
	labels int32 // first one, -1: none
	bucket uint16
	long   bool // it has splits
}

// cutAt is where in records a piece of a group ends.
type cutAt struct {
	group int32
	at    int
}

// idAt is an entry by its id.
type idAt struct {
	id       hash
	value    int // in values
	length   int32
	members  int32 // first of its groups in members, -1: it has none
	bucket   uint16
	recalled bool // only its verdict is known
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
	b.groups, b.members, b.ids, b.values, b.labels, b.splits = b.groups[:0], b.members[:0], b.ids[:0], b.values[:0], b.labels[:0], b.splits[:0]
	clear(b.slots)
	if b.names == nil {
		for _, field := range schema.Entities {
			b.names = append(b.names, append([]byte(schema.Fields[field].Name), 0))
			b.secret = append(b.secret, schema.Fields[field].Secret)
		}
	}
}

// collect finds the groups of all rows, and writes the values of all ids.
func (b *builder) collect() {
	var d decidedID
	for _, s := range b.segments {
		for i := range s.entries {
			e := &s.entries[i]
			d.id = s.buf[e.start : e.start+int(e.idEnd)]
			d.decided = Decided{
				Verdict: e.verdict, Score: e.score, Arrival: e.arrival, Time: e.time,
				Partition: e.partition, Offset: e.offset, Taken: e.remembered,
			}
			d.entities = d.entities[:0]
			at := idAt{
				id: b.st.Key.hash(d.id), value: len(b.values), members: -1,
				bucket: bucketOf(e.arrival, b.st.Bucket), recalled: e.keys < 0,
			}
			if !at.recalled {
				d.decided.Body = b.st.Key.body(s.buf[e.start+int(e.valuesEnd) : e.start+int(e.bodyEnd)])
			}
			if e.remembered {
				at.members = int32(len(b.members))
				b.enter(s, e, &d)
			}
			b.values = appendID(b.values, &d, int64(at.bucket)*b.st.Bucket)
			at.length = int32(len(b.values) - at.value)
			b.ids = append(b.ids, at)
			if e.partition >= 0 {
				b.st.Verdicts[e.partition] = max(b.st.Verdicts[e.partition], e.offset+1)
			}
		}
	}
	b.place()
}

// enter counts a row in the groups of its entities.
func (b *builder) enter(s *Segment, e *entry, d *decidedID) {
	bucket := bucketOf(e.time, b.st.Bucket)
	from := e.idEnd
	for i := range b.names {
		end := s.ends[int(e.keys)+i]
		if key := s.keys[int(e.keys)+i]; key != (event.Key{}) {
			n := b.group(int32(i), key, bucket, s.buf[e.start+int(from):e.start+int(end)])
			g := &b.groups[n]
			g.rows++
			g.end += 1 + int(e.end-e.bodyEnd)
			d.entities = append(d.entities, g.hash[0])
			b.members = append(b.members, n)
		} else {
			b.members = append(b.members, -1)
		}
		from = end
	}
}

// place copies the rows to their groups.
func (b *builder) place() {
	total := 0
	for i := range b.groups {
		g := &b.groups[i]
		size := g.end
		g.from, g.end = total, total
		total += size
	}
	b.records = slices.Grow(b.records[:0], total)[:total]
	next := 0
	for _, s := range b.segments {
		for i := range s.entries {
			e := &s.entries[i]
			if !e.remembered {
				continue
			}
			row := s.buf[e.start+int(e.bodyEnd) : e.start+int(e.end)]
			for _, g := range b.members[next : next+len(b.names)] {
				if g >= 0 {
					b.row(g, e.verdict, row)
				}
			}
			next += len(b.names)
		}
	}
}

// row copies a row to the end of its group. Where a piece gets large it is split.
func (b *builder) row(n int32, verdict rules.Verdict, row []byte) {
	g := &b.groups[n]
	b.records[g.end] = recordRow | byte(verdict&3)<<2
	copy(b.records[g.end+1:], row)
	if from := g.end - g.from; from/pieceBytes != (from+1+len(row))/pieceBytes {
		g.long = true
		b.splits = append(b.splits, cutAt{n, g.end + 1 + len(row)})
	}
	g.end += 1 + len(row)
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
		key: key, entity: entity, labels: -1, bucket: bucket,
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

func compareIDs(x, y idAt) int {
	if c := cmp.Compare(x.bucket, y.bucket); c != 0 {
		return c
	}
	if c := x.id.compare(y.id); c != 0 {
		return c
	}
	return cmp.Compare(x.value, y.value)
}

// sortIDs brings the ids into the order of their keys, those of one id in the
// order of the log. Hashes are even: dealt out by their first bits, few are left
// to be compared.
func (b *builder) sortIDs() {
	if len(b.ids) == 0 {
		return
	}
	low := slices.MinFunc(b.ids, func(x, y idAt) int { return cmp.Compare(x.bucket, y.bucket) }).bucket
	high := slices.MaxFunc(b.ids, func(x, y idAt) int { return cmp.Compare(x.bucket, y.bucket) }).bucket
	width := bits.Len(uint(len(b.ids) / 8))
	if int(high-low) > 8 || width == 0 {
		slices.SortFunc(b.ids, compareIDs)
		return
	}
	bin := func(at *idAt) int { return int(at.bucket-low)<<width | int(at.id[0]>>(64-width)) }
	b.bins = slices.Grow(b.bins[:0], (int(high-low)+1)<<width+1)[:(int(high-low)+1)<<width+1]
	clear(b.bins)
	for i := range b.ids {
		b.bins[bin(&b.ids[i])+1]++
	}
	for i := 1; i < len(b.bins); i++ {
		b.bins[i] += b.bins[i-1]
	}
	b.spare = slices.Grow(b.spare[:0], len(b.ids))[:len(b.ids)]
	for i := range b.ids {
		n := bin(&b.ids[i])
		b.spare[b.bins[n]] = b.ids[i]
		b.bins[n]++
	}
	from := int32(0)
	for _, to := range b.bins[:len(b.bins)-1] {
		if to-from > 1 {
			slices.SortFunc(b.spare[from:to], compareIDs)
		}
		from = to
	}
	b.ids, b.spare = b.spare, b.ids
}
