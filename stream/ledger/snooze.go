package ledger

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"sluice/rules"
	"sluice/scoring/event"
)

// Snooze keeps a rule from acting on one entity.
func (d *Desk) Snooze(ctx context.Context, rule string, r Request) (Change, error) {
	set := d.rules.Current()
	if f := known(set, rule); f != nil {
		return Change{}, f
	}
	if f := entity(set.Schema, r.Entity); f != nil {
		return Change{}, f
	}
	r.Value = sent(set.Schema, r)
	if f := taken(set.Schema, r); f != nil {
		return Change{}, f
	}
	c := Change{Do: Snooze, Rule: rule, Entity: r.Entity, Value: r.Value}
	if err := d.fill(&c, r, true); err != nil {
		return c, err
	}
	return d.change(ctx, c)
}

// Wake ends a snooze before its time.
func (d *Desk) Wake(ctx context.Context, rule string, r Request) (Change, error) {
	c := Change{Do: Forget, Rule: rule, Entity: r.Entity, Value: r.Value}
	d.mu.Lock()
	_, held := d.log.held[c.subject()]
	if !held { // as it was written once, or as payments have it
		c.Value = sent(d.rules.Current().Schema, r)
		_, held = d.log.held[c.subject()]
	}
	d.mu.Unlock()
	if !held {
		return c, &Fault{"no_such_snooze", "", "the rule is not snoozed for this entity"}
	}
	if err := d.fill(&c, r, false); err != nil {
		return c, err
	}
	return d.change(ctx, c)
}

// known says that a set has no rule of an id; nil: it has.
func known(set *rules.Set, id string) *Fault {
	has := func(r rules.Rule) bool { return r.ID == id }
	if slices.ContainsFunc(set.Rules, has) || slices.ContainsFunc(set.Off, has) {
		return nil
	}
	return NoRule(id)
}

// NoRule is the fault of asking for a rule that is not there.
func NoRule(id string) *Fault {
	return &Fault{"no_such_rule", "", fmt.Sprintf("there is no rule %q; GET /v1/rules lists them", clip(id))}
}

// entity says that a schema has no such entity; nil: it has.
func entity(schema *event.Schema, name string) *Fault {
	var names []string
	for _, f := range schema.Entities {
		names = append(names, schema.Fields[f].Name)
	}
	switch {
	case slices.Contains(names, name):
		return nil
	case name == "":
		return &Fault{"missing_field", "entity", "entity is missing; it is one of " + strings.Join(names, ", ")}
	}
	return &Fault{"bad_value", "entity", fmt.Sprintf("%q is no entity of the schema; it is one of %s", clip(name), strings.Join(names, ", "))}
}

// sent gives the value of an entity as payments have it: of an address its one
// spelling.
func sent(schema *event.Schema, r Request) string {
	if f := schema.Field(r.Entity); f < 0 || schema.Fields[f].Type != event.TypeIP {
		return r.Value
	}
	if a, err := netip.ParseAddr(r.Value); err == nil {
		return a.Unmap().String()
	}
	return r.Value
}

// taken checks that an entity can have the value at all.
func taken(schema *event.Schema, r Request) *Fault {
	f := &schema.Fields[schema.Field(r.Entity)]
	if r.Value == "" {
		return nil // that it is missing is told with all else that is
	}
	switch f.Type {
	case event.TypeInteger:
		if n, err := strconv.ParseInt(r.Value, 10, 64); err != nil || strconv.FormatInt(n, 10) != r.Value {
			return &Fault{"bad_value", "value", r.Entity + " is a whole number, like 4711"}
		}
	case event.TypeIP:
		if !f.Takes(r.Value) {
			return &Fault{"bad_value", "value", r.Entity + " is an address, like 192.0.2.7 or 2001:db8::7"}
		}
	case event.TypeCountry, event.TypeCurrency:
		if !f.Takes(r.Value) {
			return &Fault{"bad_value", "value", r.Entity + " is a code of ISO in capital letters, like DE or EUR"}
		}
	}
	return nil
}
