package history

import "sluice/scoring/event"

// shape says where the parts of a stored transaction (a row) lie in its block:
// a head, the keys of its entities, a word a field (text as its hash), the ends
// of the texts, the texts. Secret fields are not in it.
type shape struct {
	keys  int   // offset of the entity keys
	at    []int // offset of each field's word, -1 of secret ones
	text  []int // index of each field among the texts, -1 if it is none
	texts []int // the fields that are texts
	ends  int   // offset of the texts' ends, two a word
	body  int   // offset of the texts
}

// The head of a row.
const (
	rowID       = 0 // IDKey, two words
	rowTime     = 2
	rowCurrency = 3
	rowCount    = 4 // number of histories (low 32), verdict (8), number of labels (16)
	rowLinks    = 5 // handle of the labels (low 32), length of the texts (high 32)
	rowHead     = 6
)

func isText(t event.Type) bool {
	switch t {
	case event.TypeString, event.TypeIP, event.TypeCountry, event.TypeCurrency:
		return true
	}
	return false
}

func newShape(schema *event.Schema) shape {
	h := shape{keys: rowHead}
	next := rowHead + 2*len(schema.Entities)
	for i := range schema.Fields {
		f := &schema.Fields[i]
		at, text := -1, -1
		if !f.Secret {
			at = next
			next++
			if isText(f.Type) {
				text = len(h.texts)
				h.texts = append(h.texts, i)
			}
		}
		h.at = append(h.at, at)
		h.text = append(h.text, text)
	}
	h.ends = next
	h.body = next + (len(h.texts)+1)/2
	return h
}
