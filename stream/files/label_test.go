package files

import (
	"strings"
	"testing"

	"sluice/scoring/event"
)

func TestLabelMember(t *testing.T) {
	schema, err := event.LoadSchema("../../configs/handbook/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := newLabelMember(schema)
	for _, c := range []struct {
		line       string
		fraud, has bool
		fault      string
	}{
		{`{"transaction_id":1}`, false, false, ""},
		{`{"tx_fraud":1}`, true, true, ""},
		{`{"tx_fraud":"1"}`, true, true, ""},
		{`{"tx_fraud":true}`, true, true, ""},
		{`{"tx_fraud": 0 }`, false, true, ""},
		{`{"tx_fraud":false}`, false, true, ""},
		{`{"tx_fraud":null}`, false, false, ""},
		{`{"other":"tx_fraud"}`, false, false, ""},
		{`{"tx_fraud":2}`, false, false, "a label is true or false"},
	} {
		fraud, has, err := m.read([]byte(c.line))
		if fraud != c.fraud || has != c.has || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: fraud %v, label %v, %v", c.line, fraud, has, err)
		}
	}
}
