package journal

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/rules"
	"sluice/scoring/event"
)

// The twin of a journal is plain maps. A world makes random cuts and plays them
// on both.

const testSchema = `
fields:
  id:       {type: string, required: true}
  time:     {type: timestamp, unit: ms, required: true}
  card:     {type: string, entity: true}
  merchant: {type: string, entity: true}
  pan:      {type: string, entity: true, secret: true}
  amount:   {type: money, currency: EUR, required: true}
  country:  {type: country}
label:
  id: id
  value: fraud
`

func parseSchema(t testing.TB, text string) *event.Schema {
	t.Helper()
	s, err := event.ParseSchema("schema.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// what is a transaction as the twin knows it.
type what struct {
	id      string
	time    int64
	arrival int64
	card    string
	shop    string
	pan     string
	amount  int
	country string

	verdict rules.Verdict
	score   int64
	part    int32
	offset  int64
	kind    byte // 't' taken, 'l' late, 'r' only recalled
}

func (w *what) message() string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"id":%q,"time":%d,"amount":"%d.%02d"`, w.id, w.time/1e6, w.amount/100, w.amount%100)
	for _, f := range [][2]string{{"card", w.card}, {"merchant", w.shop}, {"pan", w.pan}, {"country", w.country}} {
		if f[1] != "" {
			fmt.Fprintf(&b, `,%q:%q`, f[0], f[1])
		}
	}
	return b.String() + "}"
}

func (w *what) values() [3]string { return [3]string{w.card, w.shop, w.pan} }

// told is a label.
type told struct {
	id    string
	time  int64
	fraud bool
}

// batch is what one cut holds.
type batch struct {
	txs    []what
	labels []told
	cut    int // of txs, where a second segment begins
	next   Progress
}

// model is the twin.
type model struct {
	ids     map[string]what               // by id
	rows    map[[2]string]map[string]what // by entity and value, by id
	labels  map[string]map[int64]bool     // of taken transactions, by id
	waiting map[string]map[int64]bool
	waits   map[string]int64 // when the first of them is from
	next    map[Partition]int64
	marks   map[int32]int64
}

func newModel() *model {
	return &model{
		ids: map[string]what{}, rows: map[[2]string]map[string]what{}, labels: map[string]map[int64]bool{},
		waiting: map[string]map[int64]bool{}, waits: map[string]int64{}, next: map[Partition]int64{}, marks: map[int32]int64{},
	}
}

func (m *model) clone() *model {
	c := newModel()
	c.ids, c.next, c.marks, c.waits = maps.Clone(m.ids), maps.Clone(m.next), maps.Clone(m.marks), maps.Clone(m.waits)
	for k, v := range m.rows {
		c.rows[k] = maps.Clone(v)
	}
	for k, v := range m.labels {
		c.labels[k] = maps.Clone(v)
	}
	for k, v := range m.waiting {
		c.waiting[k] = maps.Clone(v)
	}
	return c
}

func entityNames() [3]string { return [...]string{"card", "merchant", "pan"} }

func (m *model) apply(b *batch) {
	maps.Copy(m.next, b.next.Next)
	for _, w := range b.txs {
		if w.part >= 0 {
			m.marks[w.part] = max(m.marks[w.part], w.offset+1)
		}
		m.ids[w.id] = w
		if w.kind != 't' {
			continue
		}
		for i, value := range w.values() {
			if value == "" {
				continue
			}
			key := [2]string{entityNames()[i], value}
			if m.rows[key] == nil {
				m.rows[key] = map[string]what{}
			}
			m.rows[key][w.id] = w
		}
	}
	for _, l := range b.labels {
		if m.waiting[l.id] == nil {
			m.waiting[l.id], m.waits[l.id] = map[int64]bool{}, l.time
		}
		m.waiting[l.id][l.time] = m.waiting[l.id][l.time] || l.fraud
	}
	for id, labels := range m.waiting {
		w, ok := m.ids[id]
		if !ok || w.kind == 'r' {
			continue
		}
		delete(m.waiting, id)
		if w.kind == 't' {
			if m.labels[id] == nil {
				m.labels[id] = map[int64]bool{}
			}
			for t, fraud := range labels {
				m.labels[id][t] = m.labels[id][t] || fraud
			}
		}
	}
}

// forget does what Journal.Forget does.
func (m *model) forget(events, ids, width int64) {
	for _, rows := range m.rows {
		maps.DeleteFunc(rows, func(_ string, w what) bool { return bucketOf(w.time, width) < bucketOf(events, width) })
	}
	maps.DeleteFunc(m.ids, func(_ string, w what) bool { return bucketOf(w.arrival, width) < bucketOf(ids, width) })
	maps.DeleteFunc(m.waiting, func(id string, _ map[int64]bool) bool { return bucketOf(m.waits[id], width) < bucketOf(ids, width) })
}

// world makes cuts.
type world struct {
	r        *rand.Rand
	now      int64
	n        int
	recalled []what
	offsets  [2]int64
}

func newWorld(seed uint64) *world {
	return &world{r: rand.New(rand.NewPCG(seed, 4)), now: 1_700_000_000_000_000_000}
}

func (w *world) some(of string, n int) string {
	if w.r.IntN(6) == 0 {
		return ""
	}
	return fmt.Sprintf("%s-%d", of, w.r.IntN(n))
}

func (w *world) batch(size int) *batch {
	b := &batch{}
	for range w.r.IntN(size + 1) {
		w.n++
		w.now += w.r.Int64N(int64(size)) * int64(day) / 200 / 1e6 * 1e6
		x := what{
			id: fmt.Sprintf("tx-%d", w.n), time: w.now - w.r.Int64N(1000)*1e9, arrival: w.now, card: w.some("c", 8), shop: w.some("m", 3), pan: w.some("p", 5),
			amount: w.r.IntN(10_000), country: []string{"", "DE", "FR"}[w.r.IntN(3)], verdict: rules.Verdict(w.r.IntN(4)),
			score: w.r.Int64N(200) - 50, part: -1, offset: -1, kind: 't',
		}
		switch w.r.IntN(12) {
		case 0:
			x.kind = 'l'
		case 1:
			x.kind, x.time = 'r', x.arrival
		case 2:
			x.time -= w.r.Int64N(20) * int64(day)
		case 3:
			x.arrival += w.r.Int64N(1e6) // not a whole number of anything
		}
		if p := w.r.IntN(3); p < 2 {
			x.part, x.offset = int32(p), w.offsets[p]
			w.offsets[p]++
		}
		b.txs = append(b.txs, x)
		if x.kind == 'r' {
			w.recalled = append(w.recalled, x)
		}
		if w.r.IntN(8) == 0 && len(w.recalled) > 0 { // its transaction comes
			x, w.recalled = w.recalled[0], w.recalled[1:]
			x.kind = 't'
			b.txs = append(b.txs, x)
		}
	}
	for range w.r.IntN(size/4 + 2) {
		id := fmt.Sprintf("tx-%d", w.r.IntN(w.n+20)+1)
		b.labels = append(b.labels, told{id, w.now + w.r.Int64N(5)*1e9, w.r.IntN(2) == 0})
	}
	b.cut = w.r.IntN(len(b.txs) + 1)
	b.next = Progress{Next: map[Partition]int64{{"tx", int32(w.r.IntN(3))}: w.now}, Since: w.now}
	return b
}

// segments logs a cut as the engine would.
func segments(t testing.TB, j *Journal, schema *event.Schema, b *batch) []*Segment {
	t.Helper()
	d := event.NewDecoder(schema)
	var tx event.Transaction
	out := []*Segment{j.Segment(), j.Segment()}
	for i := range b.txs {
		w, s := &b.txs[i], out[0]
		if i >= b.cut {
			s = out[1]
		}
		if err := d.Transaction(&tx, []byte(w.message()), w.arrival); err != nil {
			t.Fatal(err)
		}
		if w.kind == 'r' {
			s.Recalled(tx.AppendIDValue(nil), w.verdict, w.score, w.arrival, w.part, w.offset)
			continue
		}
		n := s.Decided(&tx, w.verdict, w.score, w.kind == 't')
		if w.part >= 0 {
			s.Placed(n, w.part, w.offset)
		}
	}
	for _, l := range b.labels {
		id, _ := schema.AppendIDValue(nil, l.id)
		out[1].Label(id, l.time, l.fraud)
	}
	return out
}

// seen is a visitor that writes down.
type seen struct {
	rows   map[event.Key]string
	labels map[event.Key]map[int64]bool
}

func (s *seen) Row(tx *event.Transaction, v rules.Verdict) {
	s.rows[tx.IDKey] = describe(tx, v)
}

func (s *seen) Label(id event.Key, t int64, fraud bool) {
	if s.labels[id] == nil {
		s.labels[id] = map[int64]bool{}
	}
	s.labels[id][t] = s.labels[id][t] || fraud
}

func describe(tx *event.Transaction, v rules.Verdict) string {
	var b []byte
	for f := range tx.Schema.Fields {
		if !tx.Schema.Fields[f].Secret {
			b = append(tx.AppendText(b, f), '|')
		}
	}
	return fmt.Sprintf("%s %d %d %d", b, tx.Time, tx.Arrival, v)
}

// differs says where the journal and its twin differ, "" if they don't.
func (m *model) differs(t testing.TB, j *Journal, schema *event.Schema) (string, error) {
	t.Helper()
	d := event.NewDecoder(schema)
	var tx event.Transaction
	decode := func(w *what) {
		if err := d.Transaction(&tx, []byte(w.message()), w.arrival); err != nil {
			t.Fatal(err)
		}
	}
	if got := j.Progress().Next; !maps.Equal(got, m.next) {
		return fmt.Sprintf("progress %v, want %v", got, m.next), nil
	}
	if got := j.Verdicts(); !maps.Equal(got, m.marks) {
		return fmt.Sprintf("marks %v, want %v", got, m.marks), nil
	}
	for e, name := range entityNames() {
		for n := range 9 {
			value := fmt.Sprintf("%s-%d", name[:1], n)
			got := &seen{map[event.Key]string{}, map[event.Key]map[int64]bool{}}
			if err := j.History(e, []byte(value), got); err != nil {
				return "", err
			}
			rows := m.rows[[2]string{name, value}]
			if len(got.rows) != len(rows) {
				return fmt.Sprintf("%s has %d rows, want %d", value, len(got.rows), len(rows)), nil
			}
			for id, w := range rows {
				decode(&w)
				if got.rows[tx.IDKey] != describe(&tx, w.verdict) {
					return fmt.Sprintf("%s of %s is %q, want %q", id, value, got.rows[tx.IDKey], describe(&tx, w.verdict)), nil
				}
				if !maps.Equal(got.labels[tx.IDKey], m.labels[id]) {
					return fmt.Sprintf("labels of %s at %s: %v, want %v", id, value, got.labels[tx.IDKey], m.labels[id]), nil
				}
			}
		}
	}
	for id := range m.waiting {
		value, _ := schema.AppendIDValue(nil, id)
		all, err := j.Waiting(value)
		if err != nil {
			return "", err
		}
		got := map[int64]bool{}
		for _, l := range all {
			got[l.Time] = got[l.Time] || l.Fraud
		}
		if !maps.Equal(got, m.waiting[id]) {
			return fmt.Sprintf("waiting for %s: %v, want %v", id, got, m.waiting[id]), nil
		}
	}
	if got := j.Stats().Waiting; got != len(m.waiting) {
		return fmt.Sprintf("%d ids wait, want %d", got, len(m.waiting)), nil
	}
	return m.idsDiffer(j, schema, decode, &tx)
}

func (m *model) idsDiffer(j *Journal, schema *event.Schema, decode func(*what), tx *event.Transaction) (string, error) {
	ids, sc := 0, scan{s: j.store.Load()}
	sc.lower, sc.upper = bucketBounds(keyID, 0, math.MaxUint16+1)
	if err := sc.run(func(_, _ []byte) error { ids++; return nil }); err != nil {
		return "", err
	}
	if ids != len(m.ids) {
		return fmt.Sprintf("%d ids, want %d", ids, len(m.ids)), nil
	}
	for id, w := range m.ids {
		decode(&w)
		value, _ := schema.AppendIDValue(nil, id)
		got, ok, err := j.Find(value)
		if err != nil {
			return "", err
		}
		want := Decided{Verdict: w.verdict, Score: w.score, Arrival: w.arrival, Time: w.time, Partition: w.part, Offset: w.offset, Taken: w.kind == 't'}
		if w.kind != 'r' {
			want.Body, want.Time = j.Body(tx), tx.Time
		}
		if !ok || got != want {
			return fmt.Sprintf("%s: found %v %+v, want %+v", id, ok, got, want), nil
		}
	}
	for _, id := range []string{"tx-0", "no"} {
		value, _ := schema.AppendIDValue(nil, id)
		if _, ok, err := j.Find(value); ok || err != nil {
			return "found " + id, err
		}
	}
	return "", nil
}

func (m *model) check(t *testing.T, j *Journal, schema *event.Schema, what string) {
	t.Helper()
	diff, err := m.differs(t, j, schema)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if diff != "" {
		t.Fatalf("%s: %s", what, diff)
	}
}
