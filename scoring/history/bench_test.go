package history

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"sluice/scoring/event"
)

const day = 24 * time.Hour

// paymentSchema has four entities.
func paymentSchema() *event.Schema {
	s := &event.Schema{
		Fields: []event.Field{
			{Name: "id", Type: event.TypeInteger, Required: true},
			{Name: "time", Type: event.TypeTimestamp, Required: true},
			{Name: "amount", Type: event.TypeMoney, Currency: "EUR", CurrencyFrom: -1, Scale: 2},
		},
		Time: 1, Key: 3,
	}
	for i, name := range []string{"card", "account", "device", "ip"} {
		s.Entities = append(s.Entities, len(s.Fields))
		s.Fields = append(s.Fields, event.Field{Name: name, Type: event.TypeString, Entity: true, EntityIndex: i})
	}
	return s
}

// velocities is the plan of count and sum over five windows of some entities.
func velocities(entities ...int) *Plan {
	p := &Plan{Retention: minRetention}
	for _, e := range entities {
		for _, d := range []time.Duration{10 * time.Minute, time.Hour, day, 7 * day, 30 * day} {
			p.Queries = append(p.Queries,
				Query{Entity: e, Span: Span{From: d}, Agg: Count},
				Query{Entity: e, Span: Span{From: d}, Agg: Sum, Column: event.Column{Field: 2}})
		}
	}
	return p
}

// traffic fills tx with payment number i of a traffic over some entities of each kind.
func traffic(tx *event.Transaction, i int64, step int64, r *rand.Rand, entities int) {
	tx.Time = 1e18 + i*step
	tx.Arrival = tx.Time
	tx.Words[0], tx.Words[1], tx.Words[2] = uint64(i), uint64(tx.Time), uint64(r.IntN(10000))
	tx.IDKey = event.Key{mix(uint64(i) + 1), mix(uint64(i) + 1e12)}
	for e := range tx.Entities {
		k := uint64(r.IntN(entities)) + uint64(e)<<32
		tx.Entities[e] = event.Key{mix(k + 77), mix(k + 1e15)}
		tx.Hashes[3+e] = k
		tx.Words[3+e] = 8
	}
}

func benchTx(schema *event.Schema) *event.Transaction {
	tx := maker{schema}.tx2()
	tx.Text = []byte("12345678")
	return tx
}

// tx2 makes an empty transaction of any schema.
func (m maker) tx2() *event.Transaction {
	n := len(m.schema.Fields)
	tx := &event.Transaction{Schema: m.schema, Words: make([]uint64, n), Hashes: make([]uint64, n), Entities: make([]event.Key, len(m.schema.Entities))}
	for i := range tx.Words {
		tx.Words[i], tx.Hashes[i] = event.Missing, event.Missing
	}
	return tx
}

// BenchmarkObserve fills 20 windows of transactions over entities with some
// number of events each within the retention, and remembers them.
func BenchmarkObserve(b *testing.B) {
	for _, c := range []struct {
		name     string
		plan     *Plan
		entities int
		events   int64
	}{
		{"2 entities of 1k", velocities(0, 1), 1000, 60},
		{"4 entities of 1k", quarter(), 1000, 60},
		{"4 entities of 50k", quarter(), 50_000, 60},
		{"4 entities of 250k", quarter(), 250_000, 10},
	} {
		b.Run(c.name, func(b *testing.B) {
			schema := paymentSchema()
			s := New(schema)
			s.Install(c.plan)
			tx := benchTx(schema)
			r := rand.New(rand.NewPCG(1, 1))
			step := int64(minRetention) / c.events / int64(c.entities)
			i := int64(0)
			for ; i < (c.events+c.events/6)*int64(c.entities); i++ {
				traffic(tx, i, step, r, c.entities)
				s.Remember(tx)
			}
			values := make([]Value, len(c.plan.Queries))
			b.ReportAllocs()
			b.Run("observe", func(b *testing.B) {
				for range b.N {
					traffic(tx, i, step, r, c.entities)
					s.Observe(tx, values, nil)
				}
			})
			b.Run("both", func(b *testing.B) {
				for range b.N {
					traffic(tx, i, step, r, c.entities)
					s.Observe(tx, values, nil)
					s.Remember(tx)
					i++
				}
			})
			b.Run("traffic", func(b *testing.B) {
				for range b.N {
					traffic(tx, i, step, r, c.entities)
				}
			})
			if st := s.Stats(); st.References > 0 {
				b.Logf("%d transactions, %d references, %d bytes, %d a transaction", st.Transactions, st.References, st.Bytes, st.Bytes/int64(st.Transactions))
			}
		})
	}
}

// quarter asks five windows of each of four entities.
func quarter() *Plan {
	p := velocities(0, 1, 2, 3)
	half := &Plan{Retention: p.Retention}
	for i, q := range p.Queries {
		if i%2 == 0 {
			q.Agg, q.Column = []Agg{Count, Sum}[i/2%2], event.Column{Field: 2}
			half.Queries = append(half.Queries, q)
		}
	}
	return half
}

// sameDevice holds for events of the current one's device.
func sameDevice(shares int) *Filter {
	return &Filter{
		Source: fmt.Sprint("same device ", shares), Now: true, Shares: shares, Columns: []event.Column{{Field: 5}},
		Match: func(p Past, now *event.Transaction) bool { return p.Word(event.Column{Field: 5}) == now.Hashes[5] },
	}
}

// BenchmarkHot asks an entity with a million events.
func BenchmarkHot(b *testing.B) {
	schema := paymentSchema()
	tx := benchTx(schema)
	r := rand.New(rand.NewPCG(1, 1))
	s := New(schema)
	step := int64(minRetention) / 1_000_000
	i := int64(0)
	for ; i < 1_000_000; i++ {
		traffic(tx, i, step, r, 1)
		for e := 1; e < 4; e++ {
			tx.Entities[e] = event.Key{}
		}
		tx.Hashes[5] = uint64(r.IntN(20000))
		tx.Entities[2] = event.Key{mix(tx.Hashes[5]), 1}
		tx.Hashes[4] = uint64(r.IntN(20000))
		s.Remember(tx)
	}
	small := &Filter{Source: "small", Match: func(p Past, _ *event.Transaction) bool { return p.Word(event.Column{Field: 2}) < 500 }, Columns: []event.Column{{Field: 2}}}
	for _, c := range []struct {
		name string
		q    Query
	}{
		{"count", Query{Agg: Count}},
		{"sum", Query{Agg: Sum, Column: event.Column{Field: 2}}},
		{"sum of filtered", Query{Agg: Sum, Column: event.Column{Field: 2}, Filter: small}},
		{"distinct", Query{Agg: Distinct, Column: event.Column{Field: 4}}},
		{"same device", Query{Agg: Count, Filter: sameDevice(0)}},
		{"same device, joined", Query{Agg: Count, Filter: sameDevice(3)}},
		{"median", Query{Agg: Median, Column: event.Column{Field: 2}}},
	} {
		for _, d := range []time.Duration{time.Hour, day, 30 * day} {
			b.Run(fmt.Sprint(c.name, " ", d), func(b *testing.B) {
				c.q.Span.From = d
				s.Install(&Plan{Queries: []Query{c.q}, Retention: minRetention})
				values := make([]Value, 1)
				for e := range tx.Entities {
					tx.Entities[e] = event.Key{}
				}
				traffic(tx, i, step, r, 1)
				tx.Hashes[5] = 7
				tx.Entities[2] = event.Key{mix(7), 1}
				s.Observe(tx, values, nil)
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					tx.Time = 1e18 + i*step - r.Int64N(int64(time.Minute))
					s.Observe(tx, values, nil)
				}
			})
		}
	}
}

// BenchmarkOutside decides transactions of resident entities, with histories
// that may lie outside of memory and without.
func BenchmarkOutside(b *testing.B) {
	for _, outside := range []bool{false, true} {
		b.Run(fmt.Sprint(outside), func(b *testing.B) {
			const entities, events = 20_000, 60
			schema := paymentSchema()
			s := New(schema)
			plan := quarter()
			s.Install(plan)
			tx := benchTx(schema)
			r := rand.New(rand.NewPCG(1, 1))
			step := int64(minRetention) / events / entities
			i := int64(0)
			for ; i < events*entities; i++ {
				traffic(tx, i, step, r, entities)
				s.Remember(tx)
			}
			s.SetOutside(outside)
			values := make([]Value, len(plan.Queries))
			for b.Loop() {
				traffic(tx, i, step, r, entities)
				for e, key := range tx.Entities {
					if !s.Resident(e, key) {
						s.Admit(e, key)
					}
				}
				s.Observe(tx, values, nil)
				s.Remember(tx)
				s.SetVerdict(tx.IDKey, "allow")
				i++
			}
		})
	}
}

// BenchmarkRestore brings back cards of 60 events each, whose rows no other
// history holds, and lets go of them.
func BenchmarkRestore(b *testing.B) {
	const entities, events = 1000, 60
	schema := paymentSchema()
	s := New(schema)
	s.SetOutside(true)
	s.Install(quarter())
	r := rand.New(rand.NewPCG(1, 1))
	all := make([][]*event.Transaction, entities)
	for i := range int64(entities * events) {
		tx := benchTx(schema)
		traffic(tx, i, int64(minRetention)/events/entities, r, 1000)
		e := i % entities
		tx.Entities = []event.Key{{mix(uint64(e)), 1}, {}, {}, {}}
		all[e] = append(all[e], tx)
	}
	restored := 0
	for b.Loop() {
		for e, txs := range all {
			key := event.Key{mix(uint64(e)), 1}
			for _, tx := range txs {
				s.Restore(0, key, tx, "allow")
			}
			s.Admit(0, key)
			restored += len(txs)
		}
		for s.Stats().References > 0 {
			s.Evict(0)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(restored), "ns/row")
}
