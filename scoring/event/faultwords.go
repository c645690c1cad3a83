package event

// newFault puts a fault into words. None of them is the message's.
func newFault(code Code, f *Field, offset int) *Fault {
	fault := &Fault{Code: code, Offset: offset, Message: codeWords[code]}
	if f != nil {
		fault.Field = f.Name
		fault.Message = placeOf(f) + " " + fieldWords(code, f)
	}
	return fault
}

// placeOf names a field as the message does, and as the schema does where that is
// something else: who looks at a file has not the schema in mind.
func placeOf(f *Field) string {
	if f.From == "" || f.From == f.Name {
		return f.Name
	}
	return f.From + " (" + f.Name + " in the schema)"
}

// codeWords says what is wrong with a message as a whole.
var codeWords = map[Code]string{
	Malformed:    "the message is not valid JSON",
	NotAnObject:  "the message is not a JSON object",
	TrailingData: "something follows after the JSON object",
	TooDeep:      "the message is nested too deep",
	BadUTF8:      "the message is not valid UTF-8",
	DuplicateKey: "a name stands twice in one object",
}

// fieldWords says what is wrong with a field.
func fieldWords(code Code, f *Field) string {
	switch code {
	case Malformed:
		return "is not valid JSON, or what follows it"
	case TooDeep:
		return "is nested too deep"
	case BadUTF8:
		return "is not valid UTF-8"
	case DuplicateKey:
		return "stands twice"
	case MissingField:
		return "is missing"
	case WrongType:
		return "must be " + wantedType(f)
	case OutOfRange:
		return rangeWords(f.Type)
	case UnknownCurrency:
		return "is not a currency of ISO 4217 (three upper-case letters)"
	case UnknownCountry:
		return "is not a country of ISO 3166 (two upper-case letters)"
	case NoRate:
		return "can't be converted: there is no exchange rate for the date"
	}
	return valueWords(f)
}

func wantedType(f *Field) string {
	switch f.Type {
	case TypeString:
		return "a string or an integer"
	case TypeInteger:
		return "an integer without fraction and exponent"
	case TypeNumber:
		return "a number"
	case TypeMoney:
		return "a decimal number, or one in a string"
	case TypeBool:
		return "true or false"
	case TypeTimestamp:
		if f.Unit != 0 {
			return "an integer, or an RFC 3339 time in a string"
		}
		return "an RFC 3339 time in a string"
	case typeFlag:
		return "true or false, or 1 or 0"
	}
	return "a string"
}

func rangeWords(t Type) string {
	switch t {
	case TypeMoney:
		return "is negative or too large"
	case TypeTimestamp:
		return "is not in the years 1970 to 2261"
	}
	return "is too large"
}

func valueWords(f *Field) string {
	switch f.Type {
	case TypeMoney:
		return "is no decimal number, or has more digits after the point than its currency"
	case TypeTimestamp:
		return "is no RFC 3339 time such as 2026-03-31T23:59:59.5Z"
	case TypeIP:
		return "is no IP address"
	case TypeString:
		return "must not be empty"
	case TypeBool:
		return "is neither true nor false"
	case typeFlag:
		return "is not true, false, 1 or 0"
	}
	return "is no " + f.Type.String()
}
