package rules

import (
	"cmp"
	"fmt"
	"slices"

	"sluice/scoring/event"
)

const (
	// maxSamples bounds the hits that are looked at to say what a rule hits.
	maxSamples = 64
	// commonShare is the part of them, one in so many, that a value must have to be
	// worth telling.
	commonShare = 8
	maxCommon   = 3 // values of one entity
	maxNamed    = 5 // ids
)

// sample is what is kept of a hit: masked, and nothing of secret fields.
type sample struct {
	id       string
	entities []string // in the order of Schema.Entities; "" where it is missing
}

// keep notes one of the newest hits.
func (p *pulse) keep(tx *event.Transaction) {
	s := sample{id: event.Mask(tx.ID())}
	for _, f := range tx.Schema.Entities {
		text := ""
		if !tx.Schema.Fields[f].Secret {
			text = event.Mask(string(tx.AppendText(nil, f)))
		}
		s.entities = append(s.entities, text)
	}
	if len(p.newest) < maxSamples {
		p.newest = append(p.newest, s)
		return
	}
	p.newest[p.next] = s
	p.next = (p.next + 1) % maxSamples
}

// common says what the newest hits have in common, entity by entity, and names
// the last of them.
func (p *pulse) common(schema *event.Schema) (top, ids []string) {
	all := slices.Concat(p.newest[p.next:], p.newest[:p.next])
	for e, f := range schema.Entities {
		if text := commonOf(all, e); text != "" {
			top = append(top, schema.Fields[f].Name+" "+text)
		}
	}
	for i := len(all) - 1; i >= 0 && len(ids) < maxNamed; i-- {
		ids = append(ids, all[i].id)
	}
	return top, ids
}

// commonOf names the values of an entity that many samples have: "m-7 (41 of 64)".
// Where none has, it counts them: "58 different ones in 64".
func commonOf(all []sample, entity int) string {
	times := map[string]int{}
	for i := range all {
		if v := all[i].entities[entity]; v != "" {
			times[v]++
		}
	}
	if len(times) == 0 {
		return ""
	}
	var values []string
	for v, n := range times {
		if n > 1 && n*commonShare >= len(all) {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return fmt.Sprintf("%d different ones in %d", len(times), len(all))
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(times[b]-times[a], cmp.Compare(a, b)) })
	text := ""
	for i, v := range values[:min(len(values), maxCommon)] {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s (%d of %d)", v, times[v], len(all))
	}
	return text
}
