package demo

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsAreWithoutGaps(t *testing.T) {
	for us := uint64(1); us < 1<<20; us++ {
		b := bucket(us)
		if us > top(b) || b > 0 && us <= top(b-1) {
			t.Fatalf("%d µs is in bucket %d, which holds (%d, %d]", us, b, top(b-1), top(b))
		}
		if float64(top(b)) > float64(us)*33/32 {
			t.Fatalf("%d µs is reported as up to %d", us, top(b))
		}
	}
	if b := bucket(1<<63 - 1); b >= len(histogram{}.buckets) {
		t.Errorf("the largest duration is in bucket %d", b)
	}
}

// TestQuantiles compares with the sorted list.
func TestQuantiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h histogram
	var all []time.Duration
	for range 10000 {
		d := time.Duration(rng.ExpFloat64()*5000) * time.Microsecond
		h.add(d)
		all = append(all, d)
	}
	slices.Sort(all)
	for _, q := range []float64{0, .1, .5, .9, .99, .999} {
		want, got := all[int(q*float64(len(all)))], h.quantile(q)
		if got < want || float64(got) > float64(want)*33/32+1000 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if h.quantile(1) != all[len(all)-1] || h.largest != all[len(all)-1] {
		t.Errorf("the largest is %v, want %v", h.quantile(1), all[len(all)-1])
	}
	if d := (&histogram{}).quantile(.5); d != 0 {
		t.Errorf("the median of nothing is %v", d)
	}
}
