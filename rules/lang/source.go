package lang

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/parser/lexer"
)

// token is one of expr's tokens. Positions are runes of the analyst's text.
type token struct {
	kind  lexer.Kind
	value string // decoded, of a string
	text  string // as written
	from  int
	to    int
}

func (t token) is(kind lexer.Kind, value string) bool { return t.kind == kind && t.value == value }

// source is a condition's text on its way through expr's parser.
//
// expr's parser knows `.field` and predicates only inside its own builtins, and
// stops at the first fault. So the text is taken apart into tokens, checked and
// mended token by token, and put together again for the parser: every call
// that is not one of expr's predicate calls gets a name that parses, and the
// whole stands inside a predicate, where `.field` is always in the grammar.
// What a call and a `.field` mean is for the checker, which finds the true
// names by their positions.
type source struct {
	runes  []rune
	tokens []token
	starts []int // rune offset of each token in the text given to the parser
	tree   ast.Node
}

// The frame around the condition, and the names that calls get.
const (
	frameOpen  = "any(0,("
	frameClose = "))"
	pairCall   = "sum" // parses its second argument as a predicate, {braces} included
	plainCall  = "call"
)

// parse takes a text as far as expr's tree; tree is nil if that failed. There
// may be faults beside a tree: what could be mended is.
func parse(text string, limit bounds) (*source, []Fault) {
	s := &source{}
	if fault := readable(text, limit); fault != nil {
		return s, []Fault{*fault}
	}
	s.runes = []rune(text)
	if fault := s.lex(text); fault != nil {
		return s, []Fault{*fault}
	}
	if len(s.tokens) == 0 {
		return s, []Fault{{0, "the condition is empty"}}
	}
	if faults := append(s.refused(), s.brackets(limit.depth)...); len(faults) > 0 {
		return s, faults
	}
	faults := s.mend()
	tree, err := parser.Parse(s.assemble())
	if err != nil {
		return s, append(faults, s.explain(err))
	}
	s.tree = unframe(tree.Node)
	return s, faults
}

// readable refuses what must not reach the lexer.
func readable(text string, limit bounds) *Fault {
	if len(text) > limit.source {
		return &Fault{0, fmt.Sprintf("the condition is too long: %d bytes, at most %d are allowed", len(text), limit.source)}
	}
	at := 0
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return &Fault{at, "the text is not valid UTF-8 here"}
			}
		}
		at++
	}
	return nil
}

// lex fills the tokens.
func (s *source) lex(text string) *Fault {
	l := lexer.New()
	l.Reset(file.NewSource(text))
	for {
		t, err := l.Next()
		var bad *file.Error
		switch {
		case errors.Is(err, io.EOF) || err == nil && t.Kind == lexer.EOF:
			return nil
		case errors.As(err, &bad):
			return s.explainLexer(bad)
		case err != nil:
			return &Fault{s.end(), err.Error()}
		}
		s.tokens = append(s.tokens, token{t.Kind, t.Value, string(s.runes[t.From:t.To]), t.From, t.To})
	}
}

// end is where the last token ends.
func (s *source) end() int {
	if len(s.tokens) == 0 {
		return 0
	}
	return s.tokens[len(s.tokens)-1].to
}

// assemble writes the text that expr parses, one blank between tokens.
func (s *source) assemble() string {
	var b strings.Builder
	b.WriteString(frameOpen)
	names := s.callNames()
	s.starts = make([]int, len(s.tokens))
	at := utf8.RuneCountInString(frameOpen)
	for i, t := range s.tokens {
		text := t.text
		if name, ok := names[i]; ok {
			text = name
		}
		s.starts[i] = at
		b.WriteString(text)
		b.WriteByte(' ')
		at += utf8.RuneCountInString(text) + 1
	}
	b.WriteString(frameClose)
	return b.String()
}

// callNames gives, for each token that is the name of a called function, the
// name that the parser is shown.
func (s *source) callNames() map[int]string {
	names := map[int]string{}
	type call struct {
		name  int // token, -1: not a call
		args  int
		empty bool // since the last comma
	}
	var open []call
	for i, t := range s.tokens {
		switch {
		case t.kind == lexer.Bracket && strings.Contains("([{", t.value):
			if n := len(open); n > 0 {
				open[n-1].empty = false
			}
			c := call{name: -1, empty: true}
			if t.value == "(" && i > 0 && s.isName(i-1) {
				c.name = i - 1
			}
			open = append(open, c)
		case t.kind == lexer.Bracket:
			c := open[len(open)-1]
			open = open[:len(open)-1]
			if !c.empty {
				c.args++
			}
			if c.name >= 0 {
				names[c.name] = plainCall
				if c.args == 2 {
					names[c.name] = pairCall
				}
			}
		case len(open) == 0:
		case t.is(lexer.Operator, ","):
			open[len(open)-1].args++
			open[len(open)-1].empty = true
		default:
			open[len(open)-1].empty = false
		}
	}
	return names
}

// isName reports whether token i is an identifier that is not a member of something.
func (s *source) isName(i int) bool {
	if s.tokens[i].kind != lexer.Identifier {
		return false
	}
	return i == 0 || !isDot(s.tokens[i-1])
}

func isDot(t token) bool {
	return t.kind == lexer.Operator && (t.value == "." || t.value == "?." || t.value == "#")
}

// unframe takes the frame off again.
func unframe(n ast.Node) ast.Node {
	return predicateBody(n.(*ast.BuiltinNode).Arguments[1])
}

// predicateBody gives what stands in a predicate, or the node itself.
func predicateBody(n ast.Node) ast.Node {
	if p, ok := n.(*ast.PredicateNode); ok {
		return p.Node
	}
	return n
}

// token finds the token that a location of the parser's points into; its
// index is len(tokens) behind the last one.
func (s *source) tokenAt(at int) int {
	i, found := slices.BinarySearchFunc(s.starts, at, cmp.Compare[int])
	if found {
		return i
	}
	if last := len(s.tokens) - 1; i > last && at >= s.starts[last]+len([]rune(s.tokens[last].text)) {
		return len(s.tokens)
	}
	return max(i-1, 0)
}

// pos gives the position of a node's token in the analyst's text.
func (s *source) pos(n ast.Node) int {
	i := s.tokenAt(n.Location().From)
	if i == len(s.tokens) {
		return s.tokens[i-1].from
	}
	return s.tokens[i].from
}

// start gives the position where a node's text begins.
func (s *source) start(n ast.Node) int {
	for {
		var first ast.Node
		switch n := n.(type) {
		case *ast.ChainNode:
			first = n.Node
		case *ast.MemberNode:
			first = n.Node
		case *ast.SliceNode:
			first = n.Node
		case *ast.BinaryNode:
			first = n.Left
		case *ast.ConditionalNode:
			first = n.Cond
		case *ast.CallNode:
			if member, ok := n.Callee.(*ast.MemberNode); ok {
				first = member.Node
			}
		case *ast.UnaryNode:
			if inner, ok := n.Node.(*ast.BinaryNode); ok && inner.Location() == n.Location() {
				first = inner.Left // a not in b
			}
		}
		if first == nil {
			return s.pos(n)
		}
		n = first
	}
}

// braced reports whether a predicate is written in braces.
func (s *source) braced(n ast.Node) bool {
	_, ok := n.(*ast.PredicateNode)
	return ok && s.name(n) == "{"
}

// name gives the text of the token that stands at a node's location: the true
// name of a call.
func (s *source) name(n ast.Node) string {
	i := min(s.tokenAt(n.Location().From), len(s.tokens)-1)
	return s.tokens[i].value
}
