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
	Const    Op = iota + 1 // Value (None for nil)
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

// Functions. Over a list L of events, with an optional predicate P, an
// optional scalar F of the event (Args[1] in both cases):
//
//	count(L) count(L,P) any(L,P) none(L,P) all(L,P) filter(L,P) map(L,F)
//	find(L,P) first(L) last(L) reverse(L) len(L)
//	sum(L,F) mean(L,F) min(L,F) max(L,F) median(L,F) distinct(L,F)
//	stddev(L,F) most_common(L,F) streak(L,P)
//
// Over a list V of scalars: the same with # as the element, and sum(V) mean(V)
// min(V) max(V) median(V) distinct(V) stddev(V) most_common(V) streak(V) len(V)
// count(V,P) first(V) last(V).
//
// The checker writes them in one form: f(L,F) for f(map(L,F)), first(L) etc. as
// Member of Event where a field follows, last(filter(L,P)) as it stands.
//
// Of scalars: abs ceil floor round int float min max (two or more arguments)
// len lower upper trim distance_km(lat, lon, lat, lon).

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
	// of networks the network of an address.
	Contains(name, text string) bool
	Names() []string
}
