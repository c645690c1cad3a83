package event

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// wideSchema has every type, nested members and secrets.
const wideSchema = `
zone: Europe/Berlin
fields:
  id:       {from: transaction_id, type: string, required: true}
  time:     {from: at, type: timestamp, unit: ms}
  kind:     {type: string}
  amount:   {from: money.value, type: money, currency_from: currency, required: true}
  fee:      {from: money.fee, type: money, currency_from: currency}
  currency: {from: money.unit, type: currency}
  card:     {from: payer.card.token, type: string, entity: true}
  cvv:      {from: payer.card.cvv, type: string, secret: true}
  user:     {from: payer.user, type: integer, entity: true}
  ip:       {type: ip, entity: true}
  country:  {type: country}
  lat:      {type: number}
  online:   {type: bool}
  born:     {type: timestamp}
key: card
label:
  id: id
  value: outcome.fraud
  time: outcome.at
  transaction_time: tx_at
  entities: {card: card, user: user}
  csv: {value: is_fraud}
`

func mustSchema(t testing.TB, src string) *Schema {
	t.Helper()
	s, err := ParseSchema("schema.yaml", []byte(src), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustDecode(t testing.TB, s *Schema, msg string) *Transaction {
	t.Helper()
	var tx Transaction
	if err := NewDecoder(s).Transaction(&tx, []byte(msg), 16e17); err != nil {
		t.Fatalf("%s\n%v", msg, err)
	}
	return &tx
}

func codeOf(err error) Code {
	var f *Fault
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

// dataDir is where the real data lies; the test is skipped where it does not.
func dataDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("SLUICE_TEST_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(filepath.Join(dir, "handbook")); err != nil {
		t.Skipf("%s: no real data; set SLUICE_TEST_DATA", t.Name())
	}
	return dir
}
