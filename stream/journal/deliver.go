package journal

import (
	"bytes"
	"cmp"
	"slices"
)

// mail is the labels of one id on the way to its histories.
type mail struct {
	id     []byte
	labels []Waiting
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
func (b *builder) deliver(w *waitingSet, s *store, find finder) ([]wait, error) {
	post := b.post()
	changes := []wait{}
	places := map[labelPlace]int32{}
	if len(post) > 0 || w.len() > 0 {
		for i := range b.ids {
			at := &b.ids[i]
			if at.recalled {
				continue // the transaction may come yet
			}
			if bucket, ok := w.at(at.id); ok && !slices.ContainsFunc(changes, func(c wait) bool { return c.id == at.id }) {
				labels, err := w.read(s, at.id, bucket)
				if err != nil {
					return nil, err
				}
				m := post[at.id]
				if m == nil {
					m = &mail{id: b.idOf(at)}
					post[at.id] = m
				}
				m.labels = append(m.labels, labels...)
				changes = append(changes, wait{id: at.id, bucket: bucket})
			}
			if m := post[at.id]; m != nil && at.members >= 0 {
				for _, g := range b.members[at.members : int(at.members)+len(b.names)] {
					if g >= 0 {
						b.put(g, m)
					}
				}
			}
		}
		for i := range b.ids {
			if at := &b.ids[i]; !at.recalled {
				delete(post, at.id)
			}
		}
	}
	for id, m := range post {
		change, err := b.forward(id, m, w, s, find, places)
		if err != nil {
			return nil, err
		}
		if change != nil {
			changes = append(changes, *change)
		}
	}
	slices.SortFunc(changes, func(x, y wait) int {
		if c := cmp.Compare(x.bucket, y.bucket); c != 0 {
			return c
		}
		return x.id.compare(y.id)
	})
	return changes, nil
}

// idOf gives the id of an entry.
func (b *builder) idOf(at *idAt) []byte {
	r := reader{b: b.values[at.value : at.value+int(at.length)]}
	r.byte()
	return r.take(r.uvarint())
}

// post gives the labels of the cut by the hash of their ids.
func (b *builder) post() map[hash]*mail {
	post := map[hash]*mail{}
	for _, s := range b.segments {
		for i := range s.labels {
			l := &s.labels[i]
			id := s.buf[l.start:l.end]
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

// forward brings labels to the histories of a transaction that the journal
// holds, or lets them wait.
func (b *builder) forward(id hash, m *mail, w *waitingSet, s *store, find finder, places map[labelPlace]int32) (*wait, error) {
	var d decidedID
	ok, err := find(id, &d)
	if err != nil {
		return nil, err
	}
	if ok && (d.decided.Taken || d.decided.Body[0] != 0) { // else the transaction may come yet
		bucket := bucketOf(d.decided.Time, b.st.Bucket)
		if _, live := b.st.Events[bucket]; !live {
			return nil, nil // what it belongs to has been forgotten
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
		return nil, nil
	}
	bucket, waits := w.at(id)
	if !waits {
		bucket = bucketOf(m.labels[0].Time, b.st.Bucket)
	} else {
		before, err := w.read(s, id, bucket)
		if err != nil {
			return nil, err
		}
		m.labels = append(before, m.labels...)
	}
	return &wait{id: id, bucket: bucket, labels: distinct(m.labels), fresh: !waits}, nil
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
