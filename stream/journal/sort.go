package journal

import (
	"cmp"
	"math/bits"
	"slices"
)

// place is where a group stands in the order of the keys.
type place struct {
	bucket uint16
	hash   uint64
	group  int32
}

func comparePlaces(x, y place) int {
	if c := cmp.Compare(x.bucket, y.bucket); c != 0 {
		return c
	}
	return cmp.Compare(x.hash, y.hash)
}

// sort brings the groups that are new since it was called last into the order
// of their keys.
func (b *builder) sort() {
	if len(b.order) == len(b.groups) {
		return
	}
	for i := len(b.order); i < len(b.groups); i++ {
		g := &b.groups[i]
		b.order = append(b.order, place{g.bucket, g.hash[0], int32(i)})
		if !slices.Contains(b.buckets, g.bucket) {
			b.buckets = append(b.buckets, g.bucket) // labels may be of any
		}
	}
	slices.Sort(b.buckets)
	width := bits.Len(uint(len(b.order) / len(b.buckets) / 4))
	b.byKey.sort(b.order, len(b.buckets)<<width, func(at *place) int {
		return slices.Index(b.buckets, at.bucket)<<width | int(at.hash>>1>>(63-width))
	}, comparePlaces)
}

func compareIDs(x, y idAt) int {
	if c := cmp.Compare(x.bucket, y.bucket); c != 0 {
		return c
	}
	if c := x.id.compare(y.id); c != 0 {
		return c
	}
	return cmp.Compare(x.value, y.value)
}

// sortIDs brings the ids of each bin into the order of their keys, those of one
// id in the order of the log.
func (b *builder) sortIDs() {
	slices.Sort(b.days)
	pile := func(at *idAt) int { return idBins*slices.Index(b.days, at.bucket) | int(at.id[0]>>48&(idBins-1)) }
	for i := range b.bins {
		b.byID.sort(b.bins[i].ids, idBins*len(b.days), pile, compareIDs)
	}
}

// idRuns gives the bins in the order of their keys, and in each the ids of one
// bucket, sorted.
func (b *builder) idRuns(yield func(*idBin, []idAt) bool) {
	for _, day := range b.days {
		for i := range b.bins {
			bin := &b.bins[i]
			from := bin.next
			for bin.next < len(bin.ids) && bin.ids[bin.next].bucket == day {
				bin.next++
			}
			if !yield(bin, bin.ids[from:bin.next]) {
				return
			}
		}
	}
}

// dealer sorts what is spread evenly: dealt out to piles that are in order,
// little is left to be compared.
type dealer[T any] struct {
	ends  []int32
	spare []T
}

// sort sorts by compare; pile gives 0 to piles-1, in the same order.
func (d *dealer[T]) sort(all []T, piles int, pile func(*T) int, compare func(x, y T) int) {
	if len(all) < 16 || piles > 8*len(all) {
		slices.SortFunc(all, compare)
		return
	}
	d.ends = slices.Grow(d.ends[:0], piles+1)[:piles+1]
	clear(d.ends)
	for i := range all {
		d.ends[pile(&all[i])+1]++
	}
	for i := 1; i < len(d.ends); i++ {
		d.ends[i] += d.ends[i-1]
	}
	d.spare = append(d.spare[:0], all...)
	for i := range d.spare {
		to := &d.ends[pile(&d.spare[i])]
		all[*to] = d.spare[i]
		*to++
	}
	from := int32(0)
	for _, to := range d.ends[:piles] {
		if to-from > 1 {
			slices.SortFunc(all[from:to], compare)
		}
		from = to
	}
}
