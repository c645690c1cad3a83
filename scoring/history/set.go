package history

// wordSet counts distinct words. Emptying it costs nothing.
type wordSet struct {
	slots []setSlot // a power of two
	round uint32
	list  []uint64
}

type setSlot struct {
	word  uint64
	round uint32 // of the set that holds it; others are empty
}

func (s *wordSet) reset() {
	s.list = s.list[:0]
	s.round++
	if s.round == 0 || s.slots == nil {
		s.slots = make([]setSlot, max(64, len(s.slots)))
		s.round = 1
	}
}

func (s *wordSet) add(w uint64) {
	mask := uint64(len(s.slots) - 1)
	for i := mix(w) & mask; ; i = (i + 1) & mask {
		slot := &s.slots[i]
		if slot.round != s.round {
			*slot = setSlot{w, s.round}
			s.list = append(s.list, w)
			if 2*len(s.list) > len(s.slots) {
				s.grow()
			}
			return
		}
		if slot.word == w {
			return
		}
	}
}

func (s *wordSet) grow() {
	s.slots = make([]setSlot, 2*len(s.slots))
	words := append([]uint64(nil), s.list...)
	s.list = s.list[:0]
	for _, w := range words {
		s.add(w)
	}
}
