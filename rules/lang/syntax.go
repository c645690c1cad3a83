package lang

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
)

// explainLexer says in plain words what expr's lexer stumbled over.
func (s *source) explainLexer(bad *file.Error) *Fault {
	pos := min(max(bad.From, 0), max(len(s.runes)-1, 0))
	switch {
	case strings.HasPrefix(bad.Message, "literal not terminated"):
		return &Fault{s.unlexed(), "the text that begins here has no closing quote"}
	case strings.HasPrefix(bad.Message, "unclosed comment"):
		return &Fault{s.unlexed(), "the comment that begins here is never closed: `*/` is missing"}
	case strings.HasPrefix(bad.Message, "bad number syntax"):
		return s.badNumber()
	case strings.Contains(bad.Message, "escape"), strings.Contains(bad.Message, "octal"):
		return &Fault{pos, "no such escape: write `\\\\` for a backslash, or put the text into backquotes, where backslashes stand for themselves"}
	case strings.HasPrefix(bad.Message, "unrecognized character"):
		return &Fault{pos, unknownCharacter(s.runes[pos])}
	}
	return &Fault{pos, bad.Message}
}

// unlexed is where the text begins that did not become a token.
func (s *source) unlexed() int {
	at := s.end()
	for at < len(s.runes)-1 && strings.ContainsRune(" \t\r\n\v\f\u0085\u00a0", s.runes[at]) {
		at++
	}
	return min(at, max(len(s.runes)-1, 0))
}

// badNumber explains something that begins like a number: often a duration.
func (s *source) badNumber() *Fault {
	at := s.unlexed()
	end := at
	for end < len(s.runes) && !strings.ContainsRune(" \t\r\n,()[]{}<>=!+-*/%", s.runes[end]) {
		end++
	}
	word := string(s.runes[at:end])
	if _, err := ParseDuration(word); err == nil {
		return &Fault{at, fmt.Sprintf("durations are written in quotes: %q", word)}
	}
	return &Fault{at, fmt.Sprintf("bad number `%s`", word)}
}

func unknownCharacter(r rune) string {
	near := ""
	switch r {
	case '“', '”', '„', '‘', '’', '«', '»', '´':
		near = `"`
	case '≥':
		near = ">="
	case '≤':
		near = "<="
	case '≠', '~':
		near = "!="
	case '–', '—', '−':
		near = "-"
	case '×', '·':
		near = "*"
	case '÷':
		near = "/"
	case '…':
		near = "..."
	}
	if near == "" || near == "..." {
		return fmt.Sprintf("the character %q has no meaning here", r)
	}
	return fmt.Sprintf("the character %q has no meaning here, did you mean `%s`?", r, near)
}

// explain says in plain words where and why expr's parser gave up.
func (s *source) explain(err error) Fault {
	var bad *file.Error
	if !errors.As(err, &bad) {
		return Fault{0, "the condition can't be read: " + err.Error()}
	}
	i := s.tokenAt(bad.From)
	switch {
	case strings.Contains(bad.Message, "coalesce"):
		return Fault{s.place(i), "beside `??` other operators need brackets: write `(a ?? b) " + s.word(i) + " …`"}
	case strings.Contains(bad.Message, "literal"):
		return Fault{s.place(i - 1), fmt.Sprintf("the number `%s` is out of range", s.word(i-1))}
	case strings.Contains(bad.Message, "expected name"):
		// the parser has moved on: the token behind the dot is the one before
		if i > 0 && !isDot(s.tokens[i-1]) {
			i--
		}
		return Fault{s.place(i), "the name of a field is expected after `.`"}
	case strings.Contains(bad.Message, "maximum allowed nodes"):
		return Fault{0, "the condition is too large: split it into several rules, or put constants into a list"}
	case strings.Contains(bad.Message, "map key"):
		return Fault{s.place(i), "`{…}` is not allowed here"}
	}
	return s.unexpected(i)
}

// unexpected explains token i, which does not fit behind the one before.
func (s *source) unexpected(i int) Fault {
	switch {
	case i > 0 && s.opens(i-1) && i < len(s.tokens) && s.closes(i):
		return Fault{s.place(i), fmt.Sprintf("something is missing between `%s` and `%s`", s.word(i-1), s.word(i))}
	case i > 0 && !s.ends(i-1):
		if i == len(s.tokens) {
			return Fault{s.place(i - 1), fmt.Sprintf("something is missing after `%s`", s.word(i-1))}
		}
		return Fault{s.place(i), fmt.Sprintf("a value is expected after `%s`, not `%s`", s.word(i-1), s.word(i))}
	case i == len(s.tokens):
		return Fault{s.place(i), "the condition ends too early"}
	case i > 0 && s.begins(i):
		near := didYouMeanWord(s.word(i))
		return Fault{s.place(i), fmt.Sprintf("an operator is missing between `%s` and `%s`%s", s.word(i-1), s.word(i), near)}
	case s.tokens[i].is(lexer.Operator, ",") && s.listInBrackets(i):
		return Fault{s.place(i), "a list of values is written in square brackets: `[a, b]`"}
	case s.tokens[i].is(lexer.Operator, ",") && i > 0 && i+1 < len(s.tokens) && s.tokens[i-1].kind == lexer.Number && s.tokens[i+1].kind == lexer.Number:
		return Fault{s.place(i), "numbers are written without separators and with a point: 1000.50"}
	case s.tokens[i].is(lexer.Operator, ","):
		return Fault{s.place(i), "a `,` has no meaning here: join conditions with `and` or `or`"}
	}
	return Fault{s.place(i), fmt.Sprintf("`%s` is not expected here", s.word(i))}
}

// didYouMeanWord suggests an operator for a misspelt one.
func didYouMeanWord(word string) string {
	if strings.EqualFold(word, "between") {
		return ": write `x >= 5 and x <= 10`"
	}
	near := nearest(word, []string{"and", "or", "in", "not", "contains", "startsWith", "endsWith", "matches"})
	if near == "" {
		return ""
	}
	return ", did you mean `" + near + "`?"
}

// place is where token i begins, or where the condition ends.
func (s *source) place(i int) int {
	if i >= len(s.tokens) {
		return max(s.end()-1, 0)
	}
	return s.tokens[max(i, 0)].from
}

func (s *source) word(i int) string {
	if i < 0 || i >= len(s.tokens) {
		return "…"
	}
	const most = 40
	if runes := []rune(s.tokens[i].text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s.tokens[i].text
}

func (s *source) opens(i int) bool {
	t := s.tokens[i]
	return t.kind == lexer.Bracket && strings.Contains("([{", t.value)
}

func (s *source) closes(i int) bool {
	t := s.tokens[i]
	return t.kind == lexer.Bracket && strings.Contains(")]}", t.value)
}

// begins and ends report whether token i may begin or end a value.
func (s *source) begins(i int) bool {
	switch s.tokens[i].kind {
	case lexer.Identifier, lexer.Number, lexer.String, lexer.Bytes:
		return true
	}
	return s.opens(i)
}

func (s *source) ends(i int) bool {
	switch s.tokens[i].kind {
	case lexer.Identifier, lexer.Number, lexer.String, lexer.Bytes:
		return true
	}
	return s.closes(i) || s.tokens[i].is(lexer.Operator, "#")
}

// listInBrackets reports whether the comma i stands in round brackets behind `in`.
func (s *source) listInBrackets(i int) bool {
	depth := 0
	for ; i > 0; i-- {
		switch {
		case s.closes(i):
			depth++
		case s.opens(i) && depth > 0:
			depth--
		case s.opens(i):
			return s.tokens[i].value == "(" && s.tokens[i-1].is(lexer.Operator, "in")
		}
	}
	return false
}
