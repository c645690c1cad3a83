package history

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"sluice/scoring/event"
)

// archive plays the journal: all that was ever remembered, in plain maps. Rows
// are in it as of a cut.
type archive struct {
	durable  uint32                                       // the last cut that is
	cuts     map[int64]uint32                             // that have the rows
	rows     []map[event.Key]map[int64]*event.Transaction // by kind, entity and id
	ids      map[int64]bool
	verdicts map[int64]string
	labels   map[int64]map[int64]bool // by id and time
	waiting  map[int64][]event.Label
	begun    map[event.Key]map[int64]bool // what was restored of entities that are not whole
}

func newArchive(kinds int) *archive {
	a := &archive{cuts: map[int64]uint32{}, ids: map[int64]bool{}, verdicts: map[int64]string{}, labels: map[int64]map[int64]bool{}, waiting: map[int64][]event.Label{}, begun: map[event.Key]map[int64]bool{}}
	for range kinds {
		a.rows = append(a.rows, map[event.Key]map[int64]*event.Transaction{})
	}
	return a
}

// remember files a transaction without its secrets, with the labels of its row.
func (a *archive) remember(id int64, tx *event.Transaction, row []uint64, s *Store, cut uint32) {
	a.cuts[id] = cut
	kept := *tx
	kept.Words, kept.Hashes, kept.Entities = slices.Clone(tx.Words), slices.Clone(tx.Hashes), slices.Clone(tx.Entities)
	for i := range tx.Schema.Fields {
		if f := &tx.Schema.Fields[i]; f.Secret {
			kept.Words[i], kept.Hashes[i] = event.Missing, event.Missing
			if f.Entity {
				kept.Entities[f.EntityIndex] = event.Key{}
			}
		}
	}
	for e, k := range tx.Entities {
		if k == (event.Key{}) {
			continue
		}
		if a.rows[e][k] == nil {
			a.rows[e][k] = map[int64]*event.Transaction{}
		}
		a.rows[e][k][id] = &kept
	}
	a.ids[id] = true
	a.labels[id] = map[int64]bool{}
	delete(a.waiting, id)
	if n := labelCount(row); n > 0 {
		l := s.labels.at(handle(row[rowLinks]))
		for i := range n {
			a.labels[id][int64(l[2*i])] = l[2*i+1] != 0
		}
	}
}

// load brings back what an entity did, in any order, some of it twice: a share
// of it, or all that earlier shares left.
func (a *archive) load(r *rand.Rand, s *Store, e int, key event.Key, part bool) {
	var do []func()
	begun := a.begun[key]
	if begun == nil {
		begun = map[int64]bool{}
		a.begun[key] = begun
	}
	for _, id := range slices.Sorted(maps.Keys(a.rows[e][key])) {
		if a.cuts[id] > a.durable {
			continue
		}
		tx := a.rows[e][key][id]
		times := 1 + r.IntN(5)/4
		if part && r.IntN(2) == 0 || begun[id] && r.IntN(4) > 0 {
			times = 0
		}
		for range times {
			begun[id] = true
			do = append(do, func() { s.Restore(e, key, tx, a.verdicts[id]) })
		}
		if part {
			continue // labels go with the last share
		}
		for _, t := range slices.Sorted(maps.Keys(a.labels[id])) {
			fraud := a.labels[id][t]
			for range 1 + r.IntN(5)/4 {
				do = append(do, func() { s.RestoreLabel(idKeyOf(id), t, fraud) })
			}
		}
	}
	r.Shuffle(len(do), func(i, j int) { do[i], do[j] = do[j], do[i] })
	for _, f := range do {
		f()
	}
	if !part {
		s.Admit(e, key)
		delete(a.begun, key)
	}
}

// chunk brings back a part of what an entity did, in any order, some of it twice,
// and some that is beside it.
func (a *archive) chunk(r *rand.Rand, s *Store, c *Chunk) {
	var do []func()
	rows := 0
	for _, id := range slices.Sorted(maps.Keys(a.rows[c.Entity][c.Key])) {
		if a.cuts[id] > a.durable {
			continue
		}
		tx := a.rows[c.Entity][c.Key][id]
		if tx.Time < c.From || tx.Time > c.To {
			if r.IntN(40) > 0 {
				continue
			}
		}
		rows++
		for range 1 + r.IntN(5)/4 {
			do = append(do, func() { s.Restore(c.Entity, c.Key, tx, a.verdicts[id]) })
		}
	}
	if rows < c.Rows {
		panic("there are not so many rows")
	}
	r.Shuffle(len(do), func(i, j int) { do[i], do[j] = do[j], do[i] })
	for _, f := range do {
		f()
	}
	for _, id := range slices.Sorted(maps.Keys(a.rows[c.Entity][c.Key])) {
		for _, t := range slices.Sorted(maps.Keys(a.labels[id])) {
			s.RestoreLabel(idKeyOf(id), t, a.labels[id][t])
		}
	}
	s.loose = s.loose[:0]
}

// pair plays one random life to a store that has everything in memory and to
// one that is made to forget.
type pair struct {
	t       *testing.T
	r       *rand.Rand
	maker   maker
	o       options
	whole   *Store
	some    *Store
	archive *archive
	plan    *Plan
	now     int64
	nextID  int64
	cut     uint32
	txs     []*event.Transaction
	ids     []int64
	sweeps  bool
	lazy    bool // histories that the plan does not look at are not loaded

	evicted, loads, hots, lefts int
	chunks, whileAway           int // restored, and labels and verdicts of what was away
	pinned                      int // at once
	aside, asideHot, asideLeft  int // rows remembered for histories that are not resident, hot ones of these, and those that left
}

func (p *pair) install() {
	p.plan, _ = randomPlan(p.r, minRetention)
	if p.lazy && p.r.IntN(2) == 0 { // of one kind alone
		e := p.r.IntN(2)
		for i := range p.plan.Queries {
			p.plan.Queries[i].Entity = e
		}
		for i := range p.plan.Lists {
			p.plan.Lists[i].Entity = e
		}
	}
	p.whole.Install(p.plan)
	p.some.Install(p.plan)
}

// flush makes durable what has happened.
func (p *pair) flush() {
	p.archive.durable = p.cut
	p.cut++
	p.some.SetCut(p.cut)
}

// evict lets all leave that may, once it is durable.
func (p *pair) evict(upTo uint32) {
	before := p.parts()
	p.evicted += p.some.Evict(upTo)
	p.asideLeft += before - p.parts()
}

// parts counts the histories of which memory holds what came since they left.
func (p *pair) parts() (n int) {
	for e := range p.some.kinds {
		for i := range p.some.kinds[e].table.parts {
			for _, x := range p.some.kinds[e].table.parts[i].slots {
				if x.key != (event.Key{}) && !x.history.resident() {
					n++
				}
			}
		}
	}
	return n
}

// restart begins with an empty memory.
func (p *pair) restart() {
	if p.some != nil {
		p.flush()
	}
	p.some = newStore(p.maker.schema, p.o)
	p.some.SetOutside(true)
	clear(p.archive.begun)
	p.some.SetCut(p.cut)
	if p.plan != nil {
		p.some.Install(p.plan)
	}
	for _, id := range slices.Sorted(maps.Keys(p.archive.waiting)) {
		for _, l := range p.archive.waiting[id] {
			p.some.Label(&l)
		}
	}
	if p.whole.seen {
		p.some.SetSince(p.whole.Since())
	}
}

// need makes the entities of a transaction resident. It reports whether it was
// so for all of them.
func (p *pair) need(tx *event.Transaction) bool {
	all := true
	for e, key := range tx.Entities {
		if p.some.Resident(e, key) {
			continue
		}
		if p.lazy && !p.some.Asks(e) {
			all = false
			continue
		}
		p.loads++
		p.archive.load(p.r, p.some, e, key, false)
		if !p.some.Resident(e, key) {
			p.t.Fatal("what was loaded is not resident")
		}
	}
	return all
}

// bring restores what the histories of a transaction lack, which is to be decided
// or only remembered: first by a guess or at once as the engine does, and now and
// then only some of it. Sometimes all leaves again that is not pinned, as soon as
// it is there: it has to come to an end then, too.
func (p *pair) bring(tx *event.Transaction, decide bool) {
	lacks, tight := p.some.Lacks, p.r.IntN(3) == 0
	switch {
	case !decide:
		lacks = func(tx *event.Transaction) bool { return !p.some.Holds(tx) }
	case p.r.IntN(4) == 0:
		lacks = func(tx *event.Transaction) bool { return !p.some.Holds(tx) || p.some.Lacks(tx) }
	}
	for round := 0; lacks(tx); round++ {
		all := p.some.Lacking()
		if len(all) == 0 || round > 300 {
			p.t.Fatalf("round %d, %d chunks are lacking", round, len(all))
		}
		if tight {
			p.some.Pin(tx)
		}
		for i := range all {
			p.chunks++
			p.archive.chunk(p.r, p.some, &all[i])
			if !p.some.Whole(&all[i], math.MinInt64) {
				p.t.Fatalf("chunk %+v is not whole after it was restored", all[i])
			}
			if p.r.IntN(4) == 0 {
				p.some.Ease(all[i].Entity, all[i].Key, p.archive.durable)
			}
			if tight {
				p.squeeze(tx)
			}
		}
	}
	p.pinned = max(p.pinned, p.some.Pinned())
	p.some.Unpin(0)
}

// squeeze lets all leave that may, of the histories of a transaction above all.
func (p *pair) squeeze(tx *event.Transaction) {
	p.flush()
	resident := make([]bool, len(tx.Entities))
	for e, key := range tx.Entities {
		resident[e] = p.some.Resident(e, key)
		p.some.Ease(e, key, p.archive.durable)
	}
	for range p.r.IntN(30) {
		p.evict(p.archive.durable)
	}
	for e, key := range tx.Entities {
		if resident[e] && !p.some.Resident(e, key) {
			p.t.Fatal("a history has left that is pinned")
		}
	}
}

func (p *pair) transaction() (int64, *event.Transaction) {
	r := p.r
	if r.IntN(12) == 0 && len(p.txs) > 0 { // again
		i := r.IntN(len(p.txs))
		tx := *p.txs[i]
		tx.Arrival = p.now
		return p.ids[i], &tx
	}
	t := p.now
	switch r.IntN(12) {
	case 0:
		t -= r.Int64N(2000) * tick
	case 1:
		t -= r.Int64N(50000) * tick
	case 2, 3:
		t -= r.Int64N(20) * tick
	}
	p.nextID++
	id := p.nextID * 7919 % 100003
	tx := p.maker.random(r, id, t, 6, 3)
	tx.Arrival = p.now + r.Int64N(2)*tick
	return id, tx
}

func (p *pair) happen() {
	id, tx := p.transaction()
	if p.sweeps && tx.Time < tx.Arrival-int64(minRetention) {
		return // it would look further back than what is kept
	}
	decide := p.r.IntN(4) > 0
	all := decide && p.need(tx)
	p.bring(tx, decide)
	if decide {
		p.observe(tx)
	}
	_, added := p.some.Remember(tx)
	ref, want := p.whole.Remember(tx)
	if all && added != want || want && !added {
		p.t.Fatalf("remembering %d: added %v, want %v", id, added, want)
	}
	for e, key := range tx.Entities {
		if h := p.some.kinds[e].table.find(key); added && h != nil && !h.resident() {
			p.aside++
			if h.hot != 0 {
				p.asideHot++
			}
		}
	}
	if !all {
		p.lefts++
		for e, key := range tx.Entities {
			if !p.some.Asks(e) && key != (event.Key{}) && p.some.Resident(e, key) && p.some.kinds[e].table.find(key) == nil {
				p.t.Fatal("a history that was left out pretends to be whole")
			}
		}
	}
	if want {
		p.archive.remember(id, tx, p.whole.rows.at(handle(ref)), p.whole, p.cut)
		p.txs, p.ids = append(p.txs, tx), append(p.ids, id)
	}
}

func (p *pair) observe(tx *event.Transaction) {
	p.t.Helper()
	var values [2][]Value
	var lists [2][]List
	for i, s := range []*Store{p.some, p.whole} {
		values[i], lists[i] = make([]Value, len(p.plan.Queries)), make([]List, len(p.plan.Lists))
		if !s.Observe(tx, values[i], lists[i]) {
			p.t.Fatal("something is lacking")
		}
	}
	if !reflect.DeepEqual(values[0], values[1]) {
		for i := range values[0] {
			if values[0][i] != values[1][i] {
				source := ""
				if f := p.plan.Queries[i].Filter; f != nil {
					source = f.Source
				}
				p.t.Fatalf("query %+v %q (lazy %v): got %+v, want %+v", p.plan.Queries[i], source, p.lazy, values[0][i], values[1][i])
			}
		}
	}
	if fmt.Sprint(lists[0]) != fmt.Sprint(lists[1]) {
		p.t.Fatalf("lists %+v: got %+v, want %+v", p.plan.Lists, lists[0], lists[1])
	}
	for _, h := range p.some.found {
		if h != nil && h.hot != 0 {
			p.hots++
		}
	}
}

func (p *pair) label() {
	id := (p.nextID + p.r.Int64N(3) - p.r.Int64N(min(p.nextID, 300)+1)) * 7919 % 100003
	l := event.Label{IDKey: idKeyOf(id), Time: p.now + (p.r.Int64N(40)-20)*tick, Fraud: p.r.IntN(3) > 0}
	p.whole.Label(&l)
	_, held := p.some.Find(l.IDKey)
	if p.some.Label(&l) != held {
		p.t.Fatal("a label does not match what Find finds")
	}
	if p.archive.ids[id] && !held && p.some.Stats().ChunksAway > 0 {
		p.whileAway++
	}
	if p.archive.ids[id] {
		labels := p.archive.labels[id]
		labels[l.Time] = labels[l.Time] || l.Fraud
	} else {
		p.archive.waiting[id] = append(p.archive.waiting[id], l)
	}
}

func (p *pair) verdict() {
	if len(p.ids) == 0 {
		return
	}
	id := p.ids[len(p.ids)-1-p.r.IntN(min(len(p.ids), 200))]
	v := verdictNames[1+p.r.IntN(3)]
	p.whole.SetVerdict(idKeyOf(id), v)
	p.some.SetVerdict(idKeyOf(id), v)
	p.archive.verdicts[id] = v
}

func (p *pair) step() {
	r := p.r
	switch k := r.IntN(200); {
	case k < 120:
		p.happen()
	case k < 145:
		p.label()
	case k < 165:
		p.verdict()
	case k < 168:
		p.install()
	case k < 171: // some of what is not resident is on its way
		for e := range p.archive.rows {
			for _, key := range sorted(p.archive.rows[e]) {
				if !p.some.Resident(e, key) && r.IntN(3) == 0 {
					p.archive.load(r, p.some, e, key, true)
					if p.some.Resident(e, key) {
						p.t.Fatal("what was begun is resident")
					}
				}
			}
		}
	case k < 176:
		p.cut++
		p.some.SetCut(p.cut)
	case k < 186:
		if r.IntN(2) == 0 {
			p.flush()
		}
		upTo := p.archive.durable - min(p.archive.durable, uint32(r.IntN(3)))
		for range r.IntN(60) {
			p.evict(upTo)
		}
	case k < 187:
		p.restart()
	case k < 190 && p.sweeps:
		for range r.IntN(200) {
			p.whole.Reclaim(p.now)
			p.some.Reclaim(p.now)
		}
	default:
		p.now += r.Int64N(30) * tick
		if r.IntN(60) == 0 {
			p.now += r.Int64N(40000) * tick
		}
	}
}

func sorted(m map[event.Key]map[int64]*event.Transaction) []event.Key {
	return slices.SortedFunc(maps.Keys(m), func(a, b event.Key) int { return slices.Compare(a[:], b[:]) })
}

// end reloads everything, and compares the sets.
func (p *pair) end() {
	p.flush()
	for e := range p.archive.rows {
		for _, key := range sorted(p.archive.rows[e]) {
			if !p.some.Resident(e, key) {
				p.archive.load(p.r, p.some, e, key, false)
			}
		}
	}
	for len(p.some.gone) > 0 {
		p.some.letGo(1 << 20)
	}
	for e := range p.archive.rows {
		for _, key := range sorted(p.archive.rows[e]) {
			p.archive.chunk(p.r, p.some, &Chunk{Entity: e, Key: key, From: math.MinInt64, To: math.MaxInt64})
		}
	}
	if s := p.some.Stats(); s.EntriesAway != 0 || s.ChunksAway != 0 {
		p.t.Fatalf("%d entries of %d chunks are still away", s.EntriesAway, s.ChunksAway)
	}
	if !p.sweeps && !bytes.Equal(p.some.AppendSet(nil), p.whole.AppendSet(nil)) {
		p.t.Fatal("the sets differ")
	}
	if p.some.Since() != p.whole.Since() {
		p.t.Fatalf("since %d, want %d", p.some.Since(), p.whole.Since())
	}
}

func playPair(t *testing.T, seed uint64, o options, steps int) *pair {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 21))
	m := maker{testSchema(r.IntN(2) == 0, r.IntN(2) == 0)}
	if r.IntN(3) == 0 {
		m.schema.Fields[fShop].Secret = true
	}
	p := &pair{
		t: t, r: r, maker: m, o: o, whole: newStore(m.schema, o), archive: newArchive(2),
		now: 1e18 / tick * tick, sweeps: r.IntN(3) == 0, lazy: r.IntN(3) == 0,
	}
	p.restart()
	p.install()
	for i := range steps {
		if p.step(); i%5 > 0 { // what is wrong mostly stays so
			continue
		}
		for name, s := range map[string]*Store{"whole": p.whole, "evicted": p.some} {
			if fault := s.faults(); fault != "" {
				t.Fatalf("after step %d, %s: %s", i, name, fault)
			}
		}
	}
	p.end()
	return p
}

func TestEvictedLikeResident(t *testing.T) {
	evicted, loads, hots, lefts, chunks, pinned, back := 0, 0, 0, 0, 0, 0, int64(0)
	aside, asideHot, asideLeft := 0, 0, 0
	seeds := uint64(60)
	if testing.Short() {
		seeds = 15
	}
	for seed := range seeds {
		o := defaults()
		o.sweep = 50
		if seed%3 > 0 {
			o = tiny()
		}
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			p := playPair(t, seed, o, 700)
			evicted, loads, hots, lefts = evicted+p.evicted, loads+p.loads, hots+p.hots, lefts+p.lefts
			chunks, pinned, back = chunks+p.chunks, max(pinned, p.pinned), back+p.some.Stats().ChunksBack
			aside, asideHot, asideLeft = aside+p.aside, asideHot+p.asideHot, asideLeft+p.asideLeft
		})
	}
	t.Logf("%d evicted, %d loaded, %d hot ones observed, %d left out, %d chunks restored, %d whole again, up to %d pinned", evicted, loads, hots, lefts, chunks, back, pinned)
	t.Logf("%d rows put aside for histories that were not resident, %d of them for hot ones; %d such histories left", aside, asideHot, asideLeft)
	if aside == 0 || asideHot == 0 || asideLeft == 0 || chunks == 0 || pinned == 0 || back == 0 || evicted == 0 || loads == 0 || hots == 0 || lefts == 0 {
		t.Error("something never happened")
	}
}
