package journal

import (
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
	bins    [idBins]idBin
	days    []uint16 // buckets that the ids are in
	buckets []uint16 // those of the groups
	ends    []int64  // by partition of the verdicts topic: behind the last verdict
	labels  []labelled

	key, value, scratch []byte
	order               []place
	byKey               dealer[place]
	byID                dealer[idAt]
	hints               []int32
	touched             int32
}

// idBins is how many bins the ids are dealt out to by the first bits of their
// hashes, which are even. A bin is small enough to be sorted and written from
// the caches next to the processor.
const idBins = 256

// idBin is the ids whose hashes begin alike.
type idBin struct {
	ids    []idAt
	values []byte
	next   int // of ids: the first one that is not written
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
	id      hash
	value   int32  // in the bin's values
	members int32  // first of its groups in members, or one of those below
	entry   int32  // its part, counted through the segments, and its place there
	length  uint16 // of the value
	bucket  uint16
}

// What members says of an entry that has no groups.
const (
	noMembers = -1 - iota
	recalled  // only its verdict is known
)

// labelled is a label in a group.
type labelled struct {
	id   []byte
	at   Waiting
	next int32
}

func (b *builder) reset(segments []*Segment, st *state, schema *event.Schema) {
	b.segments, b.st = segments, st
	b.layout = st.layout(schema.StoredLayout())
	b.groups, b.order, b.members, b.splits, b.labels = b.groups[:0], b.order[:0], b.members[:0], b.splits[:0], b.labels[:0]
	b.days, b.buckets, b.ends = b.days[:0], b.buckets[:0], b.ends[:0]
	for i := range b.bins {
		bin := &b.bins[i]
		bin.ids, bin.values, bin.next = bin.ids[:0], bin.values[:0], 0
	}
	clear(b.slots)
	if b.names == nil {
		for _, field := range schema.Entities {
			b.names = append(b.names, append([]byte(schema.Fields[field].Name), 0))
			b.secret = append(b.secret, schema.Fields[field].Secret)
		}
	}
}

// parts gives what the segments hold, in its order.
func (b *builder) parts(yield func(*part) bool) {
	for _, s := range b.segments {
		for _, p := range s.parts {
			if !yield(p) {
				return
			}
		}
	}
}

// collect finds the groups of all rows, and writes the values of all ids.
func (b *builder) collect() {
	var d decidedID
	n := int32(0)
	for p := range b.parts {
		for i := range p.entries {
			if i%ahead == 0 {
				b.foresee(p, p.entries[i:min(i+ahead, len(p.entries))])
			}
			b.take(p, &p.entries[i], n<<partBits|int32(i), &d)
		}
		n++
	}
	for partition, end := range b.ends {
		if end > b.st.Verdicts[int32(partition)] {
			b.st.Verdicts[int32(partition)] = end
		}
	}
	b.place()
}

// ahead is how many entries are looked at before they are taken.
const ahead = 32

// foresee looks at the groups that entries will go to. Nothing comes of it but
// that they are in the processor's caches then: who waits for many of them
// together waits but once.
func (b *builder) foresee(p *part, entries []entry) {
	if len(b.slots) == 0 {
		return
	}
	b.hints = b.hints[:0]
	for i := range entries {
		if e := &entries[i]; e.remembered {
			bucket := bucketOf(e.time, b.st.Bucket)
			for entity, key := range p.keys[e.keys:][:len(b.names)] {
				b.hints = append(b.hints, b.slots[b.slot(int32(entity), key, bucket)])
			}
		}
	}
	for _, slot := range b.hints {
		if slot > 0 {
			b.touched += b.groups[slot-1].rows
		}
	}
}

// idOf gives the id of an entry.
func (b *builder) idOf(entry int32) []byte {
	n := entry >> partBits
	for p := range b.parts {
		if n--; n < 0 {
			e := &p.entries[entry&(partEntries-1)]
			return p.buf[e.start : e.start+e.idEnd]
		}
	}
	return nil
}

func (b *builder) take(p *part, e *entry, n int32, d *decidedID) {
	bytes := p.buf[e.start : e.start+e.end]
	d.decided = Decided{
		Verdict: e.verdict, Score: e.score, Arrival: e.arrival, Time: e.time,
		Partition: e.partition, Offset: e.offset, Taken: e.remembered,
	}
	d.entities = d.entities[:0]
	at := idAt{id: b.st.Key.hash(bytes[:e.idEnd]), members: noMembers, entry: n, bucket: bucketOf(e.arrival, b.st.Bucket)}
	if e.keys < 0 {
		at.members = recalled
	} else {
		d.decided.Body = b.st.Key.body(bytes[e.body:e.bodyEnd])
	}
	if e.remembered {
		at.members = int32(len(b.members))
		b.enter(p, e, d)
	}
	bin := &b.bins[at.id[0]>>56]
	at.value = int32(len(bin.values))
	bin.values = appendID(bin.values, d, int64(at.bucket)*b.st.Bucket)
	at.length = uint16(int32(len(bin.values)) - at.value)
	bin.ids = append(bin.ids, at)
	if !slices.Contains(b.days, at.bucket) {
		b.days = append(b.days, at.bucket)
	}
	if e.partition >= 0 {
		for int(e.partition) >= len(b.ends) {
			b.ends = append(b.ends, 0)
		}
		b.ends[e.partition] = max(b.ends[e.partition], e.offset+1)
	}
}

// enter counts a row in the groups of its entities.
func (b *builder) enter(p *part, e *entry, d *decidedID) {
	bucket := bucketOf(e.time, b.st.Bucket)
	from, keys, ends := e.idEnd, p.keys[e.keys:], p.ends[e.keys:]
	for i := range b.names {
		if keys[i] == (event.Key{}) {
			b.members = append(b.members, -1)
		} else {
			n := b.group(int32(i), keys[i], bucket, p.buf[e.start+from:e.start+ends[i]])
			g := &b.groups[n]
			g.rows++
			g.end += 1 + int(e.end-e.row)
			d.entities = append(d.entities, g.hash[0])
			b.members = append(b.members, n)
		}
		from = ends[i]
	}
}

// place copies the rows to their groups, which lie side by side in the order of
// their keys.
func (b *builder) place() {
	b.sort()
	total := 0
	for i := range b.order {
		g := &b.groups[b.order[i].group]
		size := g.end
		g.from, g.end = total, total
		total += size
	}
	b.records = slices.Grow(b.records[:0], total)[:total]
	next, seen := 0, 0
	for p := range b.parts {
		for i := range p.entries {
			e := &p.entries[i]
			if !e.remembered {
				continue
			}
			if next >= seen {
				seen = min(next+ahead*len(b.names), len(b.members))
				b.foreseeRows(b.members[next:seen])
			}
			for _, g := range b.members[next : next+len(b.names)] {
				if g >= 0 {
					b.row(g, e.verdict, p.buf[e.start+e.row:e.start+e.end])
				}
			}
			next += len(b.names)
		}
	}
}

// foreseeRows looks at where rows will be copied to, as foresee does.
func (b *builder) foreseeRows(groups []int32) {
	for _, g := range groups {
		if g >= 0 {
			b.touched += int32(b.records[b.groups[g].end])
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
	if !slices.Contains(b.buckets, bucket) {
		b.buckets = append(b.buckets, bucket)
	}
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
