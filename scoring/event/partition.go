package event

import "encoding/binary"

// KeyBytes appends the key that a transaction's records carry in Kafka: the
// text of the schema's key field, or of the id where that is missing or empty.
func KeyBytes(dst []byte, tx *Transaction) []byte {
	if key := tx.Schema.Key; key >= 0 && tx.Words[key] != Missing {
		n := len(dst)
		if dst = tx.appendText(dst, key); len(dst) > n {
			return dst
		}
	}
	return tx.appendText(dst, tx.Schema.ID)
}

// Partition says which of n partitions a key belongs to, as Java's clients do.
func Partition(key []byte, n int) int {
	return int(murmur2(key)&0x7fffffff) % n
}

// murmur2 is the 32-bit MurmurHash2 with the seed of Kafka's clients.
func murmur2(data []byte) uint32 {
	const m = 0x5bd1e995
	h := uint32(0x9747b28c) ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		k ^= k >> 24
		h = h*m ^ k*m
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(data[0])) * m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
