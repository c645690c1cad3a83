package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/configs/strict"
	"sluice/rules/lang"
	"sluice/scoring/event"
)

// asked are the fields that rules look up in lists, by the list's name; nil stands
// for anything else that they look up there, as `lower(tx.merchant)`.
type asked map[string][]*event.Field

// asked gathers them of the rules that are not off.
func (l *loader) asked() asked {
	out := asked{}
	for i := range l.rules {
		if l.rules[i].rule.Mode == Off {
			continue
		}
		lang.Walk(l.rules[i].tree, func(n *lang.Node) bool {
			if list, field, ok := asking(n, l.schema); ok && !slices.Contains(out[list], field) {
				out[list] = append(out[list], field)
			}
			return true
		})
	}
	return out
}

// asking gives the list that a node looks into, and the field (or nil) that it
// looks up there.
func asking(n *lang.Node, schema *event.Schema) (list string, field *event.Field, ok bool) {
	if n.Op != lang.In || n.Args[1].Op != lang.ListName {
		return "", nil, false
	}
	switch a := n.Args[0]; a.Op {
	case lang.Tx, lang.Past, lang.Member:
		if a.Column.Field >= 0 && a.Column.Form == event.Plain {
			field = &schema.Fields[a.Column.Field]
		}
	}
	return n.Args[1].Name, field, true
}

// secretLists are the lists that rules look up a secret field in, those that are
// off among them. What is made of a secret can't be looked up.
func (l *loader) secretLists() map[string]bool {
	out := map[string]bool{}
	for i := range l.rules {
		lang.Walk(l.rules[i].tree, func(n *lang.Node) bool {
			if list, field, ok := asking(n, l.schema); ok && field != nil && field.Secret {
				out[list] = true
			}
			return true
		})
	}
	return out
}

// Secret reports whether a list is one of secrets, by the rules that ask it: its
// values must not be shown.
func (l *Lists) Secret(name string) bool { return l.secret[name] }

// Asked reports whether a rule that is not off asks a list.
func (l *Lists) Asked(name string) bool { return len(l.asked[name]) > 0 }

// Misfit says why no payment can ever have a value of a list by what its rules
// look up there, "": one can, or no rule asks the list.
func (l *Lists) Misfit(name, value string) string {
	if nearlyNetwork(value) {
		return "this is not a network: write an address, a slash and a number of bits, as in 192.0.2.0/24"
	}
	var holds []string
	for _, f := range l.asked[name] {
		if f == nil || mayBe(f, l.Kind(name), value) {
			return ""
		}
		holds = append(holds, fmt.Sprintf("`%s` %s", f.Name, fieldWords(f, value)))
	}
	if len(holds) == 0 {
		return ""
	}
	return fmt.Sprintf("no payment can have this value: rules look up in %s what the field %s", name, strings.Join(holds, ", or "))
}

// mayBe reports whether a field can be what a value of a list of a kind names.
func mayBe(f *event.Field, kind Kind, value string) bool {
	switch {
	case f.Type == event.TypeInteger:
		n, err := strconv.ParseInt(value, 10, 64)
		return err == nil && strconv.FormatInt(n, 10) == value
	case f.Type == event.TypeIP && kind != OfTexts:
		return IsNetwork(value)
	}
	return f.Takes(value)
}

// fieldWords says what a field holds, for somebody who gave something else.
func fieldWords(f *event.Field, instead string) string {
	switch f.Type {
	case event.TypeIP:
		return "holds, an address: write one like 192.0.2.7, or a network like 192.0.2.0/24"
	case event.TypeCountry, event.TypeCurrency:
		holds := "holds, the two capital letters of a country, as DE"
		if f.Type == event.TypeCurrency {
			holds = "holds, the three capital letters of a currency, as EUR"
		}
		if near := strings.ToUpper(instead); near != instead && f.Takes(near) {
			holds += fmt.Sprintf("; did you mean %q?", near)
		}
		return holds
	}
	return "holds, a whole number like 4711"
}

// picky reports whether a value of a list of texts may be one that no payment can
// have: the fields that are looked up there do not take every text.
func (l *Lists) picky(name string) bool {
	any := func(f *event.Field) bool { return f == nil || f.Type == event.TypeString }
	only := func(f *event.Field) bool { return f.Type == event.TypeIP } // told of the condition
	fields := l.asked[name]
	return l.Kind(name) == OfTexts && !slices.ContainsFunc(fields, any) && !slices.ContainsFunc(fields, only) && len(fields) > 0
}

// askedWrongly tells where a rule looks up in a list what can't be there, or
// hardly.
func (l *loader) askedWrongly() (out strict.Faults) {
	for i := range l.rules {
		r := &l.rules[i]
		if r.rule.Mode == Off {
			continue
		}
		var told []string
		lang.Walk(r.tree, func(n *lang.Node) bool {
			list, field, ok := asking(n, l.schema)
			if !ok || field == nil {
				return true
			}
			if message := amiss(field, list, l.lists.Kind(list)); message != "" && !slices.Contains(told, message) {
				told = append(told, message)
				line, column := r.doc.Position(r.when.Node, n.Pos)
				out = append(out, r.doc.Fault(line, column, message))
			}
			return true
		})
	}
	return out
}

// amiss says why a field is hardly ever in a list of a kind, "": it may be.
func amiss(f *event.Field, list string, kind Kind) string {
	switch {
	case kind == OfTexts && f.Type == event.TypeIP:
		return fmt.Sprintf("`%s` is an address, and lists.%s holds texts, as its first value is neither an address nor a network: no network in it would match", f.Name, list)
	case kind == OfNetworks && f.Type == event.TypeString:
		return fmt.Sprintf("`%s` is text, and lists.%s holds networks, as its first value is one: only an address can be in it. If it is one, give it `type: ip` in the schema", f.Name, list)
	case kind == OfNetworks && f.Type != event.TypeIP:
		return fmt.Sprintf("`%s` is never an address, and lists.%s holds networks, as its first value is one: it can't be in it", f.Name, list)
	}
	return ""
}
