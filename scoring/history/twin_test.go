package history

import (
	"math"
	"slices"
	"time"

	"sluice/scoring/event"
)

// twin is a store as one would write it down: slices and loops.
type twin struct {
	schema    *event.Schema
	retention int64
	ids       map[int64]*fact
	waiting   map[int64]map[int64]bool
	kinds     []map[event.Key][]*fact
	exact     int
}

func newTwin(schema *event.Schema, exact int) *twin {
	w := &twin{schema: schema, ids: map[int64]*fact{}, waiting: map[int64]map[int64]bool{}, exact: exact, retention: int64(minRetention)}
	for range schema.Entities {
		w.kinds = append(w.kinds, map[event.Key][]*fact{})
	}
	return w
}

func newestOf(facts []*fact) int64 {
	out := int64(math.MinInt64)
	for _, f := range facts {
		out = max(out, f.tx.Time)
	}
	return out
}

func (w *twin) remember(id int64, tx *event.Transaction) bool {
	if tx.Time < tx.Arrival-w.retention {
		return false
	}
	if old := w.ids[id]; old != nil && old.tx.Time >= tx.Arrival-2*w.retention {
		return false
	}
	f := &fact{tx: tx, id: id, labels: map[int64]bool{}}
	for e, k := range tx.Entities {
		if k == (event.Key{}) {
			continue
		}
		facts := w.kinds[e][k]
		if len(facts) > 0 && tx.Time < newestOf(facts)-w.retention {
			continue
		}
		f.held++
		w.kinds[e][k] = w.expire(append(facts, f))
	}
	if f.held == 0 {
		return false
	}
	w.ids[id] = f
	for t, v := range w.waiting[id] {
		f.labels[t] = v
	}
	delete(w.waiting, id)
	return true
}

func (w *twin) expire(facts []*fact) []*fact {
	floor := newestOf(facts) - w.retention
	var keep []*fact
	for _, f := range facts {
		if f.tx.Time >= floor {
			keep = append(keep, f)
			continue
		}
		if f.held--; f.held == 0 && w.ids[f.id] == f {
			delete(w.ids, f.id)
		}
	}
	return keep
}

func (w *twin) label(id, t int64, fraud bool) bool {
	f := w.ids[id]
	labels := w.waiting[id]
	if f != nil {
		labels = f.labels
	} else if labels == nil {
		labels = map[int64]bool{}
		w.waiting[id] = labels
	}
	labels[t] = labels[t] || fraud
	return f != nil
}

func (w *twin) verdict(id int64, verdict string) {
	if f := w.ids[id]; f != nil {
		f.verdict = verdict
	}
}

// window gives the events of a window in their order.
func (w *twin) window(e int, span Span, id int64, now *event.Transaction) []*fact {
	var out []*fact
	from, to := int64(span.From), int64(span.To)
	if span.Newest > 0 {
		from, to = w.retention, 0
	}
	for _, f := range w.kinds[e][now.Entities[e]] {
		if f.id == id && f.tx.Time == now.Time {
			continue
		}
		if f.tx.Time > now.Time-from && f.tx.Time <= now.Time-to {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b *fact) int {
		switch {
		case a.before(b):
			return -1
		case b.before(a):
			return 1
		}
		return 0
	})
	if span.Newest > 0 && len(out) > span.Newest {
		out = out[len(out)-span.Newest:]
	}
	return out
}

func none(why Why) Value { return Value{Why: why} }

func number(f float64) Value {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return none(OutOfRange)
	}
	return Value{Value: event.Value{Kind: event.Float, Bits: math.Float64bits(f + 0)}}
}

// ask answers a query. approx says that the answer may be an approximation.
func (w *twin) ask(q *Query, p *predicate, id int64, now *event.Transaction) (v Value, approx bool) {
	if now.Entities[q.Entity] == (event.Key{}) {
		return none(NoEntity), false
	}
	facts := w.window(q.Entity, q.Span, id, now)
	approx = (q.Agg == Distinct || q.Agg == Median) && len(facts) > w.exact
	if p != nil {
		facts = slices.DeleteFunc(facts, func(f *fact) bool { return !p.twin(f, now) })
	}
	return w.aggregate(q, facts, now), approx
}

func (w *twin) aggregate(q *Query, facts []*fact, now *event.Transaction) Value {
	switch q.Agg {
	case Count:
		return Value{Value: event.Value{Kind: event.Int, Bits: uint64(len(facts))}}
	case Any:
		v := Value{Value: event.Value{Kind: event.Bool}}
		if len(facts) > 0 {
			v.Bits = 1
		}
		return v
	case First, Last:
		if len(facts) == 0 {
			return none(NoEvents)
		}
		f := facts[0]
		if q.Agg == Last {
			f = facts[len(facts)-1]
		}
		return Value{Value: f.value(q.Column, now.Time)}
	}
	money := q.Column.Field == fAmount
	var words []uint64
	currencies := map[uint64]bool{}
	unit := 1.0
	for _, f := range facts {
		if x := f.word(q.Column, now.Time); x != event.Missing {
			words = append(words, x)
			currencies[f.tx.Currency] = true
			if money && q.Column.Form == event.Plain {
				unit = scaleOf(f.tx)
			}
		}
	}
	if money && len(currencies) > 1 {
		return none(MixedCurrencies)
	}
	if q.Agg == Distinct {
		slices.Sort(words)
		return Value{Value: event.Value{Kind: event.Int, Bits: uint64(len(slices.Compact(words)))}}
	}
	kind := w.schema.Kind(q.Column)
	if len(words) == 0 && q.Agg != Sum {
		return none(NoEvents)
	}
	if kind == event.Float && !money {
		return w.floats(q.Agg, words)
	}
	return w.ints(q, kind, words, unit)
}

func (w *twin) floats(a Agg, words []uint64) Value {
	var x []float64
	sum := 0.0
	for _, w := range words {
		x = append(x, math.Float64frombits(w))
		sum += math.Float64frombits(w)
	}
	switch a {
	case Sum:
		return number(sum)
	case Mean:
		return number(sum / float64(len(x)))
	}
	slices.Sort(x)
	switch a {
	case Min:
		return number(x[0])
	case Max:
		return number(x[len(x)-1])
	}
	if n := len(x); n%2 == 0 {
		return number((x[n/2-1] + x[n/2]) / 2)
	}
	return number(x[len(x)/2])
}

func (w *twin) ints(q *Query, kind event.Kind, words []uint64, unit float64) Value {
	var x []int64
	sum, low, high := int64(0), int64(0), int64(0) // low and high: thirds that can't overflow
	for _, w := range words {
		v := int64(w)
		x = append(x, v)
		sum += v
		low += v & 0xffffffff
		high += v >> 32
	}
	high += low >> 32
	overflow := high != int64(int32(high)) || sum == math.MinInt64 // which is no value
	money := q.Column.Field == fAmount && q.Column.Form == event.Plain
	one := func(v int64) Value {
		if money {
			return number(float64(v) / unit)
		}
		return Value{Value: event.Value{Kind: kind, Bits: uint64(v)}}
	}
	slices.Sort(x)
	n := len(x)
	switch q.Agg {
	case Sum:
		if overflow {
			return none(OutOfRange)
		}
		return one(sum)
	case Mean:
		if overflow {
			return none(OutOfRange)
		}
		return number(float64(sum) / (float64(n) * unit))
	case Min:
		return one(x[0])
	case Max:
		return one(x[n-1])
	}
	switch {
	case n%2 == 1:
		return number(float64(x[n/2]) / unit)
	case money:
		return number(float64(x[n/2-1]+x[n/2]) / (2 * unit))
	}
	return number((float64(x[n/2-1]) + float64(x[n/2])) / 2)
}

// list answers a list query.
func (w *twin) list(q *ListQuery, id int64, now *event.Transaction) List {
	if now.Entities[q.Entity] == (event.Key{}) {
		return List{Why: NoEntity}
	}
	facts := w.window(q.Entity, q.Span, id, now)
	var l List
	if len(facts) > MaxList {
		l.Approx = true
		facts = facts[len(facts)-MaxList:]
	}
	l.N = len(facts)
	for _, f := range facts {
		for _, c := range q.Columns {
			l.Values = append(l.Values, f.value(c, now.Time))
		}
		l.Currencies = append(l.Currencies, f.tx.Currency)
	}
	return l
}

var spans = []Span{
	{From: time.Duration(1 * tick)},
	{From: time.Duration(10 * tick)},
	{From: time.Duration(60 * tick)},
	{From: time.Duration(1000 * tick)},
	{From: minRetention},
	{From: time.Duration(60 * tick), To: time.Duration(10 * tick)},
	{From: time.Duration(1000 * tick), To: time.Duration(10 * tick)},
	{From: minRetention, To: time.Duration(1 * tick)},
	{Newest: 1},
	{Newest: 5},
	{Newest: 70},
}
