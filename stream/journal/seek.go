package journal

import "github.com/cockroachdb/pebble/v2"

// looksWithout is how many looks after a start go without the tables' Bloom
// filters. A filter is one block, of up to two megabytes, that is read whole
// before it answers, and a look asks dozens. Without them a look reads an index
// and a block in each table that may have the key: the first ones take a quarter
// of the time that way, and each later one up to two milliseconds more. From about
// as many on the filters have paid for themselves.
const looksWithout = 32

// seeker looks for prefixes of keys of one kind.
type seeker struct {
	*pebble.Iterator
	without bool // Bloom filters
}

// seeker gives one for a number of looks; it is to be closed.
func (s *store) seeker(kind byte, looks int) (seeker, error) {
	// By itself Pebble takes no look into the Bloom filters of the lowest level,
	// where nearly everything lies: it expects that what is asked for exists. Most
	// buckets of an entity do not, and of a new one none.
	o := &pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}, UseL6Filters: true}
	it, err := s.db.NewIter(o)
	return seeker{it, s.looks.Add(int64(looks)) <= looksWithout}, err
}

// seek goes to the first key that begins with a whole prefix, as Bloom filters
// know them; Next goes on to the others.
func (k seeker) seek(prefix []byte) bool {
	if !k.without {
		return k.SeekPrefixGE(prefix)
	}
	k.SetBounds(prefix, behind(nil, prefix))
	return k.First()
}
