package lang

import "sluice/scoring/event"

// IsNumber reports whether a kind can be calculated with.
func (k Kind) IsNumber() bool { return k == Int || k == Float || k == Seconds }

// IsScalar reports whether a kind is that of a single value.
func (k Kind) IsScalar() bool { return k >= Bool && k <= Seconds }

// IsList reports whether a kind is a list's.
func (k Kind) IsList() bool { return k >= Events }

// Elem gives the kind of a list's elements, Invalid for other kinds.
func (k Kind) Elem() Kind {
	switch k {
	case Events:
		return Event
	case Bools:
		return Bool
	case Ints:
		return Int
	case Floats:
		return Float
	case Strings:
		return String
	case Times:
		return Time
	}
	return Invalid
}

// List gives the kind of a list of such elements, Invalid if there is none.
func (k Kind) List() Kind {
	switch k {
	case Event:
		return Events
	case Bool:
		return Bools
	case Int:
		return Ints
	case Float, Seconds:
		return Floats
	case String:
		return Strings
	case Time:
		return Times
	}
	return Invalid
}

// Words names a kind in the analyst's words.
func (k Kind) Words() string {
	switch k {
	case Nil:
		return "nil"
	case Bool:
		return "true or false"
	case Int, Float:
		return "a number"
	case String:
		return "text"
	case Time:
		return "a time"
	case Seconds:
		return "a number of seconds"
	case Event:
		return "a past transaction"
	case Events:
		return "a list of past transactions"
	case Bools:
		return "a list of true and false"
	case Ints, Floats:
		return "a list of numbers"
	case Strings:
		return "a list of texts"
	case Times:
		return "a list of times"
	}
	return "unknown"
}

// kindOf turns the kind of an event's scalar into one of the language.
func kindOf(k event.Kind) Kind {
	switch k {
	case event.Bool:
		return Bool
	case event.Int:
		return Int
	case event.Float:
		return Float
	case event.String:
		return String
	case event.Time:
		return Time
	}
	return Invalid
}
