package event

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The keys of a schema file, of a field's definition and of the label's, and the
// names of the types.
var (
	schemaKeys = []string{"zone", "key", "base_currency", "rates", "fields", "label"}
	labelKeys  = []string{"id", "value", "time", "transaction_time", "entities", "csv"}
	fieldKeys  = []string{"from", "type", "required", "entity", "secret", "currency", "currency_from", "unit"}
	typeNames  = []string{"string", "integer", "number", "money", "bool", "timestamp", "ip", "country", "currency"}
	fieldName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
)

// String gives the type as it stands in a schema.
func (t Type) String() string {
	if t == 0 || int(t) > len(typeNames) {
		return "flag"
	}
	return typeNames[t-1]
}

// reservedFields are columns that every event has by itself, and words of the
// rule language.
const reservedFields = " hour weekday seconds_ago fraud verdict " +
	"true false nil not and or in let if else matches contains startsWith endsWith "

// reservedEntities are the names that stand for something else where an entity
// stands in a rule.
const reservedEntities = " tx lists count any none one all filter map find findLast first last reverse len sum mean " +
	"min max median distinct stddev most_common streak abs ceil floor round int float lower upper trim distance_km now "

func (r *schemaReader) fields(n *yaml.Node) {
	list := r.entries(n, "fields")
	if len(list) > MaxFields {
		r.fault(list[MaxFields].key, "a schema has at most %d fields", MaxFields)
		return
	}
	for _, e := range list {
		r.drafts = append(r.drafts, r.field(e))
	}
	for _, d := range r.drafts {
		r.schema.Fields = append(r.schema.Fields, d.Field)
	}
}

func (r *schemaReader) field(e yamlEntry) draft {
	name := e.key.Value
	d := draft{at: e, Field: Field{Name: name, From: name, CurrencyFrom: -1, EntityIndex: -1}}
	if !fieldName.MatchString(name) {
		r.fault(e.key, "%q can't be a field's name: letters, digits and _, not beginning with a digit, at most 64; from: says what it is called in the message", name)
	} else if strings.Contains(reservedFields, " "+name+" ") {
		r.fault(e.key, "%s has a meaning of its own in rules; name the field differently and say from: %s", name, name)
	}
	d.attributes = r.mapping(e.value, name, fieldKeys)
	if d.attributes == nil {
		return d
	}
	r.attributes(&d)
	r.checkType(&d)
	return d
}

// attributes reads what a field's definition says, each by itself.
func (r *schemaReader) attributes(d *draft) {
	a := d.attributes
	if e, ok := a["from"]; ok {
		d.From, _ = r.path(e)
	}
	if e, ok := a["type"]; ok {
		d.Type = r.fieldType(e)
	} else {
		r.fault(d.at.key, "%s has no type; it is one of %s", d.Name, strings.Join(typeNames, ", "))
	}
	if e, ok := a["required"]; ok {
		d.Required, _ = r.boolean(e)
	}
	if e, ok := a["entity"]; ok {
		d.Entity, _ = r.boolean(e)
	}
	if e, ok := a["secret"]; ok {
		d.Secret, _ = r.boolean(e)
	}
	if e, ok := a["currency"]; ok {
		d.Currency, _ = r.currency(e)
	}
	if e, ok := a["currency_from"]; ok {
		d.currencyFrom, _ = r.text(e)
	}
	if e, ok := a["unit"]; ok {
		d.Unit = r.unit(e)
	}
}

func (r *schemaReader) fieldType(e yamlEntry) Type {
	name, ok := r.text(e)
	if !ok {
		return 0
	}
	for i, t := range typeNames {
		if t == name {
			return Type(i + 1)
		}
	}
	hint := didYouMean(name, typeNames)
	if hint == "" {
		hint = "; it is one of " + strings.Join(typeNames, ", ")
	}
	r.fault(e.value, "unknown type %q%s", name, hint)
	return 0
}

func (r *schemaReader) unit(e yamlEntry) int64 {
	switch name, ok := r.text(e); {
	case !ok:
	case name == "s":
		return 1e9
	case name == "ms":
		return 1e6
	default:
		r.fault(e.value, "unit is s or ms, what an integer counts since 1970")
	}
	return 0
}

// checkType reports attributes that do not go with the field's type.
func (r *schemaReader) checkType(d *draft) {
	t := d.Type
	if t == 0 {
		return
	}
	_, constant := d.attributes["currency"]
	_, from := d.attributes["currency_from"]
	switch {
	case t != TypeMoney && constant:
		r.fault(d.attributes["currency"].key, "currency goes with type money only")
	case t != TypeMoney && from:
		r.fault(d.attributes["currency_from"].key, "currency_from goes with type money only")
	case t == TypeMoney && !constant && !from:
		r.fault(d.at.key, "%s is money and needs currency: (always the same) or currency_from: (the field that says it)", d.Name)
	case constant && from:
		r.fault(d.attributes["currency_from"].key, "%s has both currency and currency_from; one of them is enough", d.Name)
	}
	if _, ok := d.attributes["unit"]; ok && t != TypeTimestamp {
		r.fault(d.attributes["unit"].key, "unit goes with type timestamp only")
	}
	if d.Entity && !isText(t) && t != TypeInteger {
		r.fault(d.node("entity"), "a field of type %s can't be an entity: an entity is named by text or an integer", t)
	}
	if d.Entity && strings.Contains(reservedEntities, " "+d.Name+" ") {
		r.fault(d.at.key, "%s means something else in rules and can't name an entity; name the field differently and say from: %s", d.Name, d.Name)
	}
}

// checkFields checks what takes more than one field to see.
func (r *schemaReader) checkFields(fields yamlEntry) {
	s := r.schema
	s.ID, s.Time = s.Field("id"), s.Field("time")
	if fields.value.Kind == yaml.MappingNode {
		r.mandatory(fields, "id", s.ID, TypeString, TypeInteger)
		r.mandatory(fields, "time", s.Time, TypeTimestamp)
	}
	nodes, paths := []*yaml.Node{}, []string{}
	var money *draft
	for i := range r.drafts {
		d, f := &r.drafts[i], &s.Fields[i]
		nodes, paths = append(nodes, d.node("from")), append(paths, d.From)
		if f.Entity {
			f.EntityIndex = len(s.Entities)
			s.Entities = append(s.Entities, i)
		}
		if f.Type == TypeMoney {
			r.money(d, f)
			if money == nil {
				money = d
			}
			r.oneCurrency(money, d)
		}
	}
	r.clash(nodes, paths)
}

func (r *schemaReader) mandatory(fields yamlEntry, name string, i int, types ...Type) {
	if i < 0 {
		r.fault(fields.key, "fields has no %s, which every schema needs; from: says what it is called in the message", name)
		return
	}
	d, f := &r.drafts[i], &r.schema.Fields[i]
	known := f.Type == 0
	for _, t := range types {
		known = known || t == f.Type
	}
	if !known {
		r.fault(d.node("type"), "%s must be of type %s", name, joinTypes(types))
	}
	if e, ok := d.attributes["required"]; ok && !f.Required {
		r.fault(e.value, "%s is always required", name)
	}
	if f.Secret {
		r.fault(d.node("secret"), "%s can't be secret", name)
	}
	f.Required = true
}

func joinTypes(types []Type) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return strings.Join(names, " or ")
}

// money resolves the currency of a money field and its scale.
func (r *schemaReader) money(d *draft, f *Field) {
	s := r.schema
	if minor := d.Name + "_minor"; s.Field(minor) >= 0 {
		r.fault(r.drafts[s.Field(minor)].at.key, "%s already names the minor units of %s; name the field differently", minor, d.Name)
	}
	if d.currencyFrom != "" {
		f.CurrencyFrom = s.Field(d.currencyFrom)
		switch {
		case f.CurrencyFrom < 0:
			r.fault(d.node("currency_from"), "there is no field %q%s", d.currencyFrom, didYouMean(d.currencyFrom, r.names()))
		case s.Fields[f.CurrencyFrom].Type != TypeCurrency:
			r.fault(d.node("currency_from"), "%s is not a field of type currency", d.currencyFrom)
		}
	}
	f.Scale = -1
	for _, name := range []string{f.Currency, s.BaseCurrency} { // the base wins
		if code, ok := CurrencyCode([]byte(name)); ok {
			f.Scale = CurrencyScale(code)
		}
	}
}

// oneCurrency holds all amounts of a transaction to one currency, unless they
// are converted.
func (r *schemaReader) oneCurrency(first, d *draft) {
	if r.schema.BaseCurrency == "" && (d.Currency != first.Currency || d.currencyFrom != first.currencyFrom) {
		r.fault(d.at.key, "%s and %s can be in different currencies; give both the same, or set base_currency and rates", first.Name, d.Name)
	}
}
