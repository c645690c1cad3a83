package rules

import (
	"time"

	"sluice/scoring/event"
)

// Snoozes keep rules of a set from acting on single entities. They are immutable.
type Snoozes struct {
	rules [][]snoozed // by the rule's index in the set
}

// snoozed are the values of one entity that a rule is snoozed for.
type snoozed struct {
	entity int // index into Schema.Entities
	name   string
	until  map[event.Key]int64 // ns
}

// NewSnoozes makes the snoozes of the rules of a set; nil if none of them is of a
// rule that is there.
func NewSnoozes(set *Set, all []Snooze) *Snoozes {
	if len(all) == 0 {
		return nil
	}
	indexes := map[string]int{}
	for i := range set.Rules {
		indexes[set.Rules[i].ID] = i
	}
	var out *Snoozes
	for _, s := range all {
		rule, there := indexes[s.Rule]
		entity := entityNamed(set.Schema, s.Entity)
		if !there || entity < 0 {
			continue
		}
		if out == nil {
			out = &Snoozes{make([][]snoozed, len(set.Rules))}
		}
		out.add(rule, entity, s)
	}
	return out
}

func (s *Snoozes) add(rule, entity int, of Snooze) {
	key := event.HashKey([]byte(of.Value))
	for _, known := range s.rules[rule] {
		if known.entity == entity {
			known.until[key] = of.Until
			return
		}
	}
	s.rules[rule] = append(s.rules[rule], snoozed{entity, of.Entity, map[event.Key]int64{key: of.Until}})
}

// entityNamed gives the index of an entity, -1: there is none of this name.
func entityNamed(schema *event.Schema, name string) int {
	for i, f := range schema.Entities {
		if schema.Fields[f].Name == name {
			return i
		}
	}
	return -1
}

// Restrain says that a rule is snoozed for an entity of a transaction.
func (s *Snoozes) Restrain(rule int, tx *event.Transaction) (by Cause, why string) {
	for i := range s.rules[rule] {
		of := &s.rules[rule][i]
		key := tx.Entities[of.entity]
		if key == (event.Key{}) {
			continue
		}
		if until, ok := of.until[key]; ok && tx.Arrival < until {
			return OfSnooze, "it is snoozed for this " + of.name + " until " + time.Unix(0, until).UTC().Format(time.RFC3339)
		}
	}
	return NoCause, ""
}
