// Package wire speaks the two requests that carry the records, Fetch and
// Produce, over kafka-go's Transport: it finds the leader, dials, encrypts and
// logs in; the bytes are ours. A fetched batch stays one piece of memory that
// keys and values point into, and a produced one carries producer id, epoch
// and sequence, which kafka-go has no place for.
package wire

import "errors"

// ErrCorrupt is a record batch that can't be what was written: a wrong
// checksum, lengths that do not fit.
var ErrCorrupt = errors.New("damaged record batch")

// Attributes of a batch.
const (
	compressionMask = 0x07
	logAppendTime   = 0x08
	transactional   = 0x10
	control         = 0x20
)

// Places in the header of a record batch.
const (
	atLength       = 8
	atMagic        = 16
	atCRC          = 17
	atAttributes   = 21
	atLastDelta    = 23
	atFirstTime    = 27
	atMaxTime      = 35
	atProducer     = 43
	atEpoch        = 51
	atSequence     = 53
	atCount        = 57
	headerSize     = 61
	lengthIncludes = 12 // bytes before what the length counts
)
