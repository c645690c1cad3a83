package stream

import (
	"slices"

	"sluice/rules"
	"sluice/scoring/event"
)

// pasts holds transactions of one schema in few pieces of memory: an entity's
// past is read at once and used once.
type pasts struct {
	schema   *event.Schema
	words    []uint64 // words, hashes and original amounts of one after the other
	entities []event.Key
	text     []byte
	rows     []past

	tx event.Transaction // scratch of at
}

// past is what the transactions differ in besides.
type past struct {
	id, body      event.Key
	time, arrival int64
	currency      uint64
	text          int // where its text begins
	word          int // where its words begin
	originals     int
	future        bool
	verdict       rules.Verdict
}

// add takes a copy.
func (p *pasts) add(tx *event.Transaction, verdict rules.Verdict) {
	p.schema = tx.Schema
	p.rows = append(room(p.rows, 1), past{
		id: tx.IDKey, body: tx.Body, time: tx.Time, arrival: tx.Arrival, currency: tx.Currency,
		text: len(p.text), word: len(p.words), originals: len(tx.Original), future: tx.Future, verdict: verdict,
	})
	p.words = room(p.words, len(tx.Words)+len(tx.Hashes)+len(tx.Original))
	p.words = append(append(append(p.words, tx.Words...), tx.Hashes...), tx.Original...)
	p.entities = append(room(p.entities, len(tx.Entities)), tx.Entities...)
	p.text = append(room(p.text, len(tx.Text)), tx.Text...)
}

// room makes room for n more: twice what was there, where append takes a quarter
// more of what is large and a long past would be copied again and again.
func room[T any](s []T, n int) []T {
	if len(s)+n > cap(s) {
		return slices.Grow(s, max(n, len(s)))
	}
	return s
}

// at gives one of them, until the next call.
func (p *pasts) at(i int) (*event.Transaction, rules.Verdict) {
	r := &p.rows[i]
	fields, entities, end := len(p.schema.Fields), len(p.schema.Entities), len(p.text)
	if i+1 < len(p.rows) {
		end = p.rows[i+1].text
	}
	words := p.words[r.word:]
	p.tx = event.Transaction{
		Schema: p.schema, Words: words[:fields], Hashes: words[fields : 2*fields], Original: words[2*fields : 2*fields+r.originals],
		Text: p.text[r.text:end], Entities: p.entities[i*entities : (i+1)*entities],
		IDKey: r.id, Body: r.body, Time: r.time, Arrival: r.arrival, Future: r.future, Currency: r.currency,
	}
	return &p.tx, r.verdict
}

// keep leaves out the others.
func (p *pasts) keep(f func(*past) bool) {
	var kept pasts
	for i := range p.rows {
		if f(&p.rows[i]) {
			tx, verdict := p.at(i)
			kept.add(tx, verdict)
		}
	}
	*p = kept
}

func (p *pasts) reset() {
	p.words, p.entities, p.text, p.rows = p.words[:0], p.entities[:0], p.text[:0], p.rows[:0]
}
