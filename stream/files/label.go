package files

import (
	"bytes"
	"encoding/json"
	"fmt"

	"sluice/scoring/event"
)

// labelMember finds the label that a transaction carries in a file of JSON
// lines: the member named like the column that carries it in CSV.
type labelMember struct {
	name   string
	quoted []byte // the name as JSON; nil: files carry no labels
}

func newLabelMember(schema *event.Schema) labelMember {
	if schema.Label == nil || schema.Label.CSVValue == "" {
		return labelMember{}
	}
	return labelMember{schema.Label.CSVValue, event.AppendString(nil, schema.Label.CSVValue)}
}

// read gives the label of a line that is a valid transaction; has is false if
// it carries none.
func (m labelMember) read(line []byte) (fraud, has bool, err error) {
	if m.quoted == nil || !bytes.Contains(line, m.quoted) {
		return false, false, nil // nearly every file: nothing is parsed twice
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(line, &members); err != nil {
		return false, false, err
	}
	switch value := string(members[m.name]); value {
	case "", "null", `""`:
		return false, false, nil
	case "1", "true", `"1"`, `"true"`:
		return true, true, nil
	case "0", "false", `"0"`, `"false"`:
		return false, true, nil
	}
	return false, false, fmt.Errorf("%s: a label is true or false, 1 or 0", m.name)
}
