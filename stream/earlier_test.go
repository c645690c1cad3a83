package stream

import (
	"math/rand/v2"
	"testing"

	"sluice/scoring/event"
)

func TestEarlier(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n = 100_000
	f := newEarlier(n)
	ids := make([]event.Key, n)
	for i := range ids {
		ids[i] = event.Key{r.Uint64(), r.Uint64()}
		f.add(ids[i])
	}
	for _, id := range ids {
		if !f.mayHold(id) {
			t.Fatal("an id that was added is not there")
		}
	}
	wrong := 0
	for range n {
		if f.mayHold(event.Key{r.Uint64(), r.Uint64()}) {
			wrong++
		}
	}
	if wrong > n/40 {
		t.Errorf("%d of %d others seem to be there", wrong, n)
	}
	if newEarlier(0).mayHold(event.Key{1, 2}) {
		t.Error("the empty filter holds something")
	}
}
