package stream

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/journal"
)

// A simulated world: deterministic, one seed one story, without a network, a
// disk or a clock of its own. It plays the engine, the core, the prefetch, the
// cuts, the journal and the recovery against a naive model (simModel), while it
// lets everything go wrong that may.
//
//	go test -run TestWorlds ./stream                      some seeds
//	SLUICE_WORLD_SEEDS=10000 go test -run TestWorlds ./stream  that many
//	SLUICE_WORLD_SEED=17 go test -run TestWorlds -v ./stream   seed 17, with its story

const int64Patience = 2 * time.Second

// simWorld is a world.
type simWorld struct {
	seed   uint64
	r      *rand.Rand
	schema *event.Schema
	sets   []*simSet
	set    *simSet
	model  *simModel

	now, began int64 // ns
	grain      int64 // of event times
	span       int64 // how much of it jumps may still take
	ids        int64 // producer ids given out
	memory     int64
	unwritten  int64
	requests   bool
	calm       bool // nothing goes wrong any more

	transactions, labels, verdicts, dead *simTopic

	payments  []*simTx
	txs       map[string]*simTx // by message
	told      [][]event.Label   // by partition
	decided   map[string]string // verdicts in the topic, by id
	places    map[string]simSource
	promised  map[string]string // verdicts that requests were answered with
	conflicts map[simSource]string
	letters   map[simSource]string
	known     map[simSource]string // those that stood when the process started

	haunted bool // a zombie is at it
	disk    *simDisk
	left    *vfs.MemFS // what is on the disk after the power has failed
	process *simProcess
	zombies []simZombie
	runs    int
	story   []string
}

// simFailure ends a world.
type simFailure struct{ what string }

func (w *simWorld) fail(format string, args ...any) {
	panic(simFailure{fmt.Sprintf(format, args...)})
}

// tell adds a line to the story.
func (w *simWorld) tell(format string, args ...any) {
	w.story = append(w.story, fmt.Sprintf(format, args...))
}

func (w *simWorld) ms() int64 { return w.now / 1e6 }

// clock writes a time as distance from the beginning.
func (w *simWorld) clock(ns int64) string {
	return (time.Duration(ns-w.began) / time.Millisecond * time.Millisecond).String()
}

func newSimWorld(seed uint64, schema *event.Schema, sets []*simSet) *simWorld {
	r := rand.New(rand.NewPCG(seed, 1))
	w := &simWorld{
		seed: seed, r: r, schema: schema, sets: sets, set: sets[r.IntN(len(sets))], model: newSimModel(),
		now: 1_700_000_000 * int64(time.Second), span: int64(28 * days), unwritten: 1 << 20,
		transactions: newSimTopic("transactions", 1+r.IntN(4)), labels: newSimTopic("labels", 1+r.IntN(2)),
		verdicts: newSimTopic("verdicts", 1+r.IntN(3)), dead: newSimTopic("dead", 1),
		txs: map[string]*simTx{}, decided: map[string]string{}, places: map[string]simSource{}, promised: map[string]string{},
		conflicts: map[simSource]string{}, letters: map[simSource]string{},
	}
	w.began = w.now
	w.grain = []int64{int64(time.Millisecond), int64(time.Minute), int64(30 * time.Minute)}[r.IntN(3)]
	w.memory = []int64{0, 1, 1, 1}[r.IntN(4)]
	if r.IntN(8) == 0 {
		w.unwritten = 2000
	}
	w.requests = r.IntN(3) == 0
	w.told = make([][]event.Label, len(w.labels.parts))
	w.verdicts.wrote = w.wroteVerdict
	w.dead.wrote = w.wroteLetter
	w.disk = newSimDisk(vfs.NewCrashableMem())
	return w
}

// wroteVerdict sees every record of the verdicts topic.
func (w *simWorld) wroteVerdict(partition int32, offset int64, rec *simRecord) {
	if rec.run != "" {
		return
	}
	var v struct {
		ID      string `json:"transaction_id"`
		Verdict string
	}
	must(json.Unmarshal(rec.value, &v))
	if _, twice := w.decided[v.ID]; twice {
		w.fail("%s has two verdicts in the topic: at %v and %d:%d", v.ID, w.places[v.ID], partition, offset)
	}
	w.decided[v.ID], w.places[v.ID] = v.Verdict, simSource{partition: partition, offset: offset}
}

func (w *simWorld) wroteLetter(_ int32, _ int64, rec *simRecord) {
	var l letter
	must(json.Unmarshal(rec.value, &l))
	var id string
	must(json.Unmarshal(l.ID, &id))
	source := simSource{partition: l.Source.Partition, offset: l.Source.Offset}
	if _, twice := w.known[source]; twice && !w.haunted {
		w.fail("the conflict of %s at %v is reported again", id, source)
	}
	w.letters[source] = id
}

// promise notes what a request was told: it must stand.
func (w *simWorld) promise(c *simCall) {
	at, ok := w.places[c.tx.id]
	if !ok {
		w.fail("request %s is answered, and has no verdict in the topic", c.tx.id)
	}
	if c.again && c.place.offset >= 0 && (c.place.partition != at.partition || c.place.offset != at.offset) {
		w.fail("request %s: its verdict stands at %v, not %d:%d", c.tx.id, at, c.place.partition, c.place.offset)
	}
	if !c.again && c.verdict.String() != w.decided[c.tx.id] {
		w.fail("request %s is answered with %v, the topic has %s", c.tx.id, c.verdict, w.decided[c.tx.id])
	}
	for i := range w.transactions.parts {
		for _, rec := range w.transactions.parts[i].records {
			if w.txs[string(rec.value)].id == c.tx.id {
				return
			}
		}
	}
	w.fail("request %s is answered, and is not in the transactions topic", c.tx.id)
}

// payment makes a payment: mostly a new one.
func (w *simWorld) payment() *simTx {
	r := w.r
	if n := len(w.payments); n > 0 {
		old := w.payments[n-1-r.IntN(min(n, 40))]
		switch r.IntN(14) {
		case 0:
			return old
		case 1: // another body of the id
			x := *old
			if r.IntN(2) == 0 {
				x.amount++
			} else {
				x.entities[r.IntN(2)] = w.value(r.IntN(2))
			}
			return w.make(&x)
		case 2: // the same, but for what is secret
			x := *old
			x.entities[2] = w.value(2)
			return w.make(&x)
		}
	}
	x := &simTx{id: fmt.Sprintf("t%03d", len(w.payments)+1), amount: r.Int64N(10_000), entities: [3]string{w.value(0), w.value(1), w.value(2)}}
	x.time = w.now - r.Int64N(10)*w.grain
	switch r.IntN(20) {
	case 0:
		x.time = w.now - r.Int64N(int64(6*hour))
	case 1:
		x.time = w.now - r.Int64N(int64(33*days))
	case 2:
		x.time = w.now - simRetention - (r.Int64N(3)-1)*1e6
	case 3:
		x.time = w.now + event.MaxAhead + (r.Int64N(3)-1)*1e6
	case 4:
		x.time = w.now + r.Int64N(int64(hour))
	default:
		x.time = x.time / w.grain * w.grain
	}
	x.time = x.time / 1e6 * 1e6
	x = w.make(x)
	w.payments = append(w.payments, x)
	return x
}

func (w *simWorld) value(entity int) string {
	n := w.r.IntN([]int{7, 3, 5}[entity] + 1)
	if n == 0 && w.r.IntN(3) > 0 {
		n = 1
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s%d", simEntities()[entity], n)
}

// make writes the message.
func (w *simWorld) make(x *simTx) *simTx {
	var b strings.Builder
	fmt.Fprintf(&b, `{"id":%q,"time":%d,"amount":"%d.%02d"`, x.id, x.time/1e6, x.amount/100, x.amount%100)
	for e, value := range x.entities {
		if value != "" {
			fmt.Fprintf(&b, `,%q:%q`, simEntities()[e], value)
		}
	}
	x.message = b.String() + "}"
	w.txs[x.message] = x
	return x
}

// publish puts a payment into the topic.
func (w *simWorld) publish() {
	x := w.payment()
	partition := int32(w.r.IntN(len(w.transactions.parts)))
	at := w.ms()
	switch w.r.IntN(12) {
	case 0:
		at -= w.r.Int64N(int64(3*hour) / 1e6)
	case 1:
		at += w.r.Int64N(int64(2*hour) / 1e6)
	}
	offset := w.transactions.add(partition, []simRecord{{time: at, key: []byte(x.entities[0]), value: []byte(x.message)}})
	w.tell("publish %d:%d at %s %s", partition, offset, w.clock(at*1e6), x.message)
}

// finding puts a label into the topic, of a payment that came or is to come.
func (w *simWorld) finding() {
	r := w.r
	id := fmt.Sprintf("t%03d", max(1, len(w.payments)+5-r.IntN(40)))
	l := event.Label{ID: id, Fraud: r.IntN(4) > 0}
	l.Time = w.now + []int64{0, -1, 1, -24, 3}[r.IntN(5)]*r.Int64N(3)*int64(hour)
	l.Time = l.Time / w.grain * w.grain / 1e6 * 1e6
	value := fmt.Sprintf(`{"id":%q,"fraud":%v,"at":%q}`, id, l.Fraud, time.Unix(0, l.Time).UTC().Format(time.RFC3339Nano))
	partition := int32(r.IntN(len(w.labels.parts)))
	for range 1 + r.IntN(5)/4 {
		w.labels.add(partition, []simRecord{{time: w.ms(), value: []byte(value)}})
		w.told[partition] = append(w.told[partition], l)
	}
	w.tell("publish label %d: %s", partition, value)
}

// trouble arms a fault of the disk for the next write.
func (w *simWorld) trouble() {
	if w.calm {
		return
	}
	switch w.r.IntN(14) {
	case 0:
		err := []error{syscall.EIO, syscall.ENOSPC}[w.r.IntN(2)]
		w.disk.arm(1+w.r.IntN(12), 1+w.r.IntN(3), err, 0, 0)
	case 1:
		w.disk.arm(0, 0, nil, 1+w.r.IntN(14), w.r.Uint64N(4))
	}
}

// power dies with the process if the power failed meanwhile.
func (w *simWorld) power() {
	if w.left = w.disk.disarm(); w.left != nil {
		panic(simCrash{"the power fails in a write"})
	}
}

// between lets the rest of the world go on, in which the process may die.
func (w *simWorld) between() {
	if w.calm {
		return
	}
	if w.r.IntN(60) == 0 {
		panic(simCrash{"killed while it starts"})
	}
	for _, z := range w.zombies {
		if w.r.IntN(2) == 0 {
			z.step(false)
		}
	}
}

// tick lets time pass.
func (w *simWorld) tick() {
	w.now += w.r.Int64N(int64(2*time.Second)) / 1e6 * 1e6
	if w.calm {
		return
	}
	switch w.r.IntN(60) {
	case 0, 1:
		w.now += w.r.Int64N(int64(hour)) / 1e6 * 1e6
	case 2:
		jump := min(w.span, w.r.Int64N(int64(9*days))) / 1e6 * 1e6
		w.span -= jump
		w.now += jump
		w.tell("the clock is %s", w.clock(w.now))
	case 3:
		back := min(w.now-w.began, w.r.Int64N(int64(4*hour))) / 1e6 * 1e6
		w.now -= back
		w.span += back
		w.tell("the clock goes back to %s", w.clock(w.now))
	}
}

// step lets one thing happen.
func (w *simWorld) step() {
	s, r := w.process, w.r
	w.tick()
	switch n := r.IntN(100); {
	case n < 16:
		w.publish()
	case n < 20:
		w.finding()
	case n < 34:
		s.fetch()
	case n < 50:
		s.turn()
	case n < 62:
		s.read(false)
	case n < 70:
		s.bring()
	case n < 82:
		s.verdicts.step(false)
	case n < 84:
		s.letters.step(false)
		s.transactions.step(false)
	case n < 90:
		s.e.later(func() { s.e.cuts.tick(s.e) })
	case n < 96:
		s.write(true)
	case n < 97:
		w.set = w.sets[r.IntN(len(w.sets))]
		w.tell("reload")
		set := w.set.set
		s.e.later(func() { s.e.swap(set) })
		s.e.intake()
		s.hearLabels()
	case n < 98:
		if w.requests {
			s.request()
		}
	default:
		for _, z := range w.zombies {
			z.step(false)
		}
		if r.IntN(6) == 0 {
			panic(simCrash{"killed"})
		}
	}
	s.answers()
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
		w.disk.arm(0, 0, nil, 1+w.r.IntN(10), w.r.Uint64N(4))
	}
	err := s.open()
	w.power()
	if err != nil {
		w.fail("opening: %v", err)
	}
	w.resume()
	s.recall()
	w.model.restart(len(w.model.log), w.decided)
	s.attach()
	s.deciding = true
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

// die ends the process: its memory is gone, what it had handed to the network
// may still be sent.
func (w *simWorld) die(why string) {
	s := w.process
	left := w.left
	if w.left = nil; left == nil {
		left = w.disk.clone(w.r.Uint64N(4))
	}
	w.tell("%s dies: %s", s.name, why)
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
	w.disk = newSimDisk(left)
}

// resume finds out how much of what the model knows is durable: what lies below
// the offsets that the journal gives. That must be a beginning of what was
// decided, and every verdict in it must stand in the topic.
func (w *simWorld) resume() {
	next := w.process.journal.Progress().Next
	durable := func(x *simEntry) bool {
		topic := "transactions"
		switch {
		case x.source.partition < 0:
			id, _ := w.schema.AppendIDValue(nil, x.tx.id)
			d, ok, err := w.process.journal.Find(id)
			must(err)
			return ok && (d.Taken || d.Body != event.Key{})
		case x.source.label:
			topic = "labels"
		}
		return x.source.offset < next[journal.Partition{Topic: topic, Number: x.source.partition}]
	}
	m := w.model
	n, last := 0, ""
	for i := range m.log {
		x := &m.log[i]
		if !x.effect {
			if i == n && (x.source.partition < 0 || durable(x)) {
				n++
			}
			continue
		}
		switch yes := durable(x); {
		case yes && last != "":
			w.fail("the journal has %v, and not %s, which was before it", x.source, last)
		case yes:
			n = i + 1
		case last == "" && i < m.durable:
			w.fail("the journal had %v, and has it no more", x.source)
		case last == "":
			last = x.source.String()
		}
	}
	for i := range m.log[:n] {
		x := &m.log[i]
		if x.label != nil {
			continue
		}
		if _, stands := w.decided[x.tx.id]; !stands {
			w.fail("%v %s is behind the journal's offset, and has no verdict in the topic", x.source, x.tx.id)
		}
	}
	w.tell("%s: knows %d of %d", w.process.name, n, len(m.log))
	m.log, m.durable = m.log[:n], n
}

// drain lets everything come to its end.
func (w *simWorld) drain() {
	w.calm = true
	for round := range 3000 {
		s := w.process
		w.now += int64(300 * time.Millisecond)
		s.announce()
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
		s.e.later(func() { s.e.cuts.tick(s.e) })
		s.write(false)
		if open := s.answers(); round%8 == 7 && open == 0 && w.idle() {
			return
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

// verify looks at the end at what every world must have come to.
func (w *simWorld) verify() {
	for i := range w.transactions.parts {
		for _, rec := range w.transactions.parts[i].records {
			x := w.txs[string(rec.value)]
			if _, ok := w.decided[x.id]; !ok {
				w.fail("%s has no verdict", x.id)
			}
		}
	}
	for _, x := range w.model.log {
		if x.status == scoring.Conflict && x.source.partition >= 0 && w.conflicts[x.source] != "" && w.letters[x.source] != w.conflicts[x.source] {
			w.fail("the conflict of %s at %v is not reported", x.tx.id, x.source)
		}
	}
	for at, id := range w.letters {
		if w.conflicts[at] != id {
			w.fail("a conflict of %s at %v is reported, and was none", id, at)
		}
	}
}

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
}

// play gives what went wrong, "" if nothing did.
func (w *simWorld) play() (failure string) {
	defer func() {
		if p := recover(); p != nil {
			if f, ok := p.(simFailure); ok {
				failure = f.what
			} else {
				failure = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
			}
		}
	}()
	w.live()
	return ""
}

func TestWorlds(t *testing.T) {
	schema, err := event.ParseSchema("schema.yaml", []byte(simSchemaText), nil)
	if err != nil {
		t.Fatal(err)
	}
	sets := simSets(t, schema)
	if text := os.Getenv("SLUICE_WORLD_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		w := newSimWorld(seed, schema, sets)
		failure := w.play()
		t.Log(strings.Join(w.story, "\n"))
		if failure != "" {
			t.Fatal(failure)
		}
		return
	}
	n := uint64(100)
	if text := os.Getenv("SLUICE_WORLD_SEEDS"); text != "" {
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	var (
		all      sync.WaitGroup
		mu       sync.Mutex
		next     uint64
		failures []string
	)
	for range 2 {
		all.Go(func() {
			for {
				mu.Lock()
				seed := next
				next++
				mu.Unlock()
				if seed >= n {
					return
				}
				w := newSimWorld(seed, schema, sets)
				if failure := w.play(); failure != "" {
					mu.Lock()
					failures = append(failures, fmt.Sprintf("seed %d: %s\nplay it again: SLUICE_WORLD_SEED=%d go test -run TestWorlds -v ./stream", seed, failure, seed))
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	slices.Sort(failures)
	for i, f := range failures {
		if i < 10 {
			t.Error(f)
		}
	}
	if len(failures) > 0 {
		t.Errorf("%d of %d worlds go wrong", len(failures), n)
	}
}
