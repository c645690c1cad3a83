package event

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// benchPayment is a message of the default schema.
const benchPayment = `{"id":"9f1c2d7e-55aa-4b1e","time":"2026-03-31T10:17:43.125Z","type":"purchase","amount":57.16,"currency":"EUR",` +
	`"account":"acc-104729","card":"card-558211","device":"dev-9921","ip":"203.0.113.77","merchant":"m-2210","mcc":"5411",` +
	`"country":"DE","channel":"ecom"}`

const handbookPayment = `{"transaction_id":1466281,"tx_datetime":"2018-08-31T23:59:59Z","customer_id":3774,"terminal_id":3059,"tx_amount":57.16}`

func BenchmarkDecode(b *testing.B) {
	for _, test := range []struct{ name, schema, msg string }{
		{"payment", "../../configs/schema.yaml", benchPayment},
		{"handbook", "../../configs/handbook/schema.yaml", handbookPayment},
	} {
		b.Run(test.name, func(b *testing.B) {
			s, err := LoadSchema(test.schema)
			if err != nil {
				b.Fatal(err)
			}
			d, msg := NewDecoder(s), []byte(test.msg)
			var tx Transaction
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Transaction(&tx, msg, 18e17); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncodingJSON is what a program without a decoder of its own does,
// for the ratio. It is neither strict nor exact.
func BenchmarkEncodingJSON(b *testing.B) {
	msg := []byte(benchPayment)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		var tx struct {
			ID       string    `json:"id"`
			Time     time.Time `json:"time"`
			Type     string    `json:"type"`
			Amount   float64   `json:"amount"`
			Currency string    `json:"currency"`
			Account  string    `json:"account"`
			Card     string    `json:"card"`
			Device   string    `json:"device"`
			IP       string    `json:"ip"`
			Merchant string    `json:"merchant"`
			MCC      string    `json:"mcc"`
			Country  string    `json:"country"`
			Channel  string    `json:"channel"`
		}
		if err := json.Unmarshal(msg, &tx); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	s, err := LoadSchema("../../configs/schema.yaml")
	if err != nil {
		b.Fatal(err)
	}
	tx := mustDecode(b, s, benchPayment)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendJSON(dst[:0], tx)
	}
}

func BenchmarkCSV(b *testing.B) {
	s, err := LoadSchema("../../configs/handbook/schema.yaml")
	if err != nil {
		b.Fatal(err)
	}
	header := []string{"transaction_id", "tx_datetime", "customer_id", "terminal_id", "tx_amount", "tx_time_seconds", "tx_fraud", "tx_fraud_scenario"}
	c, err := NewCSV(s, header)
	if err != nil {
		b.Fatal(err)
	}
	cells := []string{"1466281", "2018-08-31T23:59:59Z", "3774", "3059", "57.16", "31", "0", "0"}
	var tx Transaction
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := c.Record(&tx, cells); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLines cuts a file of ten thousand rows into cells.
func BenchmarkLines(b *testing.B) {
	for _, test := range []struct{ name, row string }{
		{"plain", "1466281,2018-08-31T23:59:59Z,3774,3059,57.16,31,0,0\n"},
		{"quoted", `1466281,"2018-08-31T23:59:59Z","3774","3059",57.16,31,0,0` + "\n"},
	} {
		b.Run(test.name, func(b *testing.B) {
			file := strings.Repeat(test.row, 10_000)
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				lines := NewLines(strings.NewReader(file))
				for {
					if _, err := lines.Read(); err != nil {
						break
					}
				}
			}
		})
	}
}

func BenchmarkMask(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Mask("transaction 1466281 of card-558211 at m-2210: 57.16 EUR, 2018-08-31T23:59:59Z")
	}
}

func BenchmarkParseSchema(b *testing.B) {
	for b.Loop() {
		mustSchema(b, wideSchema)
	}
}
