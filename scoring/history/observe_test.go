package history

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"sluice/scoring/event"
)

// randomPlan makes a plan, and the predicate of each of its queries.
func randomPlan(r *rand.Rand, retention time.Duration) (*Plan, []*predicate) {
	plan := &Plan{Retention: retention}
	var used []*predicate
	all := predicates()
	numeric := []event.Column{amount, minor, items, ratio, seen, hour, weekday, ago, when}
	every := append([]event.Column{name, shop, flag, isFraud, verdict, pin}, numeric...)
	pick := all
	if r.IntN(3) > 0 {
		pick = all[:16]
	}
	for range 1 + r.IntN(60) {
		q := Query{Entity: r.IntN(2), Span: spans[r.IntN(len(spans))], Agg: Agg(1 + r.IntN(10))}
		p := pick[r.IntN(len(pick))]
		if p != nil {
			q.Filter = &p.Filter
		}
		switch q.Agg {
		case Count, Any:
		case Distinct, First, Last:
			q.Column = every[r.IntN(len(every))]
		case Min, Max:
			q.Column = numeric[r.IntN(len(numeric))]
		default:
			q.Column = []event.Column{amount, minor, items, ratio, hour, ago}[r.IntN(6)]
		}
		plan.Queries = append(plan.Queries, q)
		used = append(used, p)
	}
	for range r.IntN(3) {
		l := ListQuery{Entity: r.IntN(2), Span: spans[r.IntN(len(spans))]}
		for range 1 + r.IntN(3) {
			l.Columns = append(l.Columns, every[r.IntN(len(every))])
		}
		plan.Lists = append(plan.Lists, l)
	}
	return plan, used
}

// game plays the same random life to a store and to its twin.
type game struct {
	t      *testing.T
	r      *rand.Rand
	maker  maker
	s      *Store
	w      *twin
	plan   *Plan
	used   []*predicate
	txs    []*event.Transaction
	ids    []int64
	now    int64
	nextID int64
	cards  int
	sweeps bool
	values []Value
	lists  []List
}

func (g *game) install() {
	if retention := time.Duration(g.w.retention); g.r.IntN(8) == 0 {
		g.w.retention = int64(retention + time.Duration(g.r.IntN(5000))*time.Duration(tick))
	}
	g.plan, g.used = randomPlan(g.r, time.Duration(g.w.retention))
	g.s.Install(g.plan)
	g.values = make([]Value, len(g.plan.Queries))
	g.lists = make([]List, len(g.plan.Lists))
}

// transaction makes a new one, mostly near now.
func (g *game) transaction() (int64, *event.Transaction) {
	r := g.r
	t := g.now
	switch r.IntN(12) {
	case 0:
		t -= r.Int64N(2000) * tick
	case 1:
		t -= r.Int64N(50000) * tick
	case 2, 3:
		t -= r.Int64N(20) * tick
	}
	g.nextID++
	id := g.nextID * 7919 % 100003
	tx := g.maker.random(r, id, t, g.cards, g.cards)
	tx.Arrival = g.now + r.Int64N(2)*tick
	return id, tx
}

func (g *game) step() {
	r := g.r
	switch k := r.IntN(100); {
	case k < 60:
		id, tx := g.transaction()
		g.observe(id, tx)
		g.remember(id, tx)
	case k < 65 && len(g.txs) > 0: // again, perhaps with another time
		i := r.IntN(len(g.txs))
		tx := *g.txs[i]
		if r.IntN(3) == 0 {
			tx.Time += tick
		}
		tx.Arrival = g.now
		g.observe(g.ids[i], &tx)
		g.remember(g.ids[i], &tx)
	case k < 80:
		id := (g.nextID + r.Int64N(3) - r.Int64N(min(g.nextID, 300)+1)) * 7919 % 100003
		l := event.Label{IDKey: idKeyOf(id), Time: g.now + (r.Int64N(40)-20)*tick, Fraud: r.IntN(3) > 0}
		matched := g.s.Label(&l)
		if want := g.w.label(id, l.Time, l.Fraud); !g.sweeps && matched != want {
			g.t.Fatalf("label of %d: matched %v, want %v", id, matched, want)
		}
	case k < 90 && len(g.ids) > 0:
		id := g.ids[len(g.ids)-1-r.IntN(min(len(g.ids), 100))]
		v := verdictNames[1+r.IntN(3)]
		g.s.SetVerdict(idKeyOf(id), v)
		g.w.verdict(id, v)
	case k < 91:
		g.install()
	case k < 94 && g.sweeps:
		g.s.Reclaim(g.now)
	default:
		g.now += r.Int64N(30) * tick
		if r.IntN(60) == 0 {
			g.now += r.Int64N(40000) * tick
		}
	}
}

func (g *game) remember(id int64, tx *event.Transaction) {
	ref, added := g.s.Remember(tx)
	if want := g.w.remember(id, tx); added != want {
		g.t.Fatalf("remembering %d at %d: added %v, want %v", id, tx.Time, added, want)
	}
	if added {
		g.txs, g.ids = append(g.txs, tx), append(g.ids, id)
		if got, ok := g.s.Find(tx.IDKey); !ok || got != ref {
			g.t.Fatalf("Find gave %v %v, want %v", got, ok, ref)
		}
		if got, want := g.s.Row(ref).Value(name), (&fact{tx: tx}).value(name, 0); got != want {
			g.t.Fatalf("row has name %v, want %v", got, want)
		}
	}
}

func (g *game) observe(id int64, tx *event.Transaction) {
	g.s.Observe(tx, g.values, g.lists)
	for i := range g.plan.Queries {
		q := &g.plan.Queries[i]
		want, approx := g.w.ask(q, g.used[i], id, tx)
		if got := g.values[i]; !agree(got, want, approx) {
			source := ""
			if q.Filter != nil {
				source = q.Filter.Source
			}
			g.t.Fatalf("query %d %+v filter %q: got %+v (%v), want %+v (%v)", i, *q, source, got, math.Float64frombits(got.Bits), want, math.Float64frombits(want.Bits))
		}
	}
	for i := range g.plan.Lists {
		want := g.w.list(&g.plan.Lists[i], id, tx)
		got := g.lists[i]
		if got.N != want.N || got.Why != want.Why || got.Approx != want.Approx || fmt.Sprint(got.Values) != fmt.Sprint(want.Values) {
			g.t.Fatalf("list %d %+v: got %+v, want %+v", i, g.plan.Lists[i], got, want)
		}
		if !reflect.DeepEqual(append([]uint64{}, got.Currencies...), append([]uint64{}, want.Currencies...)) {
			g.t.Fatalf("list %d: currencies %v, want %v", i, got.Currencies, want.Currencies)
		}
	}
}

// agree compares a value with what it should be; an approximation may be as
// far off as it says, twice over (its bound is one of three deviations).
func agree(got, want Value, approx bool) bool {
	if !approx {
		return got == want
	}
	if got.Why != want.Why || got.Kind != want.Kind {
		return false
	}
	if want.Why != Present {
		return true
	}
	if !got.Approx {
		return got == want
	}
	if got.Error <= 0 || got.Error > 0.1 {
		return false
	}
	a, b := plain(got), plain(want)
	slack := 3.0 // of the mean of two whose signs differ
	if got.Kind == event.Int {
		slack = 2
	}
	return math.Abs(a-b) <= 2*got.Error*math.Abs(b)+slack
}

func plain(v Value) float64 {
	if v.Kind == event.Float {
		return math.Float64frombits(v.Bits)
	}
	return float64(int64(v.Bits))
}

func playGame(t *testing.T, seed uint64, o options, steps, cards int, sweeps bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	m := maker{testSchema(r.IntN(2) == 0, r.IntN(2) == 0)}
	g := &game{t: t, r: r, maker: m, s: newStore(m.schema, o), w: newTwin(m.schema, o.exact), now: 1e18 / tick * tick, cards: cards, sweeps: sweeps}
	g.install()
	for range steps {
		g.step()
	}
}

func tiny() options {
	o := defaults()
	o.hotAt, o.leafMax, o.fan, o.exact, o.few, o.sweep, o.join = 12, 4, 3, 20, 10, 50, 1
	return o
}

func TestObserveLikeTwin(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			playGame(t, seed, defaults(), 400, 1+int(seed%7), seed%2 == 0)
		})
	}
}

func TestObserveHotLikeTwin(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			playGame(t, seed, tiny(), 500, 1+int(seed%3), seed%2 == 0)
		})
	}
}
