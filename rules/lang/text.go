package lang

import (
	"math"
	"strconv"
	"strings"
	"time"

	"sluice/scoring/event"
)

// How tightly operators bind in expr's grammar.
const (
	bindCond     = 0
	bindOr       = 10
	bindAnd      = 15
	bindCompare  = 20
	bindAdd      = 30
	bindNot      = 50
	bindMul      = 60
	bindNeg      = 90
	bindCoalesce = 500
	bindPrimary  = 1000
)

// Text writes a tree in the one form that stands for it wherever it is shown:
// count(card.last("10m"), .amount < 5). Checked again it gives an equal tree.
func Text(n *Node, schema *event.Schema) string {
	w := writer{schema: schema}
	w.node(n, bindCond)
	return w.String()
}

type writer struct {
	strings.Builder
	schema *event.Schema
}

// node writes n where something that binds as tightly as outer needs no brackets.
func (w *writer) node(n *Node, outer int) {
	if binding(n) < outer {
		w.WriteByte('(')
		w.node(n, bindCond)
		w.WriteByte(')')
		return
	}
	switch n.Op {
	case Const:
		w.WriteString(constant(n.Value))
	case Array:
		w.WriteByte('[')
		w.list(n.Args)
		w.WriteByte(']')
	case Tx:
		w.WriteString("tx." + ColumnName(n.Column, w.schema))
	case Past:
		w.WriteString("." + ColumnName(n.Column, w.schema))
	case Item:
		w.WriteByte('#')
	case Member:
		w.node(n.Args[0], bindPrimary)
		w.WriteString("." + ColumnName(n.Column, w.schema))
	case WindowOf:
		w.window(n)
	case ListName:
		w.WriteString("lists." + n.Name)
	case Call:
		w.WriteString(n.Name + "(")
		w.list(n.Args)
		w.WriteByte(')')
	case Not:
		w.not(n.Args[0])
	case Neg:
		w.WriteByte('-')
		w.node(n.Args[0], bindNeg)
	case IsNil:
		w.operand(n, n.Args[0], bindCompare+1)
		w.WriteString(" == nil")
	case Cond:
		w.node(n.Args[0], bindOr)
		w.WriteString(" ? ")
		w.node(n.Args[1], bindCond)
		w.WriteString(" : ")
		w.node(n.Args[2], bindCond)
	default:
		if word, b := operator(n.Op); word != "" {
			w.binary(n, word, b)
		}
	}
}

func (w *writer) list(nodes []*Node) {
	for i, n := range nodes {
		if i > 0 {
			w.WriteString(", ")
		}
		w.node(n, bindCond)
	}
}

func (w *writer) window(n *Node) {
	w.WriteString(w.schema.Fields[w.schema.Entities[n.Entity]].Name)
	switch s := n.Span; {
	case s.Newest > 0:
		w.WriteString(".newest(" + strconv.Itoa(s.Newest) + ")")
	case s.To == 0:
		w.WriteString(`.last("` + FormatDuration(s.From) + `")`)
	default:
		w.WriteString(`.between("` + FormatDuration(s.From) + `", "` + FormatDuration(s.To) + `")`)
	}
}

// not writes the two-word operators where there are any.
func (w *writer) not(n *Node) {
	switch n.Op {
	case IsNil:
		w.operand(n, n.Args[0], bindCompare+1)
		w.WriteString(" != nil")
	case In, Contains, StartsWith, EndsWith, Matches:
		word, b := operator(n.Op)
		w.binary(n, "not "+word, b)
	case Not:
		w.WriteString("not ")
		w.node(n, bindNot)
	default:
		w.WriteString("not ")
		w.node(n, bindPrimary)
	}
}

// binary writes an operator that groups from the left. Beside `??` expr
// allows no other operator without brackets.
func (w *writer) binary(n *Node, word string, b int) {
	left := b
	if b == bindCompare {
		left++ // a == b == c would be read right, but not by people
	}
	w.operand(n, n.Args[0], left)
	w.WriteString(" " + word + " ")
	w.operand(n, n.Args[1], b+1)
}

func (w *writer) operand(parent, n *Node, outer int) {
	if n.Op == Coalesce && parent.Op != Coalesce {
		outer = bindPrimary
	}
	w.node(n, outer)
}

func binding(n *Node) int {
	switch n.Op {
	case Cond:
		return bindCond
	case Not:
		switch n.Args[0].Op {
		case IsNil, In, Contains, StartsWith, EndsWith, Matches:
			return bindCompare
		}
		return bindNot
	case IsNil:
		return bindCompare
	case Neg:
		return bindNeg
	case Const:
		if n.Value.Kind == event.Int && int64(n.Value.Bits) < 0 ||
			n.Value.Kind == event.Float && math.Float64frombits(n.Value.Bits) < 0 {
			return bindNeg
		}
	}
	if word, b := operator(n.Op); word != "" {
		return b
	}
	return bindPrimary
}

// operator gives the word of a binary operation and how tightly it binds.
func operator(op Op) (word string, binding int) {
	switch op {
	case Or:
		return "or", bindOr
	case And:
		return "and", bindAnd
	case Eq:
		return "==", bindCompare
	case Ne:
		return "!=", bindCompare
	case Lt:
		return "<", bindCompare
	case Le:
		return "<=", bindCompare
	case Gt:
		return ">", bindCompare
	case Ge:
		return ">=", bindCompare
	case In:
		return "in", bindCompare
	case Contains:
		return "contains", bindCompare
	case StartsWith:
		return "startsWith", bindCompare
	case EndsWith:
		return "endsWith", bindCompare
	case Matches:
		return "matches", bindCompare
	case Add:
		return "+", bindAdd
	case Sub:
		return "-", bindAdd
	case Mul:
		return "*", bindMul
	case Div:
		return "/", bindMul
	case Mod:
		return "%", bindMul
	case Coalesce:
		return "??", bindCoalesce
	}
	return "", bindPrimary
}

// constant writes a value so that reading it gives the same kind and value.
func constant(v event.Value) string {
	switch v.Kind {
	case event.Bool:
		return strconv.FormatBool(v.Bits != 0)
	case event.Int:
		return strconv.FormatInt(int64(v.Bits), 10)
	case event.Float:
		f, format := math.Float64frombits(v.Bits), byte('f')
		if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e15) {
			format = 'e'
		}
		s := strconv.FormatFloat(f, format, -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return s
	case event.String:
		return strconv.Quote(v.Text)
	case event.Time:
		return strconv.Quote(time.Unix(0, int64(v.Bits)).UTC().Format(time.RFC3339Nano))
	}
	return "nil"
}

// ColumnName gives the name that conditions have for a column.
func ColumnName(c event.Column, schema *event.Schema) string {
	switch c.Form {
	case event.Minor:
		return schema.Fields[c.Field].Name + minorSuffix
	case event.Hour:
		return "hour"
	case event.Weekday:
		return "weekday"
	case event.SecondsAgo:
		return "seconds_ago"
	case event.Fraud:
		return "fraud"
	case event.Verdict:
		return "verdict"
	}
	return schema.Fields[c.Field].Name
}
