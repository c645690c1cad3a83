package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// A Layout names the fields of stored transactions in the order of their
// values, so that what was stored under another schema can still be read.
type Layout []LayoutField

// LayoutField is what there is to know of a field to read its stored values.
type LayoutField struct {
	Name string
	Type Type

	// Of a money field: its own currency, or the field that names it. Such a field
	// is not in the layout if it is secret.
	Currency     string
	CurrencyFrom string
	// Base is the currency that the amounts were converted to, "" if they were not.
	Base string
}

// StoredLayout gives the layout of what AppendStored writes of this schema's
// transactions: the fields that are not secret, in their order.
func (s *Schema) StoredLayout() Layout {
	l := Layout{}
	for i := range s.Fields {
		f := &s.Fields[i]
		if f.Secret {
			continue
		}
		field := LayoutField{Name: f.Name, Type: f.Type}
		if f.Type == TypeMoney {
			field.Currency, field.Base = f.Currency, s.BaseCurrency
			if f.CurrencyFrom >= 0 {
				field.CurrencyFrom = s.Fields[f.CurrencyFrom].Name
			}
		}
		l = append(l, field)
	}
	return l
}

// Equal reports whether values of one layout can be read as those of the other.
func (l Layout) Equal(m Layout) bool { return slices.Equal(l, m) }

// layoutText is a LayoutField as it is written.
type layoutText struct {
	Name         string `json:"name"`
	Type         string `json:"type"`
	Currency     string `json:"currency,omitempty"`
	CurrencyFrom string `json:"currency_from,omitempty"`
	Base         string `json:"base,omitempty"`
}

// MarshalText writes the layout as a JSON array.
func (l Layout) MarshalText() ([]byte, error) {
	list := make([]layoutText, len(l))
	for i, f := range l {
		list[i] = layoutText{f.Name, f.Type.String(), f.Currency, f.CurrencyFrom, f.Base}
	}
	return json.Marshal(list)
}

// UnmarshalText reads what MarshalText wrote. What a later version may have
// added is refused, since the values can't be read without it.
func (l *Layout) UnmarshalText(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var list []layoutText
	if err := d.Decode(&list); err != nil {
		return fmt.Errorf("the layout of stored transactions can't be read (was it written by a later version?): %w", err)
	}
	*l = make(Layout, len(list))
	for i, f := range list {
		t := slices.Index(typeNames, f.Type)
		if t < 0 {
			return fmt.Errorf("the stored field %s has the unknown type %q; it was written by a later version", f.Name, f.Type)
		}
		(*l)[i] = LayoutField{f.Name, Type(t + 1), f.Currency, f.CurrencyFrom, f.Base}
	}
	return nil
}
