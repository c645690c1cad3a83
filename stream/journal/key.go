package journal

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/dchest/siphash"

	"sluice/scoring/event"
)

// The keys, all numbers in big endian:
//
//	h | bucket (2) | hash of the entity (8) | number of the cut (4) [| piece (2)]
//	i | bucket (2) | hash of the id (16)
//	w | bucket (2) | hash of the id (16)
//	m
//
// A cut adds to a history under a key of its own rather than merging into a
// value that grows: the day of a large shop would be one value of gigabytes,
// copied whole at every compaction. The hash of the entity is the prefix that
// the Bloom filters know, so a history of all cuts is found by it.
const (
	keyHistory = 'h'
	keyID      = 'i'
	keyMeta    = 'm'
	keyWaiting = 'w'

	historyPrefix = 1 + 2 + 8
	idKeyBytes    = 1 + 2 + 16
)

// labelPiece is the piece of a cut that holds an entity's labels, behind its rows.
const labelPiece = math.MaxUint16

// hash is the journal's keyed hash.
type hash [2]uint64

// keyed hashes with the bytes that the journal made when it was new.
type keyed [2]uint64

func (k keyed) hash(b []byte) hash {
	lo, hi := siphash.Hash128(k[0], k[1], b)
	return hash{lo, hi}
}

// entity hashes the value of an entity; name is that of its field with a zero behind it.
func (k keyed) entity(name, value []byte, scratch *[]byte) hash {
	*scratch = append(append((*scratch)[:0], name...), value...)
	return k.hash(*scratch)
}

// body gives what Decided.Body says of the bytes of a body.
func (k keyed) body(b []byte) event.Key {
	return event.Key{max(k.hash(b)[0], 1), 0} // zero means that it is not known
}

func (h hash) compare(o hash) int {
	switch {
	case h[0] != o[0]:
		if h[0] < o[0] {
			return -1
		}
		return 1
	case h[1] != o[1]:
		if h[1] < o[1] {
			return -1
		}
		return 1
	}
	return 0
}

// bucketOf gives the bucket of a time. Times before 1970 and after some 179
// years of day-wide buckets share the first and the last one.
func bucketOf(t, width int64) uint16 {
	b := t / width
	return uint16(max(0, min(b, math.MaxUint16)))
}

func appendHistoryPrefix(b []byte, bucket uint16, entity uint64) []byte {
	b = binary.BigEndian.AppendUint16(append(b, keyHistory), bucket)
	return binary.BigEndian.AppendUint64(b, entity)
}

func appendHistoryKey(b []byte, bucket uint16, entity uint64, cut uint32, piece uint16) []byte {
	b = binary.BigEndian.AppendUint32(appendHistoryPrefix(b, bucket, entity), cut)
	if piece > 0 {
		b = binary.BigEndian.AppendUint16(b, piece)
	}
	return b
}

func appendIDKey(b []byte, kind byte, bucket uint16, id hash) []byte {
	b = binary.BigEndian.AppendUint16(append(b, kind), bucket)
	b = binary.BigEndian.AppendUint64(b, id[0])
	return binary.BigEndian.AppendUint64(b, id[1])
}

// bucketBounds gives the keys of a kind that lie in the buckets from..to-1.
func bucketBounds(kind byte, from, to int) (lower, upper []byte) {
	lower = binary.BigEndian.AppendUint16([]byte{kind}, uint16(from))
	if to > math.MaxUint16 {
		return lower, []byte{kind + 1}
	}
	return lower, binary.BigEndian.AppendUint16([]byte{kind}, uint16(to))
}

// parsedKey is a key taken apart.
type parsedKey struct {
	kind   byte
	bucket uint16
}

func parseKey(key []byte) (k parsedKey, err error) {
	k.kind = key[0]
	switch {
	case k.kind == keyMeta && len(key) == 1:
		return k, nil
	case k.kind == keyHistory && (len(key) == historyPrefix+4 || len(key) == historyPrefix+6):
	case (k.kind == keyID || k.kind == keyWaiting) && len(key) == idKeyBytes:
	default:
		return k, errors.New("a key has bytes that nobody wrote")
	}
	k.bucket = binary.BigEndian.Uint16(key[1:])
	return k, nil
}

// split gives how long the prefix of a key is that Bloom filters know.
func split(key []byte) int {
	if len(key) > historyPrefix && key[0] == keyHistory {
		return historyPrefix
	}
	return len(key)
}

// comparer orders keys by their bytes, and knows their prefixes.
func comparer() *pebble.Comparer {
	c := *pebble.DefaultComparer
	c.Name = "sluice.journal.1"
	c.Split = split
	c.ImmediateSuccessor = func(dst, prefix []byte) []byte {
		if len(prefix) != historyPrefix || prefix[0] != keyHistory {
			return append(append(dst, prefix...), 0)
		}
		return behind(dst, prefix)
	}
	return &c
}

// behind appends the first key that is above all with a prefix.
func behind(dst, prefix []byte) []byte {
	dst = append(dst, prefix...)
	for i := len(dst) - 1; ; i-- {
		if dst[i]++; dst[i] != 0 {
			return dst
		}
	}
}
