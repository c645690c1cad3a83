package event

// MaxAhead is how far an event time may lie ahead of its arrival, in
// nanoseconds, before the arrival takes its place (5 minutes).
const MaxAhead = int64(5 * 60 * 1e9)

// Transaction is one decoded payment. Its slices are reused by the decoder
// that fills it; whoever keeps more than the batch copies.
type Transaction struct {
	Schema *Schema

	// Words holds one word a field, Missing where there is none: int64 for
	// integers, timestamps (ns since 1970 UTC) and money (minor units, in the
	// base currency if the schema has one), float64 bits for numbers, 0 or 1
	// for bools, and for text the place in Text: offset<<32 | length.
	Words []uint64
	Text  []byte

	// Original holds, with a base currency, the words of the money fields as they
	// were before the conversion, in minor units of their own currencies and in the
	// order of the fields; it is empty otherwise.
	Original []uint64

	// Hashes holds a keyed 64-bit hash a text field (never Missing), and
	// Missing for absent and other ones. Equal texts have equal hashes, in
	// every field and in every transaction of this process.
	Hashes []uint64
	// Entities holds the 128-bit hash of each entity's value, in the order of
	// Schema.Entities; the zero Key where it is missing or empty.
	Entities []Key

	IDKey Key // of the id
	Body  Key // of all fields but secret ones: tells a repeat from a conflict

	Time    int64 // event time, ns; the arrival where the event time was too far ahead
	Arrival int64 // ns
	Future  bool  // Time was replaced by Arrival

	// Currency is the currency of the money columns after decoding, as the
	// three bytes of its code in a word: with a base currency that one. 0 if
	// the schema has no money field or the event no currency.
	Currency uint64
}

// Arrive sets the arrival time and from it Time and Future.
func (t *Transaction) Arrive(arrival int64) {
	t.Arrival = arrival
	t.Time = int64(t.Words[t.Schema.Time])
	t.Future = t.Time > arrival+MaxAhead
	if t.Future {
		t.Time = arrival
	}
}

// MergeTime is where the transaction stands in the merge: the smaller of event
// time and arrival, in nanoseconds.
func (t *Transaction) MergeTime() int64 { return min(t.Time, t.Arrival) }

// String gives the text of a text field; ok is false if it is missing. The
// bytes belong to the transaction.
func (t *Transaction) String(field int) (text []byte, ok bool) {
	w := t.Words[field]
	if w == Missing {
		return nil, false
	}
	off := w >> 32
	return t.Text[off : off+w&0xffffffff], true
}

// Label says what a transaction turned out to be: a chargeback, an analyst's
// finding, or its reversal.
type Label struct {
	IDKey  Key
	ID     string // text of the id, for messages
	Time   int64  // when it became known, ns
	Fraud  bool
	TxTime int64 // event time of the transaction, ns; NoTime if the label does not say
	// Entities as in Transaction; nil if the label does not say.
	Entities []Key
}
