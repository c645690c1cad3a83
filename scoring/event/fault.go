package event

// Code names a kind of fault; it is stable, and the label of a metric.
type Code string

// The codes of what is wrong with a message.
const (
	Malformed       Code = "malformed_json"   // not JSON, or for a CSV record the wrong number of columns
	NotAnObject     Code = "not_an_object"    // null, a list, a scalar, or nothing at all
	TrailingData    Code = "trailing_data"    // something after the object
	TooDeep         Code = "too_deep"         // nested deeper than MaxDepth
	Oversize        Code = "oversize"         // more bytes than Decoder.MaxBytes
	BadUTF8         Code = "bad_utf8"         // invalid bytes or half a surrogate pair
	DuplicateKey    Code = "duplicate_key"    // two members of one object with the same name
	MissingField    Code = "missing_field"    // a required field is absent or null
	WrongType       Code = "wrong_type"       // a value of another JSON type than the field's
	OutOfRange      Code = "out_of_range"     // a number or time past what the field holds, or a negative amount
	BadValue        Code = "bad_value"        // text or digits that the field's type does not allow
	UnknownCurrency Code = "unknown_currency" // not a currency of ISO 4217
	UnknownCountry  Code = "unknown_country"  // not a country of ISO 3166
	NoRate          Code = "no_rate"          // no exchange rate for the event's date
	NoLabels        Code = "no_labels"        // the schema does not say what a label looks like
)

// Fault says why a message is not a transaction or a label. It never holds any
// of the message's content: of its names only those of the schema.
type Fault struct {
	Code    Code
	Field   string // the schema's name of the field, "" if the fault is not in one
	Offset  int    // byte in the message where the fault is; in a CSV record the index of the column; -1: nowhere
	Message string
}

// Error gives the message.
func (f *Fault) Error() string { return f.Message }
