package event

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestAppendTime holds our writing of times to the standard library's.
func TestAppendTime(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	day := int64(24 * time.Hour)
	times := []int64{0, -1, 1, math.MinInt64, math.MaxInt64, 1e9, -1e9, 951782400e9, 4107542400e9 - 1}
	for range 100_000 {
		ns := int64(r.Uint64())
		switch r.IntN(4) {
		case 0:
			ns -= ns % 1_000_000_000
		case 1:
			ns -= ns % 1_000_000
		case 2:
			ns = ns / day * day // midnights: every date comes up
		}
		times = append(times, ns)
	}
	for _, ns := range times {
		want := time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
		if got := string(AppendTime(nil, ns)); got != want {
			t.Fatalf("%d: got %s, want %s", ns, got, want)
		}
	}
}
