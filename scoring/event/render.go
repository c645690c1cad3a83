package event

// AppendJSON appends a transaction as the JSON message that it could have come
// from: members where the schema's from says, amounts in their own currency.
// It holds the secret fields, since who reads it may need them; AppendPublicJSON
// leaves them out.
func AppendJSON(dst []byte, tx *Transaction) []byte {
	w := writer{layout: tx.Schema.layout(), has: func(i int) bool { return tx.Words[i] != Missing }, put: tx.appendMember}
	return w.object(dst, 0)
}

// AppendPublicJSON is AppendJSON without the secret fields: what may be stored
// and passed on.
func AppendPublicJSON(dst []byte, tx *Transaction) []byte {
	has := func(i int) bool { return tx.Words[i] != Missing && !tx.Schema.Fields[i].Secret }
	w := writer{layout: tx.Schema.layout(), has: has, put: tx.appendMember}
	return w.object(dst, 0)
}

// AppendLabelJSON appends the label that says that a transaction was a fraud,
// known at a time (ns), in the shape of the schema's label mapping. The schema
// must have one.
func AppendLabelJSON(dst []byte, tx *Transaction, at int64) []byte {
	m := tx.Schema.Label
	source := func(i int) int { // the transaction's field of a pseudo field
		switch {
		case i == labelID:
			return tx.Schema.ID
		case i == m.txTime:
			return tx.Schema.Time
		case i < labelTimes(m):
			return tx.Schema.Entities[m.Entities[i-labelEntity].Entity]
		}
		return -1
	}
	w := writer{
		layout: m.reading,
		has: func(i int) bool {
			f := source(i)
			return f < 0 || tx.Words[f] != Missing
		},
		put: func(dst []byte, i int) []byte {
			switch i {
			case m.value:
				return append(dst, "true"...)
			case m.time:
				return append(AppendTime(append(dst, '"'), at), '"')
			}
			return tx.appendMember(dst, source(i))
		},
	}
	return w.object(dst, 0)
}

// writer writes the members of a layout that have a value.
type writer struct {
	layout *layout
	has    func(field int) bool
	put    func(dst []byte, field int) []byte
}

func (w *writer) object(dst []byte, node int) []byte {
	dst = append(dst, '{')
	first := true
	for _, i := range w.layout.nodes[node].members {
		m := &w.layout.members[i]
		if !w.any(m) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(AppendString(dst, m.name), ':')
		if m.field >= 0 {
			dst = w.put(dst, m.field)
		} else {
			dst = w.object(dst, m.node)
		}
	}
	return append(dst, '}')
}

// any reports whether a member has anything to write.
func (w *writer) any(m *member) bool {
	if m.field >= 0 {
		return w.has(m.field)
	}
	for _, i := range w.layout.nodes[m.node].members {
		if w.any(&w.layout.members[i]) {
			return true
		}
	}
	return false
}

// appendMember appends a field's value as JSON.
func (t *Transaction) appendMember(dst []byte, field int) []byte {
	f := &t.Schema.Fields[field]
	switch f.Type {
	case TypeMoney:
		return t.appendAmount(dst, field)
	case TypeInteger, TypeNumber, TypeBool:
		return t.appendText(dst, field)
	case TypeTimestamp:
		return append(t.appendText(append(dst, '"'), field), '"')
	}
	text, _ := t.String(field)
	return AppendString(dst, text)
}

// appendAmount appends an amount as it was before a conversion.
func (t *Transaction) appendAmount(dst []byte, field int) []byte {
	if t.Schema.BaseCurrency == "" {
		return t.appendText(dst, field)
	}
	f := &t.Schema.Fields[field]
	code, _ := CurrencyCode([]byte(f.Currency))
	if f.CurrencyFrom >= 0 {
		name, _ := t.String(f.CurrencyFrom)
		code, _ = CurrencyCode(name)
	}
	return appendMinor(dst, t.Original[t.Schema.layout().numbers[field]], CurrencyScale(code))
}

// AppendString appends a text as a JSON string.
func AppendString[T string | []byte](dst []byte, text T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	dst = append(dst, text[from:]...)
	return append(dst, '"')
}
