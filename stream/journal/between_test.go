package journal

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"sluice/rules"
	"sluice/scoring/event"
)

// eldest asks for the eldest rows alone, and gives up later ones as it goes.
type eldest struct {
	*seen
	to    *int64
	until int64
}

func (e eldest) Row(tx *event.Transaction, v rules.Verdict) {
	*e.to = min(*e.to, e.until)
	e.seen.Row(tx, v)
}

// A past is read by times: what lies between them, both included, and nothing
// beside, also where it becomes known on the way that less is enough.
func TestBetween(t *testing.T) {
	schema := parseSchema(t, testSchema)
	j, err := Open(Options{Dir: t.TempDir(), Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	r := rand.New(rand.NewPCG(3, 5))
	day := int64(24 * time.Hour)
	times := map[event.Key]int64{}
	for range 4 { // cuts
		s := j.Segment()
		for range 100 {
			at := noon/day*day + r.Int64N(6)*day + []int64{0, 1e6, day - 1e6, r.Int64N(day/1e6) * 1e6}[r.IntN(4)]
			tx := decode(t, schema, fmt.Sprintf(`{"id":"p%d","time":%d,"card":"c","amount":5}`, len(times), at/1e6), at+1e9)
			times[tx.IDKey] = at
			s.Decided(tx, rules.Allow, 0, true)
			id := tx.AppendIDValue(nil)
			if r.IntN(5) == 0 {
				s.Label(id, at+1, true)
			}
		}
		if err := j.Write([]*Segment{s}, Progress{}); err != nil {
			t.Fatal(err)
		}
	}
	if old := j.Oldest(); old > noon/day*day {
		t.Errorf("nothing is forgotten, and the oldest is %d", old)
	}
	whole := history(t, j, 0, "c")
	if len(whole.rows) != len(times) || len(whole.labels) == 0 {
		t.Fatalf("%d rows of %d, %d labels", len(whole.rows), len(times), len(whole.labels))
	}
	some := func() int64 {
		switch r.IntN(6) {
		case 0:
			return math.MinInt64
		case 1:
			return math.MaxInt64
		}
		at := noon/day*day + r.Int64N(7)*day
		return at + []int64{-1, 0, 1, 1e6, r.Int64N(day)}[r.IntN(5)]
	}
	for range 300 {
		from, to, until := some(), some(), some()
		if r.IntN(2) == 0 {
			until = math.MaxInt64
		}
		got, limit := &seen{map[event.Key]string{}, map[event.Key]map[int64]bool{}}, to
		if err := j.Between(0, []byte("c"), from, &limit, eldest{got, &limit, until}); err != nil {
			t.Fatal(err)
		}
		for id, at := range times {
			_, held := got.rows[id]
			switch {
			case held && (at < from || at > to):
				t.Fatalf("from %d to %d: a row of %d", from, to, at)
			case !held && at >= from && at <= min(to, until):
				t.Fatalf("from %d to %d, until %d: the row of %d is missing", from, to, until, at)
			case held && at <= until && len(got.labels[id]) != len(whole.labels[id]):
				t.Fatalf("from %d to %d: the row of %d lacks labels", from, to, at)
			}
		}
	}
}
