package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const e2eRules = `
rules:
  - id: burst
    when: count(account.last("1h")) >= 3
    verdict: deny
    reason: BURST
    alert: page
  - id: known
    when: any(account.last("1h"), .fraud)
    score: 60
  - {id: mean, when: 'tx.amount > 3 * mean(card.last("1d"), .amount)', score: 1}
  - {id: quiet, when: 'sum(account.last("1h"), .amount) > 100', mode: shadow}
`

// What must never be seen in clear.
const (
	cardNumber = "4111111111111111"
	cvv        = "739100462"
)

// TestEndToEndServe takes transactions, labels and garbage through the program.
func TestEndToEndServe(t *testing.T) {
	p := newPlace(t, e2eRules)
	s := p.serve(t)
	s.awaitReady(t)
	start := time.Now().Add(-10 * time.Minute).Truncate(time.Second)
	const n, accounts = 400, 100
	secrets := fmt.Sprintf(`,"card":%q,"cvv":%q`, cardNumber, cvv)
	for i := range n {
		account := fmt.Sprintf("a%d", i%accounts)
		at := start.Add(time.Duration(i) * time.Second)
		p.send(t, "tx", account, tx(i, account, at, "40", secrets), at)
	}
	p.flush(t)
	p.verdicts(t, n)
	p.send(t, "labels", "", `{"id":0,"fraud":true}`, start.Add(500*time.Second))
	p.flush(t)
	s.await(t, "the label is read", func() bool {
		_, text := s.do(t, "GET", "/metrics", "")
		return strings.Contains(text, "\nsluice_labels_total 1\n")
	})
	for i, account := range []string{"a0", "a1"} {
		at := start.Add(time.Duration(510+i) * time.Second)
		p.send(t, "tx", account, tx(n+i, account, at, "40", ""), at)
	}
	p.flush(t)

	got := p.verdicts(t, n+2)
	for i := range n {
		want := "allow"
		if i/accounts == 3 {
			want = "deny"
		}
		if v := got[i]; v.Verdict != want || slices.Contains(v.Rules, "known") {
			t.Errorf("%+v", v)
		}
	}
	if v := got[n]; fmt.Sprint(v.Rules) != "[burst known]" {
		t.Errorf("after a label: %+v", v)
	}
	if v := got[n+1]; fmt.Sprint(v.Rules) != "[burst]" {
		t.Errorf("a label of another account: %+v", v)
	}
	p.holdRecords(t, n+2)
	letters := p.garbage(t, s, start)
	p.holdMetrics(t, s, n+2, letters)
	s.terminate(t)
	alerts := 0
	for _, topic := range []string{"verdicts", "dead", "alerts"} {
		for _, r := range p.readSome(t, topic) {
			if leaks(string(r.Value)) || leaks(string(r.Key)) {
				t.Errorf("in %s: %s", topic, r.Value)
			}
			if topic == "alerts" {
				alerts++
			}
		}
	}
	if alerts < accounts {
		t.Errorf("%d alerts", alerts)
	}
	if leaks(s.logged()) {
		t.Error("a secret is in the log")
	}
}

func leaks(text string) bool {
	return strings.Contains(text, cardNumber) || strings.Contains(text, cvv)
}

// holdRecords holds verdict records to their schema, and to the key and
// partition of their transaction.
func (p *place) holdRecords(t *testing.T, n int) {
	t.Helper()
	s := verdictShape(t)
	type where struct {
		key       string
		partition int32
		offset    int64
	}
	sent := map[where]bool{}
	for _, r := range p.read(t, "tx", n) {
		sent[where{string(r.Key), r.Partition, r.Offset}] = true
	}
	const order = `{"transaction_id":`
	for _, r := range p.read(t, "verdicts", n) {
		if f := s.faults(r.Value); len(f) > 0 || !strings.HasPrefix(string(r.Value), order) {
			t.Errorf("%s\n%q", r.Value, f)
		}
		var v struct {
			Source struct {
				Partition int32
				Offset    int64
			}
			Skipped []struct{ Rule, Why string }
		}
		if err := json.Unmarshal(r.Value, &v); err != nil {
			t.Fatal(err)
		}
		if !sent[where{string(r.Key), r.Partition, v.Source.Offset}] || v.Source.Partition != r.Partition {
			t.Errorf("partition %d, key %q: %s", r.Partition, r.Key, r.Value)
		}
	}
}

// garbage sends what is no transaction, and gives the dead letters by code.
func (p *place) garbage(t *testing.T, s *process, at time.Time) map[string]int {
	t.Helper()
	good := tx(9000, "g", at, "1", "")
	with := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	kinds := []struct{ value, code, field string }{
		{`{"id":9001,"card":"` + cardNumber, "malformed_json", ""},
		{"", "not_an_object", ""},
		{"null", "not_an_object", ""},
		{`[` + good + `]`, "not_an_object", ""},
		{good + ` {"cvv":"` + cvv + `"}`, "trailing_data", ""},
		{strings.Repeat(`{"x":`, 1000) + strings.Repeat("}", 1000), "too_deep", ""},
		{with(`"g"`, `"`+strings.Repeat("x", 70_000)+`"`), "oversize", ""},
		{with(`"g"`, "\"\xff\xfe"+cardNumber+`"`), "bad_utf8", "account"},
		{with(`"id"`, `"id":9002,"id"`), "duplicate_key", "id"},
		{with(`"account":"g",`, `"note":"card `+cardNumber+`",`), "missing_field", "account"},
		{with(`"g"`, `null`), "missing_field", "account"},
		{with(`"g"`, `{"card":"`+cardNumber+`"}`), "wrong_type", "account"},
		{with(`9000`, `"`+cardNumber+`x"`), "", "id"},
		{with(`9000`, `92233720368547758080`), "out_of_range", "id"},
		{with(`"amount":1`, `"amount":-1,"cvv":"`+cvv+`"`), "out_of_range", "amount"},
		{with(`"amount":1`, `"amount":1e400`), "", "amount"},
		{with(`EUR`, `EUX`), "unknown_currency", "currency"},
		{with(`"amount":1`, `"amount":0.001,"cvv":"`+cvv+`","card":"4111-1111-1111-1111"`), "bad_value", "amount"},
	}
	for _, k := range kinds {
		p.send(t, "tx", "garbage", k.value, at)
	}
	p.flush(t)
	codes := map[string]int{}
	letters := p.read(t, "dead", len(kinds))
	byOffset := map[int64]*kgo.Record{}
	for _, r := range letters {
		var l struct{ Source struct{ Offset int64 } }
		if err := json.Unmarshal(r.Value, &l); err != nil {
			t.Fatalf("%s: %v", r.Value, err)
		}
		byOffset[l.Source.Offset] = r
	}
	first := int64(-1)
	for offset := range byOffset {
		if first < 0 || offset < first {
			first = offset
		}
	}
	for i, k := range kinds {
		r := byOffset[first+int64(i)]
		if r == nil {
			t.Errorf("no dead letter of %.60s", k.value)
			continue
		}
		codes[p.holdLetter(t, r.Value, k.value, k.code, k.field)]++
	}
	return codes
}

// holdLetter checks one dead letter, and gives its code.
func (p *place) holdLetter(t *testing.T, letter []byte, value, code, field string) string {
	t.Helper()
	var l struct {
		Code, Reason, Field string
		Time                time.Time
		Source              struct {
			Topic     string
			Partition int32
		}
		Body    json.RawMessage
		Raw     []byte
		Message *struct {
			SHA256 string
			Length int
			Fault  int `json:"fault_offset"`
		}
	}
	if err := json.Unmarshal(letter, &l); err != nil {
		t.Fatalf("%s: %v", letter, err)
	}
	if code != "" && l.Code != code || field != "" && l.Field != field || l.Reason == "" || l.Time.IsZero() || l.Source.Topic != p.name+"-tx" || l.Raw != nil {
		t.Errorf("%.80s: %s, not %s of %q", value, letter, code, field)
	}
	if leaks(string(letter)) || strings.Contains(string(letter), "4111-1111") {
		t.Errorf("a secret got out: %s", letter)
	}
	switch {
	case (l.Message == nil) == (l.Body == nil):
		t.Errorf("neither body nor print, or both: %s", letter)
	case l.Message != nil && (len(l.Message.SHA256) != 64 || l.Message.Length != len(value)):
		t.Errorf("%s", letter)
	case l.Message == nil && !json.Valid([]byte(value)):
		t.Errorf("what can't be parsed is carried along: %s", letter)
	}
	return l.Code
}

// holdMetrics holds what Prometheus sees to what was sent, once the program has
// heard that the last of it was acknowledged.
func (p *place) holdMetrics(t *testing.T, s *process, decided int, letters map[string]int) {
	t.Helper()
	text := ""
	s.await(t, "it has caught up", func() bool {
		_, text = s.do(t, "GET", "/metrics", "")
		return strings.Contains(text, "\nsluice_caught_up 1\n")
	})
	want := []string{
		fmt.Sprintf(`sluice_decision_latency_seconds_count %d`, decided),
		`sluice_rule_hits_total{mode="live",rule="burst"} 102`,
		`sluice_rule_hits_total{mode="live",rule="known"} 1`,
		`sluice_decisions_total{verdict="deny"} 102`,
		`sluice_decisions_total{verdict="allow"} 300`,
		`sluice_history_transactions 402`,
		`sluice_caught_up 1`,
		`sluice_consumer_lag_records{partition="0",topic="` + p.name + `-tx"} 0`,
		`sluice_consumer_lag_seconds{partition="3",topic="` + p.name + `-labels"} 0`,
	}
	for code, n := range letters {
		want = append(want, fmt.Sprintf(`sluice_dead_letters_total{code=%q} %d`, code, n))
	}
	for _, series := range want {
		if !strings.Contains(text, "\n"+series+"\n") {
			t.Errorf("no %s", series)
		}
	}
	if leaks(text) {
		t.Error("a secret is in the metrics")
	}
	if strings.Contains(text, "sluice_history_memory_bytes 0\n") {
		t.Error("histories without memory")
	}
}

// readSome reads what a topic holds now.
func (p *place) readSome(t *testing.T, topic string) []*kgo.Record {
	t.Helper()
	return p.read(t, topic, p.count(t, topic))
}
