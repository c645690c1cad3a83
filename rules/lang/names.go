package lang

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"

	"sluice/scoring/event"
)

const minorSuffix = "_minor"

// entity gives the index into Schema.Entities of the entity called name, -1 if
// there is none.
func (c *checker) entity(name string) int {
	for i, field := range c.schema.Entities {
		if c.schema.Fields[field].Name == name {
			return i
		}
	}
	return -1
}

func (c *checker) entities() []string {
	names := make([]string, len(c.schema.Entities))
	for i, field := range c.schema.Entities {
		names[i] = c.schema.Fields[field].Name
	}
	return names
}

func (c *checker) fields() []string {
	names := make([]string, len(c.schema.Fields))
	for i := range c.schema.Fields {
		names[i] = c.schema.Fields[i].Name
	}
	return names
}

// anyText gives the name of a text field, for examples in messages.
func (c *checker) anyText() string {
	for i := range c.schema.Fields {
		if f := &c.schema.Fields[i]; f.Type == event.TypeString && !f.Secret && i != c.schema.ID {
			return f.Name
		}
	}
	return c.schema.Fields[c.schema.ID].Name
}

// anyNumber gives the name of a number's field, money first, for examples.
func (c *checker) anyNumber() string {
	for _, t := range []event.Type{event.TypeMoney, event.TypeNumber, event.TypeInteger} {
		for i := range c.schema.Fields {
			if f := &c.schema.Fields[i]; f.Type == t && !f.Secret && i != c.schema.ID {
				return f.Name
			}
		}
	}
	return "hour"
}

// window gives an example of a window, for messages.
func (c *checker) window() string {
	return c.anyEntity() + `.last("10m")`
}

func (c *checker) anyEntity() string {
	if names := c.entities(); len(names) > 0 {
		return names[0]
	}
	return "card"
}

func (c *checker) entityUse(name string) string {
	return fmt.Sprintf("`%s.last(\"10m\")` is the list of its past transactions, `tx.%s` its value in the current one", name, name)
}

// column finds what `name` means behind a dot: a field of the schema or
// something added; nil if nothing.
func (c *checker) column(name string) *event.Column {
	if i := c.schema.Field(name); i >= 0 {
		return &event.Column{Field: i}
	}
	if money, ok := strings.CutSuffix(name, minorSuffix); ok {
		if i := c.schema.Field(money); i >= 0 && c.schema.Fields[i].Type == event.TypeMoney {
			return &event.Column{Field: i, Form: event.Minor}
		}
	}
	forms := map[string]event.Form{
		"hour": event.Hour, "weekday": event.Weekday, "seconds_ago": event.SecondsAgo,
		"fraud": event.Fraud, "verdict": event.Verdict,
	}
	if form, ok := forms[name]; ok {
		return &event.Column{Field: -1, Form: form}
	}
	return nil
}

// columns lists the names that column knows.
func (c *checker) columns(past bool) []string {
	names := c.fields()
	for i := range c.schema.Fields {
		if c.schema.Fields[i].Type == event.TypeMoney {
			names = append(names, c.schema.Fields[i].Name+minorSuffix)
		}
	}
	names = append(names, "hour", "weekday")
	if past {
		names = append(names, "seconds_ago", "fraud", "verdict")
	}
	return names
}

func (c *checker) columnNode(n *Node, column event.Column) *Node {
	n.Column = column
	n.Kind = kindOf(c.schema.Kind(column))
	return n
}

// txField resolves tx.name; pos is where `tx` stands.
func (c *checker) txField(property *ast.StringNode, pos int, secretOK bool) *Node {
	name := property.Value
	column := c.column(name)
	if column == nil {
		return c.unknownField(name, c.source.pos(property), c.columns(false))
	}
	switch column.Form {
	case event.Fraud:
		return c.fault(pos, "`tx.fraud` is not known when a transaction is decided; ask about the past, as in `count(%s, .fraud) > 0`", c.window())
	case event.Verdict:
		return c.fault(pos, "`tx.verdict` is what the rules are about to decide; ask about the past, as in `count(%s, .verdict == \"deny\") > 0`", c.window())
	case event.SecondsAgo:
		return c.fault(pos, "`tx.seconds_ago` is always 0: `.seconds_ago` is that of a past transaction, as in `last(%s).seconds_ago`", c.window())
	}
	if column.Field >= 0 && c.schema.Fields[column.Field].Secret && !secretOK {
		return c.fault(pos, "field %q is secret: it can only be compared, as in `tx.%s == nil`", name, name)
	}
	return c.columnNode(&Node{Op: Tx, Pos: pos}, *column)
}

// pastField resolves .name and #.name inside a predicate; pos is where the dot
// or the `#` stands.
func (c *checker) pastField(pointer *ast.PointerNode, property *ast.StringNode, pos int) *Node {
	name := property.Value
	switch s := c.scope; {
	case pointer.Name != "":
		return c.fault(pos, "`#%s` is not allowed", pointer.Name)
	case s == nil && c.column(name) == nil:
		return c.unknownField(name, c.source.pos(property), c.columns(true))
	case s == nil:
		return c.fault(pos, "`.%s` is a past transaction's: it has a meaning only in the second part of a function, as in `count(%s, .%s == …)`; the current one's is `tx.%s`", name, c.window(), name, name)
	case s.of != Event && s.of != Invalid:
		return c.fault(pos, "`%s` looks at %s here: write `#` for an element", s.function, s.of.List().Words())
	}
	column := c.pastColumn(name, c.source.pos(property))
	if column == nil || c.scope.of == Invalid {
		return invalid(pos)
	}
	return c.columnNode(&Node{Op: Past, Pos: pos}, *column)
}

// pastColumn finds a column of a past transaction, or reports why there is
// none; pos is where the name stands.
func (c *checker) pastColumn(name string, pos int) *event.Column {
	column := c.column(name)
	switch {
	case column == nil:
		c.unknownField(name, pos, c.columns(true))
		return nil
	case column.Field >= 0 && c.schema.Fields[column.Field].Secret:
		c.fault(pos, "field %q is secret, and secret fields are not remembered", name)
		return nil
	}
	return column
}

func (c *checker) unknownField(name string, pos int, known []string) *Node {
	if money, ok := strings.CutSuffix(name, minorSuffix); ok && c.schema.Field(money) >= 0 {
		return c.fault(pos, "unknown field %q: %q is not money, only money has minor units", name, money)
	}
	if near := didYouMean(name, known); near != "" {
		return c.fault(pos, "unknown field %q%s", name, near)
	}
	return c.fault(pos, "unknown field %q; the fields are %s", name, listed(known))
}

// identifier explains a name that stands alone: it is always a fault.
func (c *checker) identifier(name string, pos int) *Node {
	switch lower := strings.ToLower(name); {
	case name == "tx":
		return c.fault(pos, "`tx` is the current transaction: name one of its fields, as in `tx.%s`", c.schema.Fields[c.schema.ID].Name)
	case name == "lists":
		return c.fault(pos, "`lists` needs the name of a list, as in `tx.%s in lists.blocked`", c.anyText())
	case name == "$env":
		return c.fault(pos, "`$env` is not allowed: the current transaction's fields are `tx.…`")
	case c.entity(name) >= 0:
		return c.fault(pos, "%q is an entity: %s", name, c.entityUse(name))
	case c.column(name) != nil:
		return c.bareField(name, pos)
	case lower == "null" || lower == "none" || lower == "undefined" || lower == "nil":
		return c.fault(pos, "unknown name %q, did you mean `nil`?", name)
	case lower == "true" || lower == "false":
		return c.fault(pos, "unknown name %q, did you mean `%s`?", name, lower)
	case isFunction(name):
		return c.fault(pos, "%q is a function and needs its brackets: `%s`", name, c.usage(name))
	}
	return c.unknownName(name, pos)
}

func (c *checker) bareField(name string, pos int) *Node {
	form := c.column(name).Form
	past := form == event.Fraud || form == event.Verdict || form == event.SecondsAgo
	switch {
	case c.scope != nil && past:
		return c.fault(pos, "unknown name %q, did you mean `.%s`?", name, name)
	case c.scope != nil:
		return c.fault(pos, "unknown name %q, did you mean `.%s` (the past transaction's) or `tx.%s` (the current one's)?", name, name, name)
	case past:
		return c.fault(pos, "unknown name %q: `.%s` is a past transaction's, as in `last(%s).%s`", name, name, c.window(), name)
	}
	return c.fault(pos, "unknown name %q, did you mean `tx.%s`?", name, name)
}

func (c *checker) unknownName(name string, pos int) *Node {
	field := nearest(name, c.columns(true))
	other := nearest(name, append(c.entities(), "tx", "lists", "true", "false", "nil"))
	switch {
	case other != "" && (field == "" || distance(name, other) <= distance(name, field)):
		return c.fault(pos, "unknown name %q, did you mean %q?", name, other)
	case field != "" && c.scope != nil:
		return c.fault(pos, "unknown name %q, did you mean `.%s` or `tx.%s`?", name, field, field)
	case field != "":
		return c.fault(pos, "unknown name %q, did you mean `tx.%s`?", name, field)
	}
	return c.fault(pos, "unknown name %q: fields of the current transaction are written `tx.…`, text stands in quotes: %q", name, name)
}

// listed joins names for a message.
func listed(names []string) string {
	const most = 20
	if len(names) > most {
		names = append(names[:most:most], "…")
	}
	return strings.Join(names, ", ")
}

// listName resolves lists.name to the right of `in`.
func (c *checker) listName(name string, pos int) *Node {
	var known []string
	if c.lists != nil {
		if c.lists.Has(name) {
			return &Node{Op: ListName, Kind: Strings, Pos: pos, Name: name}
		}
		known = c.lists.Names()
	}
	switch near := didYouMean(name, known); {
	case near != "":
		return c.fault(pos, "unknown list %q%s", name, near)
	case len(known) == 0:
		return c.fault(pos, "unknown list %q: there are no lists; make the file lists/%s.txt in the rule directory, one value a line (it may be empty)", name, name)
	}
	return c.fault(pos, "unknown list %q; the lists are %s", name, listed(known))
}
