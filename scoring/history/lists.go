package history

// list copies the newest MaxList events of a window.
func (r *run) list(l *listing, out *List) {
	low, high := r.s.ranks[l.from], r.s.ranks[l.to]
	if l.newest > 0 {
		low = r.newest(low, high, l.newest)
	}
	*out = List{Values: out.Values[:0], Currencies: out.Currencies[:0]}
	if r.size(low, high) > MaxList {
		out.Approx = true
		low = r.newest(low, high, MaxList)
	}
	for rank := low; rank < high; {
		at, n := r.stretch(rank, high)
		if n == 0 {
			return // lacking
		}
		for i := range n {
			if rank+i != r.self {
				at.i += i
				r.event(l, at, out)
				at.i -= i
			}
		}
		rank += n
	}
}

// stretch gives the entry at a rank, and how many from it on, but for those
// from rank high on, lie side by side.
func (r *run) stretch(rank, high int) (spot, int) {
	e := r.s.entry(r.k, r.h, rank)
	end := int(r.h.head) + int(r.h.n)
	if e.path != nil {
		x := e.path[len(e.path)-1]
		if x.away != 0 {
			r.s.lack(r.s.hots[r.h.hot], x)
			return spot{}, 0
		}
		x.touched = r.s.cut
		l := &x.leaf
		end = int(l.head) + int(l.n)
	}
	return spot{e.block, e.size, e.i}, min(high-rank, end-e.i)
}

// event appends an event to a list.
func (r *run) event(l *listing, at spot, out *List) {
	s := r.s
	s.cursor = cursor{r.k.layout, at.block, at.size, at.i}
	past := Past{s, &s.cursor, handle(at.block[metaWord*at.size+at.i]), r.tx.Time}
	for _, c := range l.query.Columns {
		out.Values = append(out.Values, past.Value(c))
	}
	currency := s.currency
	if s.multi {
		currency = at.block[(firstCol+r.k.currency)*at.size+at.i]
	}
	out.Currencies = append(out.Currencies, currency)
	out.N++
}
