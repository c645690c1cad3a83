package event

// Missing is the word of a field, or of a column of a history, that has no
// value. It is the smallest int64, which integers and money never take, and
// the bits of -0.0, which decoding turns into 0.
const Missing uint64 = 1 << 63

// Kind is the kind of a scalar in the rule language.
type Kind uint8

// The kinds of scalars. Money has none of its own: it is a Float outside
// (minor units / 10^scale) and an Int as minor units.
const (
	None   Kind = iota // a missing value
	Bool               // Bits is 0 or 1
	Int                // Bits is an int64
	Float              // Bits is a float64, never NaN or an infinity
	String             // Text
	Time               // Bits is an int64: nanoseconds since 1970-01-01 UTC
)

// Value is a scalar of the rule language, or a missing one (the zero Value).
type Value struct {
	Kind Kind
	Bits uint64
	Text string // of a String
}

// Form says which scalar of a transaction a Column reads.
type Form uint8

// The forms of a column. SecondsAgo, Fraud and Verdict exist only for past events.
const (
	Plain      Form = iota // the field itself; of money: minor/10^scale as a Float
	Minor                  // the minor units of a money field, an Int
	Hour                   // of the event time, in the schema's zone, 0 to 23 (Field is -1)
	Weekday                // of the event time, in the schema's zone, Monday is 1, Sunday 7 (Field is -1)
	SecondsAgo             // current event time minus the past event's, a Float (Field is -1)
	Fraud                  // what labels with a time <= the current event's say, a Bool (Field is -1)
	Verdict                // the verdict given: "allow", "review" or "deny", a String (Field is -1)
)

// Column names one scalar of a transaction: a field of the schema, or
// something that Sluice adds. It is comparable.
type Column struct {
	Field int // index into Schema.Fields, -1 where Form says it all
	Form  Form
}

// Key is a keyed 128-bit hash of an id or of an entity's value. The zero Key
// means that the value is missing or empty.
type Key [2]uint64
