package history

import "math/bits"

// A handle names a block of a slab; 0 names none.
type handle = uint32

const (
	unitWords = 2             // a block is a multiple of as many words
	pageBits  = 14            // a page has up to 1<<pageBits units: 256 KiB
	pageUnits = 1 << pageBits // in one page
	maxPages  = 1 << (32 - pageBits)
	oddUnits  = pageUnits / 8       // larger blocks have a page of their own
	freeEnd   = ^uint64(0)          // ends a list of free blocks
	noPage    = int32(-1)           // ends a list of pages
	classes   = 4*(pageBits+3) + 16 // more than sizeClass ever gives
)

// slab holds blocks of words of many sizes in large pages without pointers, so
// that the garbage collector has nothing to look at. Each page holds blocks of
// one size class; an empty page goes back to the collector.
type slab struct {
	pages []page  // the first is never used, so that no handle is 0
	spare []int32 // indexes of pages that were given back
	avail [classes]int32
	made  [classes]uint8 // how often a page of the class was made, it grows with it
	words int64          // in all pages
}

type page struct {
	words      []uint64
	free       uint64 // offset of the first free block, whose first word is the next one's
	used       uint32 // words handed out so far, freed ones included
	live       uint32 // blocks
	class      int32
	prev, next int32 // in the list of pages with room
	listed     bool
}

func newSlab() slab {
	s := slab{pages: make([]page, 1)}
	for i := range s.avail {
		s.avail[i] = noPage
	}
	return s
}

// sizeClass gives the class of a block of n units: exact up to 8, then four
// classes a doubling.
func sizeClass(n int) (class, units int) {
	if n <= 8 {
		return n, n
	}
	shift := bits.Len(uint(n-1)) - 3
	steps := (n - 1) >> shift // 4 to 7
	return 8 + 4*(shift-1) + steps - 3, (steps + 1) << shift
}

// blockWords gives the size of the block that alloc hands out for n words.
func blockWords(n int) int {
	units := (n + unitWords - 1) / unitWords
	if units > oddUnits {
		return units * unitWords
	}
	_, units = sizeClass(max(units, 1))
	return units * unitWords
}

// alloc hands out a block of at least n words. Its content is undefined.
func (s *slab) alloc(n int) handle {
	units := max((n+unitWords-1)/unitWords, 1)
	if units > oddUnits {
		return s.allocOdd(units)
	}
	class, units := sizeClass(units)
	i := s.avail[class]
	if i == noPage {
		i = s.grow(class, units)
	}
	p := &s.pages[i]
	p.live++
	off := uint64(p.used)
	if p.free != freeEnd {
		off = p.free
		p.free = p.words[off]
	} else {
		p.used += uint32(units * unitWords)
	}
	if p.free == freeEnd && int(p.used)+units*unitWords > len(p.words) {
		s.unlist(i)
	}
	return handle(i)<<pageBits | handle(off/unitWords)
}

func (s *slab) allocOdd(units int) handle {
	i := s.newPage(units * unitWords)
	s.pages[i].class = -1
	s.pages[i].live = 1
	return handle(i) << pageBits
}

// grow makes a page for a class: small at first, for small stores.
func (s *slab) grow(class, units int) int32 {
	n := pageUnits / units
	if small := 8 << (2 * s.made[class]); small < n {
		n = small
		s.made[class]++
	}
	i := s.newPage(n * units * unitWords)
	s.pages[i].class = int32(class)
	s.list(i)
	return i
}

func (s *slab) newPage(words int) int32 {
	i := int32(len(s.pages))
	if n := len(s.spare); n > 0 {
		i = s.spare[n-1]
		s.spare = s.spare[:n-1]
	} else {
		if len(s.pages) == maxPages {
			panic("history: 64 GiB of one kind are in memory, more can't be addressed; shorten the retention or split the load")
		}
		s.pages = append(s.pages, page{})
	}
	s.pages[i] = page{words: make([]uint64, words), free: freeEnd}
	s.words += int64(words)
	return i
}

// free takes a block back.
func (s *slab) free(h handle) {
	i := int32(h >> pageBits)
	p := &s.pages[i]
	p.live--
	if p.live == 0 {
		s.drop(i)
		return
	}
	off := uint64(h&(pageUnits-1)) * unitWords
	p.words[off] = p.free
	p.free = off
	if !p.listed {
		s.list(i)
	}
}

func (s *slab) drop(i int32) {
	p := &s.pages[i]
	if p.listed {
		if p.prev == noPage && p.next == noPage { // keep one page a class
			p.used, p.free = 0, freeEnd
			return
		}
		s.unlist(i)
	}
	s.words -= int64(len(p.words))
	*p = page{}
	s.spare = append(s.spare, i)
}

func (s *slab) list(i int32) {
	p := &s.pages[i]
	first := s.avail[p.class]
	p.prev, p.next, p.listed = noPage, first, true
	if first != noPage {
		s.pages[first].prev = i
	}
	s.avail[p.class] = i
}

func (s *slab) unlist(i int32) {
	p := &s.pages[i]
	if p.prev == noPage {
		s.avail[p.class] = p.next
	} else {
		s.pages[p.prev].next = p.next
	}
	if p.next != noPage {
		s.pages[p.next].prev = p.prev
	}
	p.listed = false
}

// at gives the words of a block, and what follows it on its page.
func (s *slab) at(h handle) []uint64 {
	return s.pages[h>>pageBits].words[(h&(pageUnits-1))*unitWords:]
}

// reach is at for a block of at least n words that may have been freed since: nil
// if there are no such words any more, else perhaps those of another block.
func (s *slab) reach(h handle, n int) []uint64 {
	words, from := s.pages[h>>pageBits].words, int(h&(pageUnits-1))*unitWords
	if from+n > len(words) {
		return nil
	}
	return words[from:]
}

// classUnits gives the units of the blocks of a class.
func classUnits(class int) int {
	if class <= 8 {
		return class
	}
	return ((class-9)%4 + 5) << ((class-9)/4 + 1)
}

// spareBytes gives what no block has.
func (s *slab) spareBytes() int64 {
	words := s.words
	for i := range s.pages {
		p := &s.pages[i]
		if p.class < 0 {
			words -= int64(len(p.words))
			continue
		}
		words -= int64(p.live) * int64(classUnits(int(p.class))*unitWords)
	}
	return words * 8
}

// bytes gives what the slab occupies.
func (s *slab) bytes() int64 { return s.words*8 + int64(cap(s.pages))*64 }
