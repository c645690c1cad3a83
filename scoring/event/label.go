package event

// Label decodes a label into dst. stamp is the record's timestamp (ns), taken
// where the label does not say when it became known; NoTime: there is none. The
// error is a *Fault.
func (d *Decoder) Label(dst *Label, msg []byte, stamp int64) error {
	m := d.schema.Label
	if m == nil || m.reading == nil {
		return &Fault{Code: NoLabels, Offset: -1, Message: "the schema does not say what a label looks like; add label: to it"}
	}
	c := &d.label
	c.begin(d.labelWord, d.labelText)
	fault := d.read(c, msg)
	d.labelWord, d.labelText = c.words, c.text
	if fault != nil {
		return fault
	}
	for _, i := range c.layout.must {
		if c.words[i] == Missing {
			return newFault(MissingField, &c.layout.fields[i], len(msg))
		}
	}
	t := c.layout.fields[labelID].Type
	id := appendWord(c.scratch[:0], t, c.words[labelID], c.text)
	c.scratch = id
	if len(id) == 0 {
		return newFault(BadValue, &c.layout.fields[labelID], len(msg))
	}
	dst.IDKey, dst.ID = idKey(t, id), string(id)
	dst.Fraud = c.words[m.value] == 1
	dst.Time, dst.TxTime = stamp, NoTime
	if i := m.time; i >= 0 && c.words[i] != Missing {
		dst.Time = int64(c.words[i])
	}
	if i := m.txTime; i >= 0 && c.words[i] != Missing {
		dst.TxTime = int64(c.words[i])
	}
	if dst.Time == NoTime {
		return &Fault{Code: MissingField, Field: "time", Offset: -1, Message: "the label does not say when it became known, and its record has no timestamp in milliseconds that would"}
	}
	d.labelEntities(dst)
	return nil
}

// labelEntities fills in the entities, and leaves nil if the label names none.
func (d *Decoder) labelEntities(dst *Label) {
	dst.Entities = d.label.entities(dst.Entities, d.keys, nil)
	for _, k := range dst.Entities {
		if k != (Key{}) {
			return
		}
	}
	dst.Entities = nil
}

// fieldsOfEntities gives the pseudo field of each entity, -1 for those that a
// label does not hold.
func (m *LabelMapping) fieldsOfEntities(n int) []int {
	fields := make([]int, n)
	for i := range fields {
		fields[i] = -1
	}
	for i, e := range m.Entities {
		fields[e.Entity] = labelEntity + i
	}
	return fields
}
