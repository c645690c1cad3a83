package stream

import (
	"math"
	"sync"
	"testing"
	"time"
)

// TestLatencyOfOldArrivals: a replay's latencies are years, and their sum is
// more nanoseconds than an int64 holds.
func TestLatencyOfOldArrivals(t *testing.T) {
	const (
		year = 365 * 24 * time.Hour
		n    = 10_000
	)
	var h histogram
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range n {
				h.observe(int64(8 * year))
				h.observe(int64(-year)) // an arrival ahead of this machine's clock
			}
		})
	}
	all.Wait()
	counts, sum := h.read()
	if want := 4 * n * (8 * year).Seconds(); math.Abs(sum-want) > want/1e6 {
		t.Errorf("sum %g, not %g", sum, want)
	}
	if counts[0] != 4*n || counts[len(counts)-2] != 4*n || counts[len(counts)-1] != 8*n {
		t.Errorf("%v", counts)
	}
}
