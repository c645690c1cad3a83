package history

import "testing"

// While a history is loaded, oldest first, what comes of it leaves memory again
// where that is short, also if newer payments are put aside for it meanwhile or
// were before.
func TestLoadedBeforeWhatWasPutAside(t *testing.T) {
	for _, aside := range []int64{0, 1, 2, 20} {
		for when := range int64(8) {
			s, m := outside(tiny())
			const past = 400
			for i := range int64(past) {
				if i == 21*when {
					putAside(s, m, past, aside)
				}
				s.Restore(0, cardKey, one(m, i, 1e18+i), "")
				s.Ease(0, cardKey, 1)
				if n := s.Stats().References; n > int(i)/2+60 { // of each leaf that has left one entry stays
					t.Fatalf("%d put aside at %d: after %d, %d are in memory", aside, when, i+1, n)
				}
			}
			s.Admit(0, cardKey)
			if n := s.kinds[0].table.find(cardKey).len(s); n != past+int(aside) {
				t.Errorf("%d put aside at %d: %d are held", aside, when, n)
			}
		}
	}
}

// A leaf counts its entries in 16 bits: one that all of a long past went to lost some.
func TestLongPastBeforeWhatWasPutAside(t *testing.T) {
	s, m := outside(defaults())
	s.Install(&Plan{Queries: []Query{{Span: Span{From: minRetention}, Agg: Count}}, Retention: minRetention})
	const past, piece = 90_000, 1 << 14
	for i := range int64(past) {
		s.Restore(0, cardKey, one(m, i, 1e18+i), "")
		if i%piece == piece-1 {
			if i == piece-1 {
				putAside(s, m, past, 1)
			}
			s.Ease(0, cardKey, 0)
		}
	}
	s.Admit(0, cardKey)
	tx, values := one(m, past+1, 1e18+past/2), make([]Value, 1)
	for round := 0; s.Lacks(tx); round++ {
		for _, c := range s.Lacking() {
			for i := range int64(past) {
				if at := 1e18 + i; at >= c.From && at <= c.To {
					s.Restore(0, cardKey, one(m, i, at), "")
				}
			}
			if s.Misses(&c) {
				t.Fatalf("%d entries are lost", c.Rows)
			}
		}
	}
	if s.Observe(tx, values, nil); values[0].Bits != past/2+1 {
		t.Errorf("%d are counted, want %d", values[0].Bits, past/2+1)
	}
}

// putAside remembers n payments newer than the first ones, in a cut of their own.
func putAside(s *Store, m maker, first, n int64) {
	for i := range n {
		s.Remember(one(m, first+i, 1e18+first+i))
	}
	s.SetCut(2)
}
