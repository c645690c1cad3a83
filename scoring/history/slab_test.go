package history

import (
	"math/rand/v2"
	"testing"

	"sluice/scoring/event"
)

func TestSlab(t *testing.T) {
	s := newSlab()
	r := rand.New(rand.NewPCG(1, 1))
	type block struct {
		h    handle
		n    int
		mark uint64
	}
	var held []block
	for i := range uint64(20000) {
		if len(held) > 0 && (r.IntN(2) == 0 || len(held) > 500) {
			k := r.IntN(len(held))
			b := held[k]
			for _, w := range s.at(b.h)[:b.n] {
				if w != b.mark {
					t.Fatalf("a block of %d words was overwritten", b.n)
				}
			}
			s.free(b.h)
			held[k] = held[len(held)-1]
			held = held[:len(held)-1]
			continue
		}
		n := 1 + r.IntN(100)
		if r.IntN(50) == 0 {
			n = 1 + r.IntN(3*pageUnits)
		}
		b := block{s.alloc(n), n, i}
		if b.h == 0 || blockWords(n) < n || blockWords(n) > n+n/4+4 {
			t.Fatalf("handle %d, %d words for %d", b.h, blockWords(n), n)
		}
		words := s.at(b.h)[:blockWords(n)]
		for j := range words {
			words[j] = i
		}
		held = append(held, b)
	}
	live := 0
	for _, b := range held {
		live += 8 * blockWords(b.n)
	}
	if s.bytes() > int64(2*live+8<<20) {
		t.Errorf("%d bytes are taken by %d", s.bytes(), live)
	}
	for _, b := range held {
		s.free(b.h)
	}
	if s.bytes() > 8<<20 {
		t.Errorf("%d bytes are taken by nothing", s.bytes())
	}
}

func TestSlabUsesRoomAgain(t *testing.T) {
	s := newSlab()
	var held [10]handle
	for i := range 100_000 {
		if i%100 == 0 { // these stay, so that pages are not empty
			s.alloc(10)
		}
		for i := range held {
			held[i] = s.alloc(10)
		}
		for _, h := range held {
			s.free(h)
		}
	}
	if s.bytes() > 1<<20 {
		t.Errorf("%d bytes are taken by 1000 small blocks", s.bytes())
	}
}

func TestTables(t *testing.T) {
	rows := newSlab()
	x := idIndex{rows: &rows}
	var table table
	want := map[event.Key]handle{}
	r := rand.New(rand.NewPCG(2, 2))
	var keys []event.Key
	for range 20000 {
		// Few bits, so that parts fill and probes are long.
		k := event.Key{uint64(r.IntN(3)) << 54, uint64(r.IntN(2000)) << 53 * 7}
		if k == (event.Key{}) {
			continue
		}
		if h, ok := want[k]; ok && r.IntN(2) == 0 {
			x.remove(k, h)
			rows.free(h)
			p := &table.parts[shardOf(k)]
			for i := range p.slots {
				if p.slots[i].key == k {
					table.removeAt(p, i)
					break
				}
			}
			delete(want, k)
			x.shrink(shardOf(k))
			p.shrink()
		} else if !ok {
			h := rows.alloc(rowHead)
			rows.at(h)[0], rows.at(h)[1] = k[0], k[1]
			x.add(k, h)
			table.add(k).block = h
			want[k] = h
			keys = append(keys, k)
		}
		k = keys[r.IntN(len(keys))]
		if got := x.find(k); got != want[k] {
			t.Fatalf("index gives %d, want %d", got, want[k])
		}
		if h := table.find(k); (h != nil) != (want[k] != 0) || h != nil && h.block != want[k] {
			t.Fatalf("table gives %v, want %d", h, want[k])
		}
	}
	if table.used != len(want) {
		t.Errorf("table counts %d, want %d", table.used, len(want))
	}
}

func TestClassUnits(t *testing.T) {
	for n := 1; n <= oddUnits; n++ {
		if class, units := sizeClass(n); classUnits(class) != units {
			t.Fatalf("class %d has %d units, not %d", class, units, classUnits(class))
		}
	}
}
