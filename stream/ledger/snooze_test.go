package ledger

import (
	"strings"
	"testing"
	"time"

	"sluice/rules"
	"sluice/scoring/event"
)

// TestSnoozeOfAnAddress: an address is snoozed however it is written, and what is
// none can't be.
func TestSnoozeOfAnAddress(t *testing.T) {
	p := newPlace(t)
	schema, err := event.ParseSchema("schema.yaml", []byte(strings.NewReplacer(
		"{type: ip}", "{type: ip, entity: true}", "{type: country}", "{type: country, entity: true}").Replace(deskSchema)), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(p.dir+"/rules", schema)
	if err != nil {
		t.Fatal(err)
	}
	p.rules.Current().Schema = schema
	snoozed := func(address string) bool {
		var tx event.Transaction
		body := `{"id":"1","time":"2026-11-23T12:00:00Z","address":"` + address + `"}`
		if err := event.NewDecoder(schema).Transaction(&tx, []byte(body), p.now.UnixNano()); err != nil {
			t.Fatal(err)
		}
		s := rules.NewSnoozes(set, p.set.Snoozes)
		if s == nil {
			return false
		}
		by, _ := s.Restrain(0, &tx)
		return by == rules.OfSnooze
	}
	for _, written := range []string{"2001:DB8::1", "2001:db8:0:0::1", "2001:db8::1", "::ffff:192.0.2.7", "192.0.2.7"} {
		r := Request{Entity: "address", Value: written, For: time.Hour, Author: "ana", Why: "a case"}
		if _, err := p.Snooze(t.Context(), "bad", r); err != nil {
			t.Fatal(err)
		}
		if !snoozed(written) {
			t.Errorf("a payment of %s is not snoozed", written)
		}
		if _, err := p.Wake(t.Context(), "bad", r); err != nil || snoozed(written) {
			t.Errorf("%s is snoozed after its end: %v", written, err)
		}
	}
	for entity, value := range map[string]string{"address": "10.0.0.0/8", "country": "de"} {
		_, err := p.Snooze(t.Context(), "bad", Request{Entity: entity, Value: value, For: time.Hour, Author: "ana", Why: "a case"})
		wantFault(t, err, "bad_value", "value")
	}
}

// TestLongestChange: a change may last as long as it may, at whatever part of a
// millisecond it is asked for.
func TestLongestChange(t *testing.T) {
	p := newPlace(t)
	for _, part := range []time.Duration{0, 400 * time.Microsecond, 600 * time.Microsecond} {
		p.now = at(0).Add(part)
		if _, err := p.AddEntry(t.Context(), "shops", Request{Value: "shop-9", For: 400 * 24 * time.Hour, Author: "ana", Why: "a case"}); err != nil {
			t.Errorf("at %v: %v", part, err)
		}
	}
}
