// Package lang is the rule language: it turns the text of a condition into a
// checked tree, or into faults that an analyst can act on.
//
// The grammar is expr's (github.com/expr-lang/expr); which of it is allowed,
// and what it means, is this package's.
package lang

import (
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Kind is the kind of an expression.
type Kind uint8

// The kinds. The scalar ones may be missing at run time.
const (
	Invalid Kind = iota // a fault was reported here; no others follow from it
	Nil                 // the literal nil
	Bool
	Int
	Float
	String
	Time
	Seconds // a difference of times; behaves as Float
	Event   // a past transaction
	Events  // a list of past transactions, oldest first
	Bools   // lists of scalars, in the order of their events
	Ints
	Floats
	Strings
	Times
)

// Op is what a node does.
type Op uint8

// The operations. Args in brackets.
const (
	Const    Op = iota + 1 // Value, never missing
	Array                  // [items…]: constants only, right of In
	Tx                     // tx.Column
	Past                   // .Column of the event that a predicate looks at
	Item                   // # in a predicate over a list of scalars
	Member                 // [event].Column; missing if the event is
	WindowOf               // Entity, Span: the events of a window
	ListName               // lists.Name, right of In
	Not                    // [bool]
	Neg                    // [number]
	And                    // [bool bool]
	Or                     // [bool bool]
	Coalesce               // [a b]: a ?? b
	IsNil                  // [a]: a == nil (a != nil is Not of it)
	Cond                   // [bool a b]
	Eq                     // [a b], of two comparable kinds
	Ne
	Lt
	Le
	Gt
	Ge
	In // [a, Array or ListName or list]; `not in` is Not of it
	Contains
	StartsWith
	EndsWith
	Matches // [text, Const text]; RE2
	Add
	Sub // of two times: Seconds
	Mul
	Div // always a Float
	Mod // of integers
	Call
)

// String names an operation, for tests and messages to programmers.
func (o Op) String() string {
	names := [...]string{
		"Invalid", "Const", "Array", "Tx", "Past", "Item", "Member", "WindowOf", "ListName", "Not", "Neg",
		"And", "Or", "Coalesce", "IsNil", "Cond", "Eq", "Ne", "Lt", "Le", "Gt", "Ge", "In", "Contains",
		"StartsWith", "EndsWith", "Matches", "Add", "Sub", "Mul", "Div", "Mod", "Call",
	}
	return names[o]
}

// Node is one node of a checked condition. Trees are not shared and not changed.
type Node struct {
	Op   Op
	Kind Kind
	Pos  int // 0-based rune offset in the condition's text
	Args []*Node

	Value  event.Value  // of Const
	Column event.Column // of Tx, Past, Member
	Entity int          // of WindowOf: index into Schema.Entities
	Span   history.Span // of WindowOf
	Name   string       // of Call: the function; of ListName: the list
}

// Functions. Over a list L of events, with a predicate P or a scalar F of the
// event in Args[1], where `Past` is the event's column:
//
//	count(L) count(L,P)                       Int
//	any(L,P) none(L,P) all(L,P)               Bool
//	find(L,P) first(L) last(L)                Event
//	filter(L,P) reverse(L)                    Events
//	map(L,F)                                  a list V of scalars: Bools to Times
//	sum(L,F)                                  Int of Ints, else Float
//	mean(L,F) median(L,F) stddev(L,F)         Float
//	min(L,F) max(L,F) most_common(L,F)        of F's kind (min and max: numbers and times)
//	distinct(L,F) streak(L,P)                 Int
//
// Over a list V of scalars: the same with `Item` in Args[1], and without it
// sum(V) mean(V) min(V) max(V) median(V) stddev(V) distinct(V) most_common(V)
// streak(V). V is map(…), or filter(V,P) or reverse(V) of it.
//
// Of scalars: min max (two or more arguments of one kind, Int, Float or Time),
// abs (Int or Float as its argument), ceil floor round float (Float), int (Int),
// len(String) (Int), lower upper trim, distance_km(lat, lon, lat, lon).
//
// The checker writes what means the same in one form:
//
//	f(map(L,F))                 f(L,F)               f: sum mean min max median stddev distinct most_common streak
//	len(list)                   count(list)
//	count(filter(list,P))       count(list,P)
//	count(reverse(list), …)     count(list, …)
//	first(reverse(list))        last(list), and the other way round
//	reverse(reverse(list))      list
//	first(filter(list,P))       find(list,P)
//	find(reverse(list),P)       last(filter(list,P))
//	constant < x                x > constant, and the like
//	a != nil, a not in b        Not of IsNil, Not of In
//	-5                          a Const
//	between("1h", "0s")         last("1h")
//
// count(map(L,F)), first(map(L,F)), last(map(L,F)) and find, any, none, all,
// filter and count with a predicate over map(L,F) stay as they are written.
//
// Kinds: both values of Cond and Coalesce, and the arguments of min and max, have
// the kind of the node: where Int and Float meet, constants become Float and
// other Ints get a Call of float around them. Operands of arithmetic and
// comparisons may mix Int, Float and Seconds. A Seconds occurs only as the Sub of
// two Times; what is made of it is a Float. Items of an Array have the kind of
// what is looked for, but for Floats that are not whole beside an Int. A text
// constant beside a Time becomes a Time. The predicate of a list and its second
// part never contain another second part (no closures in closures). Nil never
// occurs, Const is never missing, IsNil also takes an Event.

// Tri is the outcome of a condition.
type Tri uint8

// The outcomes: SQL's three truth values.
const (
	False Tri = iota
	True
	Unknown
)

// Lists answers `x in lists.name`.
type Lists interface {
	Has(name string) bool
	// Contains reports whether a list holds the text of a value, or for a list
	// of networks the network of an address, for a transaction that arrived at
	// a time (ns): entries may end.
	Contains(name, text string, at int64) bool
	Names() []string
}
