package event

import (
	"encoding/binary"
	"hash/maphash"
)

// The seeds of this process. They are made once and never change, so that
// nobody who writes payments can aim at collisions; no hash outlives the process.
var (
	seed  = maphash.MakeSeed()
	seed2 = maphash.MakeSeed()
)

// Hash is the keyed hash of a text column. It is never Missing. Equal texts
// have equal hashes within this process, and only there.
func Hash(text []byte) uint64 {
	h := maphash.Bytes(seed, text)
	if h == Missing {
		return 1
	}
	return h
}

// HashKey is the keyed 128-bit hash of an entity's value; its first half is
// Hash. The empty text has the zero Key, no other text has it.
func HashKey(text []byte) Key {
	if len(text) == 0 {
		return Key{}
	}
	return keyOf(Hash(text), text)
}

// keyOf completes a Key whose first half is known.
func keyOf(h uint64, text []byte) Key {
	k := Key{h, maphash.Bytes(seed2, text)}
	if k == (Key{}) {
		return Key{1, 1}
	}
	return k
}

// The tags keep the ids of different types apart: the integer 7 is not the text "7".
const (
	tagInteger uint64 = 0x9e3779b97f4a7c15
	tagString  uint64 = 0xd1b54a32d192ed03
)

// idKey hashes the canonical text of an id.
func idKey(t Type, text []byte) Key {
	tag := tagString
	if t == TypeInteger {
		tag = tagInteger
	}
	k := Key{maphash.Bytes(seed, text) ^ tag, maphash.Bytes(seed2, text) ^ tag}
	if k == (Key{}) {
		return Key{1, 1}
	}
	return k
}

// bodyKey hashes what a transaction says, whatever the order of its members
// was: the words, those of text replaced by their hashes, and the amounts as
// they were before a conversion. Secret fields are left out, since they are not
// stored and the Body of a stored transaction must be the same.
func (t *Transaction) bodyKey(scratch []byte) (Key, []byte) {
	b := scratch[:0]
	for i := range t.Schema.Fields {
		w := t.Words[i]
		if t.Hashes[i] != Missing {
			w = t.Hashes[i]
		}
		if t.Schema.Fields[i].Secret {
			w = Missing
		}
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	if len(t.Original) > 0 {
		money := 0
		for i := range t.Schema.Fields {
			f := &t.Schema.Fields[i]
			if f.Type != TypeMoney {
				continue
			}
			if !f.Secret {
				b = binary.LittleEndian.AppendUint64(b, t.Original[money])
			}
			money++
		}
	}
	return Key{maphash.Bytes(seed, b), maphash.Bytes(seed2, b)}, b
}
