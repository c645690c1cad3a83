package demo

import (
	"fmt"
	"strconv"
	"time"
)

const layout = "2006-01-02T15:04:05.000Z"

func paymentID(n int) string { return fmt.Sprintf("p-%08d", n) }

// money writes minor units of the world's currencies, which all have two digits.
func money(minor int64) string {
	return fmt.Sprintf("%d.%02d", minor/100, minor%100)
}

// key is the partition key: the schema's first entity that the payment has.
func (d *draft) key() []byte {
	if d.account != "" {
		return []byte(d.account)
	}
	return []byte(d.card)
}

// appendJSON writes the payment as the default event schema wants it. No text
// of the simulated world needs escaping.
func (d *draft) appendJSON(b []byte) []byte {
	if b == nil {
		b = make([]byte, 0, 384)
	}
	b = append(b, `{"id":"`...)
	b = append(b, d.id...)
	b = append(b, `","time":"`...)
	b = time.Unix(0, d.at).UTC().AppendFormat(b, layout)
	b = append(b, `","type":"`...)
	b = append(b, d.kind...)
	b = append(b, `","amount":`...)
	b = append(b, money(d.amount)...)
	for _, f := range [...]struct{ name, value string }{
		{"currency", d.currency},
		{"account", d.account},
		{"card", d.card},
		{"device", d.device},
		{"ip", d.ip},
		{"merchant", d.merchant},
		{"mcc", d.mcc},
		{"country", d.country},
		{"channel", d.channel},
	} {
		if f.value != "" {
			b = append(b, `,"`...)
			b = append(b, f.name...)
			b = append(b, `":"`...)
			b = append(b, f.value...)
			b = append(b, '"')
		}
	}
	if d.placed {
		b = append(b, `,"lat":`...)
		b = strconv.AppendFloat(b, d.lat, 'f', 4, 64)
		b = append(b, `,"lon":`...)
		b = strconv.AppendFloat(b, d.lon, 'f', 4, 64)
	}
	return append(b, '}')
}

// broken makes a message that is no valid transaction.
func (g *Generator) broken(e entry) Message {
	d := *e.draft
	d.id = fmt.Sprintf("x-%08d", g.rng.Uint32()%1e8)
	whole := string(d.appendJSON(nil))
	bad := []string{
		whole[:len(whole)/2],
		whole + "}",
		fmt.Sprintf(`{"id":%q,"time":%q,"currency":"EUR"}`, d.id, time.Unix(0, d.at).UTC().Format(layout)),
		fmt.Sprintf(`{"id":%q,"time":"yesterday","amount":1,"currency":"EUR"}`, d.id),
		fmt.Sprintf(`{"id":%q,"time":%q,"amount":12.50,"currency":"EURO"}`, d.id, time.Unix(0, d.at).UTC().Format(layout)),
		fmt.Sprintf(`{"id":%q,"id":%q,"amount":12.50,"currency":"EUR","card":"4111111111111111"}`, d.id, d.id),
		"null",
	}
	return Message{
		Kind: Malformed, Key: d.key(), JSON: []byte(bad[g.rng.IntN(len(bad))]),
		Time: time.Unix(0, d.at).UTC(), Arrival: time.Unix(0, e.at).UTC(), Warmup: e.at < g.liveAt,
	}
}

// foundOut is a chargeback: the label, and what banks do then.
func (g *Generator) foundOut(e entry) Message {
	d := e.draft
	if d.victim >= 0 {
		a := &g.accounts[d.victim]
		for i := range a.cards {
			if a.cards[i] == d.card {
				a.cards[i] = g.names.card()
			}
		}
	}
	if d.shop >= 0 {
		g.market.all[d.shop].closed = true
	}
	at := time.Unix(0, e.at-e.at%1e6).UTC()
	return Message{
		Kind: Label, Key: d.key(), ID: d.id, Time: at, Arrival: time.Unix(0, e.at).UTC(), Warmup: e.at < g.liveAt,
		JSON: fmt.Appendf(nil, `{"id":%q,"fraud":true,"time":%q,"transaction_time":%q}`,
			d.id, at.Format(layout), time.Unix(0, d.at).UTC().Format(layout)),
		Attack: d.attack, AttackID: d.attackID,
	}
}
