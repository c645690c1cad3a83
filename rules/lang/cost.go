package lang

import (
	"regexp/syntax"

	"sluice/scoring/history"
)

// Steps is what an operation itself costs at most, its arguments left out. A
// step is about a nanosecond; texts are taken to be of ordinary length, some
// tens of bytes.
func Steps(n *Node) int {
	switch n.Op {
	case Add, Sub, Mul, Div, Mod, Neg:
		return 15
	case Contains, StartsWith, EndsWith:
		return 10
	case Matches:
		return 100 + 50*instructions(n.Args[1].Value.Text)
	case In:
		return membership(n.Args[0].Kind, n.Args[1])
	case Call:
		return function(n)
	}
	return 0
}

// instructions is the size of a compiled pattern: for each character of a text
// all of them may be looked at.
func instructions(pattern string) int {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0 // the checker has refused it
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return 0
	}
	return len(prog.Inst)
}

// membership prices `in`. Texts and lists are looked up, numbers compared one
// by one; a list of events is priced by whoever walks over it.
func membership(of Kind, right *Node) int {
	switch {
	case right.Op == ListName:
		return 80
	case right.Op == Array && of != String:
		return 10 + 7*len(right.Args)
	}
	return 30
}

func function(n *Node) int {
	if len(n.Args) > 0 && n.Args[0].Kind.IsList() {
		return 0
	}
	switch n.Name {
	case "distance_km":
		return 150
	case "lower", "upper", "trim":
		return 80
	case "min", "max":
		return 10 * len(n.Args)
	}
	return 15
}

// Longest bounds the events of a window, as far as conditions look at them one
// by one.
func Longest(s history.Span) int {
	if s.Newest > 0 {
		return s.Newest
	}
	return history.MaxList
}
