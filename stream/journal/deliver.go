package journal

import (
	"bytes"
	"cmp"
	"iter"
	"maps"
	"slices"
)

// mail is the labels of one id on the way to its histories.
type mail struct {
	id     []byte
	labels []Waiting
	met    bool // its transaction is in the cut, with its histories
	seen   bool // it is in the cut, and at most an earlier one has the histories
}

// wait is a change of what waits: the labels of an id, none: they wait no more.
type wait struct {
	id     hash
	bucket uint16
	labels []Waiting
	fresh  bool // nothing of this id waited before
}

// deliver brings the labels of the cut, and those that have waited for its
// transactions, to the groups of their entities. It gives what changes among
// those that wait, in the order of their keys.
func (b *builder) deliver(w *waitingSet, s *store, known *state) ([]wait, error) {
	post := b.post()
	changes := []wait{}
	if len(post) > 0 || w.len() > 0 {
		if err := b.meet(post, w, s, &changes); err != nil {
			return nil, err
		}
	}
	if err := b.forward(post, w, s, known, &changes); err != nil {
		return nil, err
	}
	slices.SortFunc(changes, func(x, y wait) int {
		if c := cmp.Compare(x.bucket, y.bucket); c != 0 {
			return c
		}
		return x.id.compare(y.id)
	})
	return changes, nil
}

// meet brings labels to the transactions of the cut.
func (b *builder) meet(post map[hash]*mail, w *waitingSet, s *store, changes *[]wait) error {
	for at := range b.addressed(post, w) {
		if at.members == recalled {
			continue // the transaction may come yet
		}
		m := post[at.id]
		if bucket, ok := w.at(at.id); ok && (m == nil || !m.met && !m.seen) {
			labels, err := w.read(s, at.id, bucket)
			if err != nil {
				return err
			}
			if m == nil {
				m = &mail{id: b.idOf(at.entry)}
				post[at.id] = m
			}
			m.labels = append(m.labels, labels...)
			*changes = append(*changes, wait{id: at.id, bucket: bucket})
		}
		if m == nil {
			continue
		}
		if at.members < 0 {
			m.seen = true
			continue
		}
		m.met = true
		for _, g := range b.members[at.members : int(at.members)+len(b.names)] {
			if g >= 0 {
				b.put(g, m)
			}
		}
	}
	return nil
}

// addressed gives the entries that there may be labels for: those that are looked
// for where labels are few, and all of them where these are many.
func (b *builder) addressed(post map[hash]*mail, w *waitingSet) iter.Seq[*idAt] {
	return func(yield func(*idAt) bool) {
		if 4*w.len() > len(b.members) {
			for i := range b.bins {
				for k := range b.bins[i].ids {
					if !yield(&b.bins[i].ids[k]) {
						return
					}
				}
			}
			return
		}
		for _, id := range slices.SortedFunc(maps.Keys(w.with(post)), hash.compare) {
			ids := b.bins[id[0]>>56].ids
			for _, bucket := range b.days {
				n, _ := slices.BinarySearchFunc(ids, idAt{id: id, bucket: bucket, value: -1}, compareIDs)
				for ; n < len(ids) && ids[n].id == id && ids[n].bucket == bucket; n++ {
					if !yield(&ids[n]) {
						return
					}
				}
			}
		}
	}
}

// post gives the labels of the cut by the hash of their ids.
func (b *builder) post() map[hash]*mail {
	post := map[hash]*mail{}
	for _, s := range b.segments {
		for i := range s.labels {
			l := &s.labels[i]
			id := s.ids[l.start:l.end]
			h := b.st.Key.hash(id)
			m := post[h]
			if m == nil {
				m = &mail{id: id}
				post[h] = m
			}
			m.labels = append(m.labels, Waiting{Time: l.time, Fraud: l.fraud})
		}
	}
	return post
}

// labelPlace names the piece of labels of an entity in a bucket.
type labelPlace struct {
	bucket uint16
	entity uint64
}

// forwardAtOnce is how many ids are looked up at once.
const forwardAtOnce = 1000

// forward brings labels whose transactions are not in the cut on their way.
func (b *builder) forward(post map[hash]*mail, w *waitingSet, s *store, known *state, changes *[]wait) error {
	var unmet []lookup
	for id, m := range post {
		if !m.met {
			unmet = append(unmet, lookup{id: id})
		}
	}
	slices.SortFunc(unmet, func(x, y lookup) int { return x.id.compare(y.id) })
	places, live := map[labelPlace]int32{}, newest(known.IDs)
	for ids := range slices.Chunk(unmet, forwardAtOnce) {
		if err := s.look(live, ids); err != nil {
			return err
		}
		for i := range ids {
			var d decidedID
			ok, err := s.read(known, &ids[i], &d)
			if err != nil {
				return err
			}
			m := post[ids[i].id]
			if ok && (d.decided.Taken || d.decided.Body[0] != 0) {
				b.send(m, &d, places)
			} else if m.seen {
				// no history has taken it, nor will
			} else if err := b.keep(ids[i].id, m, w, s, changes); err != nil { // the transaction may come yet
				return err
			}
			ids[i].value = nil
		}
	}
	return nil
}

// send brings labels to the histories of a transaction that the journal holds,
// unless these have been forgotten.
func (b *builder) send(m *mail, d *decidedID, places map[labelPlace]int32) {
	bucket := bucketOf(d.decided.Time, b.st.Bucket)
	if _, live := b.st.Events[bucket]; !live {
		return
	}
	for _, e := range d.entities {
		at := labelPlace{bucket, e}
		g, ok := places[at]
		if !ok {
			b.groups = append(b.groups, group{entity: -1, labels: -1, bucket: bucket, hash: hash{e, 0}})
			g = int32(len(b.groups) - 1)
			places[at] = g
		}
		b.put(g, m)
	}
}

// keep lets labels wait for their transaction.
func (b *builder) keep(id hash, m *mail, w *waitingSet, s *store, changes *[]wait) error {
	bucket, waits := w.at(id)
	if !waits {
		bucket = bucketOf(m.labels[0].Time, b.st.Bucket)
	} else {
		before, err := w.read(s, id, bucket)
		if err != nil {
			return err
		}
		m.labels = append(before, m.labels...)
	}
	*changes = append(*changes, wait{id: id, bucket: bucket, labels: distinct(m.labels), fresh: !waits})
	return nil
}

// put adds labels to a group.
func (b *builder) put(g int32, m *mail) {
	for _, l := range m.labels {
		b.labels = append(b.labels, labelled{m.id, l, b.groups[g].labels})
		b.groups[g].labels = int32(len(b.labels) - 1)
	}
}

// distinct drops labels that say what another one says already: of one time,
// fraud stands.
func distinct(labels []Waiting) []Waiting {
	slices.SortFunc(labels, func(x, y Waiting) int {
		if c := cmp.Compare(x.Time, y.Time); c != 0 {
			return c
		}
		return bytes.Compare([]byte{bit(y.Fraud)}, []byte{bit(x.Fraud)})
	})
	return slices.CompactFunc(labels, func(x, y Waiting) bool { return x.Time == y.Time })
}
