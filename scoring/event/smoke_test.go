package event

import "testing"

func TestSmoke(t *testing.T) {
	s, err := LoadSchema("../../configs/handbook/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d := NewDecoder(s)
	var tx Transaction
	msg := `{"transaction_id":3527,"tx_datetime":"2018-04-01T10:17:43Z","customer_id":3774,"terminal_id":"3059","tx_amount":57.160}`
	if err := d.Transaction(&tx, []byte(msg), 5); err != nil {
		t.Fatal(err)
	}
	t.Log(string(AppendJSON(nil, &tx)), string(AppendLabelJSON(nil, &tx, 5)))
	t.Logf("%+v", tx)
	var l Label
	if err := d.Label(&l, AppendLabelJSON(nil, &tx, 5), 7); err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", l)
	if s, err = LoadSchema("../../configs/schema.yaml"); err != nil {
		t.Fatal(err)
	}
}
