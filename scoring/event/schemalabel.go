package event

import "go.yaml.in/yaml/v3"

// label reads the mapping of labels.
func (r *schemaReader) label(top map[string]yamlEntry) {
	e, ok := top["label"]
	if !ok {
		return
	}
	a := r.mapping(e.value, "label", labelKeys)
	if a == nil {
		return
	}
	m := &LabelMapping{}
	var nodes []*yaml.Node
	var paths []string
	take := func(e yamlEntry, to *string) {
		*to, _ = r.path(e)
		nodes, paths = append(nodes, e.value), append(paths, *to)
	}
	for _, part := range []struct {
		key  string
		to   *string
		must bool
	}{{"id", &m.ID, true}, {"value", &m.Value, true}, {"time", &m.Time, false}, {"transaction_time", &m.TransactionTime, false}} {
		if at, ok := a[part.key]; ok {
			take(at, part.to)
		} else if part.must {
			r.fault(e.key, "label has no %s: what it is called in a label's message", part.key)
		}
	}
	if e, ok := a["entities"]; ok {
		m.Entities = r.labelEntities(e, take)
	}
	if e, ok := a["csv"]; ok {
		m.CSVValue = r.labelCSV(e)
	}
	r.clash(nodes, paths)
	if len(r.faults) == 0 {
		m.layOut(r.schema)
		r.schema.Label = m
	}
}

func (r *schemaReader) labelEntities(e yamlEntry, take func(yamlEntry, *string)) []LabelEntity {
	var names []string
	for _, f := range r.schema.Entities {
		names = append(names, r.schema.Fields[f].Name)
	}
	var list []LabelEntity
	for _, e := range r.entries(e.value, "entities") {
		i := r.schema.Field(e.key.Value)
		if i < 0 || r.schema.Fields[i].EntityIndex < 0 {
			r.fault(e.key, "%q is not an entity of the schema%s", e.key.Value, didYouMean(e.key.Value, names))
			continue
		}
		list = append(list, LabelEntity{Entity: r.schema.Fields[i].EntityIndex})
		take(e, &list[len(list)-1].From)
	}
	return list
}

func (r *schemaReader) labelCSV(e yamlEntry) string {
	a := r.mapping(e.value, "csv", []string{"value"})
	if a == nil {
		return ""
	}
	v, ok := a["value"]
	if !ok {
		r.fault(e.key, "csv has no value: the column of a transactions file that carries the label")
		return ""
	}
	column, _ := r.text(v)
	return column
}

// labelID and labelEntity are the pseudo fields that a label is decoded into
// first. The transaction's time, the value and the label's time follow, so that
// a label is written in this order.
const (
	labelID = iota
	labelEntity
)

// labelTimes is the first pseudo field behind the entities.
func labelTimes(m *LabelMapping) int { return labelEntity + len(m.Entities) }

// layOut makes the pseudo fields of a label.
func (m *LabelMapping) layOut(s *Schema) {
	unit := s.Fields[s.Time].Unit
	fields := []Field{{Name: "id", From: m.ID, Type: s.Fields[s.ID].Type, Required: true}}
	for _, e := range m.Entities {
		f := s.Fields[s.Entities[e.Entity]]
		fields = append(fields, Field{Name: f.Name, From: e.From, Type: f.Type})
	}
	m.time, m.txTime = -1, -1
	if m.TransactionTime != "" {
		m.txTime = len(fields)
		fields = append(fields, Field{Name: "transaction_time", From: m.TransactionTime, Type: TypeTimestamp, Unit: unit})
	}
	m.value = len(fields)
	fields = append(fields, Field{Name: "value", From: m.Value, Type: typeFlag, Required: true})
	if m.Time != "" {
		m.time = len(fields)
		fields = append(fields, Field{Name: "time", From: m.Time, Type: TypeTimestamp, Unit: unit})
	}
	m.reading = newLayout(fields)
}
